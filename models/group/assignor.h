// Who reads what: the assignors of a consumer group. Pure functions, so that they can be tested
// alone.
//
// Members are numbered in the order in which Kafka sorts them, by group.instance.id or member id;
// all of them subscribe to the same topics. Partitions are numbered through, topic after topic.
#ifndef FRESHET_MODELS_GROUP_ASSIGNOR_H_
#define FRESHET_MODELS_GROUP_ASSIGNOR_H_

#include <cstdint>
#include <vector>

namespace freshet {

enum class Assignor : uint8_t {
  kRange,              // Topic by topic: contiguous, the first members get one more.
  kRoundRobin,         // All partitions of all topics in turn.
  kSticky,             // Even, and everybody keeps what he has as far as that allows.
  kCooperativeSticky,  // The same; what moves is first taken away, and given in a second round.
  kUniform,            // The broker's: even, and sticky towards the last target assignment.
};

// By member, its partitions in ascending order.
using Assignment = std::vector<std::vector<int>>;

// `owned`, by member: what it has of the current generation; kRange and kRoundRobin do not heed it.
// kCooperativeSticky: see Withhold(). REQUIRES: at least one member, no partition owned twice.
Assignment Assign(Assignor assignor, const std::vector<int>& topic_partitions,
                  const Assignment& owned);

// The first round of a cooperative rebalance: takes out of `assignment` what another member still
// owns. Returns how many partitions nobody has until the next round.
int Withhold(const Assignment& owned, Assignment* assignment);

}  // namespace freshet

#endif  // FRESHET_MODELS_GROUP_ASSIGNOR_H_
