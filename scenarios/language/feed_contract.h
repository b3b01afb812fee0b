// A feed's contract: one objective whose clauses are judged one by one, each with a margin.
//
//   freshness        sink.freshness, 99th percentile
//   staleness        freshness.staleness, the largest
//   lost             effects.lost, the largest: gaps below the offset that the feed has reached
//                    (and effects.not_tracked, none: what is not tracked cannot be promised)
//   duplicated       effects.duplicated
//   schema_version   contract.other_version_records, none
//   lateness         contract.late_records, none
#ifndef FRESHET_SCENARIOS_LANGUAGE_FEED_CONTRACT_H_
#define FRESHET_SCENARIOS_LANGUAGE_FEED_CONTRACT_H_

#include <vector>

#include "results/objective.pb.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Its clauses as objectives of metrics; each keeps that clause of the contract and no other. An
// objective without a contract is its own clause.
std::vector<Objective> ClausesOf(const Objective& objective);

void CheckFeedContracts(const v1::Scenario& scenario, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_FEED_CONTRACT_H_
