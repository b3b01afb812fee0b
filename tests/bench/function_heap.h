// The engine that one writes first: std::function in a binary heap. What a run costs beyond the
// simplest thing that works is measured against it, without any package.
#ifndef FRESHET_TESTS_BENCH_FUNCTION_HEAP_H_
#define FRESHET_TESTS_BENCH_FUNCTION_HEAP_H_

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace freshet::bench {

class FunctionHeap {
 public:
  template <class Closure>
  void After(int64_t nanos, Closure closure) {
    events_.push({now_ + nanos, next_++, std::move(closure)});
  }
  int64_t Now() const { return now_; }
  void Stop() { stopped_ = true; }
  void Run(int64_t events = INT64_MAX) {
    stopped_ = false;
    for (; events > 0 && !events_.empty() && !stopped_; --events) {
      std::function<void()> handler = std::move(const_cast<Event&>(events_.top()).handler);
      now_ = events_.top().time;
      events_.pop();
      handler();
    }
  }

 private:
  struct Event {
    int64_t time;
    uint64_t order;
    std::function<void()> handler;
    friend bool operator<(const Event& a, const Event& b) {  // The largest is on top.
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };
  int64_t now_ = 0;
  uint64_t next_ = 0;
  bool stopped_ = false;
  std::priority_queue<Event> events_;
};

}  // namespace freshet::bench

#endif  // FRESHET_TESTS_BENCH_FUNCTION_HEAP_H_
