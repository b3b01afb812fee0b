// Objects that wait for an event, kept in place and named by a small index that an event can carry.
// Addresses are stable; a freed slot is reused at once, so steady state allocates nothing.
#ifndef FRESHET_SIM_POOL_H_
#define FRESHET_SIM_POOL_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sim/check.h"

namespace freshet {

template <class T>
class Pool {
 public:
  // The index of a slot that now holds `value`. Never 0, so that 0 can mean none.
  uint32_t Add(T value) {
    const uint32_t index = AddUsed();
    (*this)[index] = std::move(value);
    return index;
  }
  // The same, but the slot still holds what its last user left: for objects that own memory worth
  // keeping, and that their user resets.
  uint32_t AddUsed() {
    if (free_.empty()) Grow();
    const uint32_t index = free_.back();
    free_.pop_back();
    ++in_use_;
    return index;
  }
  // Takes the value out and frees the slot. REQUIRES: `index` is in use.
  T Take(uint32_t index) {
    T value = std::move((*this)[index]);
    Free(index);
    return value;
  }
  void Free(uint32_t index) {
    free_.push_back(index);
    --in_use_;
  }
  T& operator[](uint32_t index) { return slabs_[index / kSlab][index % kSlab]; }
  const T& operator[](uint32_t index) const { return slabs_[index / kSlab][index % kSlab]; }
  size_t in_use() const { return in_use_; }

 private:
  static constexpr uint32_t kSlab = 256;

  void Grow() {
    const auto first = static_cast<uint32_t>(slabs_.size() * kSlab);
    slabs_.push_back(std::make_unique<T[]>(kSlab));
    free_.reserve(slabs_.size() * kSlab);
    for (uint32_t i = kSlab; i-- > 0;) {
      if (first + i != 0) free_.push_back(first + i);
    }
  }

  std::vector<std::unique_ptr<T[]>> slabs_;
  std::vector<uint32_t> free_;
  size_t in_use_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_POOL_H_
