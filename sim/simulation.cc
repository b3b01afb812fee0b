#include "sim/simulation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {

Simulation::Simulation(uint64_t seed) : seed_(seed), metrics_(&clock_) {
  names_.emplace_back("run");
  name_hashes_.push_back(Fnv1a64("run"));
}

Simulation::~Simulation() = default;

ComponentId Simulation::AddComponent(absl::string_view name) {
  const uint64_t hash = Fnv1a64(name);
  for (size_t i = 0; i < names_.size(); ++i) {
    SIM_CHECK(name_hashes_[i] != hash, "contract",
              absl::StrCat("component names \"", names_[i], "\" and \"", name,
                           "\" are the same or collide in their 64-bit hash"));
  }
  SIM_REQUIRE(names_.size() < (1u << 20));
  names_.emplace_back(name);
  name_hashes_.push_back(hash);
  return static_cast<ComponentId>(names_.size() - 1);
}

void Simulation::AddSlab() {
  const auto first = static_cast<uint32_t>(slabs_.size() * kSlabNodes);
  SIM_CHECK(first + kSlabNodes <= Entry::kSlotMask, "inv.D2",
            "more than 16.7 million events are pending");
  slabs_.push_back(std::make_unique<Node[]>(kSlabNodes));
  for (uint32_t i = kSlabNodes; i-- > 0;) Free(first + i, slabs_.back()[i]);
}

bool Simulation::IsPending(EventId id) const {
  if (!id) return false;
  const Entry entry = {0, id.order()};
  if (entry.slot() >= slabs_.size() * kSlabNodes) return false;
  return NodeAt(entry.slot()).sequence() == entry.sequence();
}

bool Simulation::Cancel(EventId id) {
  if (!IsPending(id)) return false;
  const Entry entry = {0, id.order()};
  Node& node = NodeAt(entry.slot());
  node.Clear();
  Free(entry.slot(), node);
  ++events_cancelled_;
  ++stale_;
  // The key stays behind and is skipped when its time comes; too many of them are swept out.
  if (queue_.size() > 2 * EventsPending() + 4096) {
    queue_.Purge([this](const Entry& waiting) {
      return NodeAt(waiting.slot()).sequence() != waiting.sequence();
    });
    stale_ = 0;
  }
  return true;
}

inline void Simulation::Fire(const Entry& entry, Node& node) {
  SIM_CHECK(last_fired_ < entry, "inv.I1", "events fire out of order");
  last_fired_ = entry;
  clock_.now = Time::FromNanos(entry.time);
  running_ = &node;
  recorder_.EnterEvent(entry.sequence(), node.ancestor());
  digest_.AddEvent(Time::FromNanos(entry.time), node.ops->name_hash,
                   name_hashes_[node.component()]);
  if (__builtin_expect(static_cast<bool>(tracer_), 0)) {
    tracer_({clock_.now, entry.sequence(), node.cause(), node.ops->name, node.component()});
  }
  // Marked as fired before it runs, so that a handler cannot cancel itself.
  node.Clear();
  ++events_fired_;
  node.ops->run(node.closure);
  Free(entry.slot(), node);
}

Simulation::Stop Simulation::RunUntil(Time end, uint64_t most_events) {
  stop_requested_ = false;
  const uint64_t limit =
      most_events < UINT64_MAX - events_fired_ ? events_fired_ + most_events : UINT64_MAX;
  Stop reason = Stop::kDrained;
  try {
    while (!queue_.empty()) {
      const Entry entry =
          queue_.Front([this](uint32_t slot) { __builtin_prefetch(&NodeAt(slot), 1); });
      if (entry.time > end.nanos()) {
        reason = Stop::kReachedEnd;
        break;
      }
      Node& node = NodeAt(entry.slot());
      if (node.sequence() != entry.sequence()) {  // Cancelled.
        queue_.Pop();
        --stale_;
        continue;
      }
      if (events_fired_ == limit) {
        reason = Stop::kEventLimit;
        break;
      }
      queue_.Pop();
      queue_.LookAhead([this](uint32_t slot) { __builtin_prefetch(&NodeAt(slot), 1); });
      Fire(entry, node);
      if (events_fired_ % kAuditSpacing == 0 && periodic_audits_) RunAudits();
      if (stop_requested_) break;
    }
    if (reason == Stop::kDrained && !stop_requested_ && end != Time::Max()) {
      reason = Stop::kReachedEnd;
    }
    if (reason == Stop::kReachedEnd) clock_.now = end;
    if (reason != Stop::kEventLimit) {
      last_audit_ = true;
      RunAudits();
      last_audit_ = false;
    }
  } catch (const InvariantBroken& broken) {
    Rethrow(broken);
  }
  running_ = nullptr;
  recorder_.EnterEvent(0, recorder_.ancestor());
  return reason;
}

void Simulation::RunAudits() {
  AuditEventCounts();
  for (Callback& audit : audits_) audit();
}

void Simulation::AuditEventCounts() const {
  SIM_CHECK(EventsScheduled() == events_fired_ + events_cancelled_ + EventsPending(), "inv.I2",
            absl::StrCat("scheduled ", EventsScheduled(), ", fired ", events_fired_, ", cancelled ",
                         events_cancelled_, ", pending ", EventsPending()));
}

void Simulation::Rethrow(const InvariantBroken& broken) const {
  InvariantBroken located = broken;
  located.where = absl::StrCat("t=", clock_.now.nanos(), "ns, event ", CurrentEvent(), " (",
                               running_ == nullptr ? "none" : running_->ops->name, " of ",
                               names_[running_ == nullptr ? 0 : running_->component()], "), cause ",
                               CurrentCause(), ", seed ", seed_, ", order digest ",
                               absl::Hex(digest_.Get().order, absl::kZeroPad16));
  located.event = events_fired_;
  throw located;
}

void Simulation::SettleMetrics() {
  for (const auto& metric : metrics_.All()) metric->Settle();
}

void Simulation::EnterPhase(Phase phase) {
  SettleMetrics();
  clock_.phase = phase;
}

void Simulation::SetSeries(bool on) {
  SettleMetrics();
  clock_.series = on;
}

Digests Simulation::FinishDigests() {
  const auto add_wide = [this](__int128 value) {
    digest_.AddResult(static_cast<uint64_t>(value));
    digest_.AddResult(static_cast<uint64_t>(value >> 64));
  };
  for (const auto& metric : metrics_.All()) {
    digest_.AddResult(Fnv1a64(metric->def().name) ^ name_hashes_[metric->owner()]);
    for (int i = 0; i < kPhaseCount; ++i) {
      const auto phase = static_cast<Phase>(i);
      switch (metric->def().kind) {
        case MetricKind::kCounter:
          add_wide(static_cast<const Counter*>(metric.get())->InPhase(phase));
          break;
        case MetricKind::kGauge: {
          auto* gauge = static_cast<Gauge*>(metric.get());
          gauge->Settle();
          add_wide(gauge->InPhase(phase).integral);
          add_wide(gauge->InPhase(phase).max);
          break;
        }
        case MetricKind::kDistribution: {
          const Histogram* histogram =
              static_cast<const Distribution*>(metric.get())->InPhase(phase);
          if (histogram == nullptr) break;
          add_wide(histogram->sum());
          for (const Histogram::Filled& filled : histogram->FilledBuckets()) {
            add_wide(filled.bucket);
            add_wide(filled.count);
          }
          break;
        }
      }
    }
  }
  return digest_.Get();
}

}  // namespace freshet
