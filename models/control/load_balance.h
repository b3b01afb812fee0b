// Which partitions to move so that brokers have the same network load: the goals of AutoMQ's
// self-balancing (NetworkInUsageDistributionGoal and NetworkOutUsageDistributionGoal), in that
// order.
//
// A goal holds for a broker whose load is within a share of the average, and for all while the
// average is below a threshold. Where it does not, partitions go away from the broker, or come to
// it, largest first: each to where the worse of both ends gains most, as long as it gains and no
// goal before this one loses. docs/models/s3stream.md has the sources.
#ifndef FRESHET_MODELS_CONTROL_LOAD_BALANCE_H_
#define FRESHET_MODELS_CONTROL_LOAD_BALANCE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "sim/units.h"

namespace freshet {

// Bytes a second, in and out.
inline constexpr size_t kNetworkDirections = 2;
using NetworkLoad = std::array<int64_t, kNetworkDirections>;

struct BalanceGoal {
  Ratio deviation;           // From the average that is accepted, both ways.
  BytesPerSecond threshold;  // Averages below it are let alone.
};
using BalanceGoals = std::array<BalanceGoal, kNetworkDirections>;

struct BrokerLoad {
  NetworkLoad load = {};
  bool takes_part = false;
};
struct PartitionLoad {
  int32_t broker = -1;
  NetworkLoad load = {};
  bool movable = false;
};
struct PlannedMove {
  uint32_t partition;
  int32_t from;
  int32_t to;
  friend bool operator==(const PlannedMove&, const PlannedMove&) = default;
};

// In the order in which they are to be made; each partition once at most. Both lists by index.
std::vector<PlannedMove> PlanMoves(std::vector<BrokerLoad> brokers,
                                   const std::vector<PartitionLoad>& partitions,
                                   const BalanceGoals& goals);

}  // namespace freshet

#endif  // FRESHET_MODELS_CONTROL_LOAD_BALANCE_H_
