// The produce path of KafkaCluster: from the wire into the leader's log, and the answer.
#include <algorithm>

#include "models/broker/kafka_cluster.h"

namespace freshet {
namespace {

constexpr Bytes kResponseBytes(64);

}  // namespace

RequestIndex KafkaCluster::NewRequest() {
  const RequestIndex index = requests_.AddUsed();
  ProduceRequest& request = requests_[index];
  request.batches.clear();
  request.errors.clear();
  request.end_offsets.clear();
  request.bytes = Bytes(0);
  request.request_count = 1;
  request.on_response = {};
  request.at_broker = false;
  request.waiting_for_acks = 0;
  return index;
}

void KafkaCluster::SendProduce(RequestIndex index, BrokerId broker, ProduceChannel* channel) {
  ProduceRequest& request = requests_[index];
  request.sent_at = Now();
  request.channel = channel;
  if (request.acks == Acks::kNone) channel->unanswered_on_wire.push_back(index);
  channel->request_on->Send(request.bytes, TrafficCause::kProduce, [this, index, broker, channel] {
    ProduceArrived(index, broker, channel);
  });
}

void KafkaCluster::ForgetRequest(RequestIndex index) {
  ProduceRequest& request = requests_[index];
  request.on_response = {};
  // Still with its sender: the stream that carried it is gone.
  if (!request.at_broker) requests_.Free(index);
}

void KafkaCluster::ResetChannel(ProduceChannel* channel) {
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
  channel->muted = false;
  ++channel->generation;
}

void KafkaCluster::FreeRequest(RequestIndex index) { requests_.Free(index); }

void KafkaCluster::CountUnanswered(const ProduceRequest& request, size_t first_batch) {
  // With acks=0 the producer holds them for sent, and nobody will send them again.
  if (request.acks != Acks::kNone) return;
  for (size_t i = first_batch; i < request.batches.size(); ++i) {
    lost_acked_.Add(request.batches[i].record_count);
  }
}

void KafkaCluster::ProduceArrived(RequestIndex index, BrokerId broker, ProduceChannel* channel) {
  ProduceRequest& request = requests_[index];
  if (request.acks == Acks::kNone) channel->unanswered_on_wire.pop_front();
  request.at_broker = true;
  request.broker_generation = brokers_[broker]->generation();
  request.channel_generation = channel->generation;
  for (Batch& batch : request.batches) batch.received_at = Now();
  if (channel->muted) {
    channel->waiting.push_back(index);
    return;
  }
  channel->muted = true;
  TakeRequest(index, broker);
}

void KafkaCluster::TakeRequest(RequestIndex index, BrokerId broker) {
  KafkaBroker& node = *brokers_[broker];
  node.produce_requests().Add(requests_[index].request_count);
  node.io_threads().Acquire([this, index, broker] {
    KafkaBroker& taken_by = *brokers_[broker];
    const ProduceRequest& request = requests_[index];
    taken_by.cpu().Serve(taken_by.CpuTime(request.request_count, request.bytes),
                         [this, index, broker] { AppendFrom(index, broker, 0); });
  });
}

void KafkaCluster::AppendFrom(RequestIndex index, BrokerId broker, size_t first_batch) {
  KafkaBroker& node = *brokers_[broker];
  ProduceRequest& request = requests_[index];
  if (request.broker_generation != node.generation()) {  // The broker died meanwhile.
    node.io_threads().Release();
    CountUnanswered(request, first_batch);
    FreeRequest(index);
    return;
  }
  if (first_batch == 0) {
    request.errors.assign(request.batches.size(), ProduceError::kNone);
    request.end_offsets.assign(request.batches.size(), 0);
    const Time taken = Now() - node.CpuTime(request.request_count, request.bytes);
    for (Batch& batch : request.batches) batch.taken_at = std::max(batch.received_at, taken);
  }
  for (size_t i = first_batch; i < request.batches.size(); ++i) {
    Batch& batch = request.batches[i];
    Partition& partition = partitions_[batch.partition];
    const Offset end_before = partition.log.log_end_offset();
    request.errors[i] = AppendBatch(partition, request, batch, node);
    request.end_offsets[i] = partition.log.log_end_offset();
    if (partition.log.log_end_offset() == end_before) continue;  // Refused or a repetition.
    // The handler thread stays with the request until the batch is where it must be.
    const auto go_on = [this, index, broker, next = static_cast<uint32_t>(i + 1)] {
      AppendFrom(index, broker, next);
    };
    if (FlushDue(partition, partition.replicas[partition.leader], batch.record_count)) {
      node.PageCacheOf(batch.partition).AppendDurably(batch.bytes, go_on);
      return;
    }
    if (!node.PageCacheOf(batch.partition).Append(batch.bytes, go_on)) return;
  }
  FinishAppend(index, broker);
}

ProduceError KafkaCluster::AppendBatch(Partition& partition, const ProduceRequest& request,
                                       Batch& batch, KafkaBroker& node) {
  if (partition.leader < 0 || brokers_[partition.leader_broker()].get() != &node) {
    return ProduceError::kNotLeader;
  }
  if (request.acks == Acks::kAll &&
      InSyncCount(batch.partition) < config_.topics[partition.topic].min_in_sync_replicas) {
    return ProduceError::kNotEnoughReplicas;
  }
  bool duplicate = false;
  const ProduceError error = CheckSequence(partition, batch, request.idempotent, &duplicate);
  if (error != ProduceError::kNone || (duplicate && request.idempotent)) return error;
  if (duplicate) duplicates_.Add(batch.record_count);

  batch.appended_at = Now();
  batch.leader_component = node.component_id();
  batch.acked_before_replication = request.acks == Acks::kNone;  // acks=1: when it is told.
  const Offset end_before = partition.log.log_end_offset();
  for (Replica& follower : partition.replicas) {
    // A follower that had everything has been caught up until now: its idle fetches, which cost no
    // event here, would have said so.
    if (follower.acknowledged == end_before && brokers_[follower.broker]->up()) {
      follower.caught_up_at = Now();
    }
  }
  partition.log.Append(batch, node.appended_bytes());
  partition.replicas[partition.leader].log_end = partition.log.log_end_offset();
  partition.replicas[partition.leader].acknowledged = partition.log.log_end_offset();
  node.NoteAppended(batch.bytes);
  node.bytes_in().Add(batch.bytes.count());
  appended_.Add(batch.record_count);
  sim().DigestField(static_cast<uint64_t>(partition.log.log_end_offset()));
  return ProduceError::kNone;
}

ProduceError KafkaCluster::CheckSequence(Partition& partition, const Batch& batch, bool idempotent,
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

bool KafkaCluster::FlushDue(Partition& partition, Replica& replica, int64_t records) {
  const int64_t every = config_.topics[partition.topic].flush_messages;
  if (every == 0) return false;
  replica.unflushed += records;
  if (replica.unflushed < every) return false;
  replica.unflushed = 0;
  return true;
}

void KafkaCluster::FinishAppend(RequestIndex index, BrokerId broker) {
  brokers_[broker]->io_threads().Release();
  ProduceRequest& request = requests_[index];
  request.waiting_for_acks = 1;  // Held by this function, so that an early ack does not answer.
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (request.errors[i] != ProduceError::kNone) {
      if (request.acks == Acks::kNone) lost_acked_.Add(request.batches[i].record_count);
      continue;
    }
    Partition& partition = partitions_[request.batches[i].partition];
    const Offset required = request.end_offsets[i];
    if (request.acks == Acks::kAll && partition.log.high_watermark() < required) {
      AwaitAck(partition, required, index);
    }
    Announce(request.batches[i].partition, partition.replica_subscribers, request.batches[i].bytes);
    AdvanceHighWatermark(request.batches[i].partition,
                         broker);  // Alone in sync: nobody else moves it.
  }
  if (--request.waiting_for_acks == 0) Respond(index, broker);
}

void KafkaCluster::AwaitAck(Partition& partition, Offset required, RequestIndex index) {
  ++requests_[index].waiting_for_acks;
  // Nearly always the last: flushes of one partition may finish out of order.
  partition.pending_acks.push_back({required, index});
  for (size_t i = partition.pending_acks.size() - 1;
       i > 0 && partition.pending_acks[i - 1].required > required; --i) {
    std::swap(partition.pending_acks[i - 1], partition.pending_acks[i]);
  }
}

void KafkaCluster::Refuse(RequestIndex index, PartitionId partition, ProduceError error) {
  ProduceRequest& request = requests_[index];
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (request.batches[i].partition == partition) request.errors[i] = error;
  }
}

void KafkaCluster::Respond(RequestIndex index, BrokerId broker) {
  ProduceRequest& request = requests_[index];
  ProduceChannel* channel = request.channel;
  if (request.broker_generation != brokers_[broker]->generation()) {
    FreeRequest(index);
    return;
  }
  sim().recorder().Span(RecordLevel::kRequests, brokers_[broker]->lane(), "produce",
                        request.sent_at, Now(), request.bytes.count());
  const bool same_channel = request.channel_generation == channel->generation;
  const bool told = request.acks != Acks::kNone && request.on_response;
  if (told) {
    request.at_broker = false;
    channel->reply_on->Send(kResponseBytes, TrafficCause::kProduce, [this, index] {
      ProduceRequest& answered = requests_[index];
      if (answered.acks == Acks::kLeader) NoteTold(answered);
      if (answered.on_response) answered.on_response(answered);
      FreeRequest(index);
    });
  } else {
    FreeRequest(index);
  }
  if (same_channel) Unmute(channel, broker);
}

void KafkaCluster::NoteTold(const ProduceRequest& request) {
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (request.errors[i] != ProduceError::kNone) continue;
    const Batch& batch = request.batches[i];
    if (!partitions_[batch.partition].log.NoteAcknowledged(batch, request.end_offsets[i])) {
      lost_acked_.Add(batch.record_count);  // Cut off while the answer was on its way.
    }
  }
}

void KafkaCluster::Unmute(ProduceChannel* channel, BrokerId broker) {
  channel->muted = false;
  if (channel->waiting.empty()) return;
  channel->muted = true;
  TakeRequest(channel->waiting.pop_front(), broker);
}

void KafkaCluster::SendControl(BrokerId broker, Connection* request_on, Connection* reply_on,
                               Callback on_response) {
  const uint32_t index = control_requests_.Add({broker, reply_on, on_response});
  request_on->Send(kResponseBytes, TrafficCause::kControl, [this, index] {
    KafkaBroker& node = *brokers_[control_requests_[index].broker];
    node.cpu().Serve(node.CpuTime(1, Bytes(0)), [this, index] {
      ControlRequest done = control_requests_.Take(index);
      done.reply_on->Send(kResponseBytes, TrafficCause::kControl, done.on_response);
    });
  });
}

}  // namespace freshet
