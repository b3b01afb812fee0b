// The defaults of the schema, written into a scenario; its canonical text; its content address.
#ifndef FRESHET_SCENARIOS_LANGUAGE_DEFAULTS_H_
#define FRESHET_SCENARIOS_LANGUAGE_DEFAULTS_H_

#include <string>

#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Fills each field that is not set and has a default under the scenario's kafka_version, and the
// few that depend on other fields as they do in Kafka: the partitioner on the keys, idempotence on
// acks and retries, the delivery timeout on linger, the group on the component's name.
// Variants stay as sparse as they were written: expand first. Idempotent.
void ApplyDefaults(v1::Scenario* scenario);

// The scenario as text: defaults filled in, quantities in their shortest form, variants and
// includes left out (they have been resolved). Equal scenarios have equal texts, on every machine.
// It loads.
std::string CanonicalText(const v1::Scenario& scenario);

// XXH3-128 of the canonical text, 32 hexadecimal digits: the name of this very run.
std::string ContentAddress(const v1::Scenario& scenario);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_DEFAULTS_H_
