#include "models/control/load_balance.h"

#include <algorithm>

namespace freshet {
namespace {

class Planner {
 public:
  Planner(std::vector<BrokerLoad> brokers, const std::vector<PartitionLoad>& partitions,
          const BalanceGoals& goals)
      : brokers_(std::move(brokers)), partitions_(partitions), moved_(partitions.size(), false) {
    int64_t count = 0;
    NetworkLoad sum = {};
    for (const BrokerLoad& broker : brokers_) {
      if (!broker.takes_part) continue;
      ++count;
      for (size_t goal = 0; goal < kNetworkDirections; ++goal) sum[goal] += broker.load[goal];
    }
    if (count == 0) return;
    for (size_t goal = 0; goal < kNetworkDirections; ++goal) {
      const Bytes average(sum[goal] / count);
      if (average.count() < goals[goal].threshold.count()) continue;
      const int64_t deviation = (goals[goal].deviation * average).count();
      bounds_[goal] = {true, average.count() - deviation, average.count() + deviation};
    }
  }

  std::vector<PlannedMove> Plan() {
    for (size_t goal = 0; goal < kNetworkDirections; ++goal) {
      if (bounds_[goal].holds) Optimise(goal);
    }
    return std::move(moves_);
  }

 private:
  struct Bounds {
    bool holds = false;
    int64_t low = 0;
    int64_t high = 0;
  };

  // How far a load is from what the goal accepts.
  int64_t Beyond(size_t goal, int64_t load) const {
    const Bounds& bounds = bounds_[goal];
    return bounds.holds ? std::max<int64_t>({0, bounds.low - load, load - bounds.high}) : 0;
  }
  int64_t Beyond(size_t goal, int32_t broker) const {
    return Beyond(goal, brokers_[static_cast<size_t>(broker)].load[goal]);
  }

  void Optimise(size_t goal) {
    std::vector<int32_t> violating;
    for (int32_t broker = 0; broker < static_cast<int32_t>(brokers_.size()); ++broker) {
      if (brokers_[static_cast<size_t>(broker)].takes_part && Beyond(goal, broker) > 0) {
        violating.push_back(broker);
      }
    }
    for (const int32_t broker : violating) {
      if (Beyond(goal, broker) == 0) continue;
      if (brokers_[static_cast<size_t>(broker)].load[goal] > bounds_[goal].high) {
        Relieve(goal, broker);
      } else {
        Fill(goal, broker);
      }
    }
  }

  std::vector<uint32_t> LargestOn(size_t goal, int32_t broker) const {
    std::vector<uint32_t> on;
    for (uint32_t i = 0; i < partitions_.size(); ++i) {
      const PartitionLoad& partition = partitions_[i];
      if (partition.movable && !moved_[i] && partition.broker == broker &&
          partition.load[goal] > 0) {
        on.push_back(i);
      }
    }
    std::stable_sort(on.begin(), on.end(), [&](uint32_t a, uint32_t b) {
      return partitions_[a].load[goal] > partitions_[b].load[goal];
    });
    return on;
  }

  // By what the goal's worse end is nearer to being accepted after the move; 0 if not, or if a goal
  // before it would lose.
  int64_t Gain(size_t goal, uint32_t partition, int32_t from, int32_t to) const {
    const NetworkLoad& load = partitions_[partition].load;
    const NetworkLoad& source = brokers_[static_cast<size_t>(from)].load;
    const NetworkLoad& target = brokers_[static_cast<size_t>(to)].load;
    const auto gain = [&](size_t of) {
      return std::max(Beyond(of, source[of]), Beyond(of, target[of])) -
             std::max(Beyond(of, source[of] - load[of]), Beyond(of, target[of] + load[of]));
    };
    for (size_t before = 0; before < goal; ++before) {
      if (gain(before) < 0) return 0;
    }
    return std::max<int64_t>(0, gain(goal));
  }

  void Move(uint32_t partition, int32_t from, int32_t to) {
    for (size_t goal = 0; goal < kNetworkDirections; ++goal) {
      brokers_[static_cast<size_t>(from)].load[goal] -= partitions_[partition].load[goal];
      brokers_[static_cast<size_t>(to)].load[goal] += partitions_[partition].load[goal];
    }
    moved_[partition] = true;
    moves_.push_back({partition, from, to});
  }

  void Relieve(size_t goal, int32_t broker) {
    for (const uint32_t partition : LargestOn(goal, broker)) {
      int32_t best = -1;
      int64_t most = 0;
      for (int32_t to = 0; to < static_cast<int32_t>(brokers_.size()); ++to) {
        if (to == broker || !brokers_[static_cast<size_t>(to)].takes_part) continue;
        const int64_t gain = Gain(goal, partition, broker, to);
        const bool better = gain > most || (gain == most && best >= 0 &&
                                            brokers_[static_cast<size_t>(to)].load[goal] <
                                                brokers_[static_cast<size_t>(best)].load[goal]);
        if (gain > 0 && better) {
          best = to;
          most = gain;
        }
      }
      if (best < 0) continue;
      Move(partition, broker, best);
      if (Beyond(goal, broker) == 0) return;
    }
  }

  void Fill(size_t goal, int32_t broker) {
    std::vector<int32_t> others;
    for (int32_t from = 0; from < static_cast<int32_t>(brokers_.size()); ++from) {
      if (from != broker && brokers_[static_cast<size_t>(from)].takes_part) others.push_back(from);
    }
    std::stable_sort(others.begin(), others.end(), [&](int32_t a, int32_t b) {
      return brokers_[static_cast<size_t>(a)].load[goal] >
             brokers_[static_cast<size_t>(b)].load[goal];
    });
    for (const int32_t from : others) {
      for (const uint32_t partition : LargestOn(goal, from)) {
        if (Gain(goal, partition, from, broker) == 0) continue;
        Move(partition, from, broker);
        if (Beyond(goal, broker) == 0) return;
      }
    }
  }

  std::vector<BrokerLoad> brokers_;
  const std::vector<PartitionLoad>& partitions_;
  std::array<Bounds, kNetworkDirections> bounds_;
  std::vector<bool> moved_;
  std::vector<PlannedMove> moves_;
};

}  // namespace

std::vector<PlannedMove> PlanMoves(std::vector<BrokerLoad> brokers,
                                   const std::vector<PartitionLoad>& partitions,
                                   const BalanceGoals& goals) {
  return Planner(std::move(brokers), partitions, goals).Plan();
}

}  // namespace freshet
