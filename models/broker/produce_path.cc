// The produce path of BrokerCluster: from the wire into the leader's log, and the answer.
#include <algorithm>

#include "models/broker/broker_cluster.h"

namespace freshet {
namespace {

constexpr Bytes kResponseBytes(64);
constexpr Offset kRouted = -1;  // Where a batch ends that is on its way to its leader.

Duration WorkOf(const ProduceRequest& request, const Broker& broker) {
  return broker.CpuTime(request.request_count, request.bytes, request.partition_count);
}

}  // namespace

RequestIndex BrokerCluster::NewRequest() {
  const RequestIndex index = requests_.AddUsed();
  ProduceRequest& request = requests_[index];
  request.batches.clear();
  request.errors.clear();
  request.end_offsets.clear();
  request.bytes = Bytes(0);
  request.request_count = 1;
  request.partition_count = 0;
  request.throttle = Duration::Zero();
  request.on_response = {};
  request.on_append = {};
  request.at_broker = false;
  request.answered = false;
  request.waiting_for_acks = 0;
  return index;
}

void BrokerCluster::SendProduce(RequestIndex index, BrokerId broker, ProduceChannel* channel) {
  ProduceRequest& request = requests_[index];
  request.sent_at = Now();
  request.channel = channel;
  if (request.acks == Acks::kNone) channel->unanswered_on_wire.push_back(index);
  channel->request_on->Send(request.bytes, TrafficCause::kProduce, [this, index, broker, channel] {
    ProduceArrived(index, broker, channel);
  });
}

void BrokerCluster::ForgetRequest(RequestIndex index) {
  ProduceRequest& request = requests_[index];
  request.on_response = {};
  // Still with its sender: the stream that carried it is gone.
  if (!request.at_broker) requests_.Free(index);
}

void BrokerCluster::ResetChannel(ProduceChannel* channel) {
  channel->request_on->Reset();
  channel->reply_on->Reset();
  // Requests on the way and in the socket's buffer go with it.
  for (Ring<RequestIndex>* lost : {&channel->unanswered_on_wire, &channel->waiting}) {
    while (!lost->empty()) {
      const RequestIndex index = lost->pop_front();
      CountUnanswered(requests_[index], 0);
      FreeRequest(index);
    }
  }
  // So do answers that wait for earlier ones; the others are still being worked on.
  while (!channel->taken.empty()) {
    const RequestIndex index = channel->taken.pop_front();
    if (requests_[index].answered) FreeRequest(index);
  }
  channel->appending = false;
  channel->muted = false;
  channel->muted_until = Time();
  ++channel->generation;
}

void BrokerCluster::FreeRequest(RequestIndex index) { requests_.Free(index); }

void BrokerCluster::CountUnanswered(const ProduceRequest& request, size_t first_batch) {
  // With acks=0 the producer holds them for sent, and nobody will send them again.
  if (request.acks != Acks::kNone) return;
  for (size_t i = first_batch; i < request.batches.size(); ++i) {
    lost_acked_.Add(request.batches[i].record_count);
  }
}

void BrokerCluster::ProduceArrived(RequestIndex index, BrokerId broker, ProduceChannel* channel) {
  ProduceRequest& request = requests_[index];
  if (request.acks == Acks::kNone) channel->unanswered_on_wire.pop_front();
  request.at_broker = true;
  request.broker = broker;
  request.broker_generation = NodeAt(broker).generation();
  request.channel_generation = channel->generation;
  NodeAt(broker).network_threads().Deal(&channel->network_thread);
  for (Batch& batch : request.batches) batch.received_at = Now();
  channel->waiting.push_back(index);
  TakeNext(channel, broker);
}

void BrokerCluster::TakeRequest(RequestIndex index, BrokerId broker) {
  Broker& node = NodeAt(broker);
  node.produce_requests().Add(requests_[index].request_count);
  node.TakeHandler([this, index, broker] {
    Broker& taken_by = NodeAt(broker);
    taken_by.ShowHandlers();
    ProduceRequest& request = requests_[index];
    if (quotas_ != nullptr) request.handler_since = Now();
    taken_by.cpu().Serve(WorkOf(request, taken_by),
                         [this, index, broker] { AppendFrom(index, broker, 0); });
  });
}

void BrokerCluster::AppendFrom(RequestIndex index, BrokerId broker, size_t first_batch) {
  Broker& node = NodeAt(broker);
  ProduceRequest& request = requests_[index];
  if (request.broker_generation != node.generation()) {  // The broker died meanwhile.
    node.ReleaseHandler();
    CountUnanswered(request, first_batch);
    FreeRequest(index);
    return;
  }
  if (first_batch == 0) {
    request.errors.assign(request.batches.size(), ProduceError::kNone);
    request.end_offsets.assign(request.batches.size(), 0);
    const Time taken = Now() - WorkOf(request, node);
    for (Batch& batch : request.batches) batch.taken_at = std::max(batch.received_at, taken);
    if (quotas_ != nullptr) NoteThrottle(request);
    if (offsets_ == Offsets::kAtCommit) {
      BeginHolding(index, broker);
      return;
    }
  }
  for (size_t i = first_batch; i < request.batches.size(); ++i) {
    Batch& batch = request.batches[i];
    Partition& partition = partitions_[batch.partition];
    if (partition.leader != broker && Route(index, static_cast<uint32_t>(i), broker)) {
      ++request.waiting_for_acks;
      request.end_offsets[i] = kRouted;
      continue;
    }
    const Offset end_before = partition.log.log_end_offset();
    request.errors[i] = AppendBatch(request, batch, broker);
    request.end_offsets[i] = partition.log.log_end_offset();
    if (partition.log.log_end_offset() == end_before) continue;  // Refused or a repetition.
    // The handler thread stays with the request until the batch is where it must be.
    if (!Store(batch.partition, batch, broker,
               [this, index, broker, next = static_cast<uint32_t>(i + 1)] {
                 AppendFrom(index, broker, next);
               })) {
      return;
    }
  }
  FinishAppend(index, broker);
}

void BrokerCluster::BeginHolding(RequestIndex index, BrokerId broker) {
  NodeAt(broker).ReleaseHandler();
  ProduceRequest& request = requests_[index];
  if (quotas_ != nullptr) request.handler_time = Now() - request.handler_since;
  for (Batch& batch : request.batches) batch.appended_at = Now();
  ProduceChannel* channel = request.channel;
  const bool same_channel = request.channel_generation == channel->generation;
  if (same_channel) channel->appending = false;
  Hold(index, broker);
  if (same_channel) TakeNext(channel, broker);
}

void BrokerCluster::RefuseHeld(RequestIndex index, ProduceError error) {
  ProduceRequest& request = requests_[index];
  request.errors.assign(request.batches.size(), error);
  for (Batch& batch : request.batches) batch.appended_at = Time();
  CountUnanswered(request, 0);
  Respond(index);
}

void BrokerCluster::DropHeld(RequestIndex index) {
  CountUnanswered(requests_[index], 0);
  FreeRequest(index);
}

ProduceError BrokerCluster::AppendBatch(const ProduceRequest& request, Batch& batch,
                                        BrokerId broker) {
  Partition& partition = partitions_[batch.partition];
  if (!Serves(broker, partition)) return ProduceError::kNotLeader;
  const ProduceError refused = Admit(batch.partition, request);
  if (refused != ProduceError::kNone) return refused;
  bool duplicate = false;
  const ProduceError error = batch.kind == BatchKind::kPlain
                                 ? CheckSequence(partition, batch, request.idempotent, &duplicate)
                                 : CheckTransactional(partition, batch, &duplicate);
  if (error != ProduceError::kNone || (duplicate && request.idempotent)) return error;
  if (duplicate) duplicates_.Add(batch.record_count);
  if (request.on_append) {
    AppendJudgement judgement = {batch};
    Completion<AppendJudgement&> judge = request.on_append;
    judge(judgement);
    if (judgement.error != ProduceError::kNone) return judgement.error;
  }

  Broker& node = NodeAt(broker);
  // What was held was in the broker's memory before it had offsets.
  if (offsets_ == Offsets::kByLeader) batch.appended_at = Now();
  batch.leader_component = node.component_id();
  batch.acked_before_replication = request.acks == Acks::kNone;  // acks=1: when it is told.
  BeforeAppend(batch.partition);
  partition.log.Append(batch);
  AfterAppend(batch.partition);
  node.bytes_in().Add(batch.bytes.count());
  if (!IsMarker(batch.kind)) appended_.Add(batch.record_count);
  sim().DigestField(static_cast<uint64_t>(partition.log.log_end_offset()));
  return ProduceError::kNone;
}

ProduceError BrokerCluster::CheckSequence(Partition& partition, const Batch& batch, bool idempotent,
                                          bool* duplicate) {
  if (partition.producers.size() <= batch.producer) partition.producers.resize(batch.producer + 1);
  ProducerState& state = partition.producers[batch.producer];
  if (batch.producer_epoch > state.epoch) state = {batch.producer_epoch, 0};
  // INVALID_PRODUCER_EPOCH: numbered before its producer gave up an earlier batch.
  if (batch.producer_epoch < state.epoch) return ProduceError::kOutOfOrderSequence;
  *duplicate = batch.sequence < state.next_sequence;
  if (*duplicate) return ProduceError::kNone;
  if (idempotent && batch.sequence > state.next_sequence) return ProduceError::kOutOfOrderSequence;
  state.next_sequence = batch.sequence + 1;
  return ProduceError::kNone;
}

void BrokerCluster::FinishAppend(RequestIndex index, BrokerId broker) {
  NodeAt(broker).ReleaseHandler();
  ProduceRequest& request = requests_[index];
  if (quotas_ != nullptr) request.handler_time = Now() - request.handler_since;
  ++request.waiting_for_acks;  // Held by this function, so that an early ack does not answer.
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (request.errors[i] != ProduceError::kNone) {
      if (request.acks == Acks::kNone) lost_acked_.Add(request.batches[i].record_count);
      continue;
    }
    Partition& partition = partitions_[request.batches[i].partition];
    const Offset required = request.end_offsets[i];
    if (required == kRouted) continue;
    if (AwaitsCommit(request.acks) && partition.log.high_watermark() < required) {
      AwaitAck(partition, required, index);
    }
    AfterRequest(request.batches[i].partition, request.batches[i].bytes);
  }
  ProduceChannel* channel = request.channel;
  const bool same_channel = request.channel_generation == channel->generation;
  if (same_channel) channel->appending = false;
  if (--request.waiting_for_acks == 0) {
    Respond(index);
  } else if (same_channel) {
    TakeNext(channel, broker);
  }
}

void BrokerCluster::AwaitAck(Partition& partition, Offset required, RequestIndex index) {
  ++requests_[index].waiting_for_acks;
  // Nearly always the last: flushes of one partition may finish out of order.
  partition.pending_acks.push_back({required, index});
  for (size_t i = partition.pending_acks.size() - 1;
       i > 0 && partition.pending_acks[i - 1].required > required; --i) {
    std::swap(partition.pending_acks[i - 1], partition.pending_acks[i]);
  }
}

void BrokerCluster::Commit(PartitionId id, Offset offset, ComponentId blocker) {
  Partition& partition = partitions_[id];
  const Offset before = partition.log.high_watermark();
  if (offset <= before) return;
  const Offset stable_before = partition.log.last_stable_offset();
  partition.log.AdvanceHighWatermark(offset, Now(), blocker);
  const ProduceError error = ErrorOfCommitted(id);
  while (!partition.pending_acks.empty() && partition.pending_acks.front().required <= offset) {
    const RequestIndex index = partition.pending_acks.pop_front().request;
    if (error != ProduceError::kNone) Refuse(index, id, error);
    if (--requests_[index].waiting_for_acks == 0) Complete(index, partition.leader);
  }
  if (partition.readers.empty()) partition.log.AllowCoalescingBelow(offset);
  if (partition.log.transactions() != nullptr) {
    AnnounceTransactional(id, before, stable_before);
  } else if (!partition.consumer_subscribers.empty()) {
    Announce(id, partition.consumer_subscribers, partition.log.BytesBetween(before, offset));
  }
}

void BrokerCluster::RefuseWaiting(PartitionId id, ProduceError error) {
  Partition& partition = partitions_[id];
  while (!partition.pending_acks.empty()) {
    const RequestIndex index = partition.pending_acks.pop_front().request;
    Refuse(index, id, error);
    if (--requests_[index].waiting_for_acks == 0) Complete(index, partition.leader);
  }
}

void BrokerCluster::Refuse(RequestIndex index, PartitionId partition, ProduceError error) {
  ProduceRequest& request = requests_[index];
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (request.batches[i].partition == partition) request.errors[i] = error;
  }
}

void BrokerCluster::Respond(RequestIndex index) {
  ProduceRequest& request = requests_[index];
  const BrokerId broker = request.broker;
  ProduceChannel* channel = request.channel;
  if (request.broker_generation != NodeAt(broker).generation()) {
    FreeRequest(index);
    return;
  }
  sim().recorder().Span(RecordLevel::kRequests, NodeAt(broker).lane(), "produce", request.sent_at,
                        Now(), request.bytes.count());
  if (request.channel_generation != channel->generation) {
    FreeRequest(index);
    return;
  }
  NetworkThreads& threads = NodeAt(broker).network_threads();
  if (threads.IsBusy(channel->network_thread)) {
    threads.Await(channel->network_thread, [this, index] { Respond(index); });
    return;
  }
  request.answered = true;
  while (!channel->taken.empty() && requests_[channel->taken.front()].answered) {
    SendAnswer(channel->taken.pop_front());
  }
  TakeNext(channel, broker);
}

void BrokerCluster::SendAnswer(RequestIndex index) {
  if (quotas_ != nullptr) ThrottleProduce(index);
  ProduceRequest& request = requests_[index];
  const bool told = request.acks != Acks::kNone && request.on_response;
  if (told) {
    request.at_broker = false;
    const Bytes response = kResponseBytes * request.request_count;
    request.channel->reply_on->Send(response, TrafficCause::kProduce, [this, index] {
      ProduceRequest& answered = requests_[index];
      if (answered.acks == Acks::kLeader) NoteTold(answered);
      if (answered.on_response) answered.on_response(answered);
      FreeRequest(index);
    });
  } else {
    FreeRequest(index);
  }
}

void BrokerCluster::NoteTold(const ProduceRequest& request) {
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (request.errors[i] != ProduceError::kNone) continue;
    const Batch& batch = request.batches[i];
    if (!partitions_[batch.partition].log.NoteAcknowledged(batch, request.end_offsets[i])) {
      lost_acked_.Add(batch.record_count);  // Cut off while the answer was on its way.
    }
  }
}

void BrokerCluster::TakeNext(ProduceChannel* channel, BrokerId broker) {
  // One at a time: they are appended in the order in which they were sent.
  if (channel->waiting.empty() || channel->appending || channel->muted) return;
  if (channel->taken.size() == most_unanswered_) return;
  NetworkThreads& threads = NodeAt(broker).network_threads();
  if (threads.IsBusy(channel->network_thread)) {
    if (channel->thread_awaited) return;
    channel->thread_awaited = true;
    threads.Await(channel->network_thread, [this, channel, broker] {
      channel->thread_awaited = false;
      TakeNext(channel, broker);
    });
    return;
  }
  channel->appending = true;
  const RequestIndex index = channel->waiting.pop_front();
  channel->taken.push_back(index);
  TakeRequest(index, broker);
}

void BrokerCluster::SendControl(BrokerId broker, const ControlSender* sender) {
  sender->request_on->Send(kResponseBytes, TrafficCause::kControl,
                           [this, sender, broker, generation = sender->generation] {
                             ControlArrived(sender, broker, generation);
                           });
}

void BrokerCluster::ControlArrived(const ControlSender* sender, BrokerId broker,
                                   uint32_t generation) {
  Broker& node = NodeAt(broker);
  if (quotas_ != nullptr && sender->client != kNoClient) {
    quotas_->CountThreadTime(sender->client, broker, node.CpuTime(1, Bytes(0)));
  }
  node.cpu().Serve(node.CpuTime(1, Bytes(0)), [this, sender, generation] {
    if (generation != sender->generation) return;
    if (!sender->on_request) {
      AnswerControl(sender);
      return;
    }
    Callback handle = sender->on_request;
    handle();
  });
}

void BrokerCluster::AnswerControl(const ControlSender* sender) {
  sender->reply_on->Send(kResponseBytes, TrafficCause::kControl,
                         [sender, generation = sender->generation] {
                           if (generation != sender->generation) return;
                           Callback answered = sender->on_response;
                           answered();
                         });
}

}  // namespace freshet
