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

}  // namespace

void BrokerCluster::OpenSession(FetchSession* session, BrokerId broker) {
  SIM_REQUIRE(!session->open);
  session->open = true;
  session->broker = broker;
  session->failed = false;
  ++session->generation;
  session->fresh = true;
  session->named = static_cast<int64_t>(session->positions.size());
  session->named_topics = 0;
  int topic = -1;
  for (uint32_t i = 0; i < session->positions.size(); ++i) {
    FetchSession::Position& position = session->positions[i];
    Partition& partition = partitions_[position.partition];
    session->named_topics += partition.topic != topic;
    topic = partition.topic;
    auto& subscribers =
        session->to_log_end ? partition.replica_subscribers : partition.consumer_subscribers;
    subscribers.push_back({session, i});
    const Offset limit = LimitOf(*session, partition);
    position.listed = position.next < limit;
    if (position.listed) {
      session->news.push_back(i);
      session->available += partition.log.BytesBetween(position.next, limit);
    }
    if (!Serves(broker, partition) && !ServesSnapshots(position.partition, broker)) {
      session->failed = true;
    }
  }
}

void BrokerCluster::CloseSession(FetchSession* session, BrokerId broker) {
  static_cast<void>(broker);
  if (!session->open) return;
  session->open = false;
  session->parked = false;
  sim().Cancel(session->park_timer);
  ++session->generation;
  for (FetchSession::Position& position : session->positions) {
    Partition& partition = partitions_[position.partition];
    auto& subscribers =
        session->to_log_end ? partition.replica_subscribers : partition.consumer_subscribers;
    subscribers.erase(std::remove_if(subscribers.begin(), subscribers.end(),
                                     [session](const Subscriber& subscriber) {
                                       return subscriber.session == session;
                                     }),
                      subscribers.end());
    position.listed = false;
  }
  session->news.clear();
  session->available = Bytes(0);
  session->response.clear();
  session->out_of_range.clear();
}

void BrokerCluster::Seek(FetchSession* session, uint32_t index, Offset offset) {
  SIM_REQUIRE(session->open);
  FetchSession::Position& position = session->positions[index];
  const Partition& partition = partitions_[position.partition];
  position.next = offset;
  if (position.listed || offset >= LimitOf(*session, partition)) return;
  position.listed = true;
  session->news.push_back(index);
  session->available += partition.log.BytesBetween(offset, LimitOf(*session, partition));
}

void BrokerCluster::Fetch(FetchSession* session, BrokerId broker) {
  SIM_REQUIRE(session->open);
  const Bytes entries =
      kPartitionInRequest * session->named + kTopicInEither * session->named_topics;
  session->request_on->Send(kFetchRequestBytes + entries, TrafficCause::kControl,
                            [this, session, broker, generation = session->generation] {
                              if (generation == session->generation) FetchArrived(session, broker);
                            });
}

void BrokerCluster::FetchArrived(FetchSession* session, BrokerId broker) {
  Broker& node = NodeAt(broker);
  node.fetch_requests().Add(1);
  node.TakeHandler([this, session, broker, generation = session->generation] {
    Broker& taken_by = NodeAt(broker);
    taken_by.ShowHandlers();
    if (quotas_ != nullptr) session->handler_since = Now();
    // An incremental fetch names what has changed, and is looked up for all of its session.
    const auto partitions = static_cast<int64_t>(session->positions.size());
    taken_by.cpu().Serve(
        taken_by.CpuTime(1, Bytes(0), partitions),
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
  if (session->failed || (!session->news.empty() && session->available >= session->min_bytes)) {
    AnswerFetch(session, broker);
  } else {
    Park(session, broker);
  }
}

void BrokerCluster::Park(FetchSession* session, BrokerId broker) {
  session->parked = true;
  session->park_deadline = Now() + session->max_wait;
  // One timer per session: an answered poll leaves it, and it arms itself again when it comes
  // early.
  if (!sim().IsPending(session->park_timer)) {
    session->park_timer = At<"log.fetch_wait_over">(
        session->park_deadline, [this, session, broker] { ParkTimer(session, broker); });
  }
}

void BrokerCluster::ParkTimer(FetchSession* session, BrokerId broker) {
  if (!session->parked) return;
  if (Now() < session->park_deadline) {
    session->park_timer = At<"log.fetch_wait_over">(
        session->park_deadline, [this, session, broker] { ParkTimer(session, broker); });
    return;
  }
  AnswerFetch(session, broker);
}

void BrokerCluster::Announce(PartitionId id, std::vector<Subscriber>& subscribers, Bytes bytes) {
  const Partition& partition = partitions_[id];
  for (Subscriber& subscriber : subscribers) {
    FetchSession& session = *subscriber.session;
    FetchSession::Position& position = session.positions[subscriber.position];
    if (position.next >= LimitOf(session, partition)) continue;
    if (!position.listed) {
      position.listed = true;
      session.news.push_back(subscriber.position);
    }
    session.available += bytes;
    if (session.parked && session.available >= session.min_bytes) {
      AnswerFetch(&session, session.broker);
    }
  }
}

void BrokerCluster::AnswerFetch(FetchSession* session, BrokerId broker) {
  session->parked = false;
  session->answered_at = Now();
  Collect(session, broker);
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
  session->sent_bytes = Bytes(0);
  NameChanged(session);
  ServePiece(session, broker, generation);
}

void BrokerCluster::NameChanged(FetchSession* session) const {
  int64_t topics = 0;
  int topic = -1;
  for (const FetchedRange& range : session->response) {
    topics += partitions_[range.partition].topic != topic;
    topic = partitions_[range.partition].topic;
  }
  const auto changed =
      static_cast<int64_t>(session->response.size() + session->out_of_range.size());
  int64_t told = changed;
  int64_t told_topics = topics;
  // A follower is told, too, of the high watermarks that have moved: those of partitions in which
  // it has just said that it has come further.
  if (session->fresh || session->to_log_end) {
    told = std::max(told, session->named);
    told_topics = std::max(told_topics, session->named_topics);
  }
  session->entry_bytes = kPartitionInResponse * told + kTopicInEither * told_topics;
  session->fresh = false;
  session->named = changed;
  session->named_topics = topics;
}

// A long response is worked on and sent piece by piece: its beginning is on the wire before the
// cores have seen its end.
void BrokerCluster::ServePiece(FetchSession* session, BrokerId broker, uint32_t generation) {
  Broker& node = NodeAt(broker);
  const Bytes piece = std::min(Network::kPiece, session->response_bytes - session->sent_bytes);
  node.cpu().Serve(node.CpuTime(0, piece),
                   [this, session, broker, generation] { SendPiece(session, broker, generation); });
}

void BrokerCluster::Collect(FetchSession* session, BrokerId broker) {
  session->response.clear();
  session->out_of_range.clear();
  session->response_bytes = Bytes(0);
  session->remote = FetchSession::kNoRemote;
  Bytes most = std::min(session->max_bytes, fetch_max_bytes_);
  if (quotas_ != nullptr && session->client != kNoClient) {
    most = std::min(most, quotas_->MostInFetch(session->client));
  }
  for (size_t left = session->news.size(); left > 0; --left) {
    if (session->response_bytes >= most) break;
    const uint32_t index = session->news.pop_front();
    FetchSession::Position& position = session->positions[index];
    Partition& partition = partitions_[position.partition];
    position.listed = false;
    if (!Serves(broker, partition) && !ServesSnapshots(position.partition, broker)) {
      session->failed = true;
      continue;
    }
    const Offset limit = LimitOf(*session, partition);
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
      }
      continue;
    }
    const Bytes room = most - session->response_bytes;
    // Only the first partition of a response may exceed the limits (so that it always proceeds).
    FetchedRange range = {position.partition, position.next, position.next, Bytes(0)};
    if (session->response.empty() ||
        partition.log.FirstBytes(position.next) <= std::min(room, session->max_partition_bytes)) {
      range.to =
          partition.log.Read(position.next, limit, std::min(room, session->max_partition_bytes),
                             [&](const LogRange&, int64_t, Bytes size) { range.bytes += size; });
      session->response_bytes += range.bytes;
      session->response.push_back(range);
      position.next = range.to;
    }
    if (position.next < limit) {  // More is there: at the end of the queue, as Kafka rotates.
      position.listed = true;
      session->news.push_back(index);
    }
  }
  if (session->remote != FetchSession::kNoRemote) session->news.push_back(session->remote);
  session->available = session->available > session->response_bytes
                           ? session->available - session->response_bytes
                           : Bytes(0);
  // What is left counts as available at once: it was not new, so nothing will announce it.
  if (!session->news.empty()) session->available = std::max(session->available, session->min_bytes);
  // What retention has deleted was announced once, too.
  if (session->news.empty() && !session->out_of_range.empty()) session->available = Bytes(0);
}

void BrokerCluster::SendPiece(FetchSession* session, BrokerId broker, uint32_t generation) {
  if (generation != session->generation || !NodeAt(broker).up()) return;
  const Bytes left = session->response_bytes - session->sent_bytes;
  if (left > Network::kPiece) {
    session->sent_bytes += Network::kPiece;
    session->reply_on->Send(Network::kPiece, session->cause, Callback());
    ServePiece(session, broker, generation);
    return;
  }
  session->served_at = Now();
  if (quotas_ != nullptr && session->client != kNoClient) {
    quotas_->CountThreadTime(session->client, broker,
                             NodeAt(broker).CpuTime(0, session->response_bytes));
  }
  sim().recorder().Span(RecordLevel::kRequests, NodeAt(broker).lane(), "fetch",
                        session->answered_at, Now(), session->response_bytes.count());
  session->reply_on->Send(left + session->entry_bytes + kEmptyResponseBytes, session->cause,
                          [session, generation] {
                            if (generation == session->generation) session->on_response();
                          });
}

}  // namespace freshet
