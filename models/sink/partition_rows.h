// Which records a partition of a table has rows of: each once, by their offsets at their sources.
// What an overwrite keeps, adds and drops is told from two of them.
//
// REQUIRES: records go there whole batches at a time or parts of them by offset, never shares
// (record_range.h): nobody has filtered or split them.
#ifndef FRESHET_MODELS_SINK_PARTITION_ROWS_H_
#define FRESHET_MODELS_SINK_PARTITION_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/container/btree_map.h"
#include "models/log/segments.h"
#include "sim/interval_map.h"

namespace freshet {

class PartitionRows {
 public:
  // Returns how many of these it did not have.
  int64_t Add(PartitionId source, Offset from, Offset to);
  void AddAll(const PartitionRows& other);
  int64_t count() const { return count_; }
  size_t interval_count() const;

  // Calls visit(source, from, to) for what it has and `other` has not.
  template <class Visit>
  void VisitBeyond(const PartitionRows& other, Visit&& visit) const;

 private:
  absl::btree_map<PartitionId, IntervalMap<bool>> by_source_;
  int64_t count_ = 0;
};

template <class Visit>
void PartitionRows::VisitBeyond(const PartitionRows& other, Visit&& visit) const {
  const IntervalMap<bool> none = {};
  for (const auto& [source, mine] : by_source_) {
    const auto entry = other.by_source_.find(source);
    const IntervalMap<bool>& theirs = entry == other.by_source_.end() ? none : entry->second;
    for (auto each = mine.begin(); each != mine.end(); ++each) {
      Offset at = (*each).low;
      for (auto next = theirs.LowerBound(at); at < (*each).high; ++next) {
        const bool any = next != theirs.end() && (*next).low < (*each).high;
        const Offset until = any ? std::max<Offset>(at, (*next).low) : (*each).high;
        if (at < until) visit(source, at, until);
        if (!any) break;
        at = (*next).high;
      }
    }
  }
}

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_PARTITION_ROWS_H_
