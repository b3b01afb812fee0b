#include "models/log/log_cache.h"

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {

LogCache::LogCache(Bytes capacity, Bytes block_bytes, size_t partitions)
    : capacity_(capacity),
      block_bytes_(block_bytes),
      place_of_(partitions),
      memory_of_(partitions) {
  SIM_REQUIRE(Bytes(0) < block_bytes && block_bytes <= capacity);
  NewBlock(0, Time());
}

void LogCache::NewBlock(int64_t from, Time now) { blocks_.push_back({from, from, now, false, {}}); }

void LogCache::Put(PartitionId partition, Offset from, Offset to, Bytes bytes) {
  SIM_REQUIRE(from < to && bytes > Bytes(0));
  Block& block = open();
  Place& place = place_of_[partition];
  if (place.block != LastBlock()) {
    place = {LastBlock(), static_cast<uint32_t>(block.parts.size())};
    block.parts.push_back({partition, from, from, Bytes(0)});
  }
  Part& part = block.parts[place.part];
  SIM_CHECK(part.to == from, "inv.I13",
            absl::StrCat("partition ", partition, " goes on at ", from, " behind ", part.to));
  part.to = to;
  part.bytes += bytes;
  // Behind a gap it begins anew: the partition was elsewhere meanwhile.
  Memory& memory = memory_of_[partition];
  if (memory.from == kNothing || memory.to != from) memory.from = from;
  memory.to = to;
  block.to += bytes.count();
  Evict();
}

bool LogCache::HasRoomFor(Bytes bytes) const {
  return !HasOpen() || open().bytes() + bytes <= block_bytes_;
}

LogCache::BlockNumber LogCache::Archive(Time now) {
  SIM_REQUIRE(HasOpen());
  const BlockNumber archived = LastBlock();
  NewBlock(open().to, now);
  return archived;
}

const LogCache::Block& LogCache::BlockOf(BlockNumber number) const {
  return blocks_[static_cast<size_t>(number - first_number_)];
}

int64_t LogCache::uploaded_to() const {
  return uploaded_ == 0 ? blocks_.front().from : blocks_[uploaded_ - 1].to;
}

void LogCache::MarkUploaded(BlockNumber number) {
  SIM_CHECK(number == FirstNotUploaded() && number < LastBlock(), "inv.I13",
            absl::StrCat("block ", number, " is uploaded before ", FirstNotUploaded()));
  blocks_[uploaded_].uploaded = true;
  ++uploaded_;
  Evict();
}

void LogCache::Evict() {
  const int64_t kept = capacity_.count() / 10 * 9;
  while (uploaded_ > 0 && size().count() > kept) {
    if (blocks_.front().to > readable_from_) readable_from_ = blocks_.front().to;
    for (const Part& part : blocks_.front().parts) {
      Memory& memory = memory_of_[part.partition];
      if (memory.from < part.to) memory.from = part.to;
    }
    blocks_.pop_front();
    ++first_number_;
    --uploaded_;
  }
}

void LogCache::LoseMemory(Time now) {
  if (HasOpen()) Archive(now);
  readable_from_ = open().to;
  memory_of_.assign(memory_of_.size(), Memory());
}

void LogCache::BeginAnew(Time now, int64_t position) {
  first_number_ += blocks_.size();
  blocks_.clear();
  uploaded_ = 0;
  readable_from_ = position;
  memory_of_.assign(memory_of_.size(), Memory());
  NewBlock(position, now);
}

void LogCache::Audit() const {
  for (size_t i = 0; i < blocks_.size(); ++i) {
    Bytes bytes;
    for (const Part& part : blocks_[i].parts) bytes += part.bytes;
    SIM_CHECK(bytes == blocks_[i].bytes() && (i == 0 || blocks_[i].from == blocks_[i - 1].to),
              "inv.I3",
              absl::StrCat("a block from ", blocks_[i].from, " to ", blocks_[i].to, " holds ",
                           bytes.count(), " bytes"));
  }
}

}  // namespace freshet
