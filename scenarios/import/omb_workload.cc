// What a workload file says: topics, clients, load, durations.
#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "scenarios/import/omb_import.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/suggest.h"

namespace freshet::omb {
namespace {

// The loader's own limit on components, met here where the cause has a place.
constexpr int64_t kMostComponents = 500;
// From this rate on the benchmark means "as fast as it goes" (OMB, WorkloadSetTemplate).
constexpr int64_t kUnboundedRate = 10'000'000;
constexpr int64_t kMostMinutes = 3653 * 24 * 60;  // The longest run of a scenario.

}  // namespace

void OmbImport::ReadWorkload() {
  workload_name_ = BaseName(findings_.FileName(workload_.file()));
  if (const YamlSetting* name = workload_.Find("name"); name != nullptr && !name->value.empty()) {
    workload_name_ = name->value;
    Taken(*name, "the name of the scenario");
  } else if (name != nullptr) {
    Note(ImportNote::kNotModelled, name->key_place, "name", "it is empty");
  }
  TakeCount("topics", &topics_, Count(workload_, "topics", 1, kMostComponents), "topics");
  TakeCount("partitionsPerTopic", &partitions_,
            Count(workload_, "partitionsPerTopic", 1, 1'000'000), "topic.partitions");
  TakeCount("messageSize", &message_size_, Count(workload_, "messageSize", 1, int64_t{1} << 30),
            "producers.event_size");
  ReadKeys();
  // Absent counts are zero in the benchmark's own reader: a workload without readers.
  TakeCount("subscriptionsPerTopic", &subscriptions_,
            Count(workload_, "subscriptionsPerTopic", 0, kMostComponents, 0),
            "one consumer group each");
  TakeCount("consumerPerSubscription", &members_,
            Count(workload_, "consumerPerSubscription", 0, 100'000, 0), "consumers.members");
  TakeCount("producersPerTopic", &producers_, Count(workload_, "producersPerTopic", 1, 100'000),
            "producers.clients");
  ReadRate();
  ReadBacklog();
  ReadDurations();
  const int64_t components = topics_ * (1 + (members_ > 0 ? subscriptions_ : 0)) + 1;
  if (const YamlSetting* topics = workload_.Find("topics");
      topics != nullptr && components > kMostComponents) {
    findings_.Error(topics->value_place,
                    absl::StrCat("topics: ", topics_, " topics make ", components,
                                 " components, and a scenario has at most ", kMostComponents,
                                 "; state fewer topics with more partitions each"));
  }
}

void OmbImport::TakeCount(const char* key, int64_t* field, std::optional<int64_t> count,
                          absl::string_view meaning) {
  const YamlSetting* setting = workload_.Find(key);
  if (!count) return;
  *field = *count;
  if (setting != nullptr) Taken(*setting, meaning);
}

void OmbImport::ReadKeys() {
  const YamlSetting* setting = workload_.Find("keyDistributor");
  if (setting == nullptr) return;
  if (setting->value == "NO_KEY") {
    Taken(*setting, "producers.keys none");
  } else if (setting->value == "KEY_ROUND_ROBIN" || setting->value == "RANDOM_NANO") {
    keyed_ = true;
    Taken(*setting, "producers.keys uniform");
  } else {
    const std::vector<std::string> known = {"NO_KEY", "KEY_ROUND_ROBIN", "RANDOM_NANO"};
    findings_.Error(setting->value_place,
                    absl::StrCat("keyDistributor: ", Quoted(setting->value),
                                 " is unknown; write one of ", Listed(known)));
  }
}

void OmbImport::ReadRate() {
  const YamlSetting* setting = workload_.Find("producerRate");
  const auto rate = Count(workload_, "producerRate", 0, 2'147'483'647);
  if (!rate) return;
  if (*rate > 0 && *rate < kUnboundedRate) {
    rate_ = *rate;
    Taken(*setting, "producers.rate");
    return;
  }
  const absl::string_view meaning =
      *rate == 0 ? "a search for the highest rate" : "as fast as it goes";
  findings_.Add(setting->value_place,
                absl::StrCat("producerRate ", *rate, " means ", meaning,
                             ", which is not a load to simulate; state the rate of the producers "
                             "in the scenario",
                             topics_ > 1 ? ""
                                         : ", or run it with --set "
                                           "component[producers].producers.rate=200k/s"),
                ProblemSeverity::kWarning);
  Note(ImportNote::kNotModelled, setting->key_place, "producerRate",
       absl::StrCat(*rate, " means ", meaning, ", which is not a load; the scenario needs a rate"));
}

void OmbImport::ReadBacklog() {
  const YamlSetting* setting = workload_.Find("consumerBacklogSizeGB");
  const auto size = Count(workload_, "consumerBacklogSizeGB", 0, 1'000'000'000, 0);
  if (setting == nullptr || !size) return;
  if (*size == 0) {
    Taken(*setting, "no backlog is built");
  } else {
    Note(ImportNote::kNotModelled, setting->key_place, setting->key,
         absl::StrCat("building a backlog of ", *size,
                      " GB and draining it; the scenario reads at the head of the log"));
  }
}

void OmbImport::ReadDurations() {
  const auto test = Count(workload_, "testDurationMinutes", 1, kMostMinutes);
  const auto warm_up = Count(workload_, "warmupDurationMinutes", 0, kMostMinutes, kWarmUpMinutes);
  if (!test || !warm_up) return;
  test_minutes_ = *test;
  warm_up_minutes_ = *warm_up;
  Taken(*workload_.Find("testDurationMinutes"), "run_for, behind the warm-up");
  if (const YamlSetting* setting = workload_.Find("warmupDurationMinutes")) {
    Taken(*setting, "warm_up");
  }
  if (*test + *warm_up > kMostMinutes) {
    findings_.Error(workload_.Find("testDurationMinutes")->value_place,
                    absl::StrCat("testDurationMinutes: ", *test,
                                 " is longer than ten years "
                                 "together with the warm-up; shorten it"));
  }
}

}  // namespace freshet::omb
