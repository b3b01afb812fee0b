// A write-ahead log on a volume: a block device of the machine, or storage of a zone or a region
// that several machines can reach.
//
// Group commit: appends gather while a write is not allowed yet, and go as one. At most
// most_in_flight writes are under way, and one starts no earlier than write_interval after the one
// before. Writes may end in any order; what is durable grows in the order of the appends. An append
// is turned away while the log, or what is on its way to it, would be too large.
//
// A volume that only its machine reaches must be attached to the one that takes the log over, which
// takes attach_time; one of a zone or a region is there at once (attach_time zero).
//
// Left out: blocks that are aligned and split. docs/models/s3stream.md has the sources.
#ifndef FRESHET_MODELS_LOG_VOLUME_WAL_H_
#define FRESHET_MODELS_LOG_VOLUME_WAL_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "models/log/write_ahead_log.h"
#include "models/storage/volume.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

class VolumeWal : public WriteAheadLog {
 public:
  struct Config {
    Volume::Config volume;
    Bytes capacity;
    Bytes most_unflushed;
    int64_t most_in_flight;
    Duration write_interval;
    Duration attach_time;
  };

  VolumeWal(Simulation& sim, absl::string_view name, const Config& config);

  Answer Append(Bytes size) override;
  void Trim(int64_t position) override { AdvanceTrimmed(position); }
  void Crash() override;
  void TakeOver(ObjectClient* by, bool elsewhere, Callback done) override;
  void ReadBack(ObjectClient* by, int64_t from, int64_t to, Callback done) override;
  void CancelRecovery() override { ++recovery_number_; }
  void BeginAnew(ObjectClient* by, int64_t position) override;

  Volume& volume() { return volume_; }

 private:
  struct Write {
    int64_t to;
    bool done;
  };

  void WriteGathered();
  void WriteOver(uint64_t number);

  const Config config_;
  Volume volume_;
  Ring<Write> writes_;  // Under way, or done before an earlier one.
  uint64_t first_number_ = 0;
  int64_t in_flight_ = 0;
  int64_t written_to_ = 0;  // What lies above it is gathering.
  Time next_write_at_;
  EventId timer_;
  Callback recovered_;
  uint32_t recovery_number_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_VOLUME_WAL_H_
