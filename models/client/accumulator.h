// The producer's record accumulator for one partition at a time: a batch is open from its first
// record until it is full or its linger is over.
//
// Batch formation is sampled from its exact law: the arrivals are asked for the first record, for
// when the batch would be full if that can matter, and for how many came by the time it leaves
// (models/workload/arrivals.h). So a batch costs one event, and none per record or per tick.
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
  int64_t record_count = 0;  // Taken so far; 0 before the first Take().
  int32_t batch_count = 0;
  CreatedTimes created;
  Time opened_at;
  Time closes_at;  // When it is full or its linger is over.
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

  // Plans the next batch: it opens with the first record not yet taken, at `now` if that has come
  // already, and closes when it is full or its linger is over. Its records are taken by Take().
  //
  // A parcel is made of several such batches, taken at once; their records' times are kept relative
  // to their own closing, so that what a record waits in its batch does not grow with the
  // resolution. Returns false when no record will ever come.
  bool Plan(Time now, OpenBatch* batch);

  // The records that came until `until` join the batch, as many as it has room for. A parcel has
  // its records already. REQUIRES: until >= batch->opened_at.
  void Take(Time until, OpenBatch* batch);
  // When a batch that is due, but cannot be sent and goes on filling, will be full.
  // REQUIRES: not full.
  Time FullAt(const OpenBatch& batch);

  // Drops the records that have waited since before `since`: the application gave up on them.
  int64_t Refuse(Time since);
  ArrivalProcess& arrivals() { return *arrivals_; }

 private:
  int64_t Capacity(const OpenBatch& batch) const {
    return config_.records_per_batch * batch.batch_count;
  }
  // Whether a batch may fill up within its linger with a probability worth a draw.
  bool MayFill(Time opened) const;
  bool PlanParcel(Time now, OpenBatch* batch);

  const Config config_;
  std::unique_ptr<ArrivalProcess> arrivals_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_ACCUMULATOR_H_
