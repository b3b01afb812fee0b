// The producer's record accumulator for one partition at a time: a batch is open from its first
// record until it is full or its linger is over.
//
// Batch formation is sampled from its exact law: the arrivals are asked for the first record and for
// how many come before the linger ends (models/workload/arrivals.h), so a batch costs one event, and
// none per record or per tick.
#ifndef FRESHET_MODELS_CLIENT_ACCUMULATOR_H_
#define FRESHET_MODELS_CLIENT_ACCUMULATOR_H_

#include <cstdint>
#include <memory>

#include "models/log/batch.h"
#include "models/workload/arrivals.h"
#include "sim/time.h"

namespace freshet {

// A batch that is filling, or is full or expired and waits to be sent.
struct OpenBatch {
  int64_t record_count = 0;
  int32_t batch_count = 0;
  CreatedTimes created;
  Time opened_at;
  Time closes_at;      // When it is full or its linger is over.
  bool full = false;
};

class Accumulator {
 public:
  struct Config {
    Duration linger;
    int64_t records_per_batch = 1;   // What batch.size holds.
    int32_t batches_per_parcel = 1;  // The run's resolution.
  };

  Accumulator(std::unique_ptr<ArrivalProcess> arrivals, const Config& config)
      : config_(config), arrivals_(std::move(arrivals)) {}

  // The next batch: opens with the first record not yet taken, at `now` if that has come already.
  // A parcel is made of several such batches; their records' times are kept relative to their own
  // closing, so that what a record waits in its batch does not grow with the resolution.
  // Returns false when no record will ever come.
  bool Next(Time now, OpenBatch* batch);

  // For a batch that is due but cannot be sent: the records that came until `now` join it.
  void TopUp(Time now, OpenBatch* batch);
  // When such a batch will be full. REQUIRES: not full.
  Time FullAt(const OpenBatch& batch);

  // Drops the records that have waited since before `since`: the application gave up on them.
  int64_t Refuse(Time since);
  ArrivalProcess& arrivals() { return *arrivals_; }

 private:
  int64_t Capacity(const OpenBatch& batch) const {
    return config_.records_per_batch * batch.batch_count;
  }

  const Config config_;
  std::unique_ptr<ArrivalProcess> arrivals_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_ACCUMULATOR_H_
