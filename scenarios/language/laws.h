// Checks of probability laws: bounds in order, weights that are not all zero, tails with a mean.
#ifndef FRESHET_SCENARIOS_LANGUAGE_LAWS_H_
#define FRESHET_SCENARIOS_LANGUAGE_LAWS_H_

#include <google/protobuf/message.h>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"

namespace freshet {

// Every Distribution in `message` and below. A Pareto law with alpha <= 1 has no mean and is
// refused; up to 3 it is warned about, since means of samples then settle slowly or never.
void CheckLaws(const google::protobuf::Message& message, const Places& places, Findings* findings);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_LAWS_H_
