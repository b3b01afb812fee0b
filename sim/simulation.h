// One run: a clock, the pending events, the seed, the metrics, the record and the audits.
//
// A Simulation is a value that owns its state; two can live in one process, and nothing is global.
// Components (component.h) schedule events on it; it fires them in the order (time, priority,
// sequence) and digests each. Steady state allocates nothing: events live in pooled cache lines.
//
// Left out: threads. A run is single-threaded; parallelism is across runs.
#ifndef FRESHET_SIM_SIMULATION_H_
#define FRESHET_SIM_SIMULATION_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "sim/callback.h"
#include "sim/check.h"
#include "sim/digest.h"
#include "sim/event.h"
#include "sim/event_queue.h"
#include "sim/metric.h"
#include "sim/recorder.h"
#include "sim/time.h"

namespace freshet {

class Simulation {
 public:
  explicit Simulation(uint64_t seed);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  uint64_t seed() const { return seed_; }
  Time Now() const { return clock_.now; }

  // --- Components ---

  // Registers a name. Two names, or two whose FNV-1a hashes collide, break a contract: random
  // streams and digests hang on the hash. REQUIRES: fewer than 2^20 components.
  ComponentId AddComponent(absl::string_view name);
  const std::string& NameOf(ComponentId id) const { return names_[id]; }
  uint64_t NameHashOf(ComponentId id) const { return name_hashes_[id]; }
  size_t ComponentCount() const { return names_.size(); }

  // --- Events ---

  // Fires `handler` once at `at`. The handler is kept in place: at most 40 bytes of trivially
  // copyable captures. REQUIRES: at >= Now().
  template <EventName kName, class Handler>
  EventId At(Time at, ComponentId owner, Handler&& handler, Priority priority = Priority::kNormal) {
    using Closure = std::decay_t<Handler>;
    static_assert(sizeof(Closure) <= sim_internal::EventNode::kClosureBytes,
                  "an event's closure is 40 bytes at most: capture an index into a pool instead");
    static_assert(std::is_trivially_copyable_v<Closure>, "captures must be trivially copyable");
    sim_internal::EventNode* node = nullptr;
    const EventId id = NewEvent(at, owner, priority, &node);
    node->ops = &sim_internal::kEventOps<Closure, kName>;
    new (node->closure) Closure(std::forward<Handler>(handler));
    return id;
  }

  // Takes the event back. Returns false when it has already fired or been cancelled. O(1).
  bool Cancel(EventId id);

  // Whether the event still waits.
  bool IsPending(EventId id) const;

  // --- Running ---

  enum class Stop : uint8_t { kDrained, kReachedEnd, kEventLimit };
  // Fires events up to and including `end`, at most `most_events` of them. At kReachedEnd the clock
  // stands at `end`; at kDrained at the last event. Final audits run at both.
  // A broken invariant leaves as InvariantBroken with `where` filled.
  Stop RunUntil(Time end, uint64_t most_events = UINT64_MAX);
  Stop Run() { return RunUntil(Time::Max()); }
  // Ends RunUntil() after the running event, as if nothing more were pending.
  void StopAfterThisEvent() { stop_requested_ = true; }

  // inv.I2 holds among these at any instant: scheduled = fired + cancelled + pending.
  uint64_t EventsScheduled() const { return next_sequence_ - 1; }
  uint64_t EventsFired() const { return events_fired_; }
  uint64_t EventsCancelled() const { return events_cancelled_; }
  size_t EventsPending() const { return queue_.size() - stale_; }
  // The running event, and the event whose handler scheduled it; 0 outside of events.
  uint64_t CurrentEvent() const { return recorder_.event(); }
  uint64_t CurrentCause() const { return running_ == nullptr ? 0 : running_->cause(); }

  // --- Looking on ---

  // What a tracer sees of each event before it fires. The return to a failure prints the last ones.
  struct TracedEvent {
    Time at;
    uint64_t sequence;
    uint64_t cause;
    const char* type;
    ComponentId owner;
  };
  // Empty: nobody looks.
  void SetTracer(Completion<const TracedEvent&> tracer) { tracer_ = tracer; }

  // --- What the run leaves ---

  MetricRegistry& metrics() { return metrics_; }
  const MetricRegistry& metrics() const { return metrics_; }
  Recorder& recorder() { return recorder_; }
  // A payload field for the `full` digest.
  void DigestField(uint64_t value) { digest_.AddField(value); }
  RunDigest& digest() { return digest_; }
  // Folds the final integer metrics into the `result` digest and returns all three. Call once.
  Digests FinishDigests();

  // Phase boundaries for metrics; assembly sets them from the plan before the run.
  void EnterPhase(Phase phase);
  Phase CurrentPhase() const { return clock_.phase; }
  // Series are for people: off when nothing is recorded.
  void SetSeries(bool on);

  // --- Audits ---

  // `audit` is called every kAuditSpacing events and at the end of the run; it breaks an invariant
  // by SIM_CHECK. For relations that cannot be checked in O(1) where they change.
  void AddAudit(Callback audit) { audits_.push_back(audit); }
  static constexpr uint64_t kAuditSpacing = 65536;
  // Whether the run ends with the audits that are under way: what takes turns looks at everything.
  bool AtLastAudit() const { return last_audit_; }
  // For measuring what audits cost; a shipped run never calls it.
  void SetPeriodicAudits(bool on) { periodic_audits_ = on; }

 private:
  friend class SimulationTestPeer;  // Breaks what the audits must notice.

  static constexpr uint32_t kSlabNodes = 4096;
  static constexpr uint32_t kNoSlot = sim_internal::QueueEntry::kSlotMask;
  using Node = sim_internal::EventNode;
  using Entry = sim_internal::QueueEntry;

  Node& NodeAt(uint32_t slot) { return slabs_[slot / kSlabNodes][slot % kSlabNodes]; }
  const Node& NodeAt(uint32_t slot) const { return slabs_[slot / kSlabNodes][slot % kSlabNodes]; }

  EventId NewEvent(Time at, ComponentId owner, Priority priority, Node** node) {
    SIM_CHECK(at >= clock_.now, "inv.I1", "an event is scheduled in the past");
    if (__builtin_expect(free_ == kNoSlot, 0)) AddSlab();
    SIM_CHECK(next_sequence_ < Entry::kSequenceMask, "inv.D2",
              "a run is limited to 2.7e11 events; split it");
    const uint32_t slot = free_;
    Node& fresh = NodeAt(slot);
    free_ = fresh.next_free();
    auto level = static_cast<unsigned>(priority);
    if (at == clock_.now && running_ != nullptr) level = std::max(level, last_fired_.priority());
    const uint64_t sequence = next_sequence_++;
    fresh.Take(sequence, owner, recorder_.event(), recorder_.ancestor());
    const uint64_t order = Entry::Pack(level, sequence, slot);
    queue_.Push({at.nanos(), order});
    *node = &fresh;
    return EventId(order);
  }

  void AddSlab();
  void Fire(const Entry& entry, Node& node);
  void Free(uint32_t slot, Node& node) {
    node.SetNextFree(free_);
    free_ = slot;
  }
  void SettleMetrics();
  void RunAudits();
  void AuditEventCounts() const;
  [[noreturn]] void Rethrow(const InvariantBroken& broken) const;

  const uint64_t seed_;
  MetricClock clock_;
  sim_internal::EventQueue queue_;
  std::vector<std::unique_ptr<Node[]>> slabs_;
  uint32_t free_ = kNoSlot;            // The first of a list through the nodes themselves.
  std::vector<std::string> names_;     // By component ...
  std::vector<uint64_t> name_hashes_;  // ... and what an event asks for, side by side.

  uint64_t next_sequence_ = 1;
  uint64_t events_fired_ = 0;
  uint64_t events_cancelled_ = 0;
  size_t stale_ = 0;               // Keys of cancelled events that are still in the queue.
  const Node* running_ = nullptr;  // The event whose handler runs, or ran last; null between runs.
  Entry last_fired_ = {0, 0};      // Below every key: sequences begin at 1.
  bool stop_requested_ = false;
  bool periodic_audits_ = true;
  bool last_audit_ = false;

  MetricRegistry metrics_;
  Recorder recorder_;
  RunDigest digest_;
  std::vector<Callback> audits_;
  Completion<const TracedEvent&> tracer_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_SIMULATION_H_
