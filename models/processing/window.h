// Windows of event time, tumbling or sliding, with an aggregate per key or a join of their inputs.
//
// Records lie in panes as long as the slide; a window is a row of panes. It fires when the
// watermark reaches its end, with one row for each key that occurs in it. The effect of a record
// goes out with the first window that it is part of, and the bytes of a result with the records
// that go out with it. A record whose windows have all fired is an update of its own, as long as
// the watermark is less than allowed_lateness behind the last one's end; after that it is late.
//
// A session ends a gap after its last record, so its records go out together then: each waits for
// the rest of its session, which is a share of the length by its place in its batch.
//
// A join keeps the records of its inputs. When its window fires, those that have found a partner go
// out, and the others are filtered (an inner join).
//
// Approximated: how many keys occur in a window is the lesser of its records and the subtask's
// share of all keys; which records find a partner is a share of each batch; sessions are all as
// long, have as many records, and a record is anywhere in one. Fired windows are remembered over a
// restore, the watermark is not.
#ifndef FRESHET_MODELS_PROCESSING_WINDOW_H_
#define FRESHET_MODELS_PROCESSING_WINDOW_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/processing/operator.h"

namespace freshet {

class WindowOperator final : public Operator {
 public:
  WindowOperator(const OperatorConfig& config, OperatorContext* context, size_t at);

  Duration AdvanceTo(Time watermark) override;
  std::shared_ptr<const State> Snapshot() const override;
  void Restore(const State* state) override;
  std::shared_ptr<State> Gather(const std::vector<Slice>& slices) const override;
  Bytes StateSize() const override;

 protected:
  void Process(const RecordRange& records) override;

 private:
  struct Pane {
    int64_t records = 0;
    Bytes bytes;
    std::vector<RecordRange> unsent;
  };
  using Panes = absl::btree_map<Time, Pane>;  // By the start of event time.
  struct WindowState : State {
    Panes panes;
    Time fired_until;
    uint64_t fold = 0;
  };

  // Records whose windows end `later` than their event time says.
  void Sort(const RecordRange& records, Duration later);
  void Add(Time start, const RecordRange& records);
  void Fire(Time end);
  void Send(std::vector<RecordRange>* parts, int64_t rows);
  // Drops what finds no partner.
  void Match(std::vector<RecordRange>* parts);
  int64_t RowsOf(int64_t records) const;
  Bytes StateOf(const Pane& pane) const;
  // Of what is buffered, whatever the order in which it came (inv.I17).
  static uint64_t FoldOf(const RecordRange& records);

  const WindowConfig window_;
  Panes panes_;
  Time fired_until_ = Time::FromNanos(INT64_MIN);
  Bytes state_;
  uint64_t fold_ = 0;
  Duration cost_;  // Of what is being done.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_WINDOW_H_
