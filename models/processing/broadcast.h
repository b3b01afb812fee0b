// Enriching records from a table that every subtask keeps whole: broadcast state.
//
// The rows come as a stream of changes, such as change data capture, of which each subtask takes
// all. A change of a row that is there replaces it, so the state grows up to the rows that the
// table has. Changes end here: they are filtered, once for all subtasks.
//
// Approximated: each change is of a new row until all are there. A record that comes before its row
// is passed on all the same.
#ifndef FRESHET_MODELS_PROCESSING_BROADCAST_H_
#define FRESHET_MODELS_PROCESSING_BROADCAST_H_

#include <cstdint>
#include <memory>

#include "models/processing/operator.h"

namespace freshet {

class BroadcastOperator final : public Operator {
 public:
  using Operator::Operator;

  std::shared_ptr<const State> Snapshot() const override;
  void Restore(const State* state) override;
  Bytes StateSize() const override { return config_.broadcast.state_per_key * keys_; }

 protected:
  void Process(const RecordRange& records) override { Emit(records); }
  Duration Apply(const RecordRange& changes) override;

 private:
  struct TableState : State {
    int64_t keys = 0;
  };

  int64_t keys_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_BROADCAST_H_
