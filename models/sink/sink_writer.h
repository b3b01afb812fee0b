// Consumers that write what they poll to a sink, and commit their offsets: the service that people
// write themselves, and what a simple sink connector does.
//
// To a plain or idempotent sink each poll is one write, tried again until the store has taken it;
// only then the member polls again, and what it commits is written. Committed before
// (Consumers::Group::application_commits), a crash loses the poll; committed after, or on a timer,
// it is written again: twice in a plain sink, once in an idempotent one.
//
// To a transactional sink members write on and on. Each commit interval one of them, the
// coordinator, has all of them prepare what they have written, and commits it in one epoch. The
// offsets of what is safe go into the sink with it; a member that begins below them leaves out what
// is there already. Offsets are committed to the group afterwards, for everybody to see.
//
// A member that lost its partitions without knowing is shut out by the fence: what it has staged is
// dropped, and what is prepared counts as there. Without the fence it goes on, a member that takes
// over before the commit is through writes the same once more, and both are committed.
//
// REQUIRES of the consumers of a transactional sink: they give up all partitions at once (an eager
// assignor), since what is staged is dropped then.
#ifndef FRESHET_MODELS_SINK_SINK_WRITER_H_
#define FRESHET_MODELS_SINK_SINK_WRITER_H_

#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/client/consumers.h"
#include "models/client/poll_handler.h"
#include "models/sink/metered_sink.h"
#include "sim/backoff.h"
#include "sim/component.h"

namespace freshet {

class SinkWriter : public Component, public PollHandler {
 public:
  struct Config {
    Backoff::Config retry;       // Of a write, a prepare or a commit that failed; without end.
    Duration commit_interval;    // Of a transactional sink,
    bool fenced = true;          // and whether what is prepared counts as there.
    bool commits_first = false;  // The consumers commit before they process.
  };

  static constexpr MetricDef kRetries = {"sink_writer.retries", MetricKind::kCounter,
                                         MetricUnit::kCount, "Writes and commits tried again."};
  static constexpr MetricDef kLeftOut = {
      "sink_writer.records_left_out", MetricKind::kCounter, MetricUnit::kCount,
      "Records read again and not written, because the sink's offsets say that it has them."};
  static constexpr MetricDef kCommits = {"sink_writer.commits", MetricKind::kCounter,
                                         MetricUnit::kCount, "Epochs that were committed."};
  static constexpr MetricDef kCommitTime = {
      "sink_writer.commit_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the begin of an epoch's end to its being committed."};

  // REQUIRES: `sink` outlives it.
  SinkWriter(Simulation& sim, absl::string_view name, MeteredSink* sink, const Config& config);

  // Whose handler it is. REQUIRES: called once, before the run; both outlive it.
  void Serve(Consumers* consumers, LogService* log, LogService::TopicPartitions partitions);

  void HandlePoll(int member, const std::vector<RecordRange>& poll) override;
  void DropPoll(int member) override;
  void MemberDied(int member) override;
  void PartitionBegins(int member, PartitionId partition, Offset from) override;
  void PartitionEnds(int member, PartitionId partition) override;
  Offset Committable(int member, PartitionId partition, Offset polled) const override;
  void Truncated(PartitionId partition, Offset end) override;

 protected:
  static constexpr int kNobody = -1;

  // --- For those who know more than consumers do: the tasks of a connector ---

  // Records that were polled and are settled in another way; they are not written.
  virtual bool IsSettled(const RecordRange& /*records*/) const { return false; }
  // It has a poll that has not come to HandlePoll() here yet.
  virtual bool HoldsPoll(int /*number*/) const { return false; }
  // A write has failed so often. False: it is not tried again, and somebody sees to it.
  virtual bool TriesAgain(int /*number*/, int64_t /*retries*/) { return true; }
  // An epoch is committed, for the first time.
  virtual void Commits(Sink::Epoch /*epoch*/) {}
  // Records that go with its poll into the sink, and are not of it: read again, long after.
  virtual void AddTo(int /*number*/, std::vector<RecordRange>* /*writes*/) {}
  // Its poll is written; what it had written is prepared (of a transactional sink); what it had and
  // was neither is dropped, and may be there or not.
  virtual void PollWritten(int /*number*/) {}
  virtual void WorkSafe(int /*number*/) {}
  virtual void WorkDropped(int /*number*/) {}
  // What it has staged and what is under way is dropped: nobody waits for it.
  void Forget(int number);
  // The same, and its poll is done with.
  void Abandon(int number);
  Sink::WriterId WriterOf(int number) const { return members_[static_cast<size_t>(number)].writer; }
  PartitionId first_partition() const { return partitions_.first; }
  bool fenced() const { return config_.fenced; }
  bool transactional() const { return sink_->promise() == SinkPromise::kTransactional; }
  MeteredSink& sink() { return *sink_; }
  Consumers& consumers() { return *consumers_; }

 private:
  enum class Stage : uint8_t { kIdle, kWriting, kPreparing };
  struct Member {
    Sink::WriterId writer = 0;
    Stage stage = Stage::kIdle;
    uint32_t life = 0;
    int64_t retries = 0;
    bool prepares = false;           // Asked to, as soon as it does not write.
    bool shut_out = false;           // By the fence: another has what it had.
    bool staged = false;             // It has written since its last Prepare().
    bool has_poll = false;           // It has one that is not handled.
    std::vector<RecordRange> poll;   // What is to be written of it.
    std::vector<RecordSpan> handed;  // All of it.
  };
  struct Source {
    int owner = kNobody;
    bool owner_died = false;
    Offset next = 0;       // The owner was handed everything below.
    Offset written = 0;    // And has written below.
    Offset safe = 0;       // Prepared below, or committed.
    Offset committed = 0;  // Visible below.
    Offset furthest = 0;   // Anybody has written below.
    bool begun = false;
  };

  Source& SourceOf(PartitionId partition) { return sources_[partition - partitions_.first]; }
  const Source& SourceOf(PartitionId partition) const {
    return sources_[partition - partitions_.first];
  }
  // Where the owner goes on: beyond what the sink has.
  Offset ResumesAt(const Source& source, Offset from) const;
  // Markers, and records of aborted transactions: nobody was to have them.
  void SettleWithheld(PartitionId partition, Offset from, Offset to);
  void Write(int number);
  void Written(int number, bool ok);
  void Handled(int number);
  void RetryLater(int number, void (SinkWriter::*what)(int));

  // An epoch of a transactional sink.
  void EndEpochLater();
  void EndEpoch();
  void Prepare(int number);
  void Prepared(int number, bool ok);
  void MemberReady();
  void Commit();
  void Committed(bool ok);

  const Config config_;
  MeteredSink* const sink_;
  const Backoff retry_;
  RandomStream retry_stream_;
  Consumers* consumers_ = nullptr;
  LogService* log_ = nullptr;
  LogService::TopicPartitions partitions_ = {};
  std::vector<Member> members_;
  std::vector<Source> sources_;
  Sink::Epoch epoch_ = 0;
  int preparing_ = 0;  // Members that the epoch waits for.
  int64_t commit_retries_ = 0;
  Time epoch_ended_;
  std::vector<Offset> epoch_offsets_;  // What it makes visible, by partition.
  Counter& retries_;
  Counter& left_out_;
  Counter* commits_ = nullptr;
  Distribution* commit_time_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_SINK_WRITER_H_
