#include "sim/stamps.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace freshet {
namespace {

constexpr size_t kMostSampled = 1024;

}  // namespace

absl::string_view NameOf(Milestone milestone) {
  switch (milestone) {
    case Milestone::kCreated:
      return "created";
    case Milestone::kSent:
      return "sent";
    case Milestone::kAppended:
      return "appended";
    case Milestone::kDurable:
      return "durable";
    case Milestone::kFetched:
      return "fetched";
    case Milestone::kProcessed:
      return "processed";
    case Milestone::kCommitted:
      return "committed";
    case Milestone::kVisible:
      return "visible";
  }
  return "";  // All milestones have returned.
}

absl::string_view NameOf(WaitFor why) {
  switch (why) {
    case WaitFor::kNone:
      return "none";
    case WaitFor::kQueue:
      return "queue";
    case WaitFor::kTimer:
      return "timer";
    case WaitFor::kAck:
      return "ack";
    case WaitFor::kBarrier:
      return "barrier";
    case WaitFor::kQuota:
      return "quota";
    case WaitFor::kFault:
      return "fault";
    case WaitFor::kBackPressure:
      return "back_pressure";
    case WaitFor::kPoll:
      return "poll";
    case WaitFor::kBandwidth:
      return "bandwidth";
    case WaitFor::kRetry:
      return "retry";
    case WaitFor::kOrder:
      return "order";
    case WaitFor::kOffline:
      return "offline";
  }
  return "";  // All reasons have returned.
}

void Waterfall::AddSegments(const Segment* segments, int count, Duration length, int64_t records,
                            __int128 entered) {
  SIM_REQUIRE(records >= 0 && entered >= 0);
  SIM_REQUIRE(entered <= (count == 0 ? 0 : __int128{segments[0].length.nanos()} * records));
  if (records == 0) return;
  records_ += records;
  end_to_end_ += __int128{length.nanos()} * records - entered;
  size_t before = 0;
  for (int i = 0; i < count; ++i) {
    const Segment& segment = segments[i];
    const uint64_t key = KeyOf(segment.until, segment.wait, segment.why, segment.resource);
    uint32_t index = next_[before];
    if (__builtin_expect(index >= keys_.size() || keys_[index] != key, 0)) {
      index =
          RowOf({segment.until, segment.wait, segment.why, segment.resource, segment.blocker}, key);
      next_[before] = index;
    }
    before = index + size_t{1};
    Row& row = rows_[index];
    const int64_t nanos = segment.length.nanos();
    row.total += __int128{nanos} * records;
    row.records += records;
    if (nanos > row.max || (nanos == row.max && segment.blocker < row.blocker)) {
      row.max = nanos;
      row.blocker = segment.blocker;
    }
    if (i == 0) row.total -= entered;
  }
  if (__builtin_expect(--until_sampled_ == 0 || length > longest_.length, 0)) {
    SetAside(segments, count, length, records);
  }
}

void Waterfall::SetAside(const Segment* segments, int count, Duration length, int64_t records) {
  const Exemplar trail = {{segments, segments + count}, length, records};
  if (length > longest_.length) longest_ = trail;
  if (until_sampled_ > 0) return;
  sample_.push_back(trail);
  if (sample_.size() >= kMostSampled) Thin();
  // Not on a beat, which a fleet of clients may have too.
  until_sampled_ =
      spacing_ == 1 ? 1
                    : 1 + static_cast<int64_t>(MixHash(kFnvOffset, ++drawn_) % (2 * spacing_ - 1));
}

void Waterfall::Thin() {
  for (size_t i = 0; 2 * i < sample_.size(); ++i) std::swap(sample_[i], sample_[2 * i]);
  sample_.resize((sample_.size() + 1) / 2);
  spacing_ *= 2;
}

Waterfall::Exemplar Waterfall::At(int64_t numerator, int64_t denominator) const {
  SIM_REQUIRE(0 < numerator && numerator <= denominator);
  std::vector<uint32_t> order(sample_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
    return sample_[a].length < sample_[b].length;
  });
  __int128 all = 0;
  for (const Exemplar& each : sample_) all += each.records;
  __int128 below = 0;
  for (const uint32_t index : order) {
    below += sample_[index].records;
    if (below * denominator >= all * numerator) return sample_[index];
  }
  return {};
}

uint32_t Waterfall::RowOf(const Row& like, uint64_t key) {
  if (2 * (keys_.size() + 1) > slots_.size()) Rehash(std::max<size_t>(64, 2 * slots_.size()));
  size_t slot = MixHash(kFnvOffset, key) & (slots_.size() - 1);
  while (slots_[slot] != 0 && keys_[slots_[slot] - 1] != key)
    slot = (slot + 1) & (slots_.size() - 1);
  if (slots_[slot] == 0) {
    keys_.push_back(key);
    rows_.push_back(like);
    next_.push_back(0);
    slots_[slot] = static_cast<uint32_t>(keys_.size());
  }
  return slots_[slot] - 1;
}

void Waterfall::Rehash(size_t slots) {
  slots_.assign(slots, 0);
  for (size_t i = 0; i < keys_.size(); ++i) {
    size_t slot = MixHash(kFnvOffset, keys_[i]) & (slots - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots - 1);
    slots_[slot] = static_cast<uint32_t>(i + 1);
  }
}

void Waterfall::Merge(const Waterfall& other) {
  if (&other == this) {
    Merge(Waterfall(other));
    return;
  }
  for (size_t i = 0; i < other.rows_.size(); ++i) {
    const Row& from = other.rows_[i];
    Row& row = rows_[RowOf({from.until, from.wait, from.why, from.resource, from.blocker},
                           other.keys_[i])];
    row.total += from.total;
    row.records += from.records;
    if (from.max > row.max || (from.max == row.max && from.blocker < row.blocker)) {
      row.max = from.max;
      row.blocker = from.blocker;
    }
  }
  records_ += other.records_;
  end_to_end_ += other.end_to_end_;
  if (other.longest_.length > longest_.length) longest_ = other.longest_;
  // As if every trail that the sparser one has were as likely: thin the denser one first.
  while (spacing_ < other.spacing_) Thin();
  for (size_t i = 0; i < other.sample_.size(); i += spacing_ / other.spacing_) {
    sample_.push_back(other.sample_[i]);
  }
  while (sample_.size() >= kMostSampled) Thin();
}

std::vector<Waterfall::Row> Waterfall::Rows() const {
  std::vector<uint32_t> order(keys_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [this](uint32_t a, uint32_t b) { return keys_[a] < keys_[b]; });
  std::vector<Row> rows;
  rows.reserve(order.size());
  for (const uint32_t index : order) rows.push_back(rows_[index]);
  return rows;
}

void Waterfall::Audit() const {
  __int128 sum = 0;
  for (const Row& row : rows_) sum += row.total;
  SIM_CHECK(sum == end_to_end_, "inv.I1",
            "the segments of a waterfall do not sum to its end-to-end time");
}

}  // namespace freshet
