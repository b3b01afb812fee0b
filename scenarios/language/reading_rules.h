// Rules about readers: what they can read, what they do with the rest, and who repairs them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_READING_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_READING_RULES_H_

#include <string>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// The subject of what is read from `topic`.
std::string SubjectOf(const v1::Reading& reading, const std::string& topic);

// What the component reads with, and from which topic; null without. Of a stream job the first
// source that has it.
const v1::Reading* ReadingOf(const v1::Component& component, std::string* topic);

// REQUIRES: defaults are filled in.
void CheckReaders(const v1::Scenario& scenario, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_READING_RULES_H_
