// A write-ahead log in object storage: appends gather in a bulk, which becomes an object.
//
// Pacing: a bulk that opens sets a timer to interval after the deadline of the bulk before it, but
// no less than shortest_wait and no more than interval from now. So an append that comes alone
// waits for shortest_wait, and those of a steady stream wait evenly between nothing and interval.
// A bulk that has grown beyond bulk_bytes closes at once.
//
// Up to most_in_flight bulks are put side by side. They are confirmed in their order: when a bulk
// and all before it are written, the node reads its lease; if that still holds, they are durable. A
// put that fails is asked for again until give_up_after from the first; then the log is fenced, as
// it is when the lease is lost.
//
// Approximated: a bulk's bytes are those of its batches. Left out: the empty record that carries
// the trim offset, and the last object, which is kept through a trim. docs/models/s3stream.md has
// the sources.
#ifndef FRESHET_MODELS_LOG_S3_WAL_H_
#define FRESHET_MODELS_LOG_S3_WAL_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "models/log/write_ahead_log.h"
#include "models/storage/object_client.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

class S3Wal : public WriteAheadLog {
 public:
  static constexpr Duration kNever = Duration::Max();

  struct Config {
    Duration interval;
    Duration shortest_wait;
    Bytes bulk_bytes;
    int64_t most_in_flight;
    Bytes most_unflushed;    // Beyond it appends are turned away.
    Duration give_up_after;  // kNever: puts are asked for until they are there.
    Bytes read_ahead;        // In flight while the log is read back.
    ObjectCause cause = ObjectCause::kWal;
  };

  // `client` is that of the log's owner, `prefix` one of its store. REQUIRES: both outlive it.
  S3Wal(Simulation& sim, absl::string_view name, ObjectClient* client, PrefixId prefix,
        const Config& config);

  Answer Append(Bytes size) override;
  void Trim(int64_t position) override;
  void Crash() override;
  void TakeOver(ObjectClient* by, bool elsewhere, Callback done) override;
  void ReadBack(ObjectClient* by, int64_t from, int64_t to, Callback done) override;
  void CancelRecovery() override;
  void BeginAnew(ObjectClient* by, int64_t position) override;

  // The object with the byte before `position`, and what of it is there; another node may read it.
  // REQUIRES: trimmed() < position <= durable().
  struct Piece {
    ObjectId object;
    Bytes size;
  };
  Piece PieceEndingAt(int64_t position) const;

  // A lease lost without a crash: the owner lives, and learns it at its next confirmation.
  void LoseLease() { lease_lost_ = true; }

 private:
  struct Bulk {
    int64_t from;
    int64_t to;
    ObjectId object;
    bool written;
    Time first_put_at;
  };

  Bulk& BulkOf(uint64_t number) { return bulks_[static_cast<size_t>(number - first_number_)]; }
  void Open();
  void Close();
  void StartPuts();
  void Put(uint64_t number);
  void PutOver(uint64_t number, ObjectResult result);
  void Confirm();
  void ReadLease(uint64_t up_to);
  void LeaseRead(uint64_t up_to, ObjectResult result);
  void ReadMore();
  void ReadOne(uint64_t number);
  void ForgetFirst(ObjectClient* by);

  const Config config_;
  ObjectClient* const client_;
  const PrefixId prefix_;
  const ObjectId lease_;
  Ring<Bulk> bulks_;
  // Bulks have numbers; these say how far each stage has come: below durable_number_ they are
  // durable, below written_number_ in order written, below put_number_ being put; the last may be
  // open.
  uint64_t first_number_ = 0;
  uint64_t durable_number_ = 0;
  uint64_t written_number_ = 0;
  uint64_t put_number_ = 0;
  bool has_open_ = false;
  bool reading_lease_ = false;
  bool lease_lost_ = false;
  Time deadline_;  // Of the bulk that opened last.
  EventId timer_;

  struct Recovery {
    ObjectClient* by = nullptr;
    uint64_t next = 0;
    uint64_t end = 0;
    Bytes in_flight;
    Callback done;
  };
  Recovery recovery_;
  uint32_t recovery_number_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_S3_WAL_H_
