// Checks that need one field at a time and its facts: units, ranges, names, enums, text.
#ifndef FRESHET_SCENARIOS_LANGUAGE_FIELDS_H_
#define FRESHET_SCENARIOS_LANGUAGE_FIELDS_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "results/annotations.pb.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"

namespace freshet {

// [a-z][a-z0-9_.-]{0,62}
bool IsName(absl::string_view text);

// Checks a text against the facts of its field: kInvalidArgument with the text of a problem.
// `holder` is the unit that an enclosing field gives to a UNIT_VALUE; UNIT_UNSPECIFIED for none.
absl::Status CheckText(const FieldFacts& stated, Unit holder, absl::string_view text);

// Every field that is set or was written, in `message` and below. Whether one is missing is not
// asked here: an overlay has what it needs from its base.
void CheckFields(const google::protobuf::Message& message, const Places& places,
                 Findings* findings);

// Required fields, and oneofs without a member. REQUIRES: overlays are merged. `blanked` are places
// whose statement could not be read: what may have been written there is not missed. `whole` is
// what the message itself is called.
void CheckRequired(const google::protobuf::Message& message, const Places& places,
                   const std::vector<Place>& blanked, Findings* findings,
                   absl::string_view whole = "the scenario");

// "component[shop].producers": elements of a list by name where they have one, else by index.
std::string ElementName(const google::protobuf::Message& element, const std::string& field,
                        int index);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_FIELDS_H_
