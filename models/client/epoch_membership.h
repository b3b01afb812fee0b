// A member of the broker-side protocol (KIP-848). Its heartbeats say what it has, their answers
// what it may have; between two polls it gives up what it should not have, says so at once, and
// takes what is new. Nobody waits for the others.
#ifndef FRESHET_MODELS_CLIENT_EPOCH_MEMBERSHIP_H_
#define FRESHET_MODELS_CLIENT_EPOCH_MEMBERSHIP_H_

#include <cstdint>
#include <vector>

#include "models/client/group_membership.h"
#include "models/group/epoch_coordinator.h"

namespace freshet {

class EpochMembership : public GroupMembership {
 public:
  EpochMembership(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                  EpochCoordinator* coordinator, Application* application, const Config& config)
      : GroupMembership(sim, name, network, log, coordinator, application, config),
        coordinator_(coordinator) {}

 private:
  void OnStart() override;
  void OnLost() override;
  bool Duties() override;
  void Heartbeat() override;
  bool Leave(RebalanceCause cause) override;
  // STALE_MEMBER_EPOCH: the next heartbeat brings the epoch.
  bool RetriesFencedCommits() const override { return is_member_; }
  void OnPollIntervalOver() override { Forget(); }

  void Forget();
  void Beaten();
  void TakeShare();

  EpochCoordinator* const coordinator_;
  bool is_member_ = false;
  bool lost_ = false;   // What it has is not its own any more.
  bool again_ = false;  // Another heartbeat as soon as this one is answered.
  Request heartbeat_;
  EpochCoordinator::Request asks_;
  EpochCoordinator::Answer told_;
  std::vector<int> share_;  // What it may have.
  EpochCoordinator::Request leaves_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_EPOCH_MEMBERSHIP_H_
