// The fetch path of BrokerCluster: sessions, long polls, and what a response holds.
#include <algorithm>

#include "models/broker/broker_cluster.h"

namespace freshet {
namespace {

// Without partitions.
constexpr Bytes kFetchRequestBytes(128);
constexpr Bytes kEmptyResponseBytes(64);
// What a request says of a partition (index, leader epoch, offset, last epoch, log start, most
// bytes, tags) and of a topic (its id, the length of the list, tags); what a response does (index,
// error, high watermark, last stable offset, log start, aborted transactions, preferred replica,
// length of the records, tags). Fetch version 13 and later.
constexpr Bytes kPartitionInRequest(4 + 4 + 8 + 4 + 8 + 4 + 1);
constexpr Bytes kPartitionInResponse(4 + 2 + 8 + 8 + 8 + 1 + 4 + 3 + 1);
constexpr Bytes kTopicInEither(16 + 1 + 1);

bool IsRedirected(const FetchSession& session, uint32_t index) {
  return std::any_of(session.preferred.begin(), session.preferred.end(),
                     [index](const FetchSession::Preferred& each) { return each.index == index; });
}

}  // namespace

void BrokerCluster::OpenSession(FetchSession* session, BrokerId broker) {
  SIM_REQUIRE(!session->open);
  session->open = true;
  session->broker = broker;
  NodeAt(broker).network_threads().Deal(&session->network_thread);
  session->served_by = NodeAt(broker).component_id();
  session->failed = false;
  ++session->generation;
  session->fresh = true;
  session->requests = 1;
  session->named = static_cast<int64_t>(session->positions.size());
  session->named_topics = 0;
  int topic = -1;
  for (uint32_t i = 0; i < session->positions.size(); ++i) {
    FetchSession::Position& position = session->positions[i];
    Partition& partition = partitions_[position.partition];
    session->named_topics += partition.topic != topic;
    topic = partition.topic;
    position.at_follower =
        session->rack && partition.leader != broker && ServesAsFollower(position.partition, broker);
    position.leader_epoch = partition.leader_epoch;
    SubscribersFor(*session, position, partition).push_back({session, i});
    const Offset limit = LimitOf(*session, position, partition);
    position.listed = position.next < limit;
    if (position.listed) {
      session->news.push_back(i);
      session->available += partition.log.BytesBetween(position.next, limit);
    }
    if (!ServesPosition(*session, position, partition)) session->failed = true;
  }
}

std::vector<BrokerCluster::Subscriber>& BrokerCluster::SubscribersFor(
    const FetchSession& session, const FetchSession::Position& position,
    Partition& partition) const {
  if (session.to_log_end) return partition.replica_subscribers;
  return position.at_follower ? partition.follower_subscribers : partition.consumer_subscribers;
}

void BrokerCluster::CloseSession(FetchSession* session, BrokerId broker) {
  static_cast<void>(broker);
  if (!session->open) return;
  session->open = false;
  session->parked = false;
  sim().Cancel(session->park_timer);
  session->park_timer = EventId();
  ++session->generation;
  for (FetchSession::Position& position : session->positions) {
    Partition& partition = partitions_[position.partition];
    auto& subscribers = SubscribersFor(*session, position, partition);
    subscribers.erase(std::remove_if(subscribers.begin(), subscribers.end(),
                                     [session](const Subscriber& subscriber) {
                                       return subscriber.session == session;
                                     }),
                      subscribers.end());
    position.listed = false;
  }
  session->sending = session->socket_full = false;
  session->news.clear();
  session->available = Bytes(0);
  session->response.clear();
  session->out_of_range.clear();
  session->preferred.clear();
}

void BrokerCluster::Seek(FetchSession* session, uint32_t index, Offset offset) {
  SIM_REQUIRE(session->open);
  FetchSession::Position& position = session->positions[index];
  const Partition& partition = partitions_[position.partition];
  position.next = offset;
  const Offset limit = LimitOf(*session, position, partition);
  if (position.listed || offset >= limit) return;
  position.listed = true;
  session->news.push_back(index);
  session->available += partition.log.BytesBetween(offset, limit);
}

void BrokerCluster::Fetch(FetchSession* session, BrokerId broker) {
  SIM_REQUIRE(session->open);
  const Bytes entries =
      kPartitionInRequest * session->named + kTopicInEither * session->named_topics;
  session->request_on->Send(kFetchRequestBytes * session->requests + entries,
                            TrafficCause::kControl,
                            [this, session, broker, generation = session->generation] {
                              if (generation == session->generation) FetchArrived(session, broker);
                            });
}

void BrokerCluster::FetchArrived(FetchSession* session, BrokerId broker) {
  Broker& node = NodeAt(broker);
  if (node.network_threads().IsBusy(session->network_thread)) {
    node.network_threads().Await(session->network_thread,
                                 [this, session, broker, generation = session->generation] {
                                   if (generation == session->generation && NodeAt(broker).up()) {
                                     FetchArrived(session, broker);
                                   }
                                 });
    return;
  }
  node.fetch_requests().Add(session->requests);
  node.TakeHandler([this, session, broker, generation = session->generation] {
    Broker& taken_by = NodeAt(broker);
    taken_by.ShowHandlers();
    if (quotas_ != nullptr) session->handler_since = Now();
    // An incremental fetch names what has changed, and is looked up for all of its session.
    const auto partitions = static_cast<int64_t>(session->positions.size()) * session->requests;
    taken_by.cpu().Serve(
        taken_by.CpuTime(session->requests, Bytes(0), partitions),
        [this, session, broker, generation] { ProcessFetch(session, broker, generation); });
  });
}

void BrokerCluster::ProcessFetch(FetchSession* session, BrokerId broker, uint32_t generation) {
  Broker& node = NodeAt(broker);
  node.ReleaseHandler();
  // Closed or crashed meanwhile: the reader starts anew.
  if (generation != session->generation || !node.up()) return;
  if (quotas_ != nullptr) session->handler_time = Now() - session->handler_since;
  if (session->on_processed) session->on_processed();
  if (generation != session->generation) return;
  if (session->rack) SelectReplicas(session, broker);
  if (session->failed || !session->preferred.empty() ||
      (!session->news.empty() && session->available >= session->min_bytes)) {
    AnswerFetch(session, broker);
  } else {
    Park(session, broker);
  }
}

void BrokerCluster::Park(FetchSession* session, BrokerId broker) {
  session->parked = true;
  session->waits_over = 0;
  session->park_deadline = Now() + session->max_wait;
  // One timer per session: an answered poll leaves it, and it arms itself again when it comes
  // early.
  if (!session->park_timer) {
    session->park_timer = At<"log.fetch_wait_over">(
        session->park_deadline, [this, session, broker] { ParkTimer(session, broker); });
  }
}

void BrokerCluster::ParkTimer(FetchSession* session, BrokerId broker) {
  session->park_timer = EventId();
  if (!session->parked) return;
  if (Now() < session->park_deadline) {
    session->park_timer = At<"log.fetch_wait_over">(
        session->park_deadline, [this, session, broker] { ParkTimer(session, broker); });
    return;
  }
  // An empty answer stands for as many as anything else at this resolution; what gathers in a
  // parcel meanwhile would have come one by one.
  if (++session->waits_over < batches_per_parcel_ && session->news.empty() &&
      !session->on_wait_over) {
    session->park_deadline = Now() + session->max_wait;
    session->park_timer = At<"log.fetch_wait_over">(
        session->park_deadline, [this, session, broker] { ParkTimer(session, broker); });
    return;
  }
  AnswerFetch(session, broker);
}

void BrokerCluster::Announce(PartitionId id, std::vector<Subscriber>& subscribers, Bytes bytes) {
  const Partition& partition = partitions_[id];
  for (const Subscriber& subscriber : subscribers) Tell(subscriber, partition, bytes);
}

void BrokerCluster::AnnounceTransactional(PartitionId id, Offset committed_before,
                                          Offset stable_before) {
  const Partition& partition = partitions_[id];
  const PartitionLog& log = partition.log;
  const Bytes committed = log.BytesBetween(committed_before, log.high_watermark());
  const Bytes stable = log.BytesBetween(stable_before, log.last_stable_offset());
  for (const Subscriber& subscriber : partition.consumer_subscribers) {
    const bool waits_for_end = subscriber.session->isolation == Isolation::kReadCommitted;
    const Bytes bytes = waits_for_end ? stable : committed;
    if (bytes > Bytes(0)) Tell(subscriber, partition, bytes);
  }
}

void BrokerCluster::AnnounceAtFollower(PartitionId id, BrokerId follower, Bytes bytes) {
  const Partition& partition = partitions_[id];
  for (const Subscriber& subscriber : partition.follower_subscribers) {
    if (subscriber.session->broker == follower) Tell(subscriber, partition, bytes);
  }
}

inline void BrokerCluster::Tell(const Subscriber& subscriber, const Partition& partition,
                                Bytes bytes) {
  FetchSession& session = *subscriber.session;
  FetchSession::Position& position = session.positions[subscriber.position];
  if (position.next >= LimitOf(session, position, partition)) return;
  if (!position.listed) {
    position.listed = true;
    session.news.push_back(subscriber.position);
  }
  session.available += bytes;
  if (session.parked && session.available >= session.min_bytes) {
    AnswerFetch(&session, session.broker);
  }
}

void BrokerCluster::SelectReplicas(FetchSession* session, BrokerId broker) {
  session->preferred.clear();
  if (!SelectsReplicas()) return;
  for (uint32_t i = 0; i < session->positions.size(); ++i) {
    const FetchSession::Position& position = session->positions[i];
    if (position.at_follower || partitions_[position.partition].leader != broker) continue;
    const BrokerId replica = PreferredReplica(position.partition, *session->rack, position.next);
    if (replica != kNoBroker) session->preferred.push_back({i, replica});
  }
}

void BrokerCluster::AnswerFetch(FetchSession* session, BrokerId broker) {
  session->waited = session->parked;
  if (session->parked) {
    // It reads anew: more has happened than what it waited for.
    session->parked = false;
    if (session->on_wait_over) session->on_wait_over();
    if (session->rack) SelectReplicas(session, broker);
  }
  session->answered_at = Now();
  Collect(session);
  if (quotas_ != nullptr && ThrottleFetch(session, broker)) {
    ServeResponse(session, broker, session->generation);
    return;
  }
  Bytes missed;
  for (const FetchedRange& range : session->response) missed += Missing(range, broker);
  Broker& node = NodeAt(broker);
  node.bytes_out().Add(session->response_bytes.count());
  if (session->remote != FetchSession::kNoRemote) {
    session->missed = missed;
    ReadRemote(session, broker, [this, session, broker, generation = session->generation] {
      RemoteOver(session, broker, generation);
    });
    return;
  }
  const auto serve = [this, session, broker, generation = session->generation] {
    ServeResponse(session, broker, generation);
  };
  if (Prepare(session, broker, missed, serve)) serve();
}

void BrokerCluster::RemoteOver(FetchSession* session, BrokerId broker, uint32_t generation) {
  if (generation != session->generation) return;
  const auto serve = [this, session, broker, generation] {
    ServeResponse(session, broker, generation);
  };
  if (Prepare(session, broker, session->missed, serve)) serve();
}

void BrokerCluster::AddToResponse(FetchSession* session, BrokerId broker, uint32_t index,
                                  const FetchedRange& range) {
  if (quotas_ != nullptr && session->client != kNoClient) {
    quotas_->CountFetched(session->client, broker, range.bytes);
  }
  NodeAt(broker).bytes_out().Add(range.bytes.count());
  session->response.push_back(range);
  session->response_bytes += range.bytes;
  session->positions[index].next = range.to;
}

void BrokerCluster::ServeResponse(FetchSession* session, BrokerId broker, uint32_t generation) {
  if (generation != session->generation) return;
  NetworkThreads& threads = NodeAt(broker).network_threads();
  if (threads.IsBusy(session->network_thread)) {
    threads.Await(session->network_thread, [this, session, broker, generation] {
      ServeResponse(session, broker, generation);
    });
    return;
  }
  SendResponse(session, broker, generation);
}

void BrokerCluster::SendResponse(FetchSession* session, BrokerId broker, uint32_t generation) {
  BeginSending(session);
  SendUpTo(session, broker, generation, session->response_bytes);
}

void BrokerCluster::BeginSending(FetchSession* session) const {
  session->ready_bytes = session->sent_bytes = session->arrived_bytes = Bytes(0);
  NameChanged(session);
}

void BrokerCluster::SendUpTo(FetchSession* session, BrokerId broker, uint32_t generation,
                             Bytes ready) {
  session->ready_bytes = ready;
  if (session->sending) return;
  session->sending = true;
  ServePiece(session, broker, generation);
}

void BrokerCluster::NameChanged(FetchSession* session) const {
  int64_t topics = 0;
  int topic = -1;
  for (const FetchedRange& range : session->response) {
    topics += partitions_[range.partition].topic != topic;
    topic = partitions_[range.partition].topic;
  }
  auto changed = static_cast<int64_t>(session->response.size() + session->out_of_range.size());
  int64_t named = session->named;
  int64_t named_topics = session->named_topics;
  if (batches_per_parcel_ > 1) {
    // Each of them names a partition, and so did each of the requests.
    if (session->answers > 1 && !session->response.empty()) topics = changed = session->answers;
    named = (named + session->requests - 1) / session->requests;
    named_topics = (named_topics + session->requests - 1) / session->requests;
  }
  session->requests = session->answers;
  int64_t told = changed;
  int64_t told_topics = topics;
  // A follower is told, too, of the high watermarks that have moved: those of partitions in which
  // it has just said that it has come further.
  if (session->fresh || session->to_log_end) {
    const int64_t answers = session->answers;
    const auto an_answer = [answers](int64_t all) {
      return answers == 1 ? all : (all + answers - 1) / answers;
    };
    told += std::max<int64_t>(0, named - an_answer(changed));
    told_topics += std::max<int64_t>(0, named_topics - an_answer(topics));
  }
  session->entry_bytes = kPartitionInResponse * told + kTopicInEither * told_topics;
  session->fresh = false;
  session->named = changed;
  session->named_topics = topics;
}

int64_t BrokerCluster::AnswersIn(const FetchSession& session) const {
  if (session.response.empty()) {
    return session.waited && session.out_of_range.empty() ? std::max(1, session.waits_over) : 1;
  }
  // A reader that is behind gets full answers, whatever they hold. One that is at the end gets each
  // batch when it is committed.
  if (!commits_each_batch_ || !session.news.empty()) return 1;
  int64_t batches = 0;
  for (const FetchedRange& range : session.response) {
    const PartitionLog& log = partitions_[range.partition].log;
    log.Read(range.from, range.to, Bytes(INT64_MAX / 4), [&](const LogRange& each, int64_t, Bytes) {
      batches += each.coalesced ? 1 : each.batch.batch_count;
    });
  }
  return batches;
}

// A long response is worked on and sent piece by piece: its beginning is on the wire before the
// cores have seen its end.
void BrokerCluster::ServePiece(FetchSession* session, BrokerId broker, uint32_t generation) {
  Broker& node = NodeAt(broker);
  const Bytes piece = std::min(Network::kPiece, session->ready_bytes - session->sent_bytes);
  node.cpu().Serve(node.CpuTime(0, piece),
                   [this, session, broker, generation] { SendPiece(session, broker, generation); });
}

void BrokerCluster::ReadInto(PartitionId id, Offset from, Offset limit, Bytes most,
                             FetchedRange* range) const {
  range->partition = id;
  range->from = from;
  range->bytes = Bytes(0);
  range->to =
      partitions_[id].log.Read(from, limit, most, [&](const LogRange& each, int64_t, Bytes size) {
        if (each.base_offset <= from) {
          range->position = each.PositionOf(from);
        }
        range->bytes += size;
      });
}

void BrokerCluster::Collect(FetchSession* session) {
  session->response.clear();
  session->out_of_range.clear();
  session->response_bytes = Bytes(0);
  session->remote = FetchSession::kNoRemote;
  Bytes most = std::min(session->max_bytes, fetch_max_bytes_);
  if (quotas_ != nullptr && session->client != kNoClient) {
    most = std::min(most, quotas_->MostInFetch(session->client));
  }
  served_in_part_.clear();
  size_t unfit = 0;
  for (size_t left = session->news.size(); left > 0; --left) {
    if (session->response_bytes >= most) break;
    const uint32_t index = session->news.pop_front();
    FetchSession::Position& position = session->positions[index];
    Partition& partition = partitions_[position.partition];
    position.listed = false;
    if (!ServesPosition(*session, position, partition)) {
      session->failed = true;
      continue;
    }
    if (!session->preferred.empty() && IsRedirected(*session, index)) continue;
    const Offset limit = LimitOf(*session, position, partition);
    if (position.next >= limit) continue;
    if (position.next < partition.log.log_start_offset()) {
      session->out_of_range.push_back(index);
      continue;
    }
    if (position.next < partition.local_log_start) {
      if (session->to_log_end) {
        session->out_of_range.push_back(index);
        continue;
      }
      // One partition of a fetch is read from remote storage; the others keep their places.
      position.listed = true;
      if (session->remote == FetchSession::kNoRemote) {
        session->remote = index;
      } else {
        session->news.push_back(index);
        ++unfit;
      }
      continue;
    }
    const Bytes room = most - session->response_bytes;
    // Only the first partition of a response may exceed the limits (so that it always proceeds).
    const Offset from = position.next;
    if (session->response.empty() ||
        partition.log.FirstBytes(from) <= std::min(room, session->max_partition_bytes)) {
      FetchedRange& range = session->response.emplace_back();
      ReadInto(position.partition, from, limit, std::min(room, session->max_partition_bytes),
               &range);
      position.next = range.to;
      session->response_bytes += range.bytes;
    }
    if (position.next == limit) continue;
    position.listed = true;
    if (position.next == from) {
      session->news.push_back(index);  // Did not fit: keeps its turn.
      ++unfit;
    } else {
      served_in_part_.push_back(index);
    }
  }
  // As Kafka orders a session: first those that had no turn, those that were served at the end.
  for (size_t waiting = unfit > 0 ? session->news.size() - unfit : 0; waiting > 0; --waiting) {
    session->news.push_back(session->news.pop_front());
  }
  for (const uint32_t index : served_in_part_) session->news.push_back(index);
  if (session->remote != FetchSession::kNoRemote) session->news.push_back(session->remote);
  session->available = session->available > session->response_bytes
                           ? session->available - session->response_bytes
                           : Bytes(0);
  // What is left counts as available at once: it was not new, so nothing will announce it.
  if (!session->news.empty()) session->available = std::max(session->available, session->min_bytes);
  // What retention has deleted was announced once, too.
  if (session->news.empty() && !session->out_of_range.empty()) session->available = Bytes(0);
  session->answers = batches_per_parcel_ > 1 ? AnswersIn(*session) : 1;
}

void BrokerCluster::SendPiece(FetchSession* session, BrokerId broker, uint32_t generation) {
  if (generation != session->generation || !NodeAt(broker).up()) return;
  const Bytes left = session->ready_bytes - session->sent_bytes;
  if (left > Network::kPiece) {
    session->sent_bytes += Network::kPiece;
    session->reply_on->Send(Network::kPiece, session->cause, Callback());
    ServePiece(session, broker, generation);
    return;
  }
  session->sending = false;
  if (session->ready_bytes < session->response_bytes) {
    session->sent_bytes = session->ready_bytes;
    session->reply_on->Send(
        left, session->cause,
        [this, session, generation, sent = static_cast<uint32_t>(session->sent_bytes.count())] {
          if (generation != session->generation) return;
          session->arrived_bytes = Bytes(sent);
          PartArrived(session);
        });
    return;
  }
  session->served_at = Now();
  if (quotas_ != nullptr && session->client != kNoClient) {
    quotas_->CountThreadTime(session->client, broker,
                             NodeAt(broker).CpuTime(0, session->response_bytes));
  }
  sim().recorder().Span(RecordLevel::kRequests, NodeAt(broker).lane(), "fetch",
                        session->answered_at, Now(), session->response_bytes.count());
  session->reply_on->Send(left + session->entry_bytes + kEmptyResponseBytes * session->answers,
                          session->cause, [session, generation] {
                            if (generation == session->generation) session->on_response();
                          });
}

}  // namespace freshet
