// A number of permits and a first-come queue for them: a thread pool whose threads also wait for
// other things than service (a disk flush), or a window of requests in flight.
#ifndef FRESHET_SIM_PERMITS_H_
#define FRESHET_SIM_PERMITS_H_

#include <cstdint>

#include "sim/callback.h"
#include "sim/check.h"
#include "sim/ring.h"

namespace freshet {

class Permits {
 public:
  // REQUIRES: count > 0.
  explicit Permits(int64_t count) : free_(count), count_(count) { SIM_REQUIRE(count > 0); }

  // Calls `granted` at once when a permit is free, else when one is released, first come first
  // served.
  template <class Granted>
  void Acquire(Granted granted) {
    if (free_ > 0) {
      --free_;
      granted();
    } else {
      waiting_.push_back(Callback(granted));
    }
  }
  void Release() {
    if (!waiting_.empty()) {
      Callback next = waiting_.pop_front();
      next();
      return;
    }
    ++free_;
    SIM_CHECK(free_ <= count_, "inv.I3", "a permit is released that nobody holds");
  }
  int64_t held() const { return count_ - free_; }
  size_t waiting() const { return waiting_.size(); }

 private:
  int64_t free_;
  const int64_t count_;
  Ring<Callback> waiting_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_PERMITS_H_
