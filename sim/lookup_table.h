// A hash table that can be asked but not walked: the order of a hashed container differs from run
// to run, and order that reaches a result breaks the same-bytes promise (docs/determinism.md, rule
// D7).
//
// Where a walk is needed, use absl::btree_map or a vector with an index. This header is the one
// place in sim and models where a hashed container is allowed; tests/tidy sees to it.
//
// Pointers and references to values are valid until the next insertion or removal.
#ifndef FRESHET_SIM_LOOKUP_TABLE_H_
#define FRESHET_SIM_LOOKUP_TABLE_H_

#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace freshet {

template <typename Key, typename Value>
class LookupTable {
 public:
  // The value of `key`, or nullptr. Accepts what the key's hash accepts (absl::string_view for a
  // std::string key).
  template <typename K>
  Value* Find(const K& key) {
    const auto found = map_.find(key);
    return found == map_.end() ? nullptr : &found->second;
  }
  template <typename K>
  const Value* Find(const K& key) const {
    const auto found = map_.find(key);
    return found == map_.end() ? nullptr : &found->second;
  }
  template <typename K>
  bool Contains(const K& key) const {
    return map_.contains(key);
  }

  // Makes the value from `arguments` unless `key` is there already. Returns the value that is in
  // the table now, and whether it is new.
  template <typename... Arguments>
  std::pair<Value*, bool> Insert(Key key, Arguments&&... arguments) {
    const auto [place, is_new] =
        map_.try_emplace(std::move(key), std::forward<Arguments>(arguments)...);
    return {&place->second, is_new};
  }
  // The value of `key`, value-initialised when it is new.
  Value& operator[](const Key& key) { return map_[key]; }

  // Returns whether the key was there.
  template <typename K>
  bool Erase(const K& key) {
    return map_.erase(key) > 0;
  }
  void Clear() { map_.clear(); }
  void Reserve(size_t count) { map_.reserve(count); }

  size_t size() const { return map_.size(); }
  bool empty() const { return map_.empty(); }

 private:
  absl::flat_hash_map<Key, Value> map_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_LOOKUP_TABLE_H_
