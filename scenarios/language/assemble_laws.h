// Distributions, rates and arrivals of the schema as the objects of sim/ and models/workload/.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_LAWS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_LAWS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "models/workload/keys.h"
#include "models/workload/rate_function.h"
#include "models/workload/sizes.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/sampler.h"

namespace freshet {

// In nanoseconds, or in bytes: whatever the quantities of the law are in.
Sampler SamplerOf(const v1::Distribution& law);
EventSizes EventSizesOf(const v1::Producers& producers);
KeyDistribution KeysOf(const v1::Keys& keys);

// `starts_at` anchors the day; `horizon` bounds spikes. Reads the file of replayed arrivals below
// `root`. kInvalidArgument names the file and the row that is wrong.
absl::StatusOr<std::shared_ptr<const RateFunction>> RateFunctionOf(const v1::Scenario& scenario,
                                                                   const v1::Producers& producers,
                                                                   const std::string& root);

// What comes to a topic on average: the mean rates of its producers together, and what one of their
// records takes as stored: its mean size and framing, after compression, without its share of the
// batch's header. Zero records and bytes without producers. Fails as RateFunctionOf() does.
struct MeanIngress {
  Rate rate;
  Bytes record_bytes;
};
absl::StatusOr<MeanIngress> MeanIngressOf(const v1::Scenario& scenario, const std::string& topic,
                                          const std::string& root);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_LAWS_H_
