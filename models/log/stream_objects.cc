#include "models/log/stream_objects.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {

void StreamObjects::AddObject(ObjectId object, Bytes size, bool stream_set, int32_t owner) {
  SIM_REQUIRE(objects_.try_emplace(object, StreamObject{size, stream_set, owner, 0}).second);
  stream_set_objects_ += stream_set;
}

void StreamObjects::BeginAt(PartitionId partition, Offset offset) {
  Stream& stream = streams_[partition];
  SIM_REQUIRE(stream.extents.empty() && stream.end == 0);
  stream.start = stream.end = offset;
}

void StreamObjects::Commit(StreamExtent extent) {
  Stream& stream = streams_[extent.partition];
  SIM_CHECK(extent.from == stream.end && extent.from < extent.to, "inv.I13",
            absl::StrCat("partition ", extent.partition, " is uploaded to ", stream.end,
                         "; the next extent is [", extent.from, ", ", extent.to, ")"));
  extent.position = stream.end_position;
  Refer(extent.object);
  stream.extents.push_back(extent);
  stream.end = extent.to;
  stream.end_position = extent.end_position();
}

void StreamObjects::Forget(ObjectId object) {
  stream_set_objects_ -= objects_.at(object).stream_set;
  objects_.erase(object);
}

bool StreamObjects::Unrefer(ObjectId object) {
  if (--objects_.at(object).extents > 0) return false;
  Forget(object);
  return true;
}

void StreamObjects::Replace(StreamExtent merged, std::vector<ObjectId>* unused) {
  std::vector<StreamExtent>& extents = streams_[merged.partition].extents;
  const auto first = std::lower_bound(
      extents.begin(), extents.end(), merged.from,
      [](const StreamExtent& extent, Offset offset) { return extent.from < offset; });
  if (first == extents.begin() && (extents.empty() || first->from >= merged.to))
    return;  // Trimmed.
  SIM_REQUIRE(first != extents.end() && (first->from == merged.from || first == extents.begin()));
  Bytes bytes;
  auto last = first;
  for (; last != extents.end() && last->to <= merged.to; ++last) {
    bytes += last->bytes;
    if (Unrefer(last->object)) unused->push_back(last->object);
  }
  SIM_CHECK(std::prev(last)->to == merged.to &&
                (first->from == merged.from ? bytes == merged.bytes : bytes < merged.bytes),
            "inv.I13",
            absl::StrCat("partition ", merged.partition, ": [", merged.from, ", ", merged.to,
                         ") is not what it was made of"));
  // What was trimmed meanwhile lies in the object, before the rest.
  merged.object_offset += merged.bytes - bytes;
  merged.bytes = bytes;
  merged.from = first->from;
  merged.position = first->position;
  Refer(merged.object);
  *first = merged;
  extents.erase(std::next(first), last);
}

void StreamObjects::DropIfUnused(ObjectId object, std::vector<ObjectId>* unused) {
  if (objects_.at(object).extents > 0) return;
  Forget(object);
  unused->push_back(object);
}

void StreamObjects::Trim(PartitionId partition, Offset offset) {
  Stream& stream = streams_[partition];
  SIM_REQUIRE(offset <= stream.end);
  stream.start = std::max(stream.start, offset);
  auto kept = stream.extents.begin();
  for (; kept != stream.extents.end() && kept->to <= offset; ++kept) {
    const StreamObject object = objects_.at(kept->object);
    if (!Unrefer(kept->object)) continue;
    expired_.push_back({kept->object, object.stream_set, object.owner, partition});
  }
  stream.extents.erase(stream.extents.begin(), kept);
}

const StreamExtent& StreamObjects::At(PartitionId partition, Offset offset) const {
  const std::vector<StreamExtent>& extents = streams_[partition].extents;
  const auto after = std::upper_bound(
      extents.begin(), extents.end(), offset,
      [](Offset wanted, const StreamExtent& extent) { return wanted < extent.from; });
  SIM_REQUIRE(after != extents.begin() && offset < std::prev(after)->to);
  return *std::prev(after);
}

const StreamExtent& StreamObjects::AtPosition(PartitionId partition, int64_t position) const {
  const std::vector<StreamExtent>& extents = streams_[partition].extents;
  const auto after = std::upper_bound(
      extents.begin(), extents.end(), position,
      [](int64_t wanted, const StreamExtent& extent) { return wanted < extent.position; });
  SIM_REQUIRE(after != extents.begin() && position < std::prev(after)->end_position());
  return *std::prev(after);
}

void StreamObjects::Audit() const {
  absl::btree_map<ObjectId, int64_t> referred;
  for (PartitionId partition = 0; partition < streams_.size(); ++partition) {
    const Stream& stream = streams_[partition];
    Offset next = FirstHeld(partition);
    int64_t position = FirstPositionOf(partition);
    SIM_CHECK(stream.extents.empty()
                  ? stream.start == stream.end
                  : next <= stream.start && stream.start < stream.extents.front().to,
              "inv.I13",
              absl::StrCat("partition ", partition, " starts at ", stream.start,
                           ", what is held at ", next));
    for (const StreamExtent& extent : stream.extents) {
      SIM_CHECK(extent.from == next && extent.to > next && extent.position == position, "inv.I13",
                absl::StrCat("partition ", partition, ": an extent [", extent.from, ", ", extent.to,
                             ") where ", next, " was expected"));
      next = extent.to;
      position = extent.end_position();
      ++referred[extent.object];
    }
    SIM_CHECK(next == stream.end && position == stream.end_position, "inv.I13",
              absl::StrCat("partition ", partition, ": the last extent ends at ", next,
                           ", what is uploaded at ", stream.end));
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
