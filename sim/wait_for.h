// Waits until k of n members have answered: acks from the in-sync replicas, a quorum of voters, the
// last of several parts.
//
// A plain value of 56 bytes, made for a pool with one per batch in flight. The callback fires once,
// from within the call that completes it and as the last thing that call does, so the owner may
// reuse or restart the object from it. Those who answer afterwards are counted as late.
#ifndef FRESHET_SIM_WAIT_FOR_H_
#define FRESHET_SIM_WAIT_FOR_H_

#include <bit>
#include <cstdint>

#include "sim/callback.h"
#include "sim/check.h"

namespace freshet {

class WaitForKOfN {
 public:
  // A set of members 0 .. 63, as bits.
  using Members = uint64_t;
  static constexpr Members AllOf(int count) {
    return count >= 64 ? ~Members{0} : (Members{1} << count) - 1;
  }

  // Waits for `needed` of `members` from now on and forgets what was. Fires at once when none is
  // needed. REQUIRES: 0 <= needed <= number of members.
  void Start(Members members, int needed, Callback done) {
    SIM_REQUIRE(needed >= 0 && needed <= std::popcount(members));
    members_ = members;
    arrived_ = 0;
    late_ = 0;
    needed_ = needed;
    done_ = done;
    waiting_ = true;
    FireIfComplete();
  }

  // Member `index` has answered. A second answer, and one of a stranger, counts for nothing.
  void Arrive(int index) {
    SIM_REQUIRE(index >= 0 && index < 64);
    const Members bit = Members{1} << index;
    if ((members_ & bit) == 0 || (arrived_ & bit) != 0) return;
    arrived_ |= bit;
    if (!waiting_) ++late_;
    FireIfComplete();
  }

  // The members changed under way, as when the in-sync set shrinks: answers of those who left no
  // longer count, and it fires if the rest suffices. REQUIRES: as for Start().
  void SetMembers(Members members, int needed) {
    SIM_REQUIRE(needed >= 0 && needed <= std::popcount(members));
    members_ = members;
    arrived_ &= members;
    needed_ = needed;
    FireIfComplete();
  }
  // REQUIRES: as for Start().
  void SetNeeded(int needed) { SetMembers(members_, needed); }

  // Forgets it; nothing fires any more.
  void Stop() { waiting_ = false; }

  bool waiting() const { return waiting_; }
  int arrived() const { return std::popcount(arrived_); }
  int late() const { return late_; }
  int needed() const { return needed_; }
  // Members that have not answered yet: what a stamp names as the blocker.
  Members missing() const { return members_ & ~arrived_; }

 private:
  void FireIfComplete() {
    if (!waiting_ || std::popcount(arrived_) < needed_) return;
    waiting_ = false;
    Callback done = done_;
    if (done) done();
  }

  Members members_ = 0;
  Members arrived_ = 0;
  int16_t late_ = 0;
  int16_t needed_ = 0;
  bool waiting_ = false;
  Callback done_;
};
static_assert(sizeof(WaitForKOfN) <= 56);

}  // namespace freshet

#endif  // FRESHET_SIM_WAIT_FOR_H_
