#include "models/client/producer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/client/parcels.h"
#include "models/workload/constant_arrivals.h"
#include "models/workload/poisson_arrivals.h"

namespace freshet {
namespace {

// Kafka's clients spread a back-off by a fifth to either side (CommonClientConfigs).
constexpr Ratio kBackoffSpread = Ratio::Percent(20);
// How soon a producer that gets no answers looks again whether its broker reads.
constexpr Duration kSocketLook = Milliseconds(1);

}  // namespace

Producer::Producer(Producers* fleet, int index, HostId host)
    : fleet_(fleet),
      partition_stream_(fleet->NewStream(absl::StrCat("client-", index, "/partition"))),
      size_stream_(fleet->NewStream(absl::StrCat("client-", index, "/size"))),
      next_sequence_(fleet->partitions_.count, 0),
      epoch_(fleet->partitions_.count, 0),
      queued_(fleet->partitions_.count, 0),
      host_(host),
      id_(fleet->log_->NewProducerId()),
      backoff_({fleet->config_.retry_backoff, Ratio::Whole(2), fleet->config_.retry_backoff_max,
                INT64_MAX, Backoff::Jitter::kSpread, kBackoffSpread}),
      backoff_stream_(fleet->NewStream(absl::StrCat("client-", index, "/backoff"))),
      idempotent_(fleet->config_.idempotent && fleet->config_.acks == Acks::kAll) {
  const Producers::Config& config = fleet->config_;
  LogService& log = *fleet->log_;
  TakeMetadata();
  channels_.resize(log.broker_count());
  for (BrokerId broker = 0; broker < log.broker_count(); ++broker) {
    channels_[broker].wire.request_on = fleet->network_->Connect(host, log.HostOf(broker));
    channels_[broker].wire.reply_on = fleet->network_->Connect(log.HostOf(broker), host);
    channels_[broker].wire.client = fleet->client_id_;
  }

  if (config.cpu_per_record + config.cpu_per_batch + config.cpu_per_raw_mib > Duration::Zero()) {
    thread_ = std::make_unique<Station>(
        fleet->sim(), absl::StrCat(fleet->name(), "/client-", index + 1, "/thread"),
        Station::Config());
  }

  Accumulator::Config batches;
  batches.linger = config.linger;
  batches.records_per_batch = fleet->records_per_batch_;
  const int clients = static_cast<int>(config.client_zones.size());
  const bool keyed = config.keys.kind != KeyDistribution::Kind::kNone;
  std::vector<double> shares = {1.0};
  if (keyed) shares = PartitionShares(config.keys, fleet->partitions_.count);
  for (size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] <= 0) continue;
    std::unique_ptr<ArrivalProcess> arrivals;
    if (config.arrivals == ArrivalLaw::kConstant && !keyed) {
      arrivals = std::make_unique<ConstantArrivals>(
          ConstantArrivals::Staggered(config.rate, index, clients));
    } else {
      arrivals = std::make_unique<PoissonArrivals>(
          config.rate, shares[i] / clients,
          fleet->NewStream(absl::StrCat("client-", index, "/arrivals-", i)));
    }
    lanes_.emplace_back();
    Lane& lane = lanes_.back();
    lane.accumulator = std::make_unique<Accumulator>(std::move(arrivals), batches);
    lane.partition = fleet->partitions_.first + static_cast<PartitionId>(i);
  }
  const Bytes if_all_open = config.batch_size * static_cast<int64_t>(lanes_.size());
  DescribeRecords(index);
  opens_late_ = keyed && if_all_open * 8 > config.buffer_memory;
  if (!keyed) lanes_[0].bytes_in_partition = config.batch_size;  // Choose one first of all.
  if (config.batches_per_parcel > 1) {
    // Keys: what a broker gets in one request stays together; else all that a partition gets.
    const size_t kinds = keyed ? channels_.size() + 1 : next_sequence_.size();
    parcels_ = std::make_unique<Parcels>(kinds);
  }
  if (config.transactions) {
    transactions_ = std::make_unique<ProducerTransactions>(this, fleet, index, host);
  }
}

void Producer::DescribeRecords(int index) {
  const Producers::Config& config = fleet_->config_;
  RecordProfiles::Client client = {config.event_times, Duration::Zero(), 0,
                                   fleet_->NewStream(absl::StrCat("client-", index, "/lateness"))};
  client.weight =
      config.rate->MeanRate().ToPerSecond() / static_cast<double>(config.client_zones.size());
  if (config.clock_skew) {
    RandomStream skew = fleet_->NewStream(absl::StrCat("client-", index, "/clock"));
    client.clock_skew = config.clock_skew->DrawDuration(skew);
    if (!DrawBernoulli(skew, static_cast<uint64_t>(config.clocks_ahead.billionths()),
                       static_cast<uint64_t>(Ratio::One().billionths()))) {
      client.clock_skew = -client.clock_skew;
    }
  }
  fleet_->log_->profiles().AddClient(fleet_->partitions_.first, fleet_->partitions_.count, id_,
                                     std::move(client));
  const bool has_offline = index == 0 && !config.offline.empty();
  if (config.poison_share == Ratio() && !has_offline && !config.schema) return;
  marker_ = std::make_unique<RecordMarker>(
      config.poison_share, has_offline ? config.offline : std::vector<OfflineRecords>(),
      fleet_->NewStream(absl::StrCat("client-", index, "/poison")));
}

Producer::~Producer() = default;

Time Producer::Now() const { return fleet_->Now(); }

void Producer::Start() {
  if (transactions_ != nullptr) transactions_->Start();
  if (fleet_->config_.schema) UseVersion(fleet_->config_.schema->version);
  if (parcels_ != nullptr) {
    FormParcels();
    return;
  }
  for (size_t lane = 0; lane < lanes_.size(); ++lane) OpenNext(lane);
}

// --- The accumulators ---

void Producer::OpenNext(size_t index) {
  if (stopped_) return;
  if (transactions_ != nullptr && !transactions_->MayOpen(index)) return;
  if (parcels_ != nullptr) {
    if (blocked_lanes_.empty()) FormParcels();
    return;
  }
  Lane& lane = lanes_[index];
  const Producers::Config& config = fleet_->config_;
  const Bytes needed = config.batch_size;
  const Time first = lane.accumulator->arrivals().PeekNth(1);
  if (opens_late_ && first > Now() && first != Time::Max()) {
    lane.timer = fleet_->At<"producer.batch_opens">(first, [this, index] { OpenNext(index); });
    return;
  }
  if (buffer_used_ + needed > config.buffer_memory || serializer_ != Serializer::kReady) {
    if (blocked_lanes_.empty()) fleet_->blocked_.Add(1);
    blocked_lanes_.push_back(index);
    GiveUpBlocked(index);
    return;
  }
  if (!lane.accumulator->Plan(Now(), &lane.open)) return;
  lane.has_open = true;
  buffer_used_ += needed;
  fleet_->buffered_.Add(needed.count());
  ChoosePartition(lane);
  lane.timer = fleet_->At<"producer.batch_due">(lane.open.closes_at, [this, index] { Due(index); });
}

void Producer::GiveUpBlocked(size_t index) {
  // What has waited longer than max.block.ms fails in send(); counted once a second at the most.
  Lane& lane = lanes_[index];
  const bool throws = serializer_ == Serializer::kThrows;
  const Duration max_block = throws ? Duration::Zero() : fleet_->config_.max_block;
  if (Now().SinceStart() > max_block) {
    Counter& failed = throws ? *fleet_->unserialized_ : fleet_->refused_;
    failed.Add(lane.accumulator->Refuse(Now() - max_block));
  }
  const Time first = lane.accumulator->arrivals().PeekNth(1);
  if (first.SinceStart() > Duration::Max() - max_block) return;  // None will ever come.
  lane.timer = fleet_->At<"producer.max_block">(std::max(first + max_block, Now() + Seconds(1)),
                                                [this, index] { GiveUpBlocked(index); });
}

void Producer::ChoosePartition(Lane& lane) {
  const Producers::Config& config = fleet_->config_;
  if (config.keys.kind != KeyDistribution::Kind::kNone) return;
  if (config.sticky == StickyRule::kPerBatchSizeBytes &&
      lane.bytes_in_partition < config.batch_size) {
    return;
  }
  lane.bytes_in_partition = Bytes(0);
  lane.partition = available_[partition_stream_.NextBelow(available_.size())];
}

void Producer::Due(size_t index) {
  Lane& lane = lanes_[index];
  lane.timer = EventId();
  TakeRecords(lane);  // If it was due before and could not be sent, it is full by now.
  lane.due = true;
  lane.open.closes_at = std::min(lane.open.closes_at, Now());
  const BrokerId leader = LeaderOf(lane.partition);
  if (leader != kNoBroker) {
    TrySend(leader);
  } else {
    RefreshMetadata();
  }
  if (!lane.due) return;  // Sent.
  if (lane.open.full) {
    CloseOpen(lane);
    OpenNext(index);
  } else {
    lane.timer = fleet_->At<"producer.batch_full">(
        std::max(Now(), lane.accumulator->FullAt(lane.open)), [this, index] { Due(index); });
  }
}

void Producer::CountTaken(int64_t records) {
  fleet_->taken_.Add(records);
  fleet_->held_records_ += records;
}

void Producer::TakeRecords(Lane& lane) {
  const int64_t before = lane.open.record_count;
  lane.accumulator->Take(Now(), &lane.open);
  CountTaken(lane.open.record_count - before);
}

void Producer::CloseOpen(Lane& lane) {
  Bytes raw;
  Batch batch = TakeOpen(lane, &raw);
  if (marker_ != nullptr) MarkRecords(&batch);
  Prepare(batch, raw);
}

Batch Producer::TakeOpen(Lane& lane, Bytes* raw) {
  const Producers::Config& config = fleet_->config_;
  Batch batch;
  batch.partition = lane.partition;
  batch.producer = id_;
  batch.producer_component = fleet_->component_id();
  batch.sequence = -1;
  batch.number = batches_closed_++;
  batch.record_count = lane.open.record_count;
  *raw = config.event_size.DrawTotal(batch.record_count, size_stream_) +
         Producers::kRecordOverhead * batch.record_count;
  batch.bytes = config.compression_ratio * *raw + Producers::kBatchOverhead;
  batch.created = lane.open.created;
  batch.closed_at = lane.open.closes_at;
  if (transactions_ != nullptr) {
    transactions_->Stamp(&batch);
    transactions_->Closed();
  }
  lane.bytes_in_partition += batch.bytes;
  lane.has_open = false;
  lane.due = false;
  batch.created.RecordUntil(std::max(batch.closed_at, batch.created.high), batch.record_count,
                            fleet_->batch_wait_);
  fleet_->batch_records_.Record(batch.record_count);
  fleet_->sim().DigestField(static_cast<uint64_t>(batch.bytes.count()));
  return batch;
}

void Producer::MarkRecords(Batch* batch) {
  const int64_t poison = marker_->poison_records();
  const int64_t offline = marker_->offline_records();
  batch->marks = marker_->Mark(batch->record_count, batch->created);
  if (fleet_->poison_ != nullptr) fleet_->poison_->Add(marker_->poison_records() - poison);
  if (fleet_->offline_ != nullptr) fleet_->offline_->Add(marker_->offline_records() - offline);
}

void Producer::Prepare(const Batch& batch, Bytes raw) {
  if (thread_ == nullptr) {
    Enqueue(batch);
    return;
  }
  const Producers::Config& config = fleet_->config_;
  const Duration work =
      config.cpu_per_record * batch.record_count + config.cpu_per_batch * batch.batch_count +
      Nanoseconds(MulDivCeil(config.cpu_per_raw_mib.nanos(), raw.count(), MiB(1).count()));
  thread_->Serve(work, [this, index = in_preparation_.Add(batch)] {
    const Batch ready = in_preparation_.Take(index);
    Enqueue(ready);
    if (LeaderOf(ready.partition) != kNoBroker) TrySend(LeaderOf(ready.partition));
  });
}

void Producer::Release(int32_t batch_count) {
  const Bytes freed = fleet_->config_.batch_size * batch_count;
  buffer_used_ -= freed;
  fleet_->buffered_.Add(-freed.count());
  Resume();
}

void Producer::Resume() {
  const Producers::Config& config = fleet_->config_;
  // All that it has is enough for a parcel, whatever that stands for.
  const auto has_room = [&] {
    return buffer_used_ + config.batch_size * config.batches_per_parcel <= config.buffer_memory ||
           (parcels_ != nullptr && buffer_used_ == Bytes(0));
  };
  while (!blocked_lanes_.empty() && serializer_ == Serializer::kReady && has_room() && !stopped_) {
    const size_t lane = blocked_lanes_.front();
    blocked_lanes_.erase(blocked_lanes_.begin());
    if (blocked_lanes_.empty()) fleet_->blocked_.Add(-1);
    fleet_->sim().Cancel(lanes_[lane].timer);
    if (Now().SinceStart() > config.max_block) {
      fleet_->refused_.Add(lanes_[lane].accumulator->Refuse(Now() - config.max_block));
    }
    OpenNext(lane);
  }
}

// --- Sending ---

void Producer::TakeMetadata() {
  metadata_ = fleet_->log_->CurrentMetadata(host_);
  const PartitionId first = fleet_->partitions_.first;
  const PartitionId end = first + static_cast<PartitionId>(fleet_->partitions_.count);
  available_.clear();
  for (PartitionId partition = first; partition < end; ++partition) {
    if (LeaderOf(partition) != kNoBroker) available_.push_back(partition);
  }
  if (!available_.empty()) return;
  for (PartitionId partition = first; partition < end; ++partition) available_.push_back(partition);
}

BrokerId Producer::LeaderOf(PartitionId partition) const { return metadata_->leader[partition]; }

size_t Producer::SlotOf(PartitionId partition) const {
  return partition - fleet_->partitions_.first;
}

void Producer::Enqueue(const Batch& batch) {
  if (transactions_ != nullptr && transactions_->failed()) {
    Fail(batch);
    return;
  }
  const BrokerId leader = LeaderOf(batch.partition);
  if (leader == kNoBroker) {
    without_leader_.push_back(batch);
    RefreshMetadata();
    return;
  }
  ++queued_[SlotOf(batch.partition)];
  if (batch.attempts > 0) {
    EnqueueInOrder(channels_[leader], batch);
  } else {
    channels_[leader].queue.push_back(batch);
  }
}

void Producer::EnqueueInOrder(Channel& channel, const Batch& batch) {
  // Repeated batches go before those that were never sent, in the order of their sequence.
  std::vector<Batch> later;
  while (!channel.queue.empty()) {
    const Batch& last = channel.queue.back();
    const bool goes_before =
        last.partition == batch.partition && last.sequence >= 0 && last.sequence < batch.sequence;
    if (goes_before) break;
    later.push_back(last);
    channel.queue.pop_back();
  }
  channel.queue.push_back(batch);
  while (!later.empty()) {
    channel.queue.push_back(later.back());
    later.pop_back();
  }
}

void Producer::TrySend(BrokerId broker) {
  Channel& channel = channels_[broker];
  if (!fleet_->log_->IsUp(broker)) {
    if (HasWorkFor(broker)) RefreshMetadata();  // Until somebody else leads.
    return;
  }
  if (Now() < channel.not_before) {
    ArmRetry(broker, channel.not_before);
    return;
  }
  while (static_cast<int>(channel.in_flight.size()) < fleet_->config_.max_in_flight) {
    TakeDueBatches(broker);
    if (channel.queue.empty()) return;
    if (transactions_ != nullptr && !transactions_->MaySendAny(channel.queue)) return;
    if (IsSocketFull(channel)) {
      channel.throttled_until = std::max(channel.throttled_until, channel.wire.muted_until);
      ArmRetry(broker, std::max(channel.wire.muted_until, Now() + kSocketLook));
      return;
    }
    SendRequest(broker);
  }
}

bool Producer::IsSocketFull(const Channel& channel) const {
  // With acks=0 nobody tells it of a throttle, but the broker reads nothing from the socket.
  if (channel.wire.client == kNoClient || fleet_->config_.acks != Acks::kNone) return false;
  const size_t unread = channel.wire.unanswered_on_wire.size() + channel.wire.waiting.size();
  return static_cast<int>(unread) >= fleet_->config_.max_in_flight;
}

bool Producer::HasWorkFor(BrokerId broker) const {
  return !channels_[broker].queue.empty() ||
         std::any_of(lanes_.begin(), lanes_.end(), [&](const Lane& lane) {
           return lane.due && LeaderOf(lane.partition) == broker;
         });
}

void Producer::TakeDueBatches(BrokerId broker) {
  // A broker to which anything must go gets all that there is for it: Kafka's accumulator drains
  // every partition of a ready node, also those whose linger is not over (RecordAccumulator.drain).
  // Parcels were formed like that (producer_parcels.cc).
  if (parcels_ != nullptr || !HasWorkFor(broker)) return;
  for (size_t index = 0; index < lanes_.size(); ++index) {
    Lane& lane = lanes_[index];
    const bool goes = lane.due || (lane.has_open && lane.open.opened_at <= Now());
    if (!goes || LeaderOf(lane.partition) != broker) continue;
    // A request takes the first batch of a partition; behind another one it goes on filling.
    if (queued_[SlotOf(lane.partition)] > 0) continue;
    TakeRecords(lane);
    lane.open.closes_at = std::min(lane.open.closes_at, Now());
    if (lane.timer) {
      fleet_->sim().Cancel(lane.timer);
      lane.timer = EventId();
    }
    CloseOpen(lane);
    OpenNext(index);
  }
}

void Producer::SendRequest(BrokerId broker) {
  Channel& channel = channels_[broker];
  const Producers::Config& config = fleet_->config_;
  LogService& log = *fleet_->log_;
  const RequestIndex index = log.NewRequest();
  ProduceRequest& request = log.RequestAt(index);
  request.acks = config.acks;
  request.idempotent = idempotent_;
  // One batch of each partition, in the order of the queue, up to max.request.size.
  int32_t requests = 0;
  for (size_t left = channel.queue.size(); left > 0; --left) {
    Batch batch = channel.queue.pop_front();
    if (Expired(batch)) {
      --queued_[SlotOf(batch.partition)];
      Fail(batch);
      continue;
    }
    const bool same_partition =
        std::any_of(request.batches.begin(), request.batches.end(),
                    [&](const Batch& other) { return other.partition == batch.partition; });
    const bool fits =
        request.batches.empty() ||
        request.bytes + batch.bytes <= config.max_request_size * config.batches_per_parcel;
    const bool may = transactions_ == nullptr || transactions_->MaySend(batch.partition);
    if (same_partition || !fits || !may) {
      channel.queue.push_back(batch);
      continue;
    }
    const size_t slot = SlotOf(batch.partition);
    --queued_[slot];
    if (batch.sequence < 0) {
      batch.sequence = next_sequence_[slot]++;
      batch.producer_epoch = epoch_[slot];
    }
    if (batch.attempts == 0) {
      batch.sent_at = Now();
      batch.throttled_at_producer = channel.throttled_until > batch.closed_at;
    }
    batch.resent_at = Now();
    batch.appended_at = Time();
    ++batch.attempts;
    requests = std::max(requests, batch.request_count);
    request.bytes += batch.bytes;
    request.partition_count += batch.batch_count;
    request.batches.push_back(batch);
  }
  if (request.batches.empty()) {  // All expired.
    log.ForgetRequest(index);
    return;
  }
  request.request_count = requests;
  fleet_->requests_.Add(request.request_count);
  if (config.acks == Acks::kNone) {
    log.SendProduce(index, broker, &channel.wire);
    // Nobody will answer: it is done when it is sent. The request is the service's from here on.
    const std::vector<Batch> sent = request.batches;
    for (const Batch& batch : sent) Succeed(batch);
    return;
  }
  request.on_response = [this, broker](ProduceRequest& answered) { Respond(broker, answered); };
  channel.in_flight.push_back(index);
  log.SendProduce(index, broker, &channel.wire);
  ArmTimeout(broker);
}

void Producer::Respond(BrokerId broker, ProduceRequest& request) {
  Channel& channel = channels_[broker];
  channel.in_flight.pop_front();  // A channel's answers come in order.
  if (request.throttle > Duration::Zero()) {
    channel.throttled_until = std::max(channel.throttled_until, Now() + request.throttle);
    channel.not_before = std::max(channel.not_before, channel.throttled_until);
  }
  bool refused = false;
  for (size_t i = 0; i < request.batches.size(); ++i) {
    if (request.errors[i] == ProduceError::kNone) {
      Succeed(request.batches[i]);
    } else {
      refused = true;
      Batch& batch = request.batches[i];
      // Surely not appended: without idempotence it is a new one, which others may overtake.
      if (!idempotent_ && batch.appended_at == Time()) batch.sequence = -1;
      if (request.errors[i] == ProduceError::kFenced) {
        Fail(batch);
      } else {
        Retry(batch);
      }
    }
  }
  if (refused) {
    channel.not_before = std::max(channel.throttled_until,
                                  Now() + backoff_.Draw(channel.failures++, backoff_stream_));
    RefreshMetadata();
  } else {
    channel.failures = 0;
  }
  TrySend(broker);
}

void Producer::Succeed(const Batch& batch) {
  fleet_->held_records_ -= batch.record_count;
  fleet_->acked_.Add(batch.record_count);
  fleet_->bytes_acked_.Add(batch.bytes.count());
  batch.created.RecordUntil(Now(), batch.record_count, fleet_->latency_);
  Release(batch.batch_count);
  if (transactions_ != nullptr) transactions_->Succeeded(batch);
}

// --- Trouble ---

bool Producer::Expired(const Batch& batch) const {
  return Now() - batch.closed_at > fleet_->config_.delivery_timeout;
}

void Producer::Retry(Batch batch) {
  const bool dropped = transactions_ != nullptr && transactions_->failed();
  if (dropped || Expired(batch) || batch.attempts > fleet_->config_.retries) {
    Fail(batch);
    return;
  }
  fleet_->retries_.Add(batch.batch_count);
  // Numbered before an earlier batch of the partition was given up: it needs a new number.
  if (batch.producer_epoch < epoch_[SlotOf(batch.partition)]) {
    batch.sequence = -1;
  }
  Enqueue(batch);
}

void Producer::Fail(const Batch& batch) {
  fleet_->held_records_ -= batch.record_count;
  fleet_->failed_.Add(batch.record_count);
  if (batch.sequence >= 0 && idempotent_ && transactions_ == nullptr) {
    // The broker waits for this sequence in vain: numbering starts anew under a higher epoch.
    const size_t slot = SlotOf(batch.partition);
    ++epoch_[slot];
    next_sequence_[slot] = 0;
    for (Channel& channel : channels_) {
      for (size_t i = 0; i < channel.queue.size(); ++i) {
        if (channel.queue[i].partition == batch.partition) channel.queue[i].sequence = -1;
      }
    }
    for (Batch& waiting : without_leader_) {
      if (waiting.partition == batch.partition) waiting.sequence = -1;
    }
  }
  Release(batch.batch_count);
  if (transactions_ != nullptr) transactions_->Failed();
}

void Producer::ArmRetry(BrokerId broker, Time at) {
  Channel& channel = channels_[broker];
  if (fleet_->sim().IsPending(channel.retry_timer)) return;
  channel.retry_timer = fleet_->At<"producer.retry">(at, [this, broker] { TrySend(broker); });
}

void Producer::ArmTimeout(BrokerId broker) {
  Channel& channel = channels_[broker];
  if (channel.in_flight.empty() || channel.timeout_timer) return;
  const Time sent = fleet_->log_->RequestAt(channel.in_flight.front()).sent_at;
  channel.timeout_timer = fleet_->At<"producer.request_timeout">(
      sent + fleet_->config_.request_timeout, [this, broker] { CheckTimeout(broker); });
}

void Producer::CheckTimeout(BrokerId broker) {
  // One timer a channel: it looks at the oldest request when it comes, and arms itself again.
  Channel& channel = channels_[broker];
  channel.timeout_timer = EventId();
  if (channel.in_flight.empty()) return;
  const Time sent = fleet_->log_->RequestAt(channel.in_flight.front()).sent_at;
  if (Now() >= sent + fleet_->config_.request_timeout) {
    BreakConnection(broker);
    RefreshMetadata();
  }
  ArmTimeout(broker);
}

void Producer::BreakConnection(BrokerId broker) {
  Channel& channel = channels_[broker];
  LogService& log = *fleet_->log_;
  std::vector<Batch> unanswered;
  while (!channel.in_flight.empty()) {
    const RequestIndex index = channel.in_flight.pop_front();
    for (const Batch& batch : log.RequestAt(index).batches) unanswered.push_back(batch);
    log.ForgetRequest(index);
  }
  log.ResetChannel(&channel.wire);
  channel.not_before = Now() + backoff_.Draw(channel.failures++, backoff_stream_);
  for (const Batch& batch : unanswered) Retry(batch);
  ArmRetry(broker, channel.not_before);
}

void Producer::BrokerChanged(BrokerId broker) {
  if (!fleet_->log_->IsUp(broker)) {
    BreakConnection(broker);  // The peer's kernel resets the connection.
    RefreshMetadata();
  } else {
    channels_[broker].not_before = Now();
    channels_[broker].failures = 0;
    ArmRetry(broker, Now());
  }
}

void Producer::RefreshMetadata() {
  if (fleet_->sim().IsPending(metadata_timer_)) return;
  metadata_timer_ = fleet_->After<"producer.metadata">(fleet_->config_.retry_backoff, [this] {
    TakeMetadata();
    // What waits for a broker that leads no more goes to the one that does.
    std::vector<Batch> moving = std::move(without_leader_);
    without_leader_.clear();
    for (size_t broker = 0; broker < channels_.size(); ++broker) {
      Ring<Batch>& queue = channels_[broker].queue;
      for (size_t left = queue.size(); left > 0; --left) {
        Batch batch = queue.pop_front();
        if (!Expired(batch) && LeaderOf(batch.partition) == static_cast<BrokerId>(broker)) {
          queue.push_back(batch);
          continue;
        }
        --queued_[SlotOf(batch.partition)];
        if (Expired(batch)) {
          Fail(batch);
        } else {
          moving.push_back(batch);
        }
      }
    }
    // What still has no leader, or a dead one, asks again.
    for (const Batch& batch : moving) {
      if (Expired(batch)) {
        Fail(batch);
      } else {
        Enqueue(batch);
      }
    }
    for (size_t broker = 0; broker < channels_.size(); ++broker) {
      TrySend(static_cast<BrokerId>(broker));
    }
    for (const Lane& lane : lanes_) {
      if (lane.due && LeaderOf(lane.partition) == kNoBroker) RefreshMetadata();
    }
  });
}

}  // namespace freshet
