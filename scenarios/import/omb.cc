#include "scenarios/import/omb.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "scenarios/import/kafka_setting.h"
#include "scenarios/import/properties.h"
#include "scenarios/import/scenario_writer.h"
#include "scenarios/import/yaml_settings.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/parse.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/read_file.h"
#include "scenarios/language/suggest.h"

namespace freshet {
namespace {

// The loader's own limit on components, met here where the cause has a place.
constexpr int64_t kMostComponents = 500;
// From this rate on the benchmark means "as fast as it goes" (OMB, WorkloadSetTemplate).
constexpr int64_t kUnboundedRate = 10'000'000;
// Keys are 7 random bytes in base64, one of 10 000 (OMB, KeyDistributor).
constexpr int64_t kKeyBytes = 10;
constexpr int64_t kKeyCount = 10'000;
// The benchmark's own default (OMB, Workload.warmupDurationMinutes).
constexpr int64_t kWarmUpMinutes = 1;
constexpr int64_t kMostMinutes = 3653 * 24 * 60;  // The longest run of a scenario.

struct Known {
  const char* key;
  const char* why;
};

// Keys of a workload that change nothing in a simulation, or nothing yet.
constexpr std::array kOtherWorkloadKeys = {
    Known{"payloadFile",
          "contents are not simulated; messageSize is the size of the file, or the "
          "benchmark refuses it"},
    Known{"useRandomizedPayloads",
          "contents are not simulated; with a codec, state compression.ratio instead"},
    Known{"randomBytesRatio",
          "contents are not simulated; with a codec, state compression.ratio instead"},
    Known{"randomizedPayloadPoolSize", "contents are not simulated"},
    Known{"backlogDrainRatio", "it ends the draining of a backlog, and none is built"},
    Known{"producerStartRate", "it begins a search for the highest rate"},
    Known{"acceptableBacklog", "it bounds a search for the highest rate"},
    Known{"messageRateReceivedForSubscription", "every subscription reads every record"},
    Known{"logIntervalMillis", "it is about the benchmark's own report"},
};

constexpr std::array kOtherDriverKeys = {
    Known{"zoneAwareWorkers", "clients are dealt out to zones by the zones of their component"},
};

// Settings of Kafka that have no field, for a reason worth telling.
constexpr std::array kReasons = {
    Known{"bootstrap.servers", "a simulated client needs no address"},
    Known{"group.id", "the benchmark itself replaces it by the name of the subscription"},
    Known{"key.serializer", "the benchmark itself replaces it"},
    Known{"value.serializer", "the benchmark itself replaces it"},
    Known{"key.deserializer", "the benchmark itself replaces it"},
    Known{"value.deserializer", "the benchmark itself replaces it"},
    Known{"security.protocol", "encryption costs no CPU here; raise cpu_per_mib to include it"},
    Known{"client.rack", "reads go to leaders; fetching from followers is not modelled"},
    Known{"session.timeout.ms", "membership of groups is not modelled"},
    Known{"heartbeat.interval.ms", "membership of groups is not modelled"},
    Known{"max.poll.interval.ms", "membership of groups is not modelled"},
    Known{"partition.assignment.strategy", "partitions are dealt out evenly once"},
    Known{"transactional.id", "transactions are not modelled"},
    Known{"transaction.timeout.ms", "transactions are not modelled"},
};

template <size_t n>
const char* WhyOf(const std::array<Known, n>& table, absl::string_view key) {
  for (const Known& known : table) {
    if (key == known.key) return known.why;
  }
  return nullptr;
}

std::string BaseName(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

// "; did you mean ..." where a name is near.
std::string Hint(absl::string_view name, const std::vector<std::string>& candidates) {
  const std::string closest = Closest(name, candidates);
  return closest.empty() ? "" : absl::StrCat("; did you mean ", Quoted(closest), "?");
}

std::string Minutes(int64_t count) { return ToText(Nanoseconds(count * 60'000'000'000)); }

// One property of a driver's blocks, and what has become of it so far.
struct DriverProperty {
  const char* block;
  Property property;
  Place place;
  bool is_bad = false;               // A problem tells it.
  std::vector<std::string> said;     // Statements that it made.
  std::vector<std::string> remarks;  // Why it made none.
  std::optional<int> overridden_in;  // The line that states the key again.
};

class OmbImport {
 public:
  explicit OmbImport(const ImportOmbOptions& options) : options_(options) {}

  absl::Status Read(const std::string& workload_path, const std::string& driver_path,
                    const std::string& brokers_path) {
    absl::StatusOr<YamlSettings> workload = YamlSettings::Read(workload_path, &findings_);
    if (!workload.ok()) return workload.status();
    workload_ = *std::move(workload);
    absl::StatusOr<YamlSettings> driver = YamlSettings::Read(driver_path, &findings_);
    if (!driver.ok()) return driver.status();
    driver_ = *std::move(driver);
    if (brokers_path.empty()) return absl::OkStatus();
    const absl::StatusOr<std::string> brokers = ReadRegularFile(brokers_path);
    if (!brokers.ok() && !absl::IsInvalidArgument(brokers.status())) return brokers.status();
    brokers_file_ = findings_.AddFile(brokers_path);
    if (brokers.ok()) {
      brokers_text_ = *brokers;
    } else {
      findings_.Error({brokers_file_, 1, 1}, brokers.status().message());
    }
    return absl::OkStatus();
  }

  ImportResult Finish() {
    CheckVersion();
    // What a file that cannot be read fails to say is nobody's mistake.
    const bool is_readable = !HasError(findings_.problems());
    if (is_readable) {
      ReadWorkload();
      ReadDriver();
      ReadOtherKeys(workload_, WorkloadKeys(), kOtherWorkloadKeys);
      ReadOtherKeys(driver_, DriverKeys(), kOtherDriverKeys);
      CheckBrokers();
      // In the order of the files, whatever order they were understood in.
      std::stable_sort(notes_.begin(), notes_.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    ImportResult result;
    for (const auto& [place, note] : notes_) result.notes.push_back(note);
    if (is_readable) AddAssumptions(&result);
    result.settings = settings_;
    result.settings_used = static_cast<int>(
        std::count_if(result.notes.begin(), result.notes.end(),
                      [](const ImportNote& note) { return note.kind == ImportNote::kTaken; }));
    if (!HasError(findings_.problems())) result.scenario_text = Text(result);
    result.problems = findings_.problems();
    SortProblems(&result.problems);
    return result;
  }

 private:
  static const std::vector<std::string>& WorkloadKeys() {
    static const auto* const kKeys = new std::vector<std::string>{"name",
                                                                  "topics",
                                                                  "partitionsPerTopic",
                                                                  "messageSize",
                                                                  "keyDistributor",
                                                                  "subscriptionsPerTopic",
                                                                  "consumerPerSubscription",
                                                                  "producersPerTopic",
                                                                  "producerRate",
                                                                  "consumerBacklogSizeGB",
                                                                  "testDurationMinutes",
                                                                  "warmupDurationMinutes"};
    return *kKeys;
  }

  static const std::vector<std::string>& DriverKeys() {
    static const auto* const kKeys = new std::vector<std::string>{
        "name",        "driverClass",  "replicationFactor", "reset",
        "topicConfig", "commonConfig", "producerConfig",    "consumerConfig"};
    return *kKeys;
  }

  void Note(ImportNote::Kind kind, Place place, absl::string_view key, absl::string_view text) {
    notes_.push_back({place,
                      {kind, std::string(key), std::string(text), findings_.FileName(place.file),
                       place.line, place.column}});
  }

  void Taken(const YamlSetting& setting, absl::string_view text) {
    Note(ImportNote::kTaken, setting.key_place, setting.key, text);
  }

  void CheckVersion() {
    const std::vector<std::string>& versions = KafkaVersions();
    if (std::find(versions.begin(), versions.end(), options_.kafka_version) != versions.end()) {
      return;
    }
    const int file = findings_.AddFile("--kafka-version");
    findings_.Error({file, 0, 0}, absl::StrCat(Quoted(options_.kafka_version),
                                               " is unknown; write ", Listed(versions)));
  }

  // A whole number within bounds. A problem tells when it is missing (unless `absent` stands for
  // it) or not one.
  std::optional<int64_t> Count(const YamlSettings& yaml, const char* key, int64_t least,
                               int64_t most, std::optional<int64_t> absent = std::nullopt) {
    const YamlSetting* setting = yaml.Find(key);
    if (setting == nullptr) {
      if (!absent) {
        findings_.Error(yaml.start(), absl::StrCat("the file does not state ", key, "; add it"));
      }
      return absent;
    }
    int64_t number;
    if (!absl::SimpleAtoi(setting->value, &number)) {
      findings_.Error(setting->value_place, absl::StrCat(key, ": ", Quoted(setting->value),
                                                         " is not a whole number; write digits"));
      return std::nullopt;
    }
    if (number < least || number > most) {
      findings_.Error(setting->value_place,
                      absl::StrCat(key, ": ", number, " is not between ", least, " and ", most,
                                   "; write a number between them"));
      return std::nullopt;
    }
    return number;
  }

  void ReadWorkload() {
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

  void TakeCount(const char* key, int64_t* field, std::optional<int64_t> count,
                 absl::string_view meaning) {
    const YamlSetting* setting = workload_.Find(key);
    if (!count) return;
    *field = *count;
    if (setting != nullptr) Taken(*setting, meaning);
  }

  void ReadKeys() {
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

  void ReadRate() {
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
         absl::StrCat(*rate, " means ", meaning,
                      ", which is not a load; the scenario needs a rate"));
  }

  void ReadBacklog() {
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

  void ReadDurations() {
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

  void ReadDriver() {
    if (const YamlSetting* name = driver_.Find("name")) {
      driver_name_ = name->value;
      Taken(*name, "named in the question");
    }
    if (const YamlSetting* type = driver_.Find("driverClass")) {
      if (absl::EndsWith(type->value, ".KafkaBenchmarkDriver")) {
        Taken(*type, "a component of kind kafka");
      } else {
        findings_.Error(type->value_place,
                        absl::StrCat("driverClass: ", Quoted(type->value),
                                     " is not the driver for Kafka; name a driver file whose "
                                     "class is KafkaBenchmarkDriver"));
      }
    }
    if (const YamlSetting* reset = driver_.Find("reset")) {
      if (reset->value == "true") {
        Taken(*reset, "every run begins with empty topics");
      } else {
        Note(ImportNote::kNotModelled, reset->key_place, "reset",
             "topics of earlier runs stay in the benchmark; a simulation begins without any");
      }
    }
    if (const auto factor = Count(driver_, "replicationFactor", 1, 1'000)) {
      const YamlSetting& setting = *driver_.Find("replicationFactor");
      topic_.SetCount("replication_factor", *factor,
                      Provenance("replicationFactor", setting.key_place));
      Taken(setting, "topic.replication_factor");
    }
    for (const char* block : {"topicConfig", "commonConfig", "producerConfig", "consumerConfig"}) {
      ReadBlock(block);
    }
    Apply("topics", v1::Topic::descriptor(), {"topicConfig"}, &topic_);
    Apply("producers", v1::Producers::descriptor(), {"commonConfig", "producerConfig"}, &produce_);
    Apply("consumers", v1::Consumers::descriptor(), {"commonConfig", "consumerConfig"}, &consume_);
    for (const DriverProperty& property : properties_) Account(property);
  }

  // The comment behind a statement that the driver makes.
  static std::string Provenance(absl::string_view key, Place place) {
    return absl::StrCat(key, ", line ", place.line, " of the driver");
  }

  void ReadBlock(const char* block) {
    const YamlSetting* setting = driver_.Find(block);
    if (setting == nullptr) return;
    for (Property& property : ParseProperties(setting->value)) {
      const Place place = driver_.PlaceInside(*setting, property.line, property.column);
      ++settings_;
      bool is_bad = property.is_broken || property.key.empty();
      if (is_bad) {
        findings_.Error(place, property.is_broken
                                   ? "\\u needs four hexadecimal digits behind it; mend or drop it"
                                   : "the line has no key; write key=value");
      }
      for (DriverProperty& earlier : properties_) {
        if (earlier.block != block || earlier.property.key != property.key || is_bad) continue;
        earlier.overridden_in = place.line;
        findings_.Add(
            place,
            absl::StrCat(property.key, " is stated twice, first in line ", earlier.place.line,
                         "; the last one counts, as in Java, so delete the other"),
            ProblemSeverity::kWarning);
      }
      properties_.push_back({block, std::move(property), place, is_bad, {}, {}, std::nullopt});
    }
  }

  // Says what the properties of `blocks` say in a message; a later block overrides an earlier one.
  void Apply(const char* whose, const google::protobuf::Descriptor* type,
             const std::vector<absl::string_view>& blocks, MessageText* text) {
    for (DriverProperty& property : properties_) {
      if (std::find(blocks.begin(), blocks.end(), property.block) == blocks.end()) continue;
      if (property.is_bad || WhyOf(kReasons, property.property.key) != nullptr) continue;
      const KafkaField at = FieldOfKafkaKey(*type, property.property.key);
      if (at.field == nullptr) continue;
      const auto again =
          std::find_if(properties_.begin(), properties_.end(), [&](const DriverProperty& other) {
            return other.place > property.place && other.property.key == property.property.key &&
                   other.block != property.block &&
                   std::find(blocks.begin(), blocks.end(), other.block) != blocks.end() &&
                   std::find(blocks.begin(), blocks.end(), other.block) >
                       std::find(blocks.begin(), blocks.end(), property.block);
          });
      if (again != properties_.end()) property.overridden_in = again->place.line;
      const absl::StatusOr<KafkaSetting> meant = TranslateKafka(at, property.property.value);
      if (!meant.ok()) {
        property.is_bad = true;
        findings_.Error(property.place, meant.status().message());
        continue;
      }
      if (property.overridden_in) continue;
      if (meant->outcome == KafkaSetting::kNotModelled) {
        property.remarks.push_back(meant->remark);
        continue;
      }
      if (meant->outcome == KafkaSetting::kDefault) {
        property.said.push_back(absl::StrCat(at.field->name(), " of ", whose, " as it is absent"));
        continue;
      }
      std::string comment = Provenance(property.property.key, property.place);
      if (!meant->remark.empty()) absl::StrAppend(&comment, " (", meant->remark, ")");
      property.said.push_back(absl::StrCat(meant->statement, " of ", whose));
      text->Set(at.outer->name(), meant->statement, comment);
      if (at.field->enum_type() == v1::Compression::Codec_descriptor() &&
          !absl::StrContains(meant->statement, "NONE")) {
        AskForCompression(property, meant->statement, comment, text);
      }
    }
  }

  // A codec needs what the driver cannot know.
  void AskForCompression(const DriverProperty& property, const std::string& statement,
                         const std::string& comment, MessageText* text) {
    text->Set("compression", statement,
              absl::StrCat(comment, "; REQUIRED with it: ratio and cpu_per_mib"));
    findings_.Add(
        property.place,
        absl::StrCat(property.property.key, "=", property.property.value,
                     " needs compression.ratio and compression.cpu_per_mib, which hang on "
                     "your data; add them to the scenario"),
        ProblemSeverity::kWarning);
  }

  // The note of a property, when every message has had its say.
  void Account(const DriverProperty& property) {
    const std::string& key = property.property.key;
    if (!property.said.empty()) {
      Note(ImportNote::kTaken, property.place, key, absl::StrJoin(property.said, ", "));
      return;
    }
    std::string why;
    if (property.is_bad) {
      why = "it cannot be read";
    } else if (property.overridden_in) {
      why = absl::StrCat("line ", *property.overridden_in, " states another value, which counts");
    } else if (!property.remarks.empty()) {
      why = property.remarks.front();
    } else if (const char* reason = WhyOf(kReasons, key)) {
      why = reason;
    } else {
      why = WhyUnknown(property);
    }
    Note(ImportNote::kNotModelled, property.place, key, why);
  }

  static std::string WhyUnknown(const DriverProperty& property) {
    const std::string& key = property.property.key;
    const auto& others = OtherKafkaKeys();
    if (std::binary_search(others.begin(), others.end(), key)) {
      return "a setting of Kafka that has no counterpart in a scenario";
    }
    std::vector<std::string> known = others;
    for (const auto& [whose, type] : {std::pair{"topics", v1::Topic::descriptor()},
                                      std::pair{"producers", v1::Producers::descriptor()},
                                      std::pair{"consumers", v1::Consumers::descriptor()}}) {
      for (const std::string& name : KafkaKeysOf(*type)) {
        if (name == key) {
          return absl::StrCat("a setting of ", whose, ", without effect in ", property.block);
        }
        known.push_back(name);
      }
    }
    return absl::StrCat("unknown to Kafka and to Freshet", Hint(key, known));
  }

  // Accounts for every key of a file, and names those that nothing else has read.
  template <size_t n>
  void ReadOtherKeys(const YamlSettings& yaml, const std::vector<std::string>& own,
                     const std::array<Known, n>& others) {
    std::vector<std::string> known = own;
    for (const Known& other : others) known.push_back(other.key);
    for (const YamlSetting& setting : yaml.settings()) {
      if (absl::EndsWith(setting.key, "Config") &&
          std::find(own.begin(), own.end(), setting.key) != own.end()) {
        continue;  // Its properties are counted.
      }
      ++settings_;
      if (std::find(own.begin(), own.end(), setting.key) != own.end()) continue;
      const char* why = WhyOf(others, setting.key);
      Note(ImportNote::kNotModelled, setting.key_place, setting.key,
           why != nullptr ? why
                          : absl::StrCat("not a key of the benchmark", Hint(setting.key, known)));
    }
  }

  void CheckBrokers() {
    if (brokers_file_ < 0) return;
    const ParsedText parsed = ParseScenario(brokers_text_, brokers_file_, &findings_);
    for (const char* field :
         {"name", "question", "run_for", "warm_up", "kafka_version", "include", "variant"}) {
      if (!parsed.places.Has(field)) continue;
      findings_.Error(parsed.places.In(field).place,
                      absl::StrCat("a brokers file does not state ", field,
                                   "; keep to zones, network and the component of the brokers"));
    }
    const auto& components = parsed.scenario.component();
    if (parsed.blanked.empty() &&
        std::none_of(components.begin(), components.end(),
                     [](const v1::Component& component) { return component.has_kafka(); })) {
      findings_.Error({brokers_file_, 1, 1},
                      "the file has no brokers; add component { name: \"log\" kafka { ... } }");
    }
  }

  void AddAssumptions(ImportResult* result) const {
    const auto assume = [&](absl::string_view key, absl::string_view text) {
      result->notes.push_back(
          {ImportNote::kAssumed, std::string(key), std::string(text), "", 0, 0});
    };
    assume("kafka_version", absl::StrCat(options_.kafka_version,
                                         ": the driver does not state a version, and what it "
                                         "leaves out has that version's default (KSRC)"));
    assume("arrivals",
           "constant: a uniform rate limiter paces the benchmark's producers (OMB, "
           "UniformRateLimiter)");
    if (topics_ > 1) {
      assume("rate",
             "spread evenly: the benchmark's threads go round all producers (OMB, "
             "LocalWorker)");
    }
    if (workload_.Find("keyDistributor") == nullptr) {
      assume("keys", "none: the benchmark's default (OMB, Workload)");
    }
    if (keyed_) {
      assume("keys",
             absl::StrCat(kKeyCount, " keys of ", kKeyBytes,
                          " bytes, equally likely (OMB, KeyDistributor); the bytes are added "
                          "to event_size"));
    }
    if (workload_.Find("warmupDurationMinutes") == nullptr) {
      assume("warm_up", absl::StrCat(Minutes(kWarmUpMinutes),
                                     ": the benchmark's default (OMB, "
                                     "Workload)"));
    }
    if (members_ > partitions_) {
      assume("members", absl::StrCat(partitions_, " of ", members_,
                                     ": the others get no partition and would be idle"));
    }
    assume(
        "hosts",
        "every client has a host of its own whose link never limits; the benchmark packs them on "
        "its workers, so state network_bandwidth where it matters");
    assume("latency",
           "counted from the time at which a record was due; the benchmark counts its publish "
           "latency from the send and reports the delay apart (OMB, publishDelayLatency)");
  }

  // --- The text. -------------------------------------------------------------------------------

  std::string Text(const ImportResult& result) {
    std::string text = Header(result);
    MessageText top(v1::Scenario::descriptor());
    top.SetText("name", NameFrom("omb-", workload_name_));
    top.SetText("question", Question());
    top.SetText("run_for", Minutes(test_minutes_ + warm_up_minutes_),
                "testDurationMinutes, and the warm-up before it");
    top.SetText(
        "warm_up", Minutes(warm_up_minutes_),
        workload_.Find("warmupDurationMinutes") != nullptr ? "warmupDurationMinutes" : "assumed");
    top.SetText("kafka_version", options_.kafka_version, "assumed");
    absl::StrAppend(&text, "\n", top.Lines(0), "\n");
    for (int64_t topic = 0; topic < topics_; ++topic) AppendTopic(topic, &text);
    AppendBrokers(&text);
    return text;
  }

  std::string Question() const {
    return absl::StrCat("How late are the records of the benchmark's workload \"", workload_name_,
                        "\"", driver_name_.empty() ? "" : " with its driver \"", driver_name_,
                        driver_name_.empty() ? "" : "\"", "?");
  }

  std::string Header(const ImportResult& result) const {
    std::string text =
        "# proto-file: scenarios/language/scenario.proto\n"
        "# proto-message: freshet.v1.Scenario\n#\n";
    // A name may hold a line break; a comment must not.
    absl::StrAppend(&text, Wrapped("# Question: ", "# ", OneLine(Question())), "#\n");
    std::string files = absl::StrCat(BaseName(findings_.FileName(workload_.file())), " and ",
                                     BaseName(findings_.FileName(driver_.file())));
    if (brokers_file_ >= 0) {
      absl::StrAppend(&files, ", brokers from ", BaseName(findings_.FileName(brokers_file_)));
    }
    absl::StrAppend(
        &text,
        Wrapped("# ", "# ",
                OneLine(absl::StrCat("Made by `freshet import omb` of ", files,
                                     ". It is yours to edit: those files are not read again. ",
                                     Coverage(result), "."))),
        "#\n");
    std::vector<std::string> taken;
    for (const ImportNote& note : result.notes) {
      if (note.kind == ImportNote::kTaken) taken.push_back(OneLine(note.key));
    }
    absl::StrAppend(&text, Wrapped("# Taken: ", "#   ", absl::StrJoin(taken, ", ")));
    AppendNotes(result, ImportNote::kAssumed, "Assumed", &text);
    AppendNotes(result, ImportNote::kNotModelled, "Not modelled", &text);
    return text;
  }

  static void AppendNotes(const ImportResult& result, ImportNote::Kind kind,
                          absl::string_view title, std::string* text) {
    bool is_first = true;
    for (ImportNote note : result.notes) {
      if (note.kind != kind) continue;
      note.file = BaseName(note.file);
      if (is_first) absl::StrAppend(text, "# ", title, ":\n");
      absl::StrAppend(text, Wrapped("#   ", "#     ", OneLine(ToText(note))));
      is_first = false;
    }
  }

  // Text of the author inside a comment.
  static std::string OneLine(absl::string_view text) {
    std::string line(text);
    for (char& c : line) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    }
    return line;
  }

  // "" for the only topic, else "-0042".
  std::string Suffix(int64_t topic) const {
    return topics_ == 1 ? "" : absl::StrFormat("-%04d", topic);
  }

  void AppendTopic(int64_t index, std::string* text) const {
    const std::string topic_name = absl::StrCat("test-topic", Suffix(index));
    MessageText topic = topic_;
    topic.SetText("name", topic_name);
    topic.SetCount("partitions", partitions_, "partitionsPerTopic");
    AppendBlock("topic", "", topic, index, text);

    MessageText producers = produce_;
    producers.SetCount("clients", producers_, "producersPerTopic");
    producers.SetText("topic", topic_name);
    if (rate_ > 0) {
      producers.SetText("rate", ToText(Quantity{UNIT_RATE, rate_ * 1'000'000 / topics_}),
                        topics_ == 1 ? "producerRate" : "producerRate over all topics");
    } else {
      producers.Set("rate", "# rate: \"200k/s\"", "REQUIRED: producerRate names no load");
    }
    producers.Set("arrivals", "arrivals { constant {} }", "assumed");
    producers.SetText("event_size", ToText(Bytes(message_size_ + (keyed_ ? kKeyBytes : 0))),
                      keyed_ ? "messageSize, and the key" : "messageSize");
    if (keyed_) {
      producers.Set("keys", absl::StrCat("keys { uniform { count: ", kKeyCount, " } }"),
                    "keyDistributor");
    }
    AppendBlock("component", absl::StrCat("producers", Suffix(index)), producers, index, text);

    if (members_ == 0) return;
    for (int64_t subscription = 0; subscription < subscriptions_; ++subscription) {
      MessageText consumers = consume_;
      consumers.SetText("reads", topic_name);
      consumers.SetCount("members", std::min(members_, partitions_),
                         members_ > partitions_ ? "consumerPerSubscription, without idle ones"
                                                : "consumerPerSubscription");
      AppendBlock("component", absl::StrFormat("sub-%03d%s", subscription, Suffix(index)),
                  consumers, index + subscription, text);
    }
  }

  // The first of its kind is written out with its comments, the others are one line each.
  static void AppendBlock(absl::string_view field, const std::string& name, const MessageText& body,
                          int64_t index, std::string* text) {
    const bool is_component = !name.empty();
    const std::string kind = absl::StartsWith(name, "producers") ? "producers"
                             : is_component                      ? "consumers"
                                                                 : "";
    if (index > 0 && !absl::StrContains(body.Line(), "# ")) {
      const std::string inner =
          is_component ? absl::StrCat("name: ", Literal(name), " ", kind, " { ", body.Line(), " }")
                       : body.Line();
      absl::StrAppend(text, field, " { ", inner, " }\n");
      return;
    }
    absl::StrAppend(text, field, " {\n");
    if (is_component) absl::StrAppend(text, "  name: ", Literal(name), "\n  ", kind, " {\n");
    absl::StrAppend(text, body.Lines(is_component ? 4 : 2), is_component ? "  }\n}\n" : "}\n");
  }

  void AppendBrokers(std::string* text) const {
    if (brokers_file_ < 0) {
      absl::StrAppend(text, R"(
# REQUIRED: the brokers, which the benchmark's files do not describe. State what yours are, or
# import again with --brokers FILE; scenarios/library/published/fragments has such files.
component {
  name: "log"
  kafka {
    # brokers: 3
    # vcpus: 8
    # memory: "64GiB"
    # network_bandwidth: "8.4Gbit/s"
    # volume {
    #   kind: NVME
    #   bandwidth: "327MB/s"
    #   write_latency { constant: "125us" }
    #   read_latency { constant: "125us" }
    #   flush_latency { constant: "250us" }    # With flush_messages or flush_interval only.
    # }
  }
}
)");
      return;
    }
    absl::StrAppend(text, "\n# The brokers: a copy of ",
                    OneLine(BaseName(findings_.FileName(brokers_file_))), ".\n");
    std::vector<absl::string_view> lines = absl::StrSplit(brokers_text_, '\n');
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
    for (const absl::string_view line : lines) {
      // The head of this file says it.
      if (absl::StartsWith(line, "# proto-file:") || absl::StartsWith(line, "# proto-message:")) {
        continue;
      }
      absl::StrAppend(text, line, "\n");
    }
  }

  const ImportOmbOptions& options_;
  Findings findings_;
  YamlSettings workload_;
  YamlSettings driver_;
  int brokers_file_ = -1;
  std::string brokers_text_;

  std::string workload_name_;
  std::string driver_name_;
  int64_t topics_ = 1;
  int64_t partitions_ = 1;
  int64_t message_size_ = 1;
  int64_t subscriptions_ = 0;
  int64_t members_ = 0;
  int64_t producers_ = 1;
  int64_t rate_ = 0;  // 0: the workload names no load.
  int64_t test_minutes_ = 1;
  int64_t warm_up_minutes_ = 0;
  bool keyed_ = false;

  std::vector<DriverProperty> properties_;
  MessageText topic_{v1::Topic::descriptor()};
  MessageText produce_{v1::Producers::descriptor()};
  MessageText consume_{v1::Consumers::descriptor()};
  std::vector<std::pair<Place, ImportNote>> notes_;
  int settings_ = 0;
};

}  // namespace

absl::StatusOr<ImportResult> ImportOmb(const std::string& workload_path,
                                       const std::string& driver_path,
                                       const std::string& brokers_path,
                                       const ImportOmbOptions& options) {
  OmbImport import(options);
  const absl::Status status = import.Read(workload_path, driver_path, brokers_path);
  if (!status.ok()) return status;
  return import.Finish();
}

}  // namespace freshet
