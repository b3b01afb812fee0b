// Checks that need several fields at once: what Kafka itself would refuse, what cannot be
// simulated, and what is legal but probably not meant.
//
// Errors are impossible or refused combinations. Warnings run: an overload is a legal study.
#ifndef FRESHET_SCENARIOS_LANGUAGE_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_RULES_H_

#include <cstdint>
#include <vector>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

inline constexpr int64_t kMostPartitions = 1'000'000;
inline constexpr int64_t kMostEvents = 1'000'000'000'000;

// REQUIRES: `scenario` is expanded and has its defaults. Fields that do not parse are passed over:
// CheckFields() has told about them. `blanked` as for CheckRequired(): what could not be read is
// not missed.
void CheckRules(const v1::Scenario& scenario, const Places& places,
                const std::vector<Place>& blanked, Findings* findings);

// A rule of thumb for the cost of a run: events that the engine will fire, from the batches that
// the producers form. It saturates at the largest int64.
int64_t PredictedEvents(const v1::Scenario& scenario);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_RULES_H_
