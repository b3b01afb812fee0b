#include "models/sink/olap_sink.h"

#include <algorithm>

#include "sim/hash.h"

namespace freshet {
namespace {

// CHSRC, SimpleMergeSelector: what a part counts for beside its size, how many parts a merge takes
// at the most, and how much larger than its largest part a merge has to be.
constexpr int64_t kPartOverhead = int64_t{5} << 20;
constexpr size_t kMostInMerge = 100;
constexpr int64_t kMergeBase = 5;

}  // namespace

OlapSink::OlapSink(Simulation& sim, absl::string_view name, Network* network, const Config& config)
    : ServerSink(sim, name, network, config),
      config_(config),
      parts_gauge_(AddGauge(kParts)),
      merges_(AddCounter(kMerges)),
      merged_bytes_(AddCounter(kMergedBytes)),
      delayed_(AddCounter(kDelayed)),
      refused_(AddCounter(kRefused)),
      deduplicated_(AddCounter(kDeduplicated)) {
  SIM_REQUIRE(config.parts_to_delay < config.parts_to_refuse);
}

void OlapSink::Execute(RequestKey key, const Request& /*request*/) {
  const auto parts = static_cast<int64_t>(parts_.size());
  if (parts >= config_.parts_to_refuse) {
    refused_.Add(1);
    Answer(key, false);
    return;
  }
  if (parts < config_.parts_to_delay) {
    Insert(key);
    return;
  }
  delayed_.Add(1);
  After<"olap.delayed">(DelayNow(), [this, key] { Insert(key); });
}

Duration OlapSink::DelayNow() const {
  const int64_t over = static_cast<int64_t>(parts_.size()) - config_.parts_to_delay + 1;
  const int64_t room = config_.parts_to_refuse - config_.parts_to_delay;
  return std::max(config_.min_delay,
                  Nanoseconds(MulDivFloor(config_.max_delay.nanos(), over, room)));
}

uint64_t OlapSink::BlockOf(const Request& request) {
  uint64_t hash = kFnvOffset;
  for (const RecordRange& range : request.records) {
    for (const int64_t value : {static_cast<int64_t>(range.partition), range.from, range.to,
                                range.low, range.high, static_cast<int64_t>(range.split)}) {
      hash = MixHash(hash, static_cast<uint64_t>(value));
    }
  }
  return hash;
}

void OlapSink::Insert(RequestKey key) {
  const Request* const request = Find(key);
  if (request == nullptr) return;  // It was down meanwhile.
  bool repeated = false;
  if (config_.blocks_remembered > 0) {
    const uint64_t block = BlockOf(*request);
    for (size_t i = 0; i < blocks_.size() && !repeated; ++i) repeated = blocks_[i] == block;
    if (!repeated) {
      blocks_.push_back(block);
      if (static_cast<int64_t>(blocks_.size()) > config_.blocks_remembered) blocks_.pop_front();
    }
  }
  ExplainOrphan(*request);
  Bytes bytes;
  for (const RecordRange& range : request->records) {
    bytes += config_.column_ratio * range.bytes;
    BecomeVisible(range, repeated ? EffectLedger::Again::kReplaces : EffectLedger::Again::kAdds,
                  WaitFor::kNone);
  }
  if (repeated) {
    deduplicated_.Add(1);
  } else {
    parts_.push_back({next_part_++, bytes});
    StartMerges();
    parts_gauge_.Set(static_cast<int64_t>(parts_.size()));
  }
  Answer(key, true);
}

void OlapSink::StartMerges() {
  while (merging_ < config_.merges_at_once) {
    size_t best_first = 0;
    size_t best_count = 0;
    // Lowest (size + overhead x parts) / (parts - 1.9), compared crosswise.
    __int128 best_size = 0;
    int64_t best_divisor = 0;
    for (size_t first = 0; first + 1 < parts_.size(); ++first) {
      int64_t sum = 0;
      int64_t largest = 0;
      for (size_t i = first; i < parts_.size() && i < first + kMostInMerge; ++i) {
        if (parts_[i].merging) break;
        sum += parts_[i].bytes.count() + kPartOverhead;
        largest = std::max(largest, parts_[i].bytes.count() + kPartOverhead);
        const auto count = static_cast<int64_t>(i - first) + 1;
        if (count < 2 || sum < kMergeBase * largest) continue;
        const int64_t divisor = 10 * count - 19;
        if (best_count == 0 || __int128{sum} * best_divisor < best_size * divisor) {
          best_first = first;
          best_count = static_cast<size_t>(count);
          best_size = sum;
          best_divisor = divisor;
        }
      }
    }
    if (best_count == 0) return;
    Bytes bytes;
    for (size_t i = best_first; i < best_first + best_count; ++i) {
      parts_[i].merging = true;
      bytes += parts_[i].bytes;
    }
    ++merging_;
    After<"olap.merged">(
        config_.merge_rate.TimeFor(bytes),
        [this, first = parts_[best_first].number,
         last = parts_[best_first + best_count - 1].number] { Merged(first, last); });
  }
}

void OlapSink::Merged(uint64_t first, uint64_t last) {
  const auto from = std::find_if(parts_.begin(), parts_.end(),
                                 [first](const Part& part) { return part.number == first; });
  auto to = from;
  Part merged = {last, Bytes(0)};
  while (true) {
    merged.bytes += to->bytes;
    if (to++->number == last) break;
  }
  *from = merged;
  parts_.erase(from + 1, to);
  --merging_;
  merges_.Add(1);
  merged_bytes_.Add(merged.bytes.count());
  StartMerges();
  parts_gauge_.Set(static_cast<int64_t>(parts_.size()));
}

}  // namespace freshet
