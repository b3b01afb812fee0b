// A write-ahead log of one broker: where appends are durable before they are in objects. What a
// kind of log costs and how long it makes an append wait is in its own file:
//
//   s3_wal.h      in objects of their own, one for a quarter of a second
//   volume_wal.h  on a block volume or a file system of the network
//
// The log counts bytes from the broker's first append on. [trimmed, durable) is what it keeps,
// [durable, end) is on its way; all three only grow, but that a crash takes the end back to
// durable. Appends become durable in their order. What bytes stand for is its owner's business.
//
// Held to by audits: inv.I13, trimmed <= durable <= end.
#ifndef FRESHET_MODELS_LOG_WRITE_AHEAD_LOG_H_
#define FRESHET_MODELS_LOG_WRITE_AHEAD_LOG_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "models/storage/object_client.h"
#include "sim/component.h"
#include "sim/units.h"

namespace freshet {

class WriteAheadLog : public Component {
 public:
  static constexpr MetricDef kBytes = {"wal.bytes", MetricKind::kCounter, MetricUnit::kBytes,
                                       "Bytes that became durable in the write-ahead log."};
  static constexpr MetricDef kWrites = {"wal.writes", MetricKind::kCounter, MetricUnit::kCount,
                                        "Objects put, or writes to the volume."};
  static constexpr MetricDef kUnflushed = {"wal.unflushed_bytes", MetricKind::kGauge,
                                           MetricUnit::kBytes,
                                           "Bytes appended and not yet durable."};
  static constexpr MetricDef kHeld = {"wal.held_bytes", MetricKind::kGauge, MetricUnit::kBytes,
                                      "Durable bytes that are not yet trimmed."};
  static constexpr MetricDef kOverCapacity = {
      "wal.over_capacity", MetricKind::kCounter, MetricUnit::kCount,
      "Appends turned away because too much was unflushed or the log was full."};

  enum class Answer : uint8_t {
    kTaken,
    kOverCapacity,  // Ask again later.
    kFenced,        // Another node owns the log, or it could not be written: never again.
  };

  // Appends at the end. REQUIRES: size > 0.
  virtual Answer Append(Bytes size) = 0;
  // What lies below `position` is safe elsewhere. REQUIRES: position <= durable().
  virtual void Trim(int64_t position) = 0;

  // The process dies: what is not durable is gone. Its object client has dropped its calls.
  virtual void Crash() = 0;
  // `node`, whose object client is `by`, takes the log over from its owner, who can confirm nothing
  // any more. `elsewhere`: on another machine. `done` fires unless the client's owner dies first;
  // nothing of it fires after CancelRecovery().
  virtual void TakeOver(ObjectClient* by, bool elsewhere, Callback done) = 0;
  // Reads [from, to) for a recovery. REQUIRES: trimmed() <= from <= to <= durable().
  virtual void ReadBack(ObjectClient* by, int64_t from, int64_t to, Callback done) = 0;
  virtual void CancelRecovery() = 0;
  // Everything in it is safe: it begins anew, not fenced, at `position`, for its owner's next life.
  virtual void BeginAnew(ObjectClient* by, int64_t position) = 0;

  // Fires whenever durable() has grown, and once when the log is fenced.
  void OnDurable(Callback durable) { on_durable_ = durable; }
  void OnFenced(Callback fenced) { on_fenced_ = fenced; }

  int64_t trimmed() const { return trimmed_; }
  int64_t durable() const { return durable_; }
  int64_t end() const { return end_; }
  bool fenced() const { return fenced_; }
  Bytes Unflushed() const { return Bytes(end_ - durable_); }
  Bytes Held() const { return Bytes(durable_ - trimmed_); }

 protected:
  WriteAheadLog(Simulation& sim, absl::string_view name);

  void NoteAppended(Bytes size);
  // REQUIRES: durable() < position <= end().
  void AdvanceDurable(int64_t position);
  void AdvanceTrimmed(int64_t position);
  void LoseUnflushed();
  void StartFrom(int64_t position);
  void Fence();
  Answer TurnAway();
  void CountWrite() { writes_.Add(1); }

 private:
  void ShowLevels();
  void Audit() const;

  int64_t trimmed_ = 0;
  int64_t durable_ = 0;
  int64_t end_ = 0;
  bool fenced_ = false;
  Callback on_durable_;
  Callback on_fenced_;
  Counter& bytes_;
  Counter& writes_;
  Gauge& unflushed_;
  Gauge& held_;
  Counter& over_capacity_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_WRITE_AHEAD_LOG_H_
