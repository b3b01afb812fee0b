// The brokers of an S3Stream cluster as the schema states them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_S3STREAM_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_S3STREAM_H_

#include <optional>
#include <vector>

#include "models/broker/auto_balancer.h"
#include "models/broker/broker_cluster.h"
#include "models/broker/s3stream_broker.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// All but the zone. REQUIRES: `text` is checked and has its defaults.
S3StreamBroker::Config S3StreamBrokerOf(const v1::S3Stream& text);

// The channels of its routing by zones; nothing where it is off. REQUIRES: as above.
std::optional<S3Wal::Config> RouterChannelOf(const v1::S3Stream& text);
// Nothing where it is off. `topics` in the order of the scenario. REQUIRES: as above.
std::optional<AutoBalancer::Config> BalancerOf(const v1::S3Stream& text,
                                               const std::vector<TopicConfig>& topics);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_S3STREAM_H_
