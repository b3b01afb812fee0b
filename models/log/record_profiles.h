// What was drawn for the records of a topic beyond what a log keeps of them: their event times, and
// their key groups.
//
// Nothing of it is stored. A batch's lateness is a function of a counter-based stream and of its
// producer's number for it, so whoever reads it, now or again, is told the same; and a part of a
// batch, or a share of it, is told its own part, such that parts add up exactly. Who never asks
// pays nothing.
//
// A coalesced range of the log is of no producer any more. Its lateness is drawn anew, from the
// laws of its topic's producers, by cells of offsets: the law holds, also in a history, and every
// reader is told the same; but it is not what was told of those records before they coalesced.
#ifndef FRESHET_MODELS_LOG_RECORD_PROFILES_H_
#define FRESHET_MODELS_LOG_RECORD_PROFILES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "models/log/partition_log.h"
#include "models/log/record_range.h"
#include "models/workload/event_times.h"
#include "models/workload/keys.h"
#include "models/workload/profile.h"
#include "sim/random.h"
#include "sim/sampler.h"

namespace freshet {

// Records of one partition that lie side by side: a batch, a part of one, or of a coalesced range.
struct RecordStretch {
  PartitionId partition = 0;
  Offset from = 0;
  Offset to = 0;
  Offset base = 0;  // The first record of `row`.
  EvenRow row;      // When they were created.
  ProducerId producer = kNoProducer;
  uint32_t batch_number = 0;
  RecordMark mark;
};
RecordStretch StretchOf(const RecordRange& range);
// REQUIRES: [from, to) lies in the range, and all of it has `mark`.
RecordStretch StretchOf(const LogRange& range, PartitionId partition, Offset from, Offset to,
                        const RecordMark& mark);

// A stretch whose records are all equally late.
struct EventRun {
  Offset from = 0;
  Offset to = 0;
  Offset base = 0;
  EvenRow row;
  Duration lateness;

  Time CreatedAt(Offset offset) const { return row.At(offset - base); }
  Time EventAt(Offset offset) const { return CreatedAt(offset) - lateness; }
};

class RecordProfiles {
 public:
  // One producer client of a topic.
  struct Client {
    std::shared_ptr<const EventTimes> event_times;  // Null: all on time.
    Duration clock_skew;                            // Of its clock; ahead is positive.
    double weight = 1;                              // Its share of the topic's records.
    RandomStream stream;                            // Of its own.
  };
  // REQUIRES: a topic's partitions are always named the same; no client twice.
  void AddClient(PartitionId first, int partitions, ProducerId producer, Client client);
  // The keys of a topic's records; the first ones count. Without any, all are of group 0.
  void AddKeys(PartitionId first, int partitions, const KeyDistribution& keys);

  // Whether some records of the partition's topic may be late, or their clocks wrong.
  bool HasEventTimes(PartitionId partition) const;

  void VisitRuns(const RecordStretch& stretch,
                 absl::FunctionRef<void(const EventRun&)> visit) const;
  // Event times by slices of that width, key groups, schema version, skew.
  BatchProfile ProfileOf(const RecordRange& range, Duration slice_width) const;
  // The least event time; of a long coalesced range, of its first few cells.
  Time OldestEvent(const RecordStretch& stretch) const;

  // Offsets in a cell of a coalesced range.
  static constexpr int64_t kCell = 1024;

 private:
  // Records of a partition by key group: a pattern that repeats, so that parts add up.
  static constexpr int kPattern = 512;
  using Pattern = std::array<std::array<uint16_t, kKeyGroups>, kPattern + 1>;
  struct Topic {
    PartitionId first = 0;
    PartitionId end = 0;
    std::vector<ProducerId> clients;
    std::vector<double> weights;
    bool has_event_times = false;
    KeyDistribution keys;
    mutable std::vector<std::array<double, kKeyGroups>> group_shares;
    mutable std::vector<std::unique_ptr<Pattern>> patterns;  // By partition.
  };

  Topic& TopicAt(PartitionId first, int partitions);
  const Topic* Find(PartitionId partition) const;
  const Client* ClientOf(ProducerId producer) const;
  // Who made the records of a cell, and the stream of their lateness.
  const Client& ClientOfCell(const Topic& topic, RandomStream* stream) const;
  RandomStream StreamOfCell(const Topic& topic, PartitionId partition, int64_t cell) const;
  const Pattern& PatternOf(const Topic& topic, PartitionId partition) const;
  void AddKeyGroups(const Topic* topic, const RecordRange& range, BatchProfile* profile) const;
  Duration SkewOf(const RecordStretch& stretch) const;

  std::vector<Topic> topics_;                   // By first partition.
  std::vector<std::optional<Client>> clients_;  // By ProducerId.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_RECORD_PROFILES_H_
