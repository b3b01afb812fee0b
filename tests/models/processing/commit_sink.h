// A transactional store that takes no time, or a constant one to prepare, and knows how old the
// events were that became visible in it.
#ifndef FRESHET_TESTS_MODELS_PROCESSING_COMMIT_SINK_H_
#define FRESHET_TESTS_MODELS_PROCESSING_COMMIT_SINK_H_

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/log/record_profiles.h"
#include "models/sink/sink.h"
#include "sim/histogram.h"
#include "sim/pool.h"

namespace freshet {

class CommitSink : public Sink {
 public:
  // Without profiles: from the creation on.
  CommitSink(Simulation& sim, const RecordProfiles* profiles)
      : Sink(sim, "store"), profiles_(profiles) {}

  SinkPromise promise() const override { return SinkPromise::kTransactional; }
  WriterId AddWriter(absl::string_view /*name*/, HostId /*host*/) override { return 0; }
  void Write(WriterId /*writer*/, const RecordRange& records, Completion<bool> done) override {
    staged_.push_back(records);
    Later(Duration::Zero(), done);
  }
  void Prepare(WriterId /*writer*/, Epoch epoch, Completion<bool> done) override {
    std::swap(prepared_[epoch], staged_);
    Later(prepare_time, done);
  }
  void Commit(Epoch epoch, Completion<bool> done) override {
    while (!prepared_.empty() && prepared_.begin()->first <= epoch) {
      for (const RecordRange& records : prepared_.begin()->second) {
        committed += records.record_count();
        if (profiles_ == nullptr) {
          const CreatedTimes& created = records.created;
          ages.RecordEvenly((Now() - std::max(created.first, created.high)).nanos(),
                            (Now() - created.Earliest()).nanos(), records.record_count());
          continue;
        }
        profiles_->VisitRuns(StretchOf(records), [&](const EventRun& run) {
          ages.RecordEvenly((Now() - run.EventAt(run.to - 1)).nanos(),
                            (Now() - run.EventAt(run.from)).nanos(), run.to - run.from);
        });
      }
      prepared_.erase(prepared_.begin());
      committed_at = Now();
    }
    Later(Duration::Zero(), done);
  }
  void Reset(WriterId /*writer*/) override {
    ++life_;
    staged_.clear();
  }
  void Rollback(Epoch epoch) override {
    prepared_.erase(prepared_.upper_bound(epoch), prepared_.end());
  }

  Duration prepare_time;
  Histogram ages;
  int64_t committed = 0;
  Time committed_at;

 private:
  void Later(Duration delay, Completion<bool> done) {
    After<"commit_sink.done">(delay, [this, life = life_, slot = answers_.Add(done)] {
      Completion<bool> answer = answers_.Take(slot);
      if (life == life_) answer(true);
    });
  }

  const RecordProfiles* const profiles_;
  Pool<Completion<bool>> answers_;
  std::vector<RecordRange> staged_;
  absl::btree_map<Epoch, std::vector<RecordRange>> prepared_;
  uint32_t life_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_PROCESSING_COMMIT_SINK_H_
