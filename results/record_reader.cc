#include "results/record_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "results/record_format.h"
#include "sim/histogram.h"

namespace freshet {
namespace {

using namespace record_format;  // NOLINT: the file is about this format.

template <class Header>
bool ChecksumHolds(const Header& header, uint64_t checksum) {
  return XXH3_64bits(&header, sizeof header - sizeof(uint64_t)) == checksum;
}

template <class T>
std::vector<T> GetColumn(const std::string& payload, size_t at, size_t items) {
  std::vector<T> column(items);
  if (items > 0) std::memcpy(column.data(), payload.data() + at, items * sizeof(T));
  return column;
}

// Everything a later computation relies on; a crafted file with right checksums must not get past.
bool IsSound(const MetricTable& table) {
  int64_t reached = 0;
  for (const PhaseSpan& span : table.span()) {
    if (!MetricPhase::Phase_IsValid(span.phase()) ||
        span.phase() == MetricPhase::PHASE_UNSPECIFIED || span.from_ns() < reached ||
        span.until_ns() < span.from_ns()) {
      return false;
    }
    reached = span.until_ns();
  }
  if (table.ended_at_ns() < 0) return false;
  const int32_t last_bucket = Histogram::BucketOf(INT64_MAX);
  for (const MetricRow& row : table.metric()) {
    if (row.phase_size() > 4 || !MetricRow::Kind_IsValid(row.kind()) ||
        row.kind() == MetricRow::KIND_UNSPECIFIED || !MetricRow::Measure_IsValid(row.measure())) {
      return false;
    }
    // Windows add phases up: no sum may overflow.
    int64_t samples = 0, total = 0, nanos = 0;
    constexpr int64_t kMostHigh = int64_t{1} << 60;
    for (const MetricPhase& phase : row.phase()) {
      if (!MetricPhase::Phase_IsValid(phase.phase()) || phase.nanos() < 0 || phase.count() < 0 ||
          phase.sum().high() > kMostHigh || phase.sum().high() < -kMostHigh ||
          __builtin_add_overflow(samples, phase.count(), &samples) ||
          __builtin_add_overflow(total, phase.total(), &total) ||
          __builtin_add_overflow(nanos, phase.nanos(), &nanos)) {
        return false;
      }
      int32_t previous = -1;
      int64_t count = 0;
      for (const HistogramBucket& bucket : phase.bucket()) {
        if (bucket.bucket() <= previous || bucket.bucket() > last_bucket || bucket.count() <= 0 ||
            __builtin_add_overflow(count, bucket.count(), &count)) {
          return false;
        }
        previous = bucket.bucket();
      }
      if (row.kind() == MetricRow::DISTRIBUTION &&
          (count != phase.count() || phase.min() < 0 || phase.min() > phase.max())) {
        return false;
      }
    }
  }
  return true;
}

bool IsSound(const SeriesTable& series) {
  const int buckets = series.max_size();
  return series.width_ns() > 0 && series.count_size() == buckets &&
         series.sum_high_size() == buckets && series.sum_low_size() == buckets &&
         (buckets == 0 || series.width_ns() <= INT64_MAX / buckets);
}

}  // namespace

RunRecord::RunRecord(RunRecord&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      file_bytes_(other.file_bytes_),
      header_(std::move(other.header_)),
      lanes_(std::move(other.lanes_)),
      names_(std::move(other.names_)),
      chunks_(std::move(other.chunks_)),
      results_(std::move(other.results_)),
      footer_(std::move(other.footer_)),
      seen_(std::move(other.seen_)),
      item_count_(other.item_count_),
      promised_items_(other.promised_items_),
      types_seen_(other.types_seen_),
      complete_(other.complete_),
      problem_(std::move(other.problem_)) {}

RunRecord::~RunRecord() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

absl::Status RunRecord::Damage(uint64_t at, const std::string& what) const {
  return absl::DataLossError(absl::StrCat(path_, ": byte ", at, ": ", what));
}

absl::Status RunRecord::ReadAt(uint64_t offset, void* to, size_t bytes) const {
  char* place = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t count = ::pread(descriptor_, place, bytes, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const char* reason = strerrordesc_np(errno);
      return absl::UnavailableError(
          absl::StrCat(path_, ": cannot be read: ", reason == nullptr ? "unknown error" : reason));
    }
    if (count == 0) return Damage(offset, "the file ends here");
    place += count;
    offset += static_cast<uint64_t>(count);
    bytes -= static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

absl::Status RunRecord::ReadFileHeader() {
  FileHeader header;
  if (file_bytes_ < sizeof header) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": is not a run record: too short"));
  }
  if (absl::Status read = ReadAt(0, &header, sizeof header); !read.ok()) return read;
  if (std::memcmp(header.magic, kFileMagic, sizeof header.magic) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": is not a run record"));
  }
  if (!ChecksumHolds(header, header.checksum)) return Damage(0, "the file header is damaged");
  if (header.endian_tag != kEndianTag) return Damage(0, "the byte order is another machine's");
  if (header.version != kVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, ": has format ", header.version, "; this program reads ", kVersion,
                     "; use the program that wrote it, or a newer one"));
  }
  return absl::OkStatus();
}

absl::Status RunRecord::TakeMessage(uint32_t type, const std::string& raw) {
  const auto parse = [&raw](google::protobuf::MessageLite* message) {
    return message->ParseFromString(raw) ? absl::OkStatus()
                                         : absl::DataLossError("its message cannot be parsed");
  };
  switch (type) {
    case kHeader:
      return parse(&header_);
    case kLanes: {
      LaneTable table;
      if (absl::Status parsed = parse(&table); !parsed.ok()) return parsed;
      lanes_.insert(lanes_.end(), table.lane().begin(), table.lane().end());
      return absl::OkStatus();
    }
    case kNames: {
      NameTable table;
      if (absl::Status parsed = parse(&table); !parsed.ok()) return parsed;
      for (const NameRow& row : table.name()) {
        if (row.id() != names_.size()) return absl::DataLossError("names are out of order");
        names_.push_back(row.name());
      }
      return absl::OkStatus();
    }
    case kSeries: {
      SeriesTable series;
      if (absl::Status parsed = parse(&series); !parsed.ok()) return parsed;
      if (!IsSound(series)) return absl::DataLossError("its series contradicts itself");
      results_.series.push_back(std::move(series));
      return absl::OkStatus();
    }
    case kMetrics: {
      MetricTable table;
      if (absl::Status parsed = parse(&table); !parsed.ok()) return parsed;
      if (!IsSound(table)) return absl::DataLossError("its metrics contradict themselves");
      results_.metrics = std::move(table);
      return absl::OkStatus();
    }
    case kDigest:
      return parse(&results_.digest);
    case kVerdict:
      return parse(&results_.verdict);
    case kEnd: {
      RunEnd end;
      if (absl::Status parsed = parse(&end); !parsed.ok()) return parsed;
      results_.events_fired = end.events_fired();
      promised_items_ = end.item_count();
      return absl::OkStatus();
    }
    case kFooter:
      return parse(&footer_);
    default:
      return absl::OkStatus();
  }
}

absl::Status RunRecord::ReadBlock(uint64_t* at, bool* ended) {
  const uint64_t begin = *at;
  const uint64_t left = file_bytes_ - begin;
  if (left == 0) return Damage(begin, "the record ends without a footer: the run was cut short");
  BlockHeader header;
  if (left < sizeof header) return Damage(begin, "half a block header");
  if (absl::Status read = ReadAt(begin, &header, sizeof header); !read.ok()) return read;
  if (std::memcmp(&header, kTrailerMagic, sizeof kTrailerMagic) == 0) {
    *ended = true;
    return ReadTrailer(begin);
  }
  if (header.magic != kBlockMagic || !ChecksumHolds(header, header.header_checksum)) {
    return Damage(begin, "a block header is damaged");
  }
  if (header.ordinal != seen_.size()) return Damage(begin, "a block is out of place");
  if (types_seen_ & (1u << kFooter)) return Damage(begin, "a block after the footer");
  const uint64_t room = left - sizeof header;
  if (header.stored_bytes > room || Align(header.stored_bytes) > room) {
    return Damage(begin, "half a block");
  }
  const uint64_t payload_at = begin + sizeof header;
  FooterBlock row;
  row.set_type(header.type);
  row.set_offset(begin);
  row.set_length(header.stored_bytes);

  if (header.type == kItems) {
    if (header.items == 0 || header.items > kItemsPerChunk ||
        header.long_durations > header.items ||
        ItemColumns(header.items, header.long_durations).total != header.stored_bytes) {
      return Damage(begin, "a chunk of items has impossible sizes");
    }
    row.set_lane(header.lane);
    row.set_items(header.items);
    chunks_.push_back({header.lane, header.items, payload_at, header.stored_bytes,
                       header.payload_checksum, header.long_durations});
    item_count_ += header.items;
  } else {
    if (header.stored_bytes > kMostMessageBytes || header.raw_bytes > kMostMessageBytes) {
      return Damage(begin, "a block claims an impossible size");
    }
    std::string payload(Align(header.stored_bytes), '\0');
    if (absl::Status read = ReadAt(payload_at, payload.data(), payload.size()); !read.ok()) {
      return read;
    }
    if (payload.find_first_not_of('\0', header.stored_bytes) != std::string::npos) {
      return Damage(payload_at + header.stored_bytes, "padding is not zero");
    }
    payload.resize(header.stored_bytes);
    if (XXH3_64bits(payload.data(), payload.size()) != header.payload_checksum) {
      return Damage(payload_at, "a block's checksum does not match");
    }
    if (header.flags & kCompressed) {
      // The frame's own idea of its size first: nothing is allocated on the word of one side alone.
      if (ZSTD_getFrameContentSize(payload.data(), payload.size()) != header.raw_bytes) {
        return Damage(payload_at, "a block's compressed size contradicts its header");
      }
      std::string raw(header.raw_bytes, '\0');
      const size_t bytes = ZSTD_decompress(raw.data(), raw.size(), payload.data(), payload.size());
      if (ZSTD_isError(bytes) || bytes != header.raw_bytes) {
        return Damage(payload_at, "a block cannot be decompressed");
      }
      payload = std::move(raw);
    }
    if (header.raw_bytes != payload.size()) return Damage(begin, "a block's sizes disagree");
    if (absl::Status taken = TakeMessage(header.type, payload); !taken.ok()) {
      return Damage(payload_at, std::string(taken.message()));
    }
  }
  if (header.type < 32) types_seen_ |= 1u << header.type;
  seen_.push_back(std::move(row));
  *at = payload_at + Align(header.stored_bytes);
  return absl::OkStatus();
}

absl::Status RunRecord::ReadTrailer(uint64_t at) {
  Trailer trailer;
  if (absl::Status read = ReadAt(at, &trailer, sizeof trailer); !read.ok()) return read;
  if (!ChecksumHolds(trailer, trailer.checksum)) return Damage(at, "the trailer is damaged");
  if (file_bytes_ != at + sizeof trailer) return Damage(at, "bytes follow the trailer");
  constexpr uint32_t kNeeded =
      1u << kHeader | 1u << kMetrics | 1u << kDigest | 1u << kVerdict | 1u << kEnd | 1u << kFooter;
  if ((types_seen_ & kNeeded) != kNeeded) return Damage(at, "a block is missing");
  if (trailer.block_count != seen_.size() || trailer.footer_offset != seen_.back().offset() ||
      static_cast<uint64_t>(footer_.block_size()) + 1 != seen_.size() ||
      item_count_ != promised_items_) {
    return Damage(at, "the directory does not match the blocks");
  }
  for (int i = 0; i < footer_.block_size(); ++i) {
    const FooterBlock& promised = footer_.block(i);
    const FooterBlock& found = seen_[static_cast<size_t>(i)];
    if (promised.type() != found.type() || promised.offset() != found.offset() ||
        promised.length() != found.length() || promised.lane() != found.lane() ||
        promised.items() != found.items()) {
      return Damage(at, "the directory does not match the blocks");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ItemChunk> RunRecord::ReadChunk(size_t index) const {
  const ChunkPlace& place = chunks_[index];
  const size_t items = place.items;
  std::string payload(place.payload_bytes, '\0');
  if (absl::Status read = ReadAt(place.payload_offset, payload.data(), payload.size());
      !read.ok()) {
    return read;
  }
  if (XXH3_64bits(payload.data(), payload.size()) != place.checksum) {
    return Damage(place.payload_offset, "a chunk's checksum does not match");
  }
  const ItemColumns columns(items, place.long_durations);
  ItemChunk chunk;
  chunk.lane = place.lane;
  chunk.start_ns = GetColumn<int64_t>(payload, columns.start, items);
  chunk.event = GetColumn<uint64_t>(payload, columns.event, items);
  chunk.value = GetColumn<int64_t>(payload, columns.value, items);
  chunk.id = GetColumn<uint32_t>(payload, columns.id, items);
  chunk.ancestor = GetColumn<uint32_t>(payload, columns.ancestor, items);
  chunk.name = GetColumn<uint16_t>(payload, columns.name, items);
  const auto durations = GetColumn<uint32_t>(payload, columns.duration, items);
  const auto long_durations =
      GetColumn<int64_t>(payload, columns.long_duration, place.long_durations);
  chunk.duration_ns.resize(items);
  chunk.severity.resize(items);
  chunk.kind.resize(items);
  size_t next_long = 0;
  for (size_t i = 0; i < items; ++i) {
    const auto severity = static_cast<uint8_t>(payload[columns.severity + i]);
    const auto kind = static_cast<uint8_t>(payload[columns.kind + i]);
    int64_t duration = durations[i];
    if (durations[i] == kLongDuration) {
      if (next_long == long_durations.size()) {
        return Damage(place.payload_offset, "a long duration is missing");
      }
      duration = long_durations[next_long++];
    }
    int64_t end = 0;
    if (severity > static_cast<uint8_t>(Severity::kCritical) ||
        kind > static_cast<uint8_t>(RecordedItem::Kind::kState) || chunk.name[i] >= names_.size() ||
        duration < 0 || __builtin_add_overflow(chunk.start_ns[i], duration, &end)) {
      return Damage(place.payload_offset, "a chunk holds an impossible item");
    }
    chunk.severity[i] = static_cast<Severity>(severity);
    chunk.kind[i] = static_cast<RecordedItem::Kind>(kind);
    chunk.duration_ns[i] = duration;
  }
  if (next_long != long_durations.size()) {
    return Damage(place.payload_offset, "a long duration is left over");
  }
  return chunk;
}

absl::Status RunRecord::VerifyItems() const {
  for (size_t i = 0; i < chunks_.size(); ++i) {
    if (absl::Status read = ReadChunk(i).status(); !read.ok()) return read;
  }
  return absl::OkStatus();
}

absl::StatusOr<RunRecord> ReadRunRecord(const std::string& path) {
  // Not blocking: a FIFO without a writer must give an error, not a wait.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat file_facts;
  if (descriptor < 0 || ::fstat(descriptor, &file_facts) != 0) {
    const char* reason = strerrordesc_np(errno);
    if (descriptor >= 0) ::close(descriptor);
    return absl::UnavailableError(
        absl::StrCat(path, ": cannot be opened: ", reason == nullptr ? "unknown error" : reason));
  }
  RunRecord record(path, descriptor);
  if (!S_ISREG(file_facts.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a regular file"));
  }
  record.file_bytes_ = static_cast<uint64_t>(file_facts.st_size);
  if (absl::Status read = record.ReadFileHeader(); !read.ok()) return read;
  uint64_t at = sizeof(FileHeader);
  bool ended = false;
  while (!ended) {
    if (absl::Status read = record.ReadBlock(&at, &ended); !read.ok()) {
      if (!(record.types_seen_ & (1u << kHeader))) return read;
      record.problem_ = std::string(read.message());
      return record;
    }
    // Nothing means anything before it is known what was run.
    if (!(record.types_seen_ & (1u << kHeader))) {
      return record.Damage(at, "the first block is not the header");
    }
  }
  record.complete_ = true;
  return record;
}

}  // namespace freshet
