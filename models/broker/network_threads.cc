#include "models/broker/network_threads.h"

#include "sim/check.h"

namespace freshet {

NetworkThreads::NetworkThreads(int64_t count) : threads_(static_cast<size_t>(count)) {
  SIM_REQUIRE(count > 0);
}

void NetworkThreads::DealNext(uint32_t* thread) {
  *thread = next_;
  next_ = (next_ + 1) % static_cast<uint32_t>(threads_.size());
}

void NetworkThreads::Await(uint32_t thread, Callback then) {
  SIM_REQUIRE(IsBusy(thread));
  threads_[thread].waiting.push_back(then);
}

void NetworkThreads::Sleep(uint32_t thread) {
  SIM_REQUIRE(!IsBusy(thread));
  threads_[thread].asleep = true;
  ++asleep_;
}

void NetworkThreads::Wake(uint32_t number) {
  SIM_REQUIRE(IsBusy(number));
  Thread& thread = threads_[number];
  thread.asleep = false;
  --asleep_;
  while (!thread.asleep && !thread.waiting.empty()) {
    Callback next = thread.waiting.pop_front();
    next();
  }
}

void NetworkThreads::Abandon() {
  for (Thread& thread : threads_) {
    // Each once: who waits again does so in the next life.
    for (size_t left = thread.waiting.size(); left > 0; --left) {
      Callback next = thread.waiting.pop_front();
      next();
    }
  }
}

}  // namespace freshet
