// What is measured about a group that subscribes. Its component registers them; coordinator and
// members count.
#ifndef FRESHET_MODELS_GROUP_GROUP_METRICS_H_
#define FRESHET_MODELS_GROUP_GROUP_METRICS_H_

#include <array>
#include <cstdint>

#include "sim/metric.h"
#include "sim/recorder.h"

namespace freshet {

// Why a group rebalances.
enum class RebalanceCause : uint8_t {
  kJoined,       // A member came, or came back.
  kLeft,         // A member left in good order.
  kSessionOver,  // No heartbeat of a member in session.timeout.ms.
  kPollOver,     // A member left by itself: its poll took longer than max.poll.interval.ms.
  kRevoked,      // The second round of a cooperative rebalance: what was given up is dealt out.
  kNotJoined,    // A member did not join again, or did not ask for its share, in time.
};
inline constexpr int kRebalanceCauses = 6;
inline const char* NameOf(RebalanceCause cause) {
  constexpr const char* kNames[kRebalanceCauses] = {
      "rebalance_member_joined", "rebalance_member_left", "rebalance_session_over",
      "rebalance_poll_over",     "rebalance_revoked",     "rebalance_not_joined"};
  return kNames[static_cast<size_t>(cause)];
}

struct GroupMetrics {
  static constexpr MetricDef kRebalances = {
      "group.rebalances", MetricKind::kCounter, MetricUnit::kCount,
      "Rebalances that began: new generations to come, or with the broker-side protocol new group "
      "epochs."};
  static constexpr MetricDef kRebalancesBy[kRebalanceCauses] = {
      {"group.rebalances_member_joined", MetricKind::kCounter, MetricUnit::kCount,
       "Rebalances because a member came, or came back."},
      {"group.rebalances_member_left", MetricKind::kCounter, MetricUnit::kCount,
       "Rebalances because a member left in good order."},
      {"group.rebalances_session_over", MetricKind::kCounter, MetricUnit::kCount,
       "Rebalances because a member sent no heartbeat in session.timeout.ms."},
      {"group.rebalances_poll_over", MetricKind::kCounter, MetricUnit::kCount,
       "Rebalances because a member's poll took longer than max.poll.interval.ms."},
      {"group.rebalances_revoked", MetricKind::kCounter, MetricUnit::kCount,
       "Second rounds of cooperative rebalances."},
      {"group.rebalances_not_joined", MetricKind::kCounter, MetricUnit::kCount,
       "Rebalances because a member did not ask for its share in time."}};
  static constexpr MetricDef kRebalanceTime = {
      "group.rebalance_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the beginning of a rebalance until the group is stable; what comes up meanwhile is of "
      "the same one."};
  static constexpr MetricDef kMembers = {"group.members", MetricKind::kGauge, MetricUnit::kCount,
                                         "Members that the coordinator knows of."};
  static constexpr MetricDef kRebalancing = {"group.rebalancing", MetricKind::kGauge,
                                             MetricUnit::kCount,
                                             "1 while the group has members and is not stable."};
  static constexpr MetricDef kUnavailable = {
      "group.coordinator_unavailable", MetricKind::kGauge, MetricUnit::kCount,
      "1 while the group's offsets partition has no leader, or its new one still loads it."};
  static constexpr MetricDef kFenced = {
      "group.fenced_commits", MetricKind::kCounter, MetricUnit::kCount,
      "Offset commits refused: of an old generation, or of a member that was expelled."};

  Counter* rebalances = nullptr;
  std::array<Counter*, kRebalanceCauses> by_cause = {};
  Distribution* rebalance_time = nullptr;
  Gauge* members = nullptr;
  Gauge* rebalancing = nullptr;
  Gauge* unavailable = nullptr;
  Counter* fenced = nullptr;
  LaneId lane = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_GROUP_GROUP_METRICS_H_
