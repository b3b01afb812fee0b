// What a reader does with records that it cannot read: poison, and schema versions that its own one
// does not understand. One policy for whoever reads: jobs, connectors, services.
//
//   kStop        it fails, and fails again at the same record: the partition stands still until
//                somebody lets the record pass, or gives the reader another version
//   kQuarantine  skipped, and set aside where it is: by partition and offset
//   kDeadLetter  written to a dead-letter store, and only then passed
//   kCorrupt     read all the same: the output is wrong, and nobody is told
//
// Poison cannot be deserialised at all, so nobody reads it corruptly: with kCorrupt it stops its
// reader.
//
// What happens to a record is counted once, however often it is read: exactly, by offset. So is the
// blast radius: the records that were not read as they should have been, the windows of which they
// are, and the files that hold what became of them. What was read since is of it no more; a window
// or file that was hit stays one.
#ifndef FRESHET_MODELS_SCHEMA_READ_POLICY_H_
#define FRESHET_MODELS_SCHEMA_READ_POLICY_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "models/log/record_range.h"
#include "models/schema/schema_registry.h"
#include "models/sink/metered_sink.h"
#include "sim/component.h"
#include "sim/interval_map.h"
#include "sim/pool.h"

namespace freshet {

enum class OnUnreadable : uint8_t { kStop, kQuarantine, kDeadLetter, kCorrupt };

// What its reader is to do with a range.
enum class Reading : uint8_t {
  kRead,         // As it should be.
  kReadCorrupt,  // Process it; its effects are wrong.
  kSkip,         // It is out of the way: pass it.
  kAwait,        // The registry, or the dead-letter store, is asked: PassWhenDone() tells.
  kStop,         // Fail.
};

class ReadPolicy : public Component, public RowJudge {
 public:
  struct Config {
    OnUnreadable on_unreadable = OnUnreadable::kStop;
    // Where the versions are; null: the reader has no schema, and only poison is unreadable to it.
    SchemaRegistry* registry = nullptr;
    SchemaRegistry::SubjectId subject = 0;
    int32_t reader_version = 0;
    Sink* dead_letters = nullptr;  // With kDeadLetter.
    HostId host = 0;               // Of the reader, for the dead letters.
    // Its output is cut into windows of event time; absent: nobody counts them, or the caller does.
    std::optional<Duration> window;
    Duration retry_wait = Seconds(1);  // After the registry or the store has failed.
  };

  static constexpr MetricDef kUnreadable = {
      "schema.unreadable_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records that their reader could not read, each counted once."};
  static constexpr MetricDef kPoison = {"schema.poison_records", MetricKind::kCounter,
                                        MetricUnit::kCount, "Of these, poison."};
  static constexpr MetricDef kQuarantined = {"schema.quarantined_records", MetricKind::kGauge,
                                             MetricUnit::kCount,
                                             "Records set aside and not read since."};
  static constexpr MetricDef kDeadLetters = {
      "schema.dead_letters", MetricKind::kGauge, MetricUnit::kCount,
      "Records in the dead-letter store that nobody has read since."};
  static constexpr MetricDef kOldest = {
      "schema.set_aside_age", MetricKind::kGauge, MetricUnit::kDuration,
      "How long the longest of them has been set aside, at the last look."};
  static constexpr MetricDef kCorrupt = {"schema.corrupt_records", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Records read with the wrong schema, each counted once."};
  static constexpr MetricDef kStops = {"schema.stops", MetricKind::kCounter, MetricUnit::kCount,
                                       "How often the reader failed at such a record."};
  static constexpr MetricDef kWindows = {
      "schema.blast_windows", MetricKind::kGauge, MetricUnit::kCount,
      "Windows with records that were not read as they should have been."};
  static constexpr MetricDef kFiles = {"schema.blast_files", MetricKind::kGauge, MetricUnit::kCount,
                                       "Files that hold what became of such records."};

  ReadPolicy(Simulation& sim, absl::string_view name, const Config& config);

  // A range is next to be processed. Its mark is the same for all of it (record_range.h), and
  // nothing has been filtered or split off. After kAwait it is asked about again when `passable`
  // fires, which it does once, never re-entrantly.
  Reading Judge(const RecordRange& range, Callback passable);
  // The same without consequences: all that is known says that it can be read as it should be.
  bool Readable(const RecordMark& mark) const {
    return KnowsVersion(mark.schema_version) && CanRead(mark);
  }
  // Judge() has said kSkip of it, or would.
  bool IsOutOfTheWay(const RecordRange& range) const {
    return !CanRead(range.mark) && HasPassed(range);
  }
  // Of what it skips: whether it is in the dead-letter store, or only remembered.
  bool IsDeadLetter(const RecordRange& range) const;
  // The reader's process ended: nothing that it waited for is told any more, and another process
  // knows no versions but its own.
  void Reset();

  // The reader has another version from now on. REQUIRES: a registry that knows it.
  void SetReaderVersion(int32_t version);
  // Or does something else with what it cannot read. REQUIRES: not kDeadLetter without a store.
  void SetOnUnreadable(OnUnreadable action);
  // An operator lets records of a partition pass that would stop the reader: they count as
  // quarantined.
  void LetPass(PartitionId partition, Offset from, Offset to);
  // Those quarantined or dead-lettered and not read since, in the order of partitions and offsets,
  // for whoever redrives them; he says which of them he has read.
  struct SetAside {
    PartitionId partition;
    Offset from;
    Offset to;
    Time since;
  };
  std::vector<SetAside> AllSetAside() const;
  void Redriven(PartitionId partition, Offset from, Offset to);
  // The ranges of these that the reader can read by now, as they came.
  std::vector<RecordRange> Redrivable() const;

  // The blast radius. `number` is a name of the caller's for the window, or the file.
  void NoteWindow(int64_t number);
  void NoteFile(int64_t number) override;
  bool IsWrong(const RecordSpan& records) const override;
  struct BlastRadius {
    int64_t records = 0;
    int64_t windows = 0;
    int64_t files = 0;
    friend bool operator==(const BlastRadius&, const BlastRadius&) = default;
  };
  BlastRadius blast_radius() const;

 private:
  enum class Fate : uint8_t { kMet, kQuarantined, kDeadLetter, kCorrupt, kReadSince };
  static constexpr int kFates = 5;
  static constexpr uint32_t kForGood = UINT32_MAX;
  struct Known {
    Fate fate = Fate::kMet;
    Time since;
    uint32_t passed_in = 0;  // The reader's last life in which it was out of the way, from 1 on.
    friend bool operator==(const Known&, const Known&) = default;
  };
  struct Pending {  // A dead letter on its way, or a version that is fetched.
    RecordRange range;
    Callback passable;
    uint32_t life;
  };

  bool CanRead(const RecordMark& mark) const;
  bool KnowsVersion(int32_t version) const;
  void Fetch(uint32_t pending);
  void WriteDeadLetter(uint32_t pending);
  void Pass(uint32_t pending);
  // Whether all of it has been put out of the way in this life.
  bool HasPassed(const RecordRange& range) const;
  // All records of the range meet that fate; each is counted where it had another one, or none.
  void Assign(const RecordRange& range, Fate fate);
  struct Moved {
    int64_t met = 0;      // That nobody had met before.
    int64_t changed = 0;  // That have this fate now and had none, or another one.
  };
  Moved Move(PartitionId partition, Offset from, Offset to, Fate fate, uint32_t passes_in);
  void UpdateGauges();
  void Look();

  const Config config_;
  OnUnreadable on_unreadable_;
  int32_t reader_version_;
  std::vector<int32_t> known_versions_;
  std::map<PartitionId, IntervalMap<Known>> fates_;
  std::array<int64_t, kFates> by_fate_ = {};
  // What was set aside and not redriven since, by where it begins.
  std::map<std::pair<PartitionId, Offset>, RecordRange> set_aside_;
  uint32_t life_ = 1;
  Sink::WriterId writer_ = 0;
  Pool<Pending> pending_;
  absl::btree_set<int64_t> bad_windows_;
  absl::btree_set<int64_t> bad_files_;
  bool looking_ = false;
  Counter& unreadable_;
  Counter& poison_;
  Gauge& quarantined_;
  Gauge& dead_letters_;
  Gauge& oldest_;
  Counter& corrupt_;
  Counter& stops_;
  Gauge& windows_;
  Gauge& files_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SCHEMA_READ_POLICY_H_
