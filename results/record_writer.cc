#include "results/record_writer.h"

#include <sys/utsname.h>
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "results/json_writer.h"

namespace freshet {
namespace {

using namespace record_format;  // NOLINT: the file is about this format.

constexpr int kZstdLevel = 3;
// Below this, a compressed block saves nothing that padding does not take back.
constexpr size_t kSmallestToCompress = 512;

template <class Header>
uint64_t ChecksumOf(const Header& header) {
  return XXH3_64bits(&header, sizeof header - sizeof(uint64_t));
}

template <class T>
void PutColumn(std::string& payload, size_t at, const std::vector<T>& column) {
  if (!column.empty()) std::memcpy(payload.data() + at, column.data(), column.size() * sizeof(T));
}

template <class Header>
absl::string_view BytesOf(const Header& header) {
  return absl::string_view(reinterpret_cast<const char*>(&header), sizeof header);
}

}  // namespace

std::string SerializeSteadily(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

absl::StatusOr<std::unique_ptr<RunRecordWriter>> RunRecordWriter::Create(const std::string& path,
                                                                         RunRecordHeader header,
                                                                         Overwrite overwrite) {
  absl::StatusOr<OutputFile> file = OutputFile::Create(path, overwrite);
  if (!file.ok()) return file.status();
  std::unique_ptr<RunRecordWriter> writer(new RunRecordWriter(*std::move(file)));
  if (absl::Status begun = writer->WriteFileHeader(); !begun.ok()) return begun;
  header.set_schema_version(kSchemaVersion);
  writer->WriteMessage(kHeader, header);
  writer->Keep(writer->file_.Flush());
  if (!writer->status_.ok()) return writer->status_;
  return writer;
}

absl::Status RunRecordWriter::WriteFileHeader() {
  FileHeader header = {};
  std::memcpy(header.magic, kFileMagic, sizeof header.magic);
  header.version = kVersion;
  header.endian_tag = kEndianTag;
  header.checksum = ChecksumOf(header);
  return file_.Write(BytesOf(header));
}

void RunRecordWriter::OnLane(LaneId lane, LaneId parent, absl::string_view name) {
  LaneRow* row = new_lanes_.add_lane();
  row->set_id(lane);
  row->set_parent(parent);
  row->set_name(std::string(name));
  if (lanes_.size() <= lane) lanes_.resize(lane + 1);
}

uint16_t RunRecordWriter::NameIndex(const char* name) {
  const auto known = name_of_literal_.find(name);
  if (known != name_of_literal_.end()) return known->second;
  auto [row, added] = name_index_.try_emplace(name, static_cast<uint16_t>(name_index_.size()));
  if (added) {
    if (name_index_.size() > std::numeric_limits<uint16_t>::max()) {
      Keep(absl::ResourceExhaustedError(
          absl::StrCat(file_.path(), ": more than 65535 different item names")));
    }
    NameRow* fresh = new_names_.add_name();
    fresh->set_id(row->second);
    fresh->set_name(name);
  }
  name_of_literal_.emplace(name, row->second);
  return row->second;
}

void RunRecordWriter::OnItem(const RecordedItem& item) {
  if (!status_.ok()) return;
  if (lanes_.size() <= item.lane) lanes_.resize(item.lane + 1);
  PendingLane& lane = lanes_[item.lane];
  lane.start.push_back(item.start.nanos());
  lane.event.push_back(item.event);
  lane.value.push_back(item.value);
  lane.id.push_back(item.id);
  lane.ancestor.push_back(item.ancestor);
  lane.name.push_back(NameIndex(item.name));
  lane.severity.push_back(static_cast<uint8_t>(item.severity));
  lane.kind.push_back(static_cast<uint8_t>(item.kind));
  const int64_t duration = item.duration.nanos();
  if (duration < kLongDuration) {
    lane.duration.push_back(static_cast<uint32_t>(duration));
  } else {
    lane.duration.push_back(kLongDuration);
    lane.long_duration.push_back(duration);
  }
  lane.first = std::min(lane.first, item.start.nanos());
  lane.last = std::max(lane.last, (item.start + item.duration).nanos());
  ++pending_items_;
  if (lane.start.size() == kItemsPerChunk) {
    WriteChunk(item.lane, lane);
  } else if (pending_items_ >= kMostPendingItems) {
    WriteFullestLane();
  }
}

void RunRecordWriter::WriteBlock(BlockHeader header, absl::string_view payload, int64_t first,
                                 int64_t last) {
  if (!status_.ok()) return;
  header.magic = kBlockMagic;
  header.stored_bytes = payload.size();
  header.payload_checksum = XXH3_64bits(payload.data(), payload.size());
  header.ordinal = static_cast<uint64_t>(footer_.block_size());
  header.header_checksum = ChecksumOf(header);
  FooterBlock* row = footer_.add_block();
  row->set_type(header.type);
  row->set_offset(file_.size());
  row->set_length(payload.size());
  if (header.type == kItems) {
    row->set_lane(header.lane);
    row->set_items(header.items);
    row->set_first_ns(first);
    row->set_last_ns(last);
  }
  static constexpr char kZeros[kAlignment] = {};
  Keep(file_.Write(BytesOf(header)));
  Keep(file_.Write(payload));
  Keep(file_.Write(absl::string_view(kZeros, Align(payload.size()) - payload.size())));
}

void RunRecordWriter::WriteMessage(BlockType type, const google::protobuf::MessageLite& message) {
  const std::string raw = SerializeSteadily(message);
  BlockHeader header = {};
  header.type = type;
  header.raw_bytes = raw.size();
  if (raw.size() > kMostMessageBytes) {
    Keep(absl::ResourceExhaustedError(absl::StrCat(file_.path(), ": a block of ", raw.size(),
                                                   " bytes; at most 1 GiB can be read back")));
    return;
  }
  if (raw.size() >= kSmallestToCompress) {
    std::string packed(ZSTD_compressBound(raw.size()), '\0');
    const size_t bytes =
        ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), kZstdLevel);
    if (!ZSTD_isError(bytes) && bytes < raw.size()) {
      packed.resize(bytes);
      header.flags = kCompressed;
      WriteBlock(header, packed);
      return;
    }
  }
  WriteBlock(header, raw);
}

void RunRecordWriter::WriteTables() {
  if (new_lanes_.lane_size() > 0) {
    WriteMessage(kLanes, new_lanes_);
    new_lanes_.Clear();
  }
  if (new_names_.name_size() > 0) {
    WriteMessage(kNames, new_names_);
    new_names_.Clear();
  }
}

void RunRecordWriter::WriteChunk(LaneId lane, PendingLane& pending) {
  const size_t items = pending.start.size();
  if (items == 0) return;
  WriteTables();
  const ItemColumns columns(items, pending.long_duration.size());
  std::string payload(columns.total, '\0');
  PutColumn(payload, columns.start, pending.start);
  PutColumn(payload, columns.event, pending.event);
  PutColumn(payload, columns.value, pending.value);
  PutColumn(payload, columns.duration, pending.duration);
  PutColumn(payload, columns.id, pending.id);
  PutColumn(payload, columns.ancestor, pending.ancestor);
  PutColumn(payload, columns.name, pending.name);
  PutColumn(payload, columns.severity, pending.severity);
  PutColumn(payload, columns.kind, pending.kind);
  PutColumn(payload, columns.long_duration, pending.long_duration);
  BlockHeader header = {};
  header.type = kItems;
  header.raw_bytes = payload.size();
  header.lane = lane;
  header.items = static_cast<uint32_t>(items);
  header.long_durations = static_cast<uint32_t>(pending.long_duration.size());
  WriteBlock(header, payload, pending.first, pending.last);
  Keep(file_.Flush());
  pending_items_ -= items;
  items_written_ += items;
  pending = PendingLane();
}

void RunRecordWriter::WriteFullestLane() {
  size_t fullest = 0;
  for (size_t lane = 1; lane < lanes_.size(); ++lane) {
    if (lanes_[lane].start.size() > lanes_[fullest].start.size()) fullest = lane;
  }
  WriteChunk(static_cast<LaneId>(fullest), lanes_[fullest]);
}

void RunRecordWriter::WritePending() {
  WriteTables();
  for (size_t lane = 0; lane < lanes_.size(); ++lane) {
    WriteChunk(static_cast<LaneId>(lane), lanes_[lane]);
  }
}

absl::Status RunRecordWriter::Interrupt() {
  WritePending();
  Keep(file_.Flush());
  return status_;
}

absl::Status RunRecordWriter::Finish(const RunResults& results) {
  WritePending();
  for (const SeriesTable& series : results.series) WriteMessage(kSeries, series);
  WriteMessage(kMetrics, results.metrics);
  WriteMessage(kDigest, results.digest);
  WriteMessage(kVerdict, results.verdict);
  RunEnd end;
  end.set_events_fired(results.events_fired);
  end.set_item_count(items_written_);
  WriteMessage(kEnd, end);
  Trailer trailer = {};
  std::memcpy(trailer.magic, kTrailerMagic, sizeof trailer.magic);
  trailer.footer_offset = file_.size();
  WriteMessage(kFooter, Footer(footer_));
  trailer.block_count = static_cast<uint64_t>(footer_.block_size());
  trailer.checksum = ChecksumOf(trailer);
  Keep(file_.Write(BytesOf(trailer)));
  if (!status_.ok()) return status_;
  Keep(file_.Commit());
  return status_;
}

HostFacts ThisHost() {
  HostFacts host_facts;
#ifdef __clang__
  host_facts.compiler = __VERSION__;
#else
  host_facts.compiler = absl::StrCat("g++ ", __VERSION__);
#endif
  struct utsname names;
  if (::uname(&names) == 0) {
    host_facts.host = names.nodename;
    host_facts.system = absl::StrCat(names.sysname, " ", names.release, " ", names.machine);
  }
  return host_facts;
}

absl::Status WriteHostSidecar(const std::string& record_path, const HostFacts& host_facts) {
  std::string text;
  JsonWriter json(&text);
  json.BeginObject();
  json.Field("compiler", host_facts.compiler);
  json.Field("host", host_facts.host);
  json.Field("system", host_facts.system);
  json.Field("wall_s", host_facts.wall_seconds);
  json.Field("events_per_s", host_facts.events_per_second);
  json.EndObject();
  text += '\n';
  return WriteWholeFile(record_path + ".host.json", text, Overwrite::kYes);
}

}  // namespace freshet
