// The catalogue: rows of instance and volume types, and the components that name them.
//
// A component that says `instance: "r6i.large"` or `volume { type: "gp3" }` takes from the row each
// field that it does not state itself; what it states wins, field by field. A scenario without rows
// has no catalogue: there the names are labels, and everything is stated beside them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_CATALOGUE_H_
#define FRESHET_SCENARIOS_LANGUAGE_CATALOGUE_H_

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Whether volumes of this kind are reached over the instance's path to network storage.
bool IsNetworkVolume(v1::Volume::Kind kind);

// Fills the components from the rows that they name; they are complete without the rows then.
// Problems: a name that no row has, and a network volume on an instance whose row
// does not know the baseline of its path. REQUIRES: variants are expanded, defaults not yet filled.
void ApplyCatalogue(v1::Scenario* scenario, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_CATALOGUE_H_
