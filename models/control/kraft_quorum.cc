#include "models/control/kraft_quorum.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// Records, votes and their answers are small: what counts is the way.
constexpr Bytes kMessageBytes(256);

// Uniform in [0, below).
Duration DrawBelow(RandomStream& stream, Duration below) {
  return Nanoseconds(static_cast<int64_t>(stream.NextBelow(static_cast<uint64_t>(below.nanos()))));
}

}  // namespace

KraftQuorum::KraftQuorum(Simulation& sim, absl::string_view name, Network* network,
                         const Config& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      controllers_(config.zones.size()),
      timing_(NewStream("timing")),
      elections_(AddCounter(kElections)),
      leaderless_(AddGauge(kLeaderless)),
      commit_latency_(AddDistribution(kCommitLatency)) {
  SIM_REQUIRE(!config.zones.empty());
  for (size_t i = 0; i < controllers_.size(); ++i) {
    controllers_[i].host = network->AddHost(absl::StrCat(config.host_stem, i + 1), config.zones[i],
                                            config.network_bandwidth);
  }
  for (Controller& from : controllers_) {
    for (const Controller& to : controllers_) {
      from.streams.push_back(&from == &to ? nullptr : network->Connect(from.host, to.host));
    }
  }
  sim.AddAudit([this] { Audit(); });
}

int KraftQuorum::LiveCount() const {
  int count = 0;
  for (const Controller& controller : controllers_) count += controller.up;
  return count;
}

void KraftQuorum::Submit(Callback committed) {
  ++submitted_;
  queued_.push_back({committed, Now()});
  StartLinger();
}

void KraftQuorum::StartLinger() {
  if (lingering_ || active_ == kNobody || queued_.empty()) return;
  lingering_ = true;
  After<"controller.append">(config_.append_linger, [this, epoch = epoch_] {
    if (epoch != epoch_) return;
    lingering_ = false;
    Append();
  });
}

void KraftQuorum::Append() {
  const uint32_t number = next_batch_++;
  on_the_way_.push_back({number, 0, std::exchange(queued_, {})});
  for (int i = 0; i < size(); ++i) {
    if (i == active_) continue;
    controllers_[active_].streams[i]->Send(
        kMessageBytes, TrafficCause::kControl, [this, i, number, leader = active_] {
          // Its next fetch tells the leader.
          controllers_[i].streams[leader]->Send(kMessageBytes, TrafficCause::kControl,
                                                [this, number] { Acknowledged(number); });
        });
  }
  Acknowledged(number);
}

void KraftQuorum::Acknowledged(uint32_t number) {
  for (Batch& batch : on_the_way_) {
    // Whoever has a batch has all before it.
    if (batch.number == number) ++batch.acknowledged;
  }
  while (!on_the_way_.empty() && on_the_way_.front().acknowledged >= Majority()) CommitFirst();
}

void KraftQuorum::CommitFirst() {
  const Batch batch = std::move(on_the_way_.front());
  on_the_way_.erase(on_the_way_.begin());
  for (Decision decision : batch.decisions) {
    ++committed_;
    commit_latency_.Record(Now() - decision.submitted_at);
    decision.committed();
  }
}

void KraftQuorum::Crash(int id) {
  Controller& gone = controllers_[id];
  SIM_REQUIRE(gone.up);
  gone.up = false;
  ++gone.generation;
  network_->SetDown(gone.host, true);
  if (id != active_) return;
  active_ = kNobody;
  leaderless_.Set(1);
  lingering_ = false;
  ++epoch_;
  // What no majority is known to have is decided anew, in the same order.
  std::vector<Decision> again;
  for (Batch& batch : on_the_way_) {
    again.insert(again.end(), batch.decisions.begin(), batch.decisions.end());
  }
  again.insert(again.end(), queued_.begin(), queued_.end());
  queued_ = std::move(again);
  on_the_way_.clear();
  for (int i = 0; i < size(); ++i) {
    if (controllers_[i].up) {
      AwaitLeader(i, config_.fetch_timeout - DrawBelow(timing_, config_.fetch_max_wait));
    }
  }
}

void KraftQuorum::Restart(int id) {
  Controller& back = controllers_[id];
  SIM_REQUIRE(!back.up);
  back.up = true;
  network_->SetDown(back.host, false);
  if (active_ != kNobody) return;
  // It knows of no leader: between one and two election timeouts, then it stands itself.
  AwaitLeader(id, config_.election_timeout + DrawBelow(timing_, config_.election_timeout));
}

// If nobody is active by then, it stands.
void KraftQuorum::AwaitLeader(int id, Duration wait) {
  After<"controller.fetch_timeout">(wait, [this, id, generation = controllers_[id].generation] {
    const Controller& controller = controllers_[id];
    if (active_ == kNobody && controller.up && controller.generation == generation) Stand(id);
  });
}

void KraftQuorum::Stand(int id) {
  Controller& candidate = controllers_[id];
  // In an epoch in which it has given its vote away, it waits for that election's end.
  if (candidate.voted_in == epoch_) {
    AwaitLeader(id, config_.election_timeout + DrawBelow(timing_, config_.election_timeout));
    return;
  }
  ++candidacies_;
  candidate.voted_in = epoch_;
  candidate.votes = 0;
  candidate.answers = 0;
  for (int i = 0; i < size(); ++i) {
    if (i != id && controllers_[i].up) AskForVote(id, i);
  }
  Answered(id, epoch_, true);  // Its own.
}

void KraftQuorum::AskForVote(int candidate, int voter) {
  controllers_[candidate].streams[voter]->Send(
      kMessageBytes, TrafficCause::kControl, [this, candidate, voter, epoch = epoch_] {
        Controller& asked = controllers_[voter];
        const bool granted = epoch == epoch_ && asked.voted_in < epoch;
        if (granted) asked.voted_in = epoch;
        asked.streams[candidate]->Send(
            kMessageBytes, TrafficCause::kControl,
            [this, candidate, epoch, granted] { Answered(candidate, epoch, granted); });
      });
}

void KraftQuorum::Answered(int id, int32_t epoch, bool granted) {
  Controller& candidate = controllers_[id];
  if (epoch != epoch_ || active_ != kNobody || !candidate.up) return;
  ++candidate.answers;
  candidate.votes += granted;
  if (candidate.votes >= Majority()) {
    Activate(id);
  } else if (candidate.answers == LiveCount()) {
    // Split, or no majority is alive: a new epoch, after a random time.
    ++epoch_;
    AwaitLeader(id, Nanoseconds(1) + DrawBelow(timing_, config_.election_backoff_max));
  }
}

void KraftQuorum::Activate(int id) {
  active_ = id;
  ++epoch_;
  elections_.Add(1);
  leaderless_.Set(0);
  if (on_activated_) on_activated_();
  StartLinger();
}

void KraftQuorum::Audit() const {
  int64_t waiting = static_cast<int64_t>(queued_.size());
  for (const Batch& batch : on_the_way_) {
    waiting += static_cast<int64_t>(batch.decisions.size());
  }
  SIM_CHECK(submitted_ == committed_ + waiting, "inv.I3",
            absl::StrCat(name(), ": submitted ", submitted_, ", committed ", committed_,
                         ", waiting ", waiting));
  SIM_CHECK(active_ == kNobody || controllers_[active_].up, "inv.I9",
            absl::StrCat(name(), ": the active controller is dead"));
}

}  // namespace freshet
