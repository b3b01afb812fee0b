#include "sim/token_bucket.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

using Wide = __int128;
constexpr Wide kToken = 1'000'000'000'000'000;

Wide DivideUp(Wide a, Wide b) { return (a + b - 1) / b; }

}  // namespace

TokenBucket::TokenBucket(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name), config_(config) {
  SIM_REQUIRE(config.rate >= Rate() && config.depth >= 0 && config.peak > Rate() &&
              config.initial >= 0);
  level_ = kToken * std::min(config.initial, config.depth);
  refilled_ = level_;
  advanced_to_ = Now().nanos();
  if (config.metrics) {
    wait_metric_ = &AddDistribution(kWait);
    waiting_metric_ = &AddGauge(kWaiting);
  }
  sim.AddAudit([this] { Audit(); });
}

// Settles refill, and what the head of the queue took meanwhile: as fast as the peak lets it, and
// never more than had come.
void TokenBucket::Advance() {
  const int64_t now = Now().nanos();
  const int64_t span = now - advanced_to_;
  advanced_to_ = now;
  const Wide came = Wide{config_.rate.micro_hertz()} * span;
  refilled_ += came;
  level_ += came;
  if (!queue_.empty()) {
    Request& head = queue_.front();
    Wide passed = std::min(level_, head.left);
    if (config_.peak != kNoPeak) {
      passed = std::min(passed, Wide{config_.peak.micro_hertz()} * span);
    }
    head.left -= passed;
    level_ -= passed;
    taken_ += passed;
  }
  level_ = std::min(level_, kToken * config_.depth);
}

// REQUIRES: Advance() was called at this instant; somebody waits.
void TokenBucket::ArmHead() {
  const Wide left = queue_.front().left;
  Wide span = 0;
  if (left > level_) {
    if (config_.rate == Rate()) return;  // SetRate() comes back here.
    span = DivideUp(left - level_, config_.rate.micro_hertz());
  }
  if (config_.peak != kNoPeak) {
    span = std::max(span, DivideUp(left, config_.peak.micro_hertz()));
  }
  if (span > INT64_MAX - Now().nanos()) return;  // Beyond the end of time.
  grant_ =
      After<"token_bucket.grant">(Nanoseconds(static_cast<int64_t>(span)), [this] { OnGrant(); });
}

void TokenBucket::OnGrant() {
  grant_ = EventId();
  Advance();
  Request head = queue_.pop_front();
  SIM_CHECK(head.left == 0, "inv.I3", absl::StrCat(name(), ": granted before its tokens came"));
  ++granted_;
  if (!queue_.empty()) ArmHead();
  if (wait_metric_ != nullptr) {
    wait_metric_->Record(Now() - head.asked_at);
    waiting_metric_->Set(waiting());
  }
  if (head.granted) head.granted();
}

bool TokenBucket::TryTake(int64_t tokens) {
  SIM_REQUIRE(tokens >= 0);
  if (!queue_.empty()) return false;
  if (config_.peak != kNoPeak && tokens > 0) return false;
  Advance();
  if (level_ < kToken * tokens) return false;
  level_ -= kToken * tokens;
  taken_ += kToken * tokens;
  ++asked_;
  ++granted_;
  if (wait_metric_ != nullptr) wait_metric_->Record(Duration::Zero());
  return true;
}

void TokenBucket::Take(int64_t tokens, Callback granted) {
  SIM_REQUIRE(tokens >= 0);
  Advance();
  ++asked_;
  queue_.push_back({kToken * tokens, tokens, Now(), granted});
  if (queue_.size() == 1) ArmHead();
  if (waiting_metric_ != nullptr) waiting_metric_->Set(waiting());
}

void TokenBucket::SetRate(Rate rate) {
  SIM_REQUIRE(rate >= Rate());
  Advance();
  config_.rate = rate;
  if (queue_.empty()) return;
  sim().Cancel(grant_);
  grant_ = EventId();
  ArmHead();
}

int64_t TokenBucket::DropAll() {
  Advance();
  sim().Cancel(grant_);
  grant_ = EventId();
  const int64_t count = waiting();
  while (!queue_.empty()) queue_.pop_front();
  dropped_ += count;
  if (waiting_metric_ != nullptr) waiting_metric_->Set(0);
  return count;
}

int64_t TokenBucket::Level() const {
  const int64_t span = Now().nanos() - advanced_to_;
  Wide level = level_ + Wide{config_.rate.micro_hertz()} * span;
  if (!queue_.empty()) {
    Wide passed = std::min(level, queue_.front().left);
    if (config_.peak != kNoPeak) {
      passed = std::min(passed, Wide{config_.peak.micro_hertz()} * span);
    }
    level -= passed;
  }
  return static_cast<int64_t>(std::min(level, kToken * config_.depth) / kToken);
}

void TokenBucket::Audit() {
  Advance();
  SIM_CHECK(asked_ == granted_ + waiting() + dropped_, "inv.I3",
            absl::StrCat(name(), ": asked ", asked_, ", granted ", granted_, ", waiting ",
                         waiting(), ", dropped ", dropped_));
  SIM_CHECK(queue_.empty() || config_.peak != kNoPeak || level_ == 0 || grant_, "inv.I5",
            absl::StrCat(name(), ": a request waits while there are tokens"));
  SIM_CHECK(level_ >= 0 && taken_ + level_ <= refilled_, "inv.I6",
            absl::StrCat(name(), ": took ", static_cast<int64_t>(taken_ / kToken), " of ",
                         static_cast<int64_t>(refilled_ / kToken), " tokens"));
}

}  // namespace freshet
