// A stream thread of an application of Kafka Streams' kind: it polls, processes, and commits all of
// its tasks together. One thing at a time, on the cores of its instance.
//
//   stream_thread.cc         its life, tasks, processing
//   stream_thread_commit.cc  caches, commits
#ifndef FRESHET_MODELS_PROCESSING_STREAM_THREAD_H_
#define FRESHET_MODELS_PROCESSING_STREAM_THREAD_H_

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "models/processing/streams_app.h"
#include "sim/pool.h"

namespace freshet {

class StreamThread {
 public:
  StreamThread(StreamsApp* app, int member);

  // A process starts; its members follow when its producer may write.
  void Start();
  // It dies, and its members with it.
  void Kill();
  bool running() const { return running_; }

  // --- Told by the members ---

  void HandlePoll(int stage, const std::vector<RecordRange>& poll);
  void DropPoll(int stage);
  void TaskBegins(int stage, int task, Offset from);
  void TaskEnds(int stage, int task);
  // Everything that it has done is committed; if not, it is from now on, and GoOn() follows.
  bool ReadyToLose(int stage);
  void CommitEnded(int stage);
  // Processed below, of a task that it has.
  Offset NextOf(int stage, int task) const;
  void Truncated(int stage, int task, Offset end);
  // It has processed all there is but markers and what was aborted.
  void PassWithheld(int stage, int task);
  void RoomAgain() { Loop(); }

  Bytes StateSize() const;
  Duration BusyTime() const;
  int64_t processed() const { return processed_; }
  int64_t tasks() const { return static_cast<int64_t>(tasks_.size()); }

 private:
  struct Running {
    std::unique_ptr<OperatorChain> chain;
    Offset next = 0;
    Offset committed = 0;
    Time stream_time = Time::FromNanos(INT64_MIN);
    // Since its cache was flushed last: written to its store, and of that what is of new keys.
    Bytes written;
    Bytes grown;
    Bytes flushed_size;  // Of the store, then.
    bool restored = false;
  };
  struct Poll {
    bool here = false;
    std::vector<RecordRange> records;
    size_t next = 0;
  };
  using Key = std::pair<int, int>;  // Sub-topology and task.

  Simulation& sim();
  Station& cpu();
  StreamsApp::Stage& StageAt(int stage) { return *app_->stages_[static_cast<size_t>(stage)]; }
  void Join();
  void Loop();
  bool TakeNext();
  void Process(int stage, RecordRange records);
  void WorkDone();
  void Processed(int stage, int task);
  void Release(int stage, int task);
  void Route(StreamsApp::Stage& stage, const RecordRange& records);
  void Write(uint32_t write);
  void WriteEnded(uint32_t write, bool ok);
  // What was written to its store goes to the changelog.
  void FlushStore(int stage, int task, Running& running);
  Bytes CacheShare() const;

  bool Dirty() const;
  void CommitLater();
  void Commit();
  void CommitNext(int stage);
  void Committed();
  // Those that wait to give up partitions.
  void WakeMembers();
  // All that it has in hand is gone.
  void Stop();
  // It gives up what it has and joins again.
  void Fail();
  void StartAnew();

  StreamsApp* const app_;
  const int member_;
  const int instance_;
  TopicWriter writer_;
  std::vector<Sink::WriterId> sink_writers_;  // By sub-topology; -1.
  bool running_ = false;
  bool busy_ = false;
  bool in_loop_ = false;
  bool again_ = false;
  bool committing_ = false;
  bool commit_due_ = false;
  bool failing_ = false;
  uint32_t life_ = 0;
  uint32_t commit_round_ = 0;
  Time commit_since_;
  std::vector<bool> awaits_commit_;  // By sub-topology: its member goes on when it is committed.
  std::map<Key, Running> tasks_;
  std::vector<Poll> polls_;  // By sub-topology.
  size_t turn_ = 0;
  std::pair<Key, Offset> in_hand_;  // Whose records are worked on, up to where.
  struct Outgoing {
    int stage;
    RecordRange records;
    int64_t retries = 0;
  };
  Pool<Outgoing> writes_;
  Duration worked_;
  Time busy_since_;
  int64_t processed_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_STREAM_THREAD_H_
