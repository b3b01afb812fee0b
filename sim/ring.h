// A first-in-first-out queue in one growing ring: no allocation in steady state, and cheap when it
// is empty or short, which std::deque is not.
#ifndef FRESHET_SIM_RING_H_
#define FRESHET_SIM_RING_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "sim/check.h"

namespace freshet {

template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  void push_back(T&& value) {
    if (size_ == slots_.size()) {
      T moved = std::move(value);  // It may be one of the slots.
      Grow();
      AddBack() = std::move(moved);
    } else {
      AddBack() = std::move(value);
    }
  }
  void push_back(const T& value) {
    if (size_ == slots_.size()) {
      push_back(T(value));
    } else {
      AddBack() = value;
    }
  }
  // A new last element, to be filled in where it stands: its fields hold whatever was there before.
  T& AddBack() {
    if (size_ == slots_.size()) Grow();
    return slots_[(head_ + size_++) & (slots_.size() - 1)];
  }
  // Before all others: work that goes back to where it came from.
  void push_front(T value) {
    if (size_ == slots_.size()) Grow();
    head_ = (head_ + slots_.size() - 1) & (slots_.size() - 1);
    slots_[head_] = std::move(value);
    ++size_;
  }
  // REQUIRES: index < size().
  T& operator[](size_t index) { return slots_[(head_ + index) & (slots_.size() - 1)]; }
  const T& operator[](size_t index) const { return slots_[(head_ + index) & (slots_.size() - 1)]; }
  T& front() { return slots_[head_]; }
  const T& front() const { return slots_[head_]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }
  // REQUIRES: not empty.
  T pop_front() {
    SIM_REQUIRE(size_ > 0);
    T value = std::move(slots_[head_]);
    Advance();
    return value;
  }
  // The same for one who has used front().
  void drop_front() {
    SIM_REQUIRE(size_ > 0);
    Advance();
  }
  void pop_back() {
    SIM_REQUIRE(size_ > 0);
    --size_;
  }
  void clear() {
    head_ = 0;
    size_ = 0;
  }

 private:
  // From its beginning again once it is empty: a short queue stays in the same cache lines.
  void Advance() { head_ = --size_ == 0 ? 0 : (head_ + 1) & (slots_.size() - 1); }
  void Grow() {
    std::vector<T> larger(slots_.empty() ? 4 : 2 * slots_.size());
    for (size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    slots_ = std::move(larger);
    head_ = 0;
  }

  std::vector<T> slots_;  // A power of two of them.
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_RING_H_
