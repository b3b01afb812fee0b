// The bytes of a run record, shared by its writer and its reader.
//
//   file header   64 bytes: magic, version, endian tag, checksum
//   block ...     64-byte header, then the payload, padded with zeros to a multiple of 64
//   trailer       64 bytes: magic, where the footer block begins, how many blocks, checksum
//
// Every block begins at a multiple of 64 and carries XXH3-64 of its header and of its payload as it
// is stored. Messages are Protobuf (record.proto), compressed by zstd when that makes them smaller.
// Item chunks are raw little-endian columns, each 64-byte aligned, so that a reader may map them.
//
// Order: kHeader first; kLanes and kNames before the first chunk that uses them; kItems as lanes
// fill up; then kSeries, kMetrics, kDigest, kVerdict, kEnd, kFooter. A file that stops earlier is
// incomplete and readable up to its last whole block.
#ifndef FRESHET_RESULTS_RECORD_FORMAT_H_
#define FRESHET_RESULTS_RECORD_FORMAT_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace freshet::record_format {

static_assert(std::endian::native == std::endian::little,
              "columns are written as they lie in memory; a big-endian host needs a swap here");

inline constexpr char kFileMagic[8] = {'\x89', 'F', 'R', 'U', 'N', '\r', '\n', '\x1a'};
inline constexpr char kTrailerMagic[8] = {'F', 'R', 'U', 'N', 'D', 'O', 'N', 'E'};
inline constexpr uint32_t kVersion = 1;
inline constexpr uint32_t kEndianTag = 0x01020304;
inline constexpr uint32_t kBlockMagic = 0x4b4c4246;  // "FBLK"
inline constexpr size_t kAlignment = 64;

// Blocks of an unknown type are skipped: a later minor addition does not lock older readers out.
enum BlockType : uint32_t {
  kHeader = 1,
  kLanes = 2,
  kNames = 3,
  kItems = 4,
  kSeries = 5,
  kMetrics = 6,
  kDigest = 7,
  kVerdict = 8,
  kEnd = 9,
  kFooter = 10,
};

inline constexpr uint32_t kCompressed = 1;

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t endian_tag;
  char reserved[40];
  uint64_t checksum;  // Of the 56 bytes before.
};
static_assert(sizeof(FileHeader) == kAlignment);

struct BlockHeader {
  uint32_t magic;
  uint32_t type;
  uint64_t stored_bytes;  // Of the payload, without padding.
  uint64_t raw_bytes;     // Once decompressed.
  uint64_t payload_checksum;
  uint32_t flags;
  uint32_t lane;   // Item chunks: the lane, how many items,
  uint32_t items;  // and how many durations did not fit 32 bits.
  uint32_t long_durations;
  uint64_t ordinal;          // The first block is 0: a block out of place is seen.
  uint64_t header_checksum;  // Of the 56 bytes before.
};
static_assert(sizeof(BlockHeader) == kAlignment);

struct Trailer {
  char magic[8];
  uint64_t footer_offset;
  uint64_t block_count;
  char reserved[32];
  uint64_t checksum;  // Of the 56 bytes before.
};
static_assert(sizeof(Trailer) == kAlignment);

inline constexpr uint32_t kItemsPerChunk = 4096;
// A duration of this value stands in the column of long ones, at the next place.
inline constexpr uint32_t kLongDuration = UINT32_MAX;
// No message of ours comes near; a larger claim is damage.
inline constexpr uint64_t kMostMessageBytes = uint64_t{1} << 30;

constexpr size_t Align(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Where each column of a chunk begins.
struct ItemColumns {
  size_t start, event, value, duration, id, ancestor, name, severity, kind, long_duration, total;

  constexpr ItemColumns(size_t items, size_t long_durations)
      : start(0),
        event(Align(start + 8 * items)),
        value(Align(event + 8 * items)),
        duration(Align(value + 8 * items)),
        id(Align(duration + 4 * items)),
        ancestor(Align(id + 4 * items)),
        name(Align(ancestor + 4 * items)),
        severity(Align(name + 2 * items)),
        kind(Align(severity + items)),
        long_duration(Align(kind + items)),
        total(Align(long_duration + 8 * long_durations)) {}
};

}  // namespace freshet::record_format

#endif  // FRESHET_RESULTS_RECORD_FORMAT_H_
