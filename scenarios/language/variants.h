// Variants laid over the scenario, and values set from the command line.
#ifndef FRESHET_SCENARIOS_LANGUAGE_VARIANTS_H_
#define FRESHET_SCENARIOS_LANGUAGE_VARIANTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// One scenario to run. Its places tell which file gave each field its value.
struct ExpandedVariant {
  std::string name;  // Empty for a scenario without variants.
  v1::Scenario scenario;
  Places places;
};

// One scenario for each variant, in the order of the text; the scenario itself when it has none.
// Elements are laid over those of the same name, others are added. Call it before ApplyDefaults().
std::vector<ExpandedVariant> ExpandVariants(const v1::Scenario& scenario,
                                            const Places& places = {});

// Sets one value, written as `path=value`: component[log].kafka.brokers=6,
// topic[orders].partitions=12, seed=7, zones=a,b,c. Elements of a list are found by name, or by
// index from 0; a block's value is its text in braces. Returns an empty text, or what is wrong.
// `place` becomes the value's place.
//
// Lists of named elements and the kind of a component are never changed by it: a path into
// a component of another kind, or to a name that is not there, matches nothing. `matched` tells.
std::string SetValue(absl::string_view assignment, Place place, v1::Scenario* scenario,
                     Places* places, bool* matched);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_VARIANTS_H_
