// Drops records whose key was seen within the time to live, and remembers the keys of the others.
//
// Approximated: which records are repeated is not known below the batch; a stated share of them is.
#ifndef FRESHET_MODELS_PROCESSING_DEDUPLICATE_H_
#define FRESHET_MODELS_PROCESSING_DEDUPLICATE_H_

#include <cstdint>
#include <memory>

#include "absl/container/btree_map.h"
#include "models/processing/operator.h"

namespace freshet {

class DeduplicateOperator final : public Operator {
 public:
  using Operator::Operator;
  std::shared_ptr<const State> Snapshot() const override;
  void Restore(const State* state) override;
  std::shared_ptr<State> Gather(const std::vector<Slice>& slices) const override;
  Bytes StateSize() const override { return config_.deduplicate.state_per_key * keys_; }
  int64_t keys() const { return keys_; }

 protected:
  void Process(const RecordRange& records) override;

 private:
  // Keys by when they are forgotten, in hundredths of the time to live.
  using Keys = absl::btree_map<Time, int64_t>;
  struct DeduplicateState : State {
    Keys forgotten_at;
    int64_t keys = 0;
  };
  Keys forgotten_at_;
  int64_t keys_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_DEDUPLICATE_H_
