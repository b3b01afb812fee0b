#include "models/processing/operator.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "models/processing/broadcast.h"
#include "models/processing/deduplicate.h"
#include "models/processing/lookup.h"
#include "models/processing/record_split.h"
#include "models/processing/window.h"
#include "sim/check.h"
#include "sim/hash.h"

namespace freshet {
namespace {

// Passes everything on: the subtask has read it, or writes it.
class EndOperator final : public Operator {
 public:
  using Operator::Operator;

 protected:
  void Process(const RecordRange& records) override { Emit(records); }
};

class MapOperator final : public Operator {
 public:
  using Operator::Operator;

 protected:
  void Process(const RecordRange& records) override {
    constexpr int64_t kAll = 1'000'000'000;
    RecordRange passed = TakeShare(records, 0, config_.selectivity.billionths(), kAll, purpose_);
    FilterAllBut(passed, records);
    passed.bytes = config_.bytes_ratio * passed.bytes;
    Emit(passed);
  }
};

}  // namespace

Operator::Operator(const OperatorConfig& config, OperatorContext* context, size_t at)
    : config_(config), context_(context), at_(at), purpose_(Fnv1a64(config.name)) {}

std::unique_ptr<Operator> Operator::Make(const OperatorConfig& config, OperatorContext* context,
                                         size_t at) {
  switch (config.kind) {
    case OperatorKind::kSource:
    case OperatorKind::kSink:
      return std::make_unique<EndOperator>(config, context, at);
    case OperatorKind::kMap:
      return std::make_unique<MapOperator>(config, context, at);
    case OperatorKind::kWindow:
      return std::make_unique<WindowOperator>(config, context, at);
    case OperatorKind::kDeduplicate:
      return std::make_unique<DeduplicateOperator>(config, context, at);
    case OperatorKind::kLookup:
      return std::make_unique<LookupOperator>(config, context, at);
    case OperatorKind::kBroadcast:
      return std::make_unique<BroadcastOperator>(config, context, at);
  }
  return nullptr;
}

Duration Operator::Take(const RecordRange& records) {
  const int64_t count = records.record_count();
  counts_.in += count;
  Process(records);
  SIM_CHECK(
      counts_.Conserved(), "inv.I9",
      absl::StrCat(config_.name, ": in ", counts_.in, ", out ", counts_.out, ", filtered ",
                   counts_.filtered, ", late ", counts_.late, ", buffered ", counts_.buffered));
  return config_.cpu_per_record * count;
}

Duration Operator::TakeChanges(const RecordRange& changes) {
  counts_.in += changes.record_count();
  counts_.filtered += changes.record_count();
  // All subtasks have them: one tells.
  if (context_->Index() == 0) context_->Filtered(changes);
  return Apply(changes);
}

void Operator::Emit(const RecordRange& records) {
  const int64_t count = records.record_count();
  if (count == 0) return;
  counts_.out += count;
  context_->Emit(at_, records);
}

void Operator::FilterAllBut(const RecordSpan& passed, const RecordSpan& records) {
  RecordSpan rest = passed;
  rest.low = passed.high;
  rest.high = WithPlaces(records).high;
  const int64_t count = rest.record_count();
  if (count == 0) return;
  counts_.filtered += count;
  context_->Filtered(rest);
}

std::shared_ptr<const Operator::State> Operator::Snapshot() const {
  auto state = std::make_shared<State>();
  state->counts = counts_;
  return state;
}

void Operator::Restore(const State* state) {
  counts_ = state == nullptr ? RecordCounts() : state->counts;
  written_ = Bytes(0);
}

std::shared_ptr<Operator::State> Operator::Gather(const std::vector<Slice>& /*slices*/) const {
  return std::make_shared<State>();
}

Bytes Operator::TakeWritten() { return std::exchange(written_, Bytes(0)); }

}  // namespace freshet
