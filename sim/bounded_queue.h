// A queue that pushes back: it holds so many items and so many bytes, and who comes when it is full
// waits in line until there is room. A producer's buffer, a channel between two operators.
//
// Order is kept: what waits outside enters first come first served, and nobody overtakes a large
// item that waits for room. Items are the caller's type, moved in and out; the queue knows their
// size only.
//
// Held to by audits: inv.I3 pushed = popped + inside + waiting outside + dropped, in items and
// bytes; inv.I5 nobody waits outside while its item would fit; inv.I6 neither limit is exceeded.
// Left out: priorities, several consumers with a fairness between them.
#ifndef FRESHET_SIM_BOUNDED_QUEUE_H_
#define FRESHET_SIM_BOUNDED_QUEUE_H_

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/callback.h"
#include "sim/component.h"
#include "sim/metric.h"
#include "sim/ring.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

// What all queues have in common, whatever they hold.
struct BoundedQueueConfig {
  int64_t most_items = INT64_MAX;
  Bytes most_bytes = Bytes(INT64_MAX);
  bool metrics = true;
};

struct BoundedQueueMetrics {
  static constexpr MetricDef kBytes = {"bounded_queue.bytes", MetricKind::kGauge,
                                       MetricUnit::kBytes, "Bytes inside."};
  static constexpr MetricDef kBlocked = {"bounded_queue.blocked", MetricKind::kDistribution,
                                         MetricUnit::kDuration,
                                         "From a push that found no room to its item's entry."};
};

template <class Item>
class BoundedQueue : public Component {
 public:
  BoundedQueue(Simulation& sim, absl::string_view name, const BoundedQueueConfig& config)
      : Component(sim, name), config_(config) {
    SIM_REQUIRE(config.most_items > 0 && config.most_bytes > Bytes(0));
    if (config.metrics) {
      bytes_metric_ = &AddGauge(BoundedQueueMetrics::kBytes);
      blocked_metric_ = &AddDistribution(BoundedQueueMetrics::kBlocked);
    }
    sim.AddAudit([this] { Audit(); });
  }

  // Puts the item in if there is room and nobody waits; else returns false and leaves `item` alone.
  // REQUIRES: 0 <= size.
  bool TryPush(Item& item, Bytes size) {
    SIM_REQUIRE(size >= Bytes(0));
    if (!outside_.empty() || !Fits(size)) return false;
    ++pushed_;
    bytes_pushed_ += size.count();
    Enter(std::move(item), size);
    return true;
  }

  // Puts the item in now (returns true; `entered` is forgotten) or in line (returns false;
  // `entered` fires once when it is in, never re-entrantly). REQUIRES: 0 <= size <= most_bytes:
  // what could never enter would block the line for ever.
  bool Push(Item item, Bytes size, Callback entered) {
    SIM_REQUIRE(size <= config_.most_bytes);
    if (TryPush(item, size)) return true;
    ++pushed_;
    bytes_pushed_ += size.count();
    bytes_outside_ += size.count();
    outside_.push_back({std::move(item), size, Now(), entered});
    return false;
  }

  // REQUIRES: not empty.
  const Item& Front() const { return inside_.front().item; }
  Bytes FrontSize() const { return inside_.front().size; }

  // Takes the oldest item; those in line that now fit enter. REQUIRES: not empty.
  Item Pop() {
    SIM_REQUIRE(!inside_.empty());
    Held held = inside_.pop_front();
    bytes_inside_ -= held.size.count();
    ++popped_;
    bytes_popped_ += held.size.count();
    Admit();
    ShowBytes();
    return std::move(held.item);
  }

  // Fires once, as soon as an item is inside; at this instant if one is. Never re-entrantly.
  // REQUIRES: nobody waits so already.
  void WhenNotEmpty(Callback ready) {
    SIM_REQUIRE(!ready_);
    ready_ = ready;
    if (!inside_.empty()) ScheduleReady();
  }

  // Forgets everything inside and in line, and who waits for an item: a crash. Returns how many
  // items.
  int64_t DropAll() {
    const int64_t count = size() + blocked();
    dropped_ += count;
    bytes_dropped_ += bytes_inside_ + bytes_outside_;
    while (!inside_.empty()) inside_.pop_front();
    while (!outside_.empty()) outside_.pop_front();
    while (!entered_.empty()) entered_.pop_front();
    bytes_inside_ = 0;
    bytes_outside_ = 0;
    ready_ = Callback();
    ShowBytes();
    return count;
  }

  bool empty() const { return inside_.empty(); }
  int64_t size() const { return static_cast<int64_t>(inside_.size()); }
  Bytes bytes() const { return Bytes(bytes_inside_); }
  int64_t blocked() const { return static_cast<int64_t>(outside_.size()); }
  Bytes bytes_blocked() const { return Bytes(bytes_outside_); }

 private:
  template <class>
  friend class BoundedQueueTestPeer;  // Breaks what the audits must notice.

  struct Held {
    Item item;
    Bytes size;
  };
  struct Waiting {
    Item item;
    Bytes size;
    Time since;
    Callback entered;
  };

  bool Fits(Bytes size) const {
    return size_t(config_.most_items) > inside_.size() &&
           size.count() <= config_.most_bytes.count() - bytes_inside_;
  }

  void Enter(Item item, Bytes size) {
    inside_.push_back({std::move(item), size});
    bytes_inside_ += size.count();
    ShowBytes();
    if (ready_) ScheduleReady();
  }

  void Admit() {
    while (!outside_.empty() && Fits(outside_.front().size)) {
      Waiting waiting = outside_.pop_front();
      bytes_outside_ -= waiting.size.count();
      if (blocked_metric_ != nullptr) blocked_metric_->Record(Now() - waiting.since);
      if (waiting.entered) {
        entered_.push_back(waiting.entered);
        After<"bounded_queue.entered">(Duration::Zero(), [this] {
          if (entered_.empty()) return;  // Dropped in between.
          Callback entered = entered_.pop_front();
          entered();
        });
      }
      Enter(std::move(waiting.item), waiting.size);
    }
  }

  void ScheduleReady() {
    if (sim().IsPending(ready_event_)) return;
    ready_event_ = After<"bounded_queue.ready">(Duration::Zero(), [this] {
      if (!ready_ || inside_.empty()) return;
      Callback ready = std::exchange(ready_, Callback());
      ready();
    });
  }

  void ShowBytes() {
    if (bytes_metric_ != nullptr && bytes_metric_->Value() != bytes_inside_) {
      bytes_metric_->Set(bytes_inside_);
    }
  }

  void Audit() const {
    SIM_CHECK(pushed_ == popped_ + size() + blocked() + dropped_ &&
                  bytes_pushed_ == bytes_popped_ + bytes_inside_ + bytes_outside_ + bytes_dropped_,
              "inv.I3",
              absl::StrCat(name(), ": pushed ", pushed_, ", popped ", popped_, ", inside ", size(),
                           ", outside ", blocked(), ", dropped ", dropped_));
    SIM_CHECK(outside_.empty() || !Fits(outside_.front().size), "inv.I5",
              absl::StrCat(name(), ": an item waits outside that would fit"));
    SIM_CHECK(size() <= config_.most_items && bytes_inside_ <= config_.most_bytes.count(), "inv.I6",
              absl::StrCat(name(), ": holds ", bytes_inside_, " bytes"));
  }

  const BoundedQueueConfig config_;
  Ring<Held> inside_;
  Ring<Waiting> outside_;
  Ring<Callback> entered_;  // To fire at this instant.
  Callback ready_;
  EventId ready_event_;
  int64_t bytes_inside_ = 0;
  int64_t bytes_outside_ = 0;
  int64_t pushed_ = 0;
  int64_t popped_ = 0;
  int64_t dropped_ = 0;
  int64_t bytes_pushed_ = 0;
  int64_t bytes_popped_ = 0;
  int64_t bytes_dropped_ = 0;
  Gauge* bytes_metric_ = nullptr;
  Distribution* blocked_metric_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_SIM_BOUNDED_QUEUE_H_
