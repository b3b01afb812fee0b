// What a pipeline has that a price applies to, beside its metrics: hosts, volumes, bytes between
// zones.
#ifndef FRESHET_SCENARIOS_LANGUAGE_METERS_H_
#define FRESHET_SCENARIOS_LANGUAGE_METERS_H_

#include "results/record.pb.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Call when the run is over. REQUIRES: `pipeline` was assembled from `scenario`.
MeterTable CollectMeters(const v1::Scenario& scenario, const Pipeline& pipeline);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_METERS_H_
