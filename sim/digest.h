// The three digests of a run (docs/determinism.md).
//
//   order   every event: its time, the hash of its type, the hash of its component's name
//   full    order, plus every payload field (offset, count, size) that a model feeds it
//   result  the final integer metrics
//
// Goldens gate on `result`: a refactoring that adds an event moves `order`, not `result`. None
// depends on recording level or audits, on addresses, on container order or on enum values.
#ifndef FRESHET_SIM_DIGEST_H_
#define FRESHET_SIM_DIGEST_H_

#include <cstdint>
#include <vector>

#include "sim/hash.h"
#include "sim/time.h"

namespace freshet {

struct Digests {
  uint64_t order = 0;
  uint64_t full = 0;
  uint64_t result = 0;
  friend bool operator==(const Digests&, const Digests&) = default;
};

class RunDigest {
 public:
  void AddEvent(Time at, uint64_t type_hash, uint64_t component_hash) {
    const uint64_t word = (static_cast<uint64_t>(at.nanos()) * kFnvPrime) ^ type_hash ^
                          (component_hash << 1 | component_hash >> 63);
    order_ = MixHash(order_, word);
    if ((++events_ & checkpoint_mask_) == 0) AddCheckpoint();
  }
  // A payload field: an offset, a count, a size.
  void AddField(uint64_t value) { fields_ = MixHash(fields_, value); }
  void AddResult(uint64_t value) { result_ = MixHash(result_, value); }

  Digests Get() const { return {order_, MixHash(order_, fields_), result_}; }

  // Rolling values of `order`, one every CheckpointSpacing() events: a bisect between two runs
  // reads them to find the first interval that differs. Their number is bounded: the spacing
  // doubles.
  const std::vector<uint64_t>& Checkpoints() const { return checkpoints_; }
  uint64_t CheckpointSpacing() const { return checkpoint_mask_ + 1; }

 private:
  static constexpr size_t kMostCheckpoints = 4096;
  void AddCheckpoint();

  uint64_t order_ = kFnvOffset;
  uint64_t fields_ = kFnvOffset;
  uint64_t result_ = kFnvOffset;
  uint64_t events_ = 0;
  uint64_t checkpoint_mask_ = 65535;
  std::vector<uint64_t> checkpoints_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_DIGEST_H_
