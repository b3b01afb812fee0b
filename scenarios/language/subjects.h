// Findings about whoever names a subject of a schema registry, and a version of it: producers and
// readers.
#ifndef FRESHET_SCENARIOS_LANGUAGE_SUBJECTS_H_
#define FRESHET_SCENARIOS_LANGUAGE_SUBJECTS_H_

#include <cstdint>
#include <string>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// The subject of the registry, null where something is amiss. That is told at the fields `registry`
// and `subject` of `here`, or, where `here` is null, by another call.
const v1::SchemaRegistry::Subject* FindSubject(const v1::Scenario& scenario,
                                               const std::string& registry,
                                               const std::string& subject, const Places* here,
                                               Findings* findings);

// The subject has the version, which the field `version` of `here` states. 0 is told elsewhere.
void CheckVersion(const v1::SchemaRegistry::Subject& subject, uint32_t version, const Places& here,
                  Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_SUBJECTS_H_
