// Amounts of a scenario for its checks: parsed where they can be, and rough load from them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_AMOUNTS_H_
#define FRESHET_SCENARIOS_LANGUAGE_AMOUNTS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "results/annotations.pb.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// 128 bits, so that a rate times ten years cannot overflow before it is judged.
using Wide = __int128;

// The amount in the smallest step of `unit`; nothing when the text is empty or does not parse.
std::optional<int64_t> AmountOf(Unit unit, absl::string_view text);

// The mean of a law, in nanoseconds or bytes; nothing when it is unknown or infinite.
std::optional<int64_t> MeanOf(const v1::Distribution& law, Unit unit);

// Mean size of a fleet's records before compression; nothing when it is unknown.
std::optional<int64_t> MeanEventBytes(const v1::Producers& producers);

// What the fleet writes in a second, compressed; 0 when it is unknown (a replay, say).
int64_t BytesPerSecondOf(const v1::Producers& producers);

// The topic of that name, or null.
const v1::Topic* FindTopic(const v1::Scenario& scenario, const std::string& name);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_AMOUNTS_H_
