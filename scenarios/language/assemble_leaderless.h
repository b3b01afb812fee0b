// A leaderless cluster as the schema states it.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_LEADERLESS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_LEADERLESS_H_

#include "models/broker/leaderless_cluster.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// One of its brokers; all but the zone. REQUIRES: `text` is checked and has its defaults.
LeaderlessBroker::Config LeaderlessBrokerOf(const v1::Leaderless& text);
// All but the brokers, the topics and what every design is told. REQUIRES: the same.
LeaderlessCluster::Config LeaderlessClusterOf(const v1::Leaderless& text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_LEADERLESS_H_
