// Where replicas go: Kafka's rack-aware assignment. Pure functions, so that they can be tested
// alone.
#ifndef FRESHET_MODELS_CONTROL_PLACEMENT_H_
#define FRESHET_MODELS_CONTROL_PLACEMENT_H_

#include <cstdint>
#include <vector>

namespace freshet {

// Replica lists of `partitions` partitions over brokers with the given zones; the first of a list
// is the preferred leader.
//
// As Kafka's AdminUtils does: brokers are put in an order that alternates zones; the first replica
// of partition p is broker start + p in that order, the others follow with a shift that grows each
// time the leaders have gone round; a replica avoids zones and brokers that the partition already
// has, while there are others. `start` and `shift` are the two random numbers Kafka draws.
//
// REQUIRES: 1 <= replication_factor <= number of brokers.
std::vector<std::vector<int32_t>> AssignReplicas(const std::vector<uint32_t>& broker_zones,
                                                 int partitions, int replication_factor, int start,
                                                 int shift);

}  // namespace freshet

#endif  // FRESHET_MODELS_CONTROL_PLACEMENT_H_
