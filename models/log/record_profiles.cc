#include "models/log/record_profiles.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace freshet {
namespace {

// Cells that are looked into for the oldest record of a coalesced range.
constexpr int64_t kCellsSearched = 8;
// Keeps the streams of cells apart from those of batches.
constexpr uint64_t kCells = uint64_t{1} << 63;

// Which runs of `drawn` lie in the part [from, to) of a stretch that begins at `begin`.
void VisitDrawn(const LatenessRuns& drawn, Offset begin, Offset from, Offset to,
                const RecordStretch& stretch, absl::FunctionRef<void(const EventRun&)> visit) {
  Offset at = begin;
  for (const LatenessRuns::Run& run : drawn) {
    const Offset end = begin + run.end;
    const Offset low = std::max(at, from);
    const Offset high = std::min(end, to);
    if (low < high) visit({low, high, stretch.base, stretch.row, run.delay});
    at = end;
  }
}

}  // namespace

RecordStretch StretchOf(const RecordRange& range) {
  return {range.partition, range.from,     range.to,           range.base,
          range.row,       range.producer, range.batch_number, range.mark};
}

RecordStretch StretchOf(const LogRange& range, PartitionId partition, Offset from, Offset to,
                        const RecordMark& mark) {
  const CreatedTimes& created = range.batch.created;
  const EvenRow row = {created.Earliest(), std::max(created.high, created.first),
                       range.batch.record_count};
  return {partition,          from, to,
          range.base_offset,  row,  range.coalesced ? kNoProducer : range.batch.producer,
          range.batch.number, mark};
}

RecordProfiles::Topic& RecordProfiles::TopicAt(PartitionId first, int partitions) {
  const auto at = std::lower_bound(topics_.begin(), topics_.end(), first,
                                   [](const Topic& t, PartitionId p) { return t.first < p; });
  if (at != topics_.end() && at->first == first) return *at;
  Topic added;
  added.first = first;
  added.end = first + static_cast<PartitionId>(partitions);
  return *topics_.insert(at, std::move(added));
}

const RecordProfiles::Topic* RecordProfiles::Find(PartitionId partition) const {
  for (const Topic& topic : topics_) {
    if (partition >= topic.first && partition < topic.end) return &topic;
  }
  return nullptr;
}

void RecordProfiles::AddClient(PartitionId first, int partitions, ProducerId producer,
                               Client client) {
  Topic& topic = TopicAt(first, partitions);
  topic.clients.push_back(producer);
  topic.weights.push_back(client.weight);
  topic.has_event_times = topic.has_event_times || client.event_times != nullptr ||
                          client.clock_skew != Duration::Zero();
  if (clients_.size() <= producer) clients_.resize(producer + 1);
  SIM_REQUIRE(!clients_[producer]);
  clients_[producer] = std::move(client);
}

void RecordProfiles::AddKeys(PartitionId first, int partitions, const KeyDistribution& keys) {
  Topic& topic = TopicAt(first, partitions);
  if (topic.keys.kind == KeyDistribution::Kind::kNone) topic.keys = keys;
}

bool RecordProfiles::HasEventTimes(PartitionId partition) const {
  const Topic* topic = Find(partition);
  return topic != nullptr && topic->has_event_times;
}

const RecordProfiles::Client* RecordProfiles::ClientOf(ProducerId producer) const {
  return producer < clients_.size() && clients_[producer] ? &*clients_[producer] : nullptr;
}

RandomStream RecordProfiles::StreamOfCell(const Topic& topic, PartitionId partition,
                                          int64_t cell) const {
  const Client& first = *ClientOf(topic.clients.front());
  return first.stream.Substream(kCells | partition).Substream(static_cast<uint64_t>(cell));
}

const RecordProfiles::Client& RecordProfiles::ClientOfCell(const Topic& topic,
                                                           RandomStream* stream) const {
  double all = 0;
  for (const double weight : topic.weights) all += weight;
  double at = stream->NextUniform() * all;
  size_t chosen = 0;
  while (chosen + 1 < topic.weights.size() && at >= topic.weights[chosen]) {
    at -= topic.weights[chosen++];
  }
  return *ClientOf(topic.clients[chosen]);
}

void RecordProfiles::VisitRuns(const RecordStretch& stretch,
                               absl::FunctionRef<void(const EventRun&)> visit) const {
  if (stretch.from >= stretch.to) return;
  EventRun on_time = {stretch.from, stretch.to, stretch.base, stretch.row, Duration::Zero()};
  if (stretch.mark.kind == RecordKind::kOffline) {
    // All at the event time that the scenario states.
    const Time created = stretch.row.At(stretch.from - stretch.base);
    on_time.row.low = on_time.row.high = created;
    on_time.lateness = created - stretch.mark.event_time;
    visit(on_time);
    return;
  }
  if (stretch.producer != kNoProducer) {
    const Client* client = ClientOf(stretch.producer);
    if (client == nullptr || client->event_times == nullptr) {
      visit(on_time);
      return;
    }
    RandomStream stream = client->stream.Substream(stretch.batch_number);
    VisitDrawn(client->event_times->Draw(stretch.row.count, stream), stretch.base, stretch.from,
               stretch.to, stretch, visit);
    return;
  }
  const Topic* topic = Find(stretch.partition);
  if (topic == nullptr || !topic->has_event_times) {
    visit(on_time);
    return;
  }
  for (int64_t cell = stretch.from / kCell; cell * kCell < stretch.to; ++cell) {
    RandomStream stream = StreamOfCell(*topic, stretch.partition, cell);
    const Client& client = ClientOfCell(*topic, &stream);
    const Offset from = std::max(stretch.from, cell * kCell);
    const Offset to = std::min(stretch.to, (cell + 1) * kCell);
    if (client.event_times == nullptr) {
      visit({from, to, stretch.base, stretch.row, Duration::Zero()});
    } else {
      VisitDrawn(client.event_times->Draw(kCell, stream), cell * kCell, from, to, stretch, visit);
    }
  }
}

Duration RecordProfiles::SkewOf(const RecordStretch& stretch) const {
  if (stretch.producer != kNoProducer) {
    const Client* client = ClientOf(stretch.producer);
    return client == nullptr ? Duration::Zero() : client->clock_skew;
  }
  const Topic* topic = Find(stretch.partition);
  if (topic == nullptr || !topic->has_event_times) return Duration::Zero();
  RandomStream stream = StreamOfCell(*topic, stretch.partition, stretch.from / kCell);
  return ClientOfCell(*topic, &stream).clock_skew;
}

BatchProfile RecordProfiles::ProfileOf(const RecordRange& range, Duration slice_width) const {
  const RecordStretch stretch = StretchOf(range);
  BatchProfile profile;
  profile.schema_version = range.mark.schema_version;
  profile.clock_skew = SkewOf(stretch);
  VisitRuns(stretch, [&](const EventRun& run) {
    profile.AddRow(run.row, run.from - run.base, run.to - run.base, run.lateness, slice_width,
                   [&](int64_t a, int64_t b) { return range.CountIn(run.base + a, run.base + b); });
  });
  AddKeyGroups(Find(range.partition), range, &profile);
  return profile;
}

Time RecordProfiles::OldestEvent(const RecordStretch& stretch) const {
  RecordStretch searched = stretch;
  if (stretch.producer == kNoProducer) {
    searched.to = std::min(stretch.to, (stretch.from / kCell + kCellsSearched) * kCell);
  }
  Time oldest = Time::Max();
  VisitRuns(searched,
            [&](const EventRun& run) { oldest = std::min(oldest, run.EventAt(run.from)); });
  return oldest;
}

const RecordProfiles::Pattern& RecordProfiles::PatternOf(const Topic& topic,
                                                         PartitionId partition) const {
  if (topic.patterns.empty()) {
    topic.patterns.resize(topic.end - topic.first);
    topic.group_shares = KeyGroupShares(topic.keys, static_cast<int>(topic.end - topic.first));
  }
  std::unique_ptr<Pattern>& pattern = topic.patterns[partition - topic.first];
  if (pattern != nullptr) return *pattern;
  // At every place the group that is furthest behind its share.
  pattern = std::make_unique<Pattern>();
  const std::array<double, kKeyGroups>& shares = topic.group_shares[partition - topic.first];
  for (size_t place = 0; place < kPattern; ++place) {
    const std::array<uint16_t, kKeyGroups>& so_far = (*pattern)[place];
    size_t behind = 0;
    double most = -1;
    for (size_t group = 0; group < kKeyGroups; ++group) {
      const double missing = shares[group] * static_cast<double>(place + 1) - so_far[group];
      if (missing > most) {
        most = missing;
        behind = group;
      }
    }
    (*pattern)[place + 1] = so_far;
    ++(*pattern)[place + 1][behind];
  }
  return *pattern;
}

void RecordProfiles::AddKeyGroups(const Topic* topic, const RecordRange& range,
                                  BatchProfile* profile) const {
  const int64_t records = profile->records();
  if (topic == nullptr || topic->keys.kind == KeyDistribution::Kind::kNone) {
    profile->key_group_records[0] = records;
    return;
  }
  const Pattern& pattern = PatternOf(*topic, range.partition);
  const int64_t from = range.base + range.CountIn(range.base, range.from);
  const int64_t to = from + records;
  for (size_t group = 0; group < kKeyGroups; ++group) {
    const auto below = [&](int64_t at) {
      return at / kPattern * pattern[kPattern][group] +
             pattern[static_cast<size_t>(at % kPattern)][group];
    };
    profile->key_group_records[group] = below(to) - below(from);
  }
}

}  // namespace freshet
