#include "scenarios/import/omb.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "scenarios/import/omb_import.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/parse.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/read_file.h"
#include "scenarios/language/suggest.h"

namespace freshet::omb {
namespace {

// Keys of a workload that change nothing in a simulation, or nothing yet.
constexpr std::array kOtherWorkloadKeys = {
    KnownKey{"payloadFile",
             "contents are not simulated; messageSize is the size of the file, or the "
             "benchmark refuses it"},
    KnownKey{"useRandomizedPayloads",
             "contents are not simulated; with a codec, state compression.ratio instead"},
    KnownKey{"randomBytesRatio",
             "contents are not simulated; with a codec, state compression.ratio instead"},
    KnownKey{"randomizedPayloadPoolSize", "contents are not simulated"},
    KnownKey{"backlogDrainRatio", "it ends the draining of a backlog, and none is built"},
    KnownKey{"producerStartRate", "it begins a search for the highest rate"},
    KnownKey{"acceptableBacklog", "it bounds a search for the highest rate"},
    KnownKey{"messageRateReceivedForSubscription", "every subscription reads every record"},
    KnownKey{"logIntervalMillis", "it is about the benchmark's own report"},
};

constexpr std::array kOtherDriverKeys = {
    KnownKey{"zoneAwareWorkers", "clients are dealt out to zones by the zones of their component"},
};

}  // namespace

const char* WhyOf(absl::Span<const KnownKey> table, absl::string_view key) {
  for (const KnownKey& known : table) {
    if (key == known.key) return known.why;
  }
  return nullptr;
}

std::string BaseName(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

std::string Hint(absl::string_view name, const std::vector<std::string>& candidates) {
  const std::string closest = Closest(name, candidates);
  return closest.empty() ? "" : absl::StrCat("; did you mean ", Quoted(closest), "?");
}

std::string Minutes(int64_t count) { return ToText(Nanoseconds(count * 60'000'000'000)); }

absl::Status OmbImport::Read(const std::string& workload_path, const std::string& driver_path,
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

ImportResult OmbImport::Finish() {
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

const std::vector<std::string>& OmbImport::WorkloadKeys() {
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

const std::vector<std::string>& OmbImport::DriverKeys() {
  static const auto* const kKeys = new std::vector<std::string>{
      "name",        "driverClass",  "replicationFactor", "reset",
      "topicConfig", "commonConfig", "producerConfig",    "consumerConfig"};
  return *kKeys;
}

void OmbImport::Note(ImportNote::Kind kind, Place place, absl::string_view key,
                     absl::string_view text) {
  notes_.push_back({place,
                    {kind, std::string(key), std::string(text), findings_.FileName(place.file),
                     place.line, place.column}});
}

void OmbImport::Taken(const YamlSetting& setting, absl::string_view text) {
  Note(ImportNote::kTaken, setting.key_place, setting.key, text);
}

void OmbImport::CheckVersion() {
  const std::vector<std::string>& versions = KafkaVersions();
  if (std::find(versions.begin(), versions.end(), options_.kafka_version) != versions.end()) {
    return;
  }
  const int file = findings_.AddFile("--kafka-version");
  findings_.Error({file, 0, 0}, absl::StrCat(Quoted(options_.kafka_version), " is unknown; write ",
                                             Listed(versions)));
}

std::optional<int64_t> OmbImport::Count(const YamlSettings& yaml, const char* key, int64_t least,
                                        int64_t most, std::optional<int64_t> absent) {
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

void OmbImport::ReadOtherKeys(const YamlSettings& yaml, const std::vector<std::string>& own,
                              absl::Span<const KnownKey> others) {
  std::vector<std::string> known = own;
  for (const KnownKey& other : others) known.push_back(other.key);
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

void OmbImport::CheckBrokers() {
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

void OmbImport::AddAssumptions(ImportResult* result) const {
  const auto assume = [&](absl::string_view key, absl::string_view text) {
    result->notes.push_back({ImportNote::kAssumed, std::string(key), std::string(text), "", 0, 0});
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
    assume("keys", absl::StrCat(kKeyCount, " keys of ", kKeyBytes,
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
  assume("hosts",
         "every client has a host of its own whose link never limits; the benchmark packs them on "
         "its workers, so state network_bandwidth where it matters");
  assume("latency",
         "counted from the time at which a record was due; the benchmark counts its publish "
         "latency from the send and reports the delay apart (OMB, publishDelayLatency)");
}

}  // namespace freshet::omb

namespace freshet {

absl::StatusOr<ImportResult> ImportOmb(const std::string& workload_path,
                                       const std::string& driver_path,
                                       const std::string& brokers_path,
                                       const ImportOmbOptions& options) {
  omb::OmbImport import(options);
  const absl::Status status = import.Read(workload_path, driver_path, brokers_path);
  if (!status.ok()) return status;
  return import.Finish();
}

}  // namespace freshet
