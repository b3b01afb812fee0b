#include "models/control/placement.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/check.h"

namespace freshet {
namespace {

using testing::ElementsAre;

// How many partitions each broker leads (only_leaders), or has at all.
std::map<int32_t, int> Count(const std::vector<std::vector<int32_t>>& assignment,
                             bool only_leaders) {
  std::map<int32_t, int> count;
  for (const auto& replicas : assignment) {
    for (size_t i = 0; i < (only_leaders ? 1 : replicas.size()); ++i) ++count[replicas[i]];
  }
  return count;
}

TEST(PlacementTest, LeadersGoRoundTheBrokers) {
  const auto assignment = AssignReplicas({0, 0, 0}, 4, 2, 0, 0);
  EXPECT_THAT(assignment, ElementsAre(ElementsAre(0, 1), ElementsAre(1, 2), ElementsAre(2, 0),
                                      ElementsAre(0, 2)));  // The shift grows with the round.
}

TEST(PlacementTest, NeighboursLieInDifferentZones) {
  // Brokers 0 and 1 in one zone, 2 and 3 in another: the order is 0 2 1 3.
  const auto assignment = AssignReplicas({0, 0, 1, 1}, 4, 2, 0, 0);
  EXPECT_THAT(assignment, ElementsAre(ElementsAre(0, 2), ElementsAre(2, 1), ElementsAre(1, 3),
                                      ElementsAre(3, 0)));
}

TEST(PlacementTest, OneBrokerTakesAll) {
  EXPECT_THAT(AssignReplicas({0}, 2, 1, 0, 0), ElementsAre(ElementsAre(0), ElementsAre(0)));
}

TEST(PlacementTest, RefusesMoreReplicasThanBrokers) {
  EXPECT_THROW(AssignReplicas({0, 1}, 1, 3, 0, 0), InvariantBroken);
}

RC_GTEST_PROP(PlacementProperty, ReplicasAreDistinctAndSpreadOverZones, ()) {
  const auto zones = *rc::gen::resize(
      12, rc::gen::nonEmpty(rc::gen::container<std::vector<uint32_t>>(rc::gen::inRange(0u, 4u))));
  const int brokers = static_cast<int>(zones.size());
  const int factor = *rc::gen::inRange(1, brokers + 1);
  const auto assignment =
      AssignReplicas(zones, *rc::gen::inRange(1, 60), factor, *rc::gen::inRange(0, brokers),
                     *rc::gen::inRange(0, brokers));
  const auto zone_count = std::set<uint32_t>(zones.begin(), zones.end()).size();
  for (const auto& replicas : assignment) {
    RC_ASSERT(replicas.size() == static_cast<size_t>(factor));
    std::set<int32_t> distinct(replicas.begin(), replicas.end());
    RC_ASSERT(distinct.size() == replicas.size());
    std::set<uint32_t> used;
    for (const int32_t broker : replicas) used.insert(zones[broker]);
    RC_ASSERT(used.size() == std::min(zone_count, replicas.size()));
  }
  // Leaders differ by one at most.
  const auto leaders = Count(assignment, true);
  int most = 0;
  int least = leaders.size() < zones.size() ? 0 : INT32_MAX;
  for (const auto& [broker, count] : leaders) {
    most = std::max(most, count);
    least = std::min(least, count);
  }
  RC_ASSERT(most - least <= 1);
}

RC_GTEST_PROP(PlacementProperty, EqualZonesShareReplicasEvenly, ()) {
  const int zone_count = *rc::gen::inRange(1, 4);
  const int per_zone = *rc::gen::inRange(1, 5);
  std::vector<uint32_t> zones;
  for (int i = 0; i < zone_count * per_zone; ++i) zones.push_back(i % zone_count);
  const int brokers = zone_count * per_zone;
  const int factor = *rc::gen::inRange(1, brokers + 1);
  const int rounds = *rc::gen::inRange(1, 5);
  const auto assignment =
      AssignReplicas(zones, brokers * rounds, factor, *rc::gen::inRange(0, brokers),
                     *rc::gen::inRange(0, brokers));
  for (const auto& [broker, count] : Count(assignment, false)) RC_ASSERT(count == factor * rounds);
}

}  // namespace
}  // namespace freshet
