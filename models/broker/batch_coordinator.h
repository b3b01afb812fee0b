// The coordinator of a leaderless cluster as its brokers feel it: where files are committed, so
// that their batches get offsets, and where a fetch asks which files hold what it wants. A database
// that brokers share (Inkless), or the vendor's control plane (WarpStream).
//
// A request takes its latency, any number side by side. A commit then has its turn at a single
// writer, one after the other, where the coordinator has a limit on commits a second. What it keeps
// is the cluster's index (stream_objects.h).
//
// Faults: down, nothing gets on, and what has come waits; slow, all of it takes longer.
//
// Left out: traffic to it, which is small; batches and partitions of a commit, whatever their
// number; its own failover. docs/models/leaderless.md has the sources.
#ifndef FRESHET_MODELS_BROKER_BATCH_COORDINATOR_H_
#define FRESHET_MODELS_BROKER_BATCH_COORDINATOR_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "sim/component.h"
#include "sim/pool.h"
#include "sim/sampler.h"
#include "sim/station.h"

namespace freshet {

class BatchCoordinator : public Component {
 public:
  struct Config {
    Sampler commit_latency;
    Sampler find_latency;
    std::optional<Rate> most_commits;  // A second. REQUIRES: > 0.
  };

  static constexpr MetricDef kCommits = {"coordinator.commits", MetricKind::kCounter,
                                         MetricUnit::kCount, "Commits asked for."};
  static constexpr MetricDef kCommitLatency = {
      "coordinator.commit_latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "From asking for a commit to its answer, waiting for the writer included."};
  static constexpr MetricDef kFinds = {"coordinator.finds", MetricKind::kCounter,
                                       MetricUnit::kCount,
                                       "Look-ups of the files that a fetch needs."};
  static constexpr MetricDef kWaiting = {
      "coordinator.present", MetricKind::kGauge, MetricUnit::kCount,
      "Commits and look-ups that have come and are not answered."};

  BatchCoordinator(Simulation& sim, absl::string_view name, const Config& config);

  // `done` fires with `tag` when the commit takes effect, which is when its answer is there. What
  // has been asked is carried out, whoever asked.
  void Commit(uint64_t tag, Completion<uint64_t> done);
  // `done` fires with `tag` when the answer is there.
  void Find(uint64_t tag, Completion<uint64_t> done);

  void SetDown(bool down);
  // REQUIRES: speed > 0.
  void SetSpeed(Ratio speed);
  // Requests that came, also while it answered nobody.
  int64_t asked() const { return commits_.Value() + finds_.Value(); }

 private:
  struct Asked {
    uint64_t tag;
    Time at;
    Completion<uint64_t> done;
  };

  void Write(uint32_t index);
  void Committed(uint32_t index);
  void ShowLevel(int64_t change);

  const Config config_;
  RandomStream commit_stream_;
  RandomStream find_stream_;
  // A worker for each request that can be there at a time: latency, and no queue.
  Station latency_;
  Station writer_;
  Pool<Asked> asked_;
  int64_t present_ = 0;
  Counter& commits_;
  Distribution& commit_latency_;
  Counter& finds_;
  Gauge& waiting_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_BATCH_COORDINATOR_H_
