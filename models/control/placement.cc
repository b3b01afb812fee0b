#include "models/control/placement.h"

#include <algorithm>
#include <set>

#include "sim/check.h"

namespace freshet {
namespace {

// a1 b1 c1 a2 b2 c2 ...: neighbours lie in different zones.
std::vector<int32_t> AlternateZones(const std::vector<uint32_t>& broker_zones) {
  const std::set<uint32_t> zones(broker_zones.begin(), broker_zones.end());
  std::vector<std::vector<int32_t>> by_zone;
  for (const uint32_t zone : zones) {
    by_zone.emplace_back();
    for (size_t broker = 0; broker < broker_zones.size(); ++broker) {
      if (broker_zones[broker] == zone) by_zone.back().push_back(static_cast<int32_t>(broker));
    }
  }
  std::vector<int32_t> order;
  for (size_t round = 0; order.size() < broker_zones.size(); ++round) {
    for (const auto& members : by_zone) {
      if (round < members.size()) order.push_back(members[round]);
    }
  }
  return order;
}

}  // namespace

std::vector<std::vector<int32_t>> AssignReplicas(const std::vector<uint32_t>& broker_zones,
                                                 int partitions, int replication_factor, int start,
                                                 int shift) {
  const int brokers = static_cast<int>(broker_zones.size());
  SIM_REQUIRE(replication_factor >= 1 && replication_factor <= brokers);
  const std::vector<int32_t> order = AlternateZones(broker_zones);
  const int zone_count =
      static_cast<int>(std::set<uint32_t>(broker_zones.begin(), broker_zones.end()).size());

  std::vector<std::vector<int32_t>> assignment;
  for (int partition = 0; partition < partitions; ++partition) {
    if (partition > 0 && partition % brokers == 0) ++shift;
    const int first = (partition + start) % brokers;
    std::vector<int32_t> replicas = {order[first]};
    std::set<uint32_t> used_zones = {broker_zones[order[first]]};
    for (int step = 0; static_cast<int>(replicas.size()) < replication_factor; ++step) {
      const int distance = brokers == 1 ? 0 : 1 + (shift * zone_count + step) % (brokers - 1);
      const int32_t candidate = order[(first + distance) % brokers];
      const bool taken = std::find(replicas.begin(), replicas.end(), candidate) != replicas.end();
      const bool zone_is_new = used_zones.count(broker_zones[candidate]) == 0;
      // A used zone is taken again only when every zone has a replica.
      if (taken || (!zone_is_new && static_cast<int>(used_zones.size()) < zone_count)) continue;
      replicas.push_back(candidate);
      used_zones.insert(broker_zones[candidate]);
    }
    assignment.push_back(std::move(replicas));
  }
  return assignment;
}

}  // namespace freshet
