// Rules for consumer groups and for the operations on their members.
#ifndef FRESHET_SCENARIOS_LANGUAGE_GROUP_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_GROUP_RULES_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Whether the field of Consumers is heeded only with assignment SUBSCRIBE.
bool IsOfGroups(absl::string_view field);

// Whether the field has its default, which may be written out: a canonical text does it.
bool IsDefault(const v1::Scenario& scenario, const v1::Consumers& consumers, const char* name);

// How many members operations add to the component over the run.
int64_t AddedMembers(const v1::Scenario& scenario, const std::string& consumers);

// The number of "readers/member-3", also with something behind it; 0 if it is no such handle.
uint32_t MemberNumberOf(const std::string& handle);

void CheckGroups(const v1::Scenario& scenario, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_GROUP_RULES_H_
