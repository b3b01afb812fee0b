// Timers in a binary heap that knows where each of them lies, so that one can be taken out: the
// usual way to cancel, against which timers of ours are measured.
#ifndef FRESHET_TESTS_BENCH_INDEXED_HEAP_H_
#define FRESHET_TESTS_BENCH_INDEXED_HEAP_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/callback.h"

namespace freshet::bench {

class IndexedHeap {
 public:
  using TimerId = uint32_t;

  template <class Closure>
  TimerId SetTimer(int64_t nanos, Closure closure) {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.emplace_back();
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    nodes_[slot].handler = closure;
    heap_.push_back({now_ + nanos, next_++, slot});
    Up(heap_.size() - 1);
    return slot;
  }
  template <class Closure>
  void After(int64_t nanos, Closure closure) {
    SetTimer(nanos, closure);
  }
  // REQUIRES: it has not fired; its id may by then be another's.
  void Cancel(TimerId id) {
    Remove(nodes_[id].position);
    free_.push_back(id);
  }
  void Run(int64_t events) {
    for (; events > 0 && !heap_.empty(); --events) {
      const Entry first = heap_.front();
      now_ = first.time;
      Callback handler = nodes_[first.slot].handler;
      Remove(0);
      free_.push_back(first.slot);
      handler();
    }
  }

 private:
  struct Entry {
    int64_t time;
    uint64_t order;
    uint32_t slot;
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.time != b.time ? a.time < b.time : a.order < b.order;
    }
  };
  struct Node {
    Callback handler;
    uint32_t position = 0;
  };
  void Place(size_t position, const Entry& entry) {
    heap_[position] = entry;
    nodes_[entry.slot].position = static_cast<uint32_t>(position);
  }
  void Up(size_t position) {
    const Entry entry = heap_[position];
    for (; position > 0 && entry < heap_[(position - 1) / 2]; position = (position - 1) / 2) {
      Place(position, heap_[(position - 1) / 2]);
    }
    Place(position, entry);
  }
  void Down(size_t position) {
    const Entry entry = heap_[position];
    while (2 * position + 1 < heap_.size()) {
      size_t child = 2 * position + 1;
      if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
      if (!(heap_[child] < entry)) break;
      Place(position, heap_[child]);
      position = child;
    }
    Place(position, entry);
  }
  void Remove(size_t position) {
    const Entry last = heap_.back();
    heap_.pop_back();
    if (position == heap_.size()) return;
    Place(position, last);
    Up(position);
    Down(nodes_[last.slot].position);
  }

  int64_t now_ = 0;
  uint64_t next_ = 0;
  std::vector<Entry> heap_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> free_;
};

}  // namespace freshet::bench

#endif  // FRESHET_TESTS_BENCH_INDEXED_HEAP_H_
