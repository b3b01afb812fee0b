#include "models/processing/operator_chain.h"

#include <utility>

#include "sim/check.h"

namespace freshet {

OperatorChain::OperatorChain(Simulation& sim, const std::vector<OperatorConfig>& operators,
                             ComponentId job, ComponentId part, int parallelism, Listener* listener)
    : sim_(sim), job_(job), part_(part), parallelism_(parallelism), listener_(listener) {
  SIM_REQUIRE(!operators.empty());
  OperatorContext* const context = this;
  for (size_t at = 0; at < operators.size(); ++at) {
    chain_.push_back(Operator::Make(operators[at], context, at));
  }
}

Duration OperatorChain::Take(const RecordRange& records) {
  cost_ = Duration::Zero();
  cost_ += chain_.front()->Take(records);
  return std::exchange(cost_, Duration::Zero());
}

Duration OperatorChain::AdvanceTo(Time watermark) {
  if (watermark <= watermark_) return Duration::Zero();
  watermark_ = watermark;
  cost_ = Duration::Zero();
  for (const auto& each : chain_) cost_ += each->AdvanceTo(watermark);
  return std::exchange(cost_, Duration::Zero());
}

void OperatorChain::Emit(size_t at, const RecordRange& records) {
  if (at + 1 < chain_.size()) {
    cost_ += chain_[at + 1]->Take(records);
  } else {
    out_.push_back(records);
  }
}

void OperatorChain::EmitLate(size_t /*at*/, const RecordRange& records) {
  listener_->Settled(records, SourceEffects::How::kLateDropped);
}

void OperatorChain::Ask(LookupService* /*service*/, int64_t questions, int64_t /*at_a_time*/) {
  SIM_REQUIRE(questions == 0);
}

void OperatorChain::Filtered(const RecordSpan& records) {
  listener_->Settled(records, SourceEffects::How::kFiltered);
}

void OperatorChain::CountResult(const Result& result) {
  listener_->Fired(result.windows, result.rows);
}

OperatorChain::State OperatorChain::Snapshot() const {
  State state;
  for (const auto& each : chain_) state.push_back(each->Snapshot());
  return state;
}

void OperatorChain::Restore(const State& state) {
  SIM_REQUIRE(state.empty() || state.size() == chain_.size());
  for (size_t at = 0; at < chain_.size(); ++at) {
    chain_[at]->Restore(state.empty() ? nullptr : state[at].get());
  }
  out_.clear();
  watermark_ = Time::FromNanos(INT64_MIN);
}

Bytes OperatorChain::StateSize() const {
  Bytes size;
  for (const auto& each : chain_) size += each->StateSize();
  return size;
}

Bytes OperatorChain::TakeWritten() {
  Bytes written;
  for (const auto& each : chain_) written += each->TakeWritten();
  return written;
}

}  // namespace freshet
