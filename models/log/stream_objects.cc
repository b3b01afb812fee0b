#include "models/log/stream_objects.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {

void StreamObjects::AddObject(ObjectId object, Bytes size, bool stream_set, int32_t owner) {
  SIM_REQUIRE(objects_.try_emplace(object, StreamObject{size, stream_set, owner, 0}).second);
  stream_set_objects_ += stream_set;
}

void StreamObjects::Begin(PartitionId partition, Offset offset) {
  SIM_REQUIRE(streams_[partition].empty() && starts_[partition].offset <= offset);
  starts_[partition].offset = offset;
}

void StreamObjects::Release(ObjectId id, std::vector<ObjectId>* unused) {
  StreamObject& object = objects_.at(id);
  if (--object.extents > 0) return;
  stream_set_objects_ -= object.stream_set;
  objects_.erase(id);
  unused->push_back(id);
}

void StreamObjects::Trim(PartitionId partition, Offset offset, std::vector<ObjectId>* unused) {
  std::vector<StreamExtent>& extents = streams_[partition];
  auto kept = extents.begin();
  for (; kept != extents.end() && kept->to <= offset; ++kept) {
    starts_[partition] = {kept->to, kept->end_position()};
    Release(kept->object, unused);
  }
  extents.erase(extents.begin(), kept);
}

void StreamObjects::Commit(StreamExtent extent) {
  SIM_CHECK(
      extent.from == EndOf(extent.partition) && extent.from < extent.to, "inv.I13",
      absl::StrCat("partition ", extent.partition, " is uploaded to ", EndOf(extent.partition),
                   "; the next extent is [", extent.from, ", ", extent.to, ")"));
  extent.position = EndPositionOf(extent.partition);
  Refer(extent.object);
  streams_[extent.partition].push_back(extent);
}

void StreamObjects::Replace(StreamExtent merged, std::vector<ObjectId>* unused) {
  std::vector<StreamExtent>& extents = streams_[merged.partition];
  const auto first = std::lower_bound(
      extents.begin(), extents.end(), merged.from,
      [](const StreamExtent& extent, Offset offset) { return extent.from < offset; });
  SIM_REQUIRE(first != extents.end() && first->from == merged.from);
  merged.position = first->position;
  Bytes bytes;
  auto last = first;
  for (; last != extents.end() && last->to <= merged.to; ++last) {
    bytes += last->bytes;
    Release(last->object, unused);
  }
  SIM_CHECK(std::prev(last)->to == merged.to && bytes == merged.bytes, "inv.I13",
            absl::StrCat("partition ", merged.partition, ": [", merged.from, ", ", merged.to,
                         ") is not what it was made of"));
  Refer(merged.object);
  *first = merged;
  extents.erase(std::next(first), last);
}

const StreamExtent& StreamObjects::At(PartitionId partition, Offset offset) const {
  const std::vector<StreamExtent>& extents = streams_[partition];
  const auto after = std::upper_bound(
      extents.begin(), extents.end(), offset,
      [](Offset wanted, const StreamExtent& extent) { return wanted < extent.from; });
  SIM_REQUIRE(after != extents.begin() && offset < std::prev(after)->to);
  return *std::prev(after);
}

const StreamExtent& StreamObjects::AtPosition(PartitionId partition, int64_t position) const {
  const std::vector<StreamExtent>& extents = streams_[partition];
  const auto after = std::upper_bound(
      extents.begin(), extents.end(), position,
      [](int64_t wanted, const StreamExtent& extent) { return wanted < extent.position; });
  SIM_REQUIRE(after != extents.begin() && position < std::prev(after)->end_position());
  return *std::prev(after);
}

void StreamObjects::Audit() const {
  absl::btree_map<ObjectId, int64_t> referred;
  for (PartitionId partition = 0; partition < streams_.size(); ++partition) {
    Offset next = starts_[partition].offset;
    int64_t position = starts_[partition].position;
    for (const StreamExtent& extent : streams_[partition]) {
      SIM_CHECK(extent.from == next && extent.to > next && extent.position == position, "inv.I13",
                absl::StrCat("partition ", partition, ": an extent [", extent.from, ", ", extent.to,
                             ") where ", next, " was expected"));
      next = extent.to;
      position = extent.end_position();
      ++referred[extent.object];
    }
  }
  for (const auto& [id, object] : objects_) {
    const auto count = referred.find(id);
    SIM_CHECK(count != referred.end() && count->second == object.extents, "inv.I13",
              absl::StrCat("object ", id, " counts ", object.extents, " extents"));
  }
  SIM_CHECK(referred.size() == objects_.size(), "inv.I13",
            "an extent lies in an object that is not known");
}

}  // namespace freshet
