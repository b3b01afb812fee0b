// The scenario as text, with where each statement comes from.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "scenarios/import/omb_import.h"
#include "scenarios/language/quantity.h"

namespace freshet::omb {

std::string OmbImport::Text(const ImportResult& result) {
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

std::string OmbImport::Question() const {
  return absl::StrCat("How late are the records of the benchmark's workload \"", workload_name_,
                      "\"", driver_name_.empty() ? "" : " with its driver \"", driver_name_,
                      driver_name_.empty() ? "" : "\"", "?");
}

std::string OmbImport::Header(const ImportResult& result) const {
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

void OmbImport::AppendNotes(const ImportResult& result, ImportNote::Kind kind,
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

std::string OmbImport::OneLine(absl::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

std::string OmbImport::Suffix(int64_t topic) const {
  return topics_ == 1 ? "" : absl::StrFormat("-%04d", topic);
}

void OmbImport::AppendTopic(int64_t index, std::string* text) const {
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
    AppendBlock("component", absl::StrFormat("sub-%03d%s", subscription, Suffix(index)), consumers,
                index + subscription, text);
  }
}

void OmbImport::AppendBlock(absl::string_view field, const std::string& name,
                            const MessageText& body, int64_t index, std::string* text) {
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

void OmbImport::AppendBrokers(std::string* text) const {
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

}  // namespace freshet::omb
