#include "models/network/network_limiter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

constexpr Bytes kPart = MiB(1);  // AMQSRC, AsyncNetworkBandwidthLimiter.

}  // namespace

NetworkLimiter::NetworkLimiter(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name),
      config_(config),
      refill_(config.bandwidth.InTime(config.refill_interval).count()),
      level_(refill_),
      wait_(AddDistribution(kWait)),
      waiting_gauge_(AddGauge(kWaiting)) {
  SIM_REQUIRE(refill_ > 0 && config.depth.count() >= refill_);
  sim.AddAudit([this] { Audit(); });
}

void NetworkLimiter::Refill() {
  const int64_t ticks = Now().SinceStart() / config_.refill_interval;
  // Filled from the deepest debt within two depths: more ticks say no more.
  const int64_t most = 2 * config_.depth.count() / refill_ + 1;
  level_ = std::min(config_.depth.count(), level_ + std::min(ticks - refilled_to_, most) * refill_);
  refilled_to_ = ticks;
}

int64_t NetworkLimiter::Level() {
  Refill();
  return level_;
}

void NetworkLimiter::Reduce(Bytes size) {
  level_ = std::max(-config_.depth.count(), level_ - size.count());
}

bool NetworkLimiter::NobodyWaits() const {
  return std::all_of(waiting_.begin(), waiting_.end(),
                     [](const Ring<Waiter>& line) { return line.empty(); });
}

void NetworkLimiter::Bypass(Bytes size) {
  Refill();
  Reduce(size);
}

bool NetworkLimiter::Pass(LimiterClass limiter_class, Bytes size, Callback passed) {
  SIM_REQUIRE(limiter_class != LimiterClass::kBypass && size >= Bytes(0));
  Refill();
  asked_ += size.count();
  if (level_ > 0 && NobodyWaits()) {
    Reduce(size);
    passed_ += size.count();
    return true;
  }
  waiting_[static_cast<size_t>(limiter_class)].push_back({size, size, Now(), passed});
  waiting_gauge_.Set(Waiting().count());
  ArmTick();
  return false;
}

void NetworkLimiter::ArmTick() {
  if (sim().IsPending(tick_)) return;
  // The first tick that leaves something in the bucket.
  const int64_t ticks = level_ > 0 ? 1 : -level_ / refill_ + 1;
  tick_ = At<"network_limiter.refill">(Time() + config_.refill_interval * (refilled_to_ + ticks),
                                       [this] { Tick(); });
}

void NetworkLimiter::Tick() {
  Refill();
  for (size_t i = 0; i < waiting_.size() && level_ > 0;) {
    if (waiting_[i].empty()) {
      ++i;
      continue;
    }
    Waiter& head = waiting_[i].front();
    const Bytes part = std::min(head.left, kPart);
    Reduce(part);
    head.left -= part;
    if (head.left > Bytes(0)) continue;
    Waiter over = waiting_[i].pop_front();
    passed_ += over.size.count();
    wait_.Record(Now() - over.asked_at);
    over.passed();
    i = 0;  // It may have asked for more, of any class.
  }
  waiting_gauge_.Set(Waiting().count());
  if (!NobodyWaits()) ArmTick();
}

void NetworkLimiter::DropAll() {
  for (Ring<Waiter>& line : waiting_) {
    while (!line.empty()) dropped_ += line.pop_front().size.count();
  }
  waiting_gauge_.Set(0);
}

void NetworkLimiter::Audit() const {
  int64_t waiting = 0;
  for (const Ring<Waiter>& line : waiting_) {
    for (size_t i = 0; i < line.size(); ++i) waiting += line[i].size.count();
  }
  SIM_CHECK(asked_ == passed_ + waiting + dropped_, "inv.I3",
            absl::StrCat(name(), ": asked ", asked_, ", passed ", passed_, ", waiting ", waiting,
                         ", dropped ", dropped_));
  SIM_CHECK(-config_.depth.count() <= level_ && level_ <= config_.depth.count(), "inv.I6",
            absl::StrCat(name(), ": the bucket holds ", level_));
}

}  // namespace freshet
