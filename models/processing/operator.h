// The operators of a job, one instance for each subtask: what becomes of records, what state they
// leave, what they cost. docs/models/stream_job.md has what is approximated.
//
// Records are conserved, exactly and at any instant: in = out + filtered + late + buffered
// (inv.I9).
#ifndef FRESHET_MODELS_PROCESSING_OPERATOR_H_
#define FRESHET_MODELS_PROCESSING_OPERATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/log/record_range.h"
#include "models/sink/sink.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

enum class OperatorKind : uint8_t {
  kSource,
  kMap,
  kWindow,
  kDeduplicate,
  kLookup,
  kBroadcast,
  kSink
};

struct WindowConfig {
  Duration size;
  Duration slide;  // As long as the size: tumbling.
  Duration allowed_lateness;
  // Keys of the whole operator: a result has one row for each that occurs in the window.
  int64_t keys = 1;
  Bytes bytes_per_row;
  // What is kept for each row until it is out; with all_records the records themselves.
  Bytes state_per_row;
  bool all_records = false;
  // A join instead: of the records of all inputs those that find a partner in their window make so
  // many rows each, the others none.
  struct Join {
    Ratio matched;
    Ratio rows_per_record;
  };
  std::optional<Join> join;
  // Sessions instead: those of a key end when it has been silent for `gap`. Size and slide are how
  // finely their ends are told apart.
  struct Session {
    Duration gap;
    Duration length;  // From the first record of a session to its last.
    int64_t records = 1;
  };
  std::optional<Session> session;
};

struct DeduplicateConfig {
  Ratio duplicates;  // Share of the records that were there before.
  Duration ttl;      // For how long a key is remembered.
  Bytes state_per_key;
};

class LookupService;

struct LookupConfig {
  LookupService* service = nullptr;
  Ratio cache_hits;       // Share of the records that need not ask.
  int64_t at_a_time = 1;  // Questions.
};

struct BroadcastConfig {
  int64_t keys = 1;  // Rows of the table.
  Bytes state_per_key;
  Duration cpu_per_change;
};

struct OperatorConfig {
  std::string name;
  OperatorKind kind = OperatorKind::kMap;
  Duration cpu_per_record;
  Duration cpu_per_row;  // kWindow: of a result.
  // kMap: of the records, and of the bytes of a record that passes.
  Ratio selectivity = Ratio::One();
  Ratio bytes_ratio = Ratio::One();
  WindowConfig window;
  DeduplicateConfig deduplicate;
  LookupConfig lookup;
  BroadcastConfig broadcast;
  // kSink:
  Sink* sink = nullptr;
  int64_t most_writes = 1;  // Under way at a time.
  // How often a write that failed is tried again before the job fails: at once, after
  // `retry_delay`, after twice of it and so on.
  int64_t most_retries = 0;
  Duration retry_delay;
};

// What an instance may ask of the subtask that it runs in.
class OperatorContext {
 public:
  virtual ~OperatorContext() = default;
  virtual Time CurrentTime() const = 0;
  virtual Time Watermark() const = 0;
  // For trails: who works, and what part of it holds up.
  virtual ComponentId Job() const = 0;
  virtual ComponentId Part() const = 0;
  virtual int Parallelism() const = 0;
  // Of its subtask.
  virtual int Index() const = 0;
  // To the operator behind number `at` of the chain, or out of the subtask.
  virtual void Emit(size_t at, const RecordRange& records) = 0;
  // Too late for operator `at`: dropped, or into the side output.
  virtual void EmitLate(size_t at, const RecordRange& records) = 0;
  // Before anything else is taken, so many answers of the service are waited for.
  virtual void Ask(LookupService* service, int64_t questions, int64_t at_a_time) = 0;
  // They go no further.
  virtual void Filtered(const RecordSpan& records) = 0;
  // For the metrics.
  struct Result {
    int64_t windows = 0;
    int64_t rows = 0;
    int64_t in_time = 0;  // Records in the first result of their window.
    int64_t updates = 0;  // Records that came after it.
  };
  virtual void CountResult(const Result& result) = 0;
};

struct RecordCounts {
  int64_t in = 0;
  int64_t out = 0;
  int64_t filtered = 0;
  int64_t late = 0;
  int64_t buffered = 0;
  bool Conserved() const { return in == out + filtered + late + buffered; }
};

class Operator {
 public:
  // What a checkpoint keeps of it; never changed.
  struct State {
    virtual ~State() = default;
    RecordCounts counts;
  };

  Operator(const OperatorConfig& config, OperatorContext* context, size_t at);
  virtual ~Operator() = default;
  static std::unique_ptr<Operator> Make(const OperatorConfig& config, OperatorContext* context,
                                        size_t at);

  // Returns what it costs. What comes of it is emitted meanwhile.
  Duration Take(const RecordRange& records);
  // The same, of an input that all subtasks take whole: the rows of a table, which end here.
  Duration TakeChanges(const RecordRange& changes);
  // The same, of the watermark's having come to there.
  virtual Duration AdvanceTo(Time /*watermark*/) { return Duration::Zero(); }

  virtual std::shared_ptr<const State> Snapshot() const;
  // Null: as at the start.
  virtual void Restore(const State* state);
  // For another parallelism: what of the states of former subtasks falls to a new one, by key. All
  // new ones together get all that was. Of the counts, `buffered` is set and no other.
  struct Slice {
    const State* state;
    int64_t from, to, width;  // The shares [from, to) of `width` of its keys.
  };
  virtual std::shared_ptr<State> Gather(const std::vector<Slice>& slices) const;
  // Bytes that a checkpoint holds of it, and those written since the last call.
  virtual Bytes StateSize() const { return Bytes(0); }
  Bytes TakeWritten();

  const OperatorConfig& config() const { return config_; }
  const RecordCounts& counts() const { return counts_; }

 protected:
  virtual void Process(const RecordRange& records) = 0;
  // Returns what it costs.
  virtual Duration Apply(const RecordRange& /*changes*/) { return Duration::Zero(); }
  void Emit(const RecordRange& records);
  // All of `records` but `passed`, which is their share from the first on.
  void FilterAllBut(const RecordSpan& passed, const RecordSpan& records);

  const OperatorConfig config_;
  OperatorContext* const context_;
  const size_t at_;
  const uint64_t purpose_;  // Of its roundings.
  RecordCounts counts_;
  Bytes written_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_OPERATOR_H_
