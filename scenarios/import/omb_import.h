// The import of OMB files at work: what it has read so far and what it has to say about it. Used by
// omb*.cc alone; omb.h has the one call that others make.
#ifndef FRESHET_SCENARIOS_IMPORT_OMB_IMPORT_H_
#define FRESHET_SCENARIOS_IMPORT_OMB_IMPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "scenarios/import/import_result.h"
#include "scenarios/import/omb.h"
#include "scenarios/import/properties.h"
#include "scenarios/import/scenario_writer.h"
#include "scenarios/import/yaml_settings.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet::omb {

// Keys are 7 random bytes in base64, one of 10 000 (OMB, KeyDistributor).
inline constexpr int64_t kKeyBytes = 10;
inline constexpr int64_t kKeyCount = 10'000;
// The benchmark's own default (OMB, Workload.warmupDurationMinutes).
inline constexpr int64_t kWarmUpMinutes = 1;

// A key that is known and says nothing to a simulation.
struct KnownKey {
  const char* key;
  const char* why;
};
// Null when it is not in the table.
const char* WhyOf(absl::Span<const KnownKey> table, absl::string_view key);

// The last part of a path.
std::string BaseName(const std::string& path);
// "; did you mean ..." where a name is near.
std::string Hint(absl::string_view name, const std::vector<std::string>& candidates);
std::string Minutes(int64_t count);

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
                    const std::string& brokers_path);
  ImportResult Finish();

 private:
  // omb.cc
  static const std::vector<std::string>& WorkloadKeys();
  static const std::vector<std::string>& DriverKeys();
  void Note(ImportNote::Kind kind, Place place, absl::string_view key, absl::string_view text);
  void Taken(const YamlSetting& setting, absl::string_view text);
  void CheckVersion();
  // A whole number within bounds. A problem tells when it is missing (unless `absent` stands for
  // it) or not one.
  std::optional<int64_t> Count(const YamlSettings& yaml, const char* key, int64_t least,
                               int64_t most, std::optional<int64_t> absent = std::nullopt);
  // Accounts for every key of a file, and names those that nothing else has read.
  void ReadOtherKeys(const YamlSettings& yaml, const std::vector<std::string>& own,
                     absl::Span<const KnownKey> others);
  void CheckBrokers();
  void AddAssumptions(ImportResult* result) const;

  // omb_workload.cc
  void ReadWorkload();
  void TakeCount(const char* key, int64_t* field, std::optional<int64_t> count,
                 absl::string_view meaning);
  void ReadKeys();
  void ReadRate();
  void ReadBacklog();
  void ReadDurations();

  // omb_driver.cc
  void ReadDriver();
  // The comment behind a statement that the driver makes.
  static std::string Provenance(absl::string_view key, Place place);
  void ReadBlock(const char* block);
  // Says what the properties of `blocks` say in a message; a later block overrides an earlier one.
  void Apply(const char* whose, const google::protobuf::Descriptor* type,
             const std::vector<absl::string_view>& blocks, MessageText* text);
  // A codec needs what the driver cannot know.
  void AskForCompression(const DriverProperty& property, const std::string& statement,
                         const std::string& comment, MessageText* text);
  // The note of a property, when every message has had its say.
  void Account(const DriverProperty& property);
  static std::string WhyUnknown(const DriverProperty& property);

  // omb_text.cc
  std::string Text(const ImportResult& result);
  std::string Question() const;
  std::string Header(const ImportResult& result) const;
  static void AppendNotes(const ImportResult& result, ImportNote::Kind kind,
                          absl::string_view title, std::string* text);
  // Text of the author inside a comment.
  static std::string OneLine(absl::string_view text);
  // "" for the only topic, else "-0042".
  std::string Suffix(int64_t topic) const;
  void AppendTopic(int64_t index, std::string* text) const;
  // The first of its kind is written out with its comments, the others are one line each.
  static void AppendBlock(absl::string_view field, const std::string& name, const MessageText& body,
                          int64_t index, std::string* text);
  void AppendBrokers(std::string* text) const;

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

}  // namespace freshet::omb

#endif  // FRESHET_SCENARIOS_IMPORT_OMB_IMPORT_H_
