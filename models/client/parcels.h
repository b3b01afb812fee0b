// Parcels that gather at a producer, at a coarser resolution than one batch (producer_parcels.cc).
#ifndef FRESHET_MODELS_CLIENT_PARCELS_H_
#define FRESHET_MODELS_CLIENT_PARCELS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/client/producer.h"
#include "models/log/batch.h"
#include "sim/ring.h"

namespace freshet {

// Batches of one partition that travel together. Their records' times are kept relative to their
// own closing: what a record waits in its batch does not grow with the resolution.
struct GatheredBatches {
  Batch sum;
  Bytes raw;

  void Add(const Batch& next, Bytes next_raw) {
    raw += next_raw;
    if (sum.record_count == 0) {
      sum = next;
      return;
    }
    CloseAt(next.closed_at);
    CreatedTimes& all = sum.created;
    const CreatedTimes& more = next.created;
    const bool has_others = sum.record_count > all.first_count;
    all.first = std::min(all.first, more.first);
    all.first_count += more.first_count;
    if (next.record_count > more.first_count) {
      all.low = has_others ? std::min(all.low, more.low) : more.low;
      all.high = has_others ? std::max(all.high, more.high) : more.high;
    } else if (!has_others) {
      all.low = all.high = all.first;
    }
    sum.record_count += next.record_count;
    sum.bytes += next.bytes;
    ++sum.batch_count;
  }
  void CloseAt(Time at) {
    sum.created.Shift(at - sum.closed_at);
    sum.closed_at = at;
  }
};

// The parcels of one producer, one open at a time of each kind: a kind is a broker or a partition.
class Producer::Parcels {
 public:
  struct Parcel {
    std::vector<GatheredBatches> batches;  // By partition, each once.
    int32_t requests = 0;                  // That the batches would have gone in.
    Time first_closed;
    Time last_closed;
    uint32_t number = 0;  // Of those of its kind.
  };

  explicit Parcels(size_t kinds) : open_(kinds) {}

  Parcel& OfKind(size_t kind) { return open_[kind]; }
  // A request of that kind closes at `at`: its batches are added next.
  Parcel& AddRequest(size_t kind, Time at) {
    Parcel& parcel = open_[kind];
    if (parcel.requests++ == 0) {
      parcel.first_closed = at;
      by_age_.push_back({kind, parcel.number});
    }
    parcel.last_closed = at;
    next_ = 0;
    return parcel;
  }
  // The partition's place in the parcel. Requests name their partitions in one order, so it is
  // nearly always the one after the last.
  GatheredBatches& BatchesOf(Parcel& parcel, PartitionId partition) {
    if (next_ >= parcel.batches.size() || parcel.batches[next_].sum.partition != partition) {
      for (next_ = 0; next_ < parcel.batches.size(); ++next_) {
        if (parcel.batches[next_].sum.partition == partition) break;
      }
      if (next_ == parcel.batches.size()) parcel.batches.emplace_back();
    }
    return parcel.batches[next_++];
  }
  // Empties it.
  void Close(size_t kind) {
    Parcel& parcel = open_[kind];
    parcel.batches.clear();
    parcel.requests = 0;
    ++parcel.number;
  }
  // The kind of the parcel that has gathered longest.
  bool Oldest(size_t* kind) {
    while (!by_age_.empty()) {
      *kind = by_age_.front().kind;
      if (open_[*kind].number == by_age_.front().number) return true;
      by_age_.pop_front();
    }
    return false;
  }

 private:
  struct Opened {
    size_t kind;
    uint32_t number;
  };
  std::vector<Parcel> open_;
  Ring<Opened> by_age_;
  size_t next_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_PARCELS_H_
