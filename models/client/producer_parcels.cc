// A producer at a coarser resolution: batches and requests are formed exactly as one by one, ahead
// of time and without an event each; then those that go the same way travel together.
//
// Ahead of time only the producer's own part can be known: a batch closes when it is full, when its
// linger is over, or when its broker gets a request with another batch. That the network, the
// broker or its memory held a request up, so that batches went on filling, is seen a parcel at a
// time only.
#include <algorithm>

#include "models/client/parcels.h"
#include "models/client/producer.h"

namespace freshet {
namespace {

// Nothing waits longer than that, times the batches of a parcel, for the rest of it: half of what
// an idle fetch waits by default (fetch.max.wait.ms).
constexpr Duration kLongestGather = Milliseconds(250);

}  // namespace

void Producer::FormParcels() {
  const Producers::Config& config = fleet_->config_;
  const Bytes needed = config.batch_size * config.batches_per_parcel;
  const bool full = buffer_used_ > Bytes(0) && buffer_used_ + needed > config.buffer_memory;
  if (full || serializer_ != Serializer::kReady) {
    BlockParcels();
    return;
  }
  for (size_t index = 0; index < lanes_.size(); ++index) {
    Lane& lane = lanes_[index];
    if (lane.has_open) continue;
    lane.has_open = lane.accumulator->Plan(Now(), &lane.open);
    if (lane.has_open) ChoosePartition(lane);
  }
  while (true) {
    const auto due =
        std::min_element(lanes_.begin(), lanes_.end(), [](const Lane& one, const Lane& other) {
          return one.has_open && (!other.has_open || one.open.closes_at < other.open.closes_at);
        });
    size_t oldest = 0;
    const bool gathering = parcels_->Oldest(&oldest);
    if (!due->has_open) {  // No record will ever come.
      if (gathering) SendParcelAt(parcels_->OfKind(oldest).last_closed, oldest);
      return;
    }
    const Time waits_until = gathering ? parcels_->OfKind(oldest).first_closed +
                                             kLongestGather * int64_t{config.batches_per_parcel}
                                       : Time::Max();
    if (waits_until < due->open.closes_at) {
      SendParcelAt(waits_until, oldest);
      return;
    }
    if (FormRequest(static_cast<size_t>(due - lanes_.begin()))) return;
  }
}

bool Producer::FormRequest(size_t due) {
  const Producers::Config& config = fleet_->config_;
  const bool keyed = config.keys.kind != KeyDistribution::Kind::kNone;
  const Time at = lanes_[due].open.closes_at;
  const BrokerId broker = LeaderOf(lanes_[due].partition);
  // The last kind is that of partitions without a leader.
  const size_t kind = !keyed                ? SlotOf(lanes_[due].partition)
                      : broker == kNoBroker ? channels_.size()
                                            : static_cast<size_t>(broker);
  Parcels::Parcel& parcel = parcels_->AddRequest(kind, at);
  for (Lane& lane : lanes_) {
    const bool goes = lane.has_open && lane.open.opened_at <= at;
    if (!goes || LeaderOf(lane.partition) != broker) continue;
    lane.accumulator->Take(at, &lane.open);
    lane.open.closes_at = at;
    Bytes raw;
    const Batch batch = TakeOpen(lane, &raw);
    parcels_->BatchesOf(parcel, batch.partition).Add(batch, raw);
    lane.has_open = lane.accumulator->Plan(at, &lane.open);
    if (lane.has_open) ChoosePartition(lane);
  }
  if (parcel.requests < config.batches_per_parcel) return false;
  SendParcelAt(at, kind);
  return true;
}

void Producer::SendParcelAt(Time at, size_t kind) {
  fleet_->At<"producer.parcel_due">(std::max(at, Now()), [this, kind] {
    SendParcel(kind);
    FormParcels();
  });
}

void Producer::SendParcel(size_t kind) {
  const std::vector<GatheredBatches> batches = std::move(parcels_->OfKind(kind).batches);
  const int32_t requests = parcels_->OfKind(kind).requests;
  parcels_->Close(kind);
  Bytes held;
  for (const GatheredBatches& each : batches) {
    held += fleet_->config_.batch_size * each.sum.batch_count;
    CountTaken(each.sum.record_count);
  }
  buffer_used_ += held;
  fleet_->buffered_.Add(held.count());
  for (GatheredBatches each : batches) {
    each.CloseAt(Now());
    if (marker_ != nullptr) MarkRecords(&each.sum);
    // A thread that takes its time hands its batches over one by one.
    each.sum.request_count = thread_ == nullptr ? requests : each.sum.batch_count;
    Prepare(each.sum, each.raw);
  }
  if (thread_ != nullptr) return;
  for (const GatheredBatches& each : batches) {
    const BrokerId leader = LeaderOf(each.sum.partition);
    if (leader != kNoBroker) TrySend(leader);
  }
}

void Producer::BlockParcels() {
  fleet_->blocked_.Add(1);
  for (size_t index = 0; index < lanes_.size(); ++index) {
    lanes_[index].has_open = false;  // It opens anew, with what waits then.
    blocked_lanes_.push_back(index);
    GiveUpBlocked(index);
  }
}

}  // namespace freshet
