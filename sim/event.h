// An event as it waits: who scheduled it, whose it is, and a small closure kept in place.
//
// The name of an event is part of its type, After<"broker.fetch_done">(...), so it costs nothing to
// carry, appears in traces, and enters the order digest by its hash, never by an address.
#ifndef FRESHET_SIM_EVENT_H_
#define FRESHET_SIM_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "sim/hash.h"

namespace freshet {

// A string literal as a template argument.
template <size_t kSize>
struct EventName {
  consteval EventName(const char (&literal)[kSize]) {  // NOLINT: implicit by design.
    for (size_t i = 0; i < kSize; ++i) text[i] = literal[i];
  }
  char text[kSize];
};

// Which of several events at one instant comes first. Within a class: first scheduled, first fired.
// An event scheduled for the current instant never overtakes the one that runs: its class is then
// at least the running event's.
enum class Priority : uint8_t {
  kFault = 0,  // Faults and operations, so that "down at 1h" holds for all of that instant.
  kNormal = 1,
  kControl = 2,  // Policies and scrapes: they see the instant complete.
  kEnd = 3,      // Closing of windows and of the run.
};

// Names a scheduled event for Cancel(). Zero names none.
class EventId {
 public:
  constexpr EventId() = default;
  constexpr explicit EventId(uint64_t order) : order_(order) {}
  constexpr uint64_t order() const { return order_; }
  constexpr explicit operator bool() const { return order_ != 0; }
  friend constexpr bool operator==(EventId, EventId) = default;

 private:
  uint64_t order_ = 0;
};

namespace sim_internal {

struct EventOps {
  void (*run)(void* closure);
  uint64_t name_hash;
  const char* name;
};

template <class Closure, EventName kName>
inline constexpr EventOps kEventOps = {[](void* closure) { (*static_cast<Closure*>(closure))(); },
                                       Fnv1a64OfBytes(kName.text, sizeof(kName.text) - 1),
                                       kName.text};

// One cache line. What is known of the event is packed so that 40 bytes remain for the closure:
// with its function pointer that is the 48-byte callable of docs/decisions/0007. Packed by hand, as
// whole words: bit fields would read what they overwrite.
struct alignas(64) EventNode {
  static constexpr size_t kClosureBytes = 40;
  static constexpr int kSequenceBits = 38;
  static constexpr int kComponentBits = 20;
  static constexpr uint64_t kSequenceMask = (uint64_t{1} << kSequenceBits) - 1;

  // The event `sequence` of `component`, scheduled by the handler of the event `cause`, a
  // consequence of the record `ancestor` (recorder.h).
  void Take(uint64_t sequence, uint32_t component, uint64_t cause, uint32_t ancestor) {
    sequence_component = sequence | (uint64_t{component} << kSequenceBits) |
                         (uint64_t{ancestor} << (kSequenceBits + kComponentBits));
    cause_ancestor = cause | (uint64_t{ancestor >> 6} << kSequenceBits);
  }
  // No longer pending; what else is known of it stays for whoever asks for the event that runs, or
  // ran last.
  void Clear() { sequence_component &= ~kSequenceMask; }
  // The list of free slots goes through the place of the closures.
  void SetNextFree(uint32_t slot) { std::memcpy(closure, &slot, sizeof(slot)); }
  uint32_t next_free() const {
    uint32_t slot;
    std::memcpy(&slot, closure, sizeof(slot));
    return slot;
  }
  uint64_t sequence() const { return sequence_component & kSequenceMask; }
  uint32_t component() const {
    return (sequence_component >> kSequenceBits) & ((1u << kComponentBits) - 1);
  }
  uint64_t cause() const { return cause_ancestor & kSequenceMask; }
  uint32_t ancestor() const {
    return static_cast<uint32_t>(sequence_component >> (kSequenceBits + kComponentBits) |
                                 cause_ancestor >> kSequenceBits << 6);
  }

  uint64_t sequence_component;  // sequence:38, 0 unless it is pending | component:20 | ancestor:6
  uint64_t cause_ancestor;      // cause:38 | the rest of ancestor:26
  const EventOps* ops;
  alignas(8) std::byte closure[kClosureBytes];
};
static_assert(sizeof(EventNode) == 64);

}  // namespace sim_internal
}  // namespace freshet

#endif  // FRESHET_SIM_EVENT_H_
