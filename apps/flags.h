// The flags of all verbs; command_line.h says how they are parsed.
#ifndef FRESHET_APPS_FLAGS_H_
#define FRESHET_APPS_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/flags/declare.h"

ABSL_DECLARE_FLAG(uint32_t, jobs);
ABSL_DECLARE_FLAG(std::string, variant);
ABSL_DECLARE_FLAG(std::string, seed);
ABSL_DECLARE_FLAG(std::string, record);
ABSL_DECLARE_FLAG(bool, force);
ABSL_DECLARE_FLAG(std::string, recording);
ABSL_DECLARE_FLAG(std::string, format);
ABSL_DECLARE_FLAG(bool, json);
ABSL_DECLARE_FLAG(bool, canonical);
ABSL_DECLARE_FLAG(bool, parts);
ABSL_DECLARE_FLAG(uint64_t, until_event);
ABSL_DECLARE_FLAG(bool, trace);
ABSL_DECLARE_FLAG(std::string, golden);
ABSL_DECLARE_FLAG(std::string, update_goldens);
ABSL_DECLARE_FLAG(std::string, root);
ABSL_DECLARE_FLAG(std::string, against);
ABSL_DECLARE_FLAG(std::string, price_book);
ABSL_DECLARE_FLAG(bool, waterfall);
ABSL_DECLARE_FLAG(std::string, brokers);
ABSL_DECLARE_FLAG(std::string, out);
ABSL_DECLARE_FLAG(std::string, kafka_version);

namespace freshet {

// Every --set, and those that --seed and --recording stand for.
std::vector<std::string> AllSets();

}  // namespace freshet

#endif  // FRESHET_APPS_FLAGS_H_
