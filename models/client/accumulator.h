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
  CreatedTimes created;
  Time opened_at;
  Time closes_at;  // When it is full or its linger is over.
  bool full = false;
};

class Accumulator {
 public:
  struct Config {
    Duration linger;
    int64_t records_per_batch = 1;  // What batch.size holds.
  };

  Accumulator(std::unique_ptr<ArrivalProcess> arrivals, const Config& config)
      : config_(config), arrivals_(std::move(arrivals)) {}

  // Plans the next batch: it opens with the first record not yet taken, at `now` if that has come
  // already, and closes when it is full or its linger is over. Its records are taken by Take().
  // Returns false when no record will ever come.
  bool Plan(Time now, OpenBatch* batch);

  // The records that came until `until` join the batch, as many as it has room for.
  // REQUIRES: until >= batch->opened_at.
  void Take(Time until, OpenBatch* batch);
  // When a batch that is due, but cannot be sent and goes on filling, will be full.
  // REQUIRES: not full.
  Time FullAt(const OpenBatch& batch);

  // Drops the records that have waited since before `since`: the application gave up on them.
  int64_t Refuse(Time since);
  ArrivalProcess& arrivals() { return *arrivals_; }

 private:
  // Whether a batch may fill up within its linger with a probability worth a draw.
  bool MayFill(Time opened) const;

  const Config config_;
  std::unique_ptr<ArrivalProcess> arrivals_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_ACCUMULATOR_H_
