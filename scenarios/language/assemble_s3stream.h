// The brokers of an S3Stream cluster as the schema states them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_S3STREAM_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_S3STREAM_H_

#include "models/broker/s3stream_broker.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// All but the zone. REQUIRES: `text` is checked and has its defaults.
S3StreamBroker::Config S3StreamBrokerOf(const v1::S3Stream& text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_S3STREAM_H_
