// The controllers of a KRaft cluster: one is active and writes the metadata log, the others follow
// it. What the active one decides holds when a majority has its record; when it dies, the others
// elect a new one and what was not committed is decided anew.
//
// A record waits for controller.quorum.append.linger.ms with others, goes to the followers, whose
// fetches wait for it, and is committed one round trip later. A follower that has had no answer for
// controller.quorum.fetch.timeout.ms asks the others for their votes; two that ask at once may
// split them, and try again after a random time.
//
// Approximated: an idle follower's fetch was answered at a moment that is uniform over its longest
// wait; followers always have the whole log. Left out: flushes of the metadata log, snapshots, a
// controller that is cut off but alive, changes of the quorum.
// docs/models/kafka.md has the sources.
#ifndef FRESHET_MODELS_CONTROL_KRAFT_QUORUM_H_
#define FRESHET_MODELS_CONTROL_KRAFT_QUORUM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/network/network.h"
#include "sim/callback.h"
#include "sim/component.h"

namespace freshet {

class KraftQuorum : public Component {
 public:
  struct Config {
    std::string host_stem;      // "log/controller-": a number goes behind it.
    std::vector<ZoneId> zones;  // One for each controller.
    BytesPerSecond network_bandwidth;
    Duration append_linger = Milliseconds(25);    // controller.quorum.append.linger.ms
    Duration fetch_timeout = Seconds(2);          // controller.quorum.fetch.timeout.ms
    Duration election_timeout = Seconds(1);       // controller.quorum.election.timeout.ms
    Duration election_backoff_max = Seconds(1);   // controller.quorum.election.backoff.max.ms
    Duration fetch_max_wait = Milliseconds(500);  // KafkaRaftClient.MAX_FETCH_WAIT_MS
  };

  static constexpr MetricDef kElections = {"controller.elections", MetricKind::kCounter,
                                           MetricUnit::kCount,
                                           "Controllers that became active after another."};
  static constexpr MetricDef kLeaderless = {
      "controller.leaderless", MetricKind::kGauge, MetricUnit::kCount,
      "1 while no controller is active: what has to be decided waits."};
  static constexpr MetricDef kCommitLatency = {
      "controller.commit_latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "From a decision to its record at a majority of the controllers."};

  // REQUIRES: at least one controller. The first is active.
  KraftQuorum(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  // `committed` fires once, at the active controller, when the decision holds: in the order of the
  // calls, and only once there is an active controller and a majority.
  void Submit(Callback committed);
  // `activated` fires whenever another controller has become active.
  void OnActivated(Callback activated) { on_activated_ = activated; }

  // Fault verb down. REQUIRES: it is up (Crash), or down (Restart).
  void Crash(int controller);
  void Restart(int controller);

  static constexpr int kNobody = -1;
  int active() const { return active_; }  // kNobody while there is none.
  int size() const { return static_cast<int>(controllers_.size()); }
  bool up(int controller) const { return controllers_[controller].up; }
  HostId HostOf(int controller) const { return controllers_[controller].host; }
  int64_t decisions() const { return submitted_; }
  // Times that one of them asked the others for their votes.
  int64_t candidacies() const { return candidacies_; }

 private:
  friend class KraftQuorumTestPeer;  // Breaks what the audits must notice.

  struct Controller {
    HostId host = 0;
    bool up = true;
    int32_t voted_in = 0;  // The last epoch in which it gave its vote.
    int64_t votes = 0;     // For itself, in the epoch in which it stands.
    int64_t answers = 0;
    std::vector<Connection*> streams;  // To each other one.
    uint32_t generation = 0;           // Raised by a crash.
  };
  struct Decision {
    Callback committed;
    Time submitted_at;
  };

  int Majority() const { return size() / 2 + 1; }
  int LiveCount() const;
  void StartLinger();
  void Append();
  void Acknowledged(uint32_t batch);
  void CommitFirst();
  void AwaitLeader(int controller, Duration wait);
  void Stand(int controller);
  void AskForVote(int candidate, int voter);
  void Answered(int candidate, int32_t epoch, bool granted);
  void Activate(int controller);
  void Audit() const;

  // A batch of decisions on its way to the followers.
  struct Batch {
    uint32_t number;
    int64_t acknowledged;  // The active controller's own copy counts.
    std::vector<Decision> decisions;
  };

  const Config config_;
  Network* const network_;
  std::vector<Controller> controllers_;
  int active_ = 0;
  int32_t epoch_ = 1;
  std::vector<Decision> queued_;   // Not yet in a batch.
  std::vector<Batch> on_the_way_;  // In order.
  uint32_t next_batch_ = 1;
  bool lingering_ = false;
  int64_t submitted_ = 0;
  int64_t candidacies_ = 0;
  int64_t committed_ = 0;
  RandomStream timing_;
  Callback on_activated_;
  Counter& elections_;
  Gauge& leaderless_;
  Distribution& commit_latency_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONTROL_KRAFT_QUORUM_H_
