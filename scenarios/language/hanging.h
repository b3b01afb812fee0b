// What `kafka-transactions.sh find-hanging` would have told during a run (KIP-664), for its record.
#ifndef FRESHET_SCENARIOS_LANGUAGE_HANGING_H_
#define FRESHET_SCENARIOS_LANGUAGE_HANGING_H_

#include "results/record.pb.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/simulation.h"

namespace freshet {

// Adds a row for each partition of each transaction that its coordinator had to abort, in the order
// in which it did, and of each that is open at the end of the run for longer than its timeout, or
// that no coordinator knows of, by topic and partition. Who waits are the scenario's readers of the
// topic with READ_COMMITTED.
void CollectHanging(const v1::Scenario& scenario, const Simulation& sim, const Pipeline& pipeline,
                    MetricTable* table);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_HANGING_H_
