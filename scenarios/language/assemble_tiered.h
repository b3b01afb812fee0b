// Tiered storage from checked text: what brokers and topics are told of it.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TIERED_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TIERED_H_

#include <optional>

#include "models/broker/broker_cluster.h"
#include "models/broker/remote_log_manager.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Nothing where tiered storage is off. REQUIRES: `text` is checked, and has its defaults.
std::optional<RemoteLogManager::Config> RemoteLogOf(const v1::Kafka& text);

// Nothing for a topic that is not tiered. REQUIRES: the same.
std::optional<Retention> LocalRetentionOf(const v1::Topic& text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TIERED_H_
