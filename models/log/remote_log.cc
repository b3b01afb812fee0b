#include "models/log/remote_log.h"

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {

void RemoteLog::Add(const RemoteSegment& segment) {
  SIM_REQUIRE(segment.range.base_offset < segment.range.end_offset &&
              (end_offset_ == 0 || segment.range.base_offset == end_offset_));
  segments_.push_back(segment);
  end_offset_ = segment.range.end_offset;
  bytes_ += segment.range.bytes;
}

void RemoteLog::DeleteBelow(Offset offset) {
  while (!segments_.empty() && segments_.front().range.end_offset <= offset) {
    bytes_ -= segments_.front().range.bytes;
    deleted_.push_back(segments_.pop_front());
  }
}

const RemoteSegment* RemoteLog::Find(Offset offset) const {
  if (segments_.empty() || offset < segments_.front().range.base_offset || offset >= end_offset_) {
    return nullptr;
  }
  size_t low = 0;
  size_t high = segments_.size();
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    (segments_[middle].range.base_offset <= offset ? low : high) = middle;
  }
  return &segments_[low];
}

void RemoteLog::Audit(const PartitionLog& log, Offset local_start) const {
  SIM_CHECK(log.log_start_offset() <= local_start && local_start <= log.high_watermark(), "inv.I14",
            absl::StrCat("the local log starts at ", local_start, ", the log at ",
                         log.log_start_offset(), ", committed up to ", log.high_watermark()));
  SIM_CHECK(end_offset_ <= log.high_watermark(), "inv.I14",
            absl::StrCat("remote up to ", end_offset_, ", past the high watermark ",
                         log.high_watermark()));
  if (local_start > log.log_start_offset()) {
    SIM_CHECK(!segments_.empty() && segments_.front().range.base_offset <= log.log_start_offset() &&
                  end_offset_ >= local_start,
              "inv.I14",
              absl::StrCat("neither disks nor remote storage hold the log from ",
                           log.log_start_offset(), " to ", local_start));
  }
  Bytes bytes;
  for (size_t i = 0; i < segments_.size(); ++i) {
    const ClosedSegment& segment = segments_[i].range;
    const bool last = i + 1 == segments_.size();
    const Offset next = last ? end_offset_ : segments_[i + 1].range.base_offset;
    const int64_t position =
        last ? segment.position + segment.bytes.count() : segments_[i + 1].range.position;
    SIM_CHECK(segment.end_offset == next && segment.position + segment.bytes.count() == position,
              "inv.I14",
              absl::StrCat("the remote segment from ", segment.base_offset, " ends at ",
                           segment.end_offset, ", the next begins at ", next));
    bytes += segment.bytes;
  }
  SIM_CHECK(bytes == bytes_, "inv.I3", "remote segments do not add up");
}

}  // namespace freshet
