#include "models/sink/partition_rows.h"

namespace freshet {

int64_t PartitionRows::Add(PartitionId source, Offset from, Offset to) {
  IntervalMap<bool>& rows = by_source_[source];
  int64_t had = 0;
  for (auto next = rows.LowerBound(from); next != rows.end() && (*next).low < to; ++next) {
    had += std::min<Offset>((*next).high, to) - std::max<Offset>((*next).low, from);
  }
  rows.Assign(from, to, true);
  count_ += to - from - had;
  return to - from - had;
}

void PartitionRows::AddAll(const PartitionRows& other) {
  for (const auto& [source, rows] : other.by_source_) {
    for (auto each = rows.begin(); each != rows.end(); ++each) {
      Add(source, (*each).low, (*each).high);
    }
  }
}

size_t PartitionRows::interval_count() const {
  size_t count = 0;
  for (const auto& [source, rows] : by_source_) count += rows.size();
  return count;
}

}  // namespace freshet
