#include "scenarios/language/assemble_readers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "scenarios/language/assemble.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/reading_rules.h"

namespace freshet {
namespace {

OnUnreadable ActionOf(v1::Reading::OnUnreadable text) {
  switch (text) {
    case v1::Reading::QUARANTINE:
      return OnUnreadable::kQuarantine;
    case v1::Reading::DEAD_LETTER:
      return OnUnreadable::kDeadLetter;
    case v1::Reading::CORRUPT:
      return OnUnreadable::kCorrupt;
    default:
      return OnUnreadable::kStop;
  }
}

// Those who send the dead letters are added later. Null without a topic.
std::unique_ptr<DeadLetterTopic> DeadLettersOf(const std::string& name, const v1::Reading& text,
                                               Simulation& sim, const Pipeline& pipeline) {
  if (text.dead_letter_topic().empty()) return nullptr;
  LogService* const log = pipeline.log.get();
  return std::make_unique<DeadLetterTopic>(
      sim, absl::StrCat(name, "/dead-letters"), pipeline.network.get(), log,
      log->PartitionsOf(text.dead_letter_topic()), std::vector<HostId>());
}

std::unique_ptr<ReadPolicy> PolicyOf(const std::string& name, const std::string& topic,
                                     const v1::Reading& text, DeadLetterTopic* dead_letters,
                                     Simulation& sim, const Pipeline& pipeline) {
  ReadPolicy::Config config = ReadPolicyOf(text, topic, pipeline);
  config.dead_letters = dead_letters;
  return std::make_unique<ReadPolicy>(sim, absl::StrCat(name, "/reading"), config);
}

}  // namespace

void ReaderRepair::Do() const {
  ReadPolicy& policy = *reader->policy;
  if (version) policy.SetReaderVersion(*version);
  if (on_unreadable) policy.SetOnUnreadable(*on_unreadable);
  ReadingWriter* writer = reader->service;
  if (reader->connect != nullptr) writer = &reader->connect->sink_tasks();
  if (redrive && writer != nullptr) writer->Redrive();
  if (!version && !on_unreadable) return;
  // A release: whoever waits to be started again, or restarted, need not.
  if (reader->service != nullptr) reader->service->StartFailedNow();
  if (reader->connect != nullptr) reader->connect->RestartTasks(/*only_failed=*/true);
}

ReadPolicy::Config ReadPolicyOf(const v1::Reading& text, const std::string& topic,
                                const Pipeline& pipeline) {
  ReadPolicy::Config config;
  config.on_unreadable = ActionOf(text.on_unreadable());
  if (!text.registry().empty()) {
    config.registry = pipeline.registries.at(text.registry()).get();
    config.subject = config.registry->SubjectOf(SubjectOf(text, topic));
    config.reader_version = static_cast<int32_t>(text.version());
  }
  if (!text.window().empty()) config.window = DurationOf(text.window());
  return config;
}

std::unique_ptr<ReadingService> BuildReadingService(const std::string& name,
                                                    const v1::Consumers& text,
                                                    const SinkWriter::Config& writer,
                                                    Simulation& sim, Pipeline* pipeline) {
  std::unique_ptr<DeadLetterTopic> dead_letters =
      DeadLettersOf(name, text.reading(), sim, *pipeline);
  std::unique_ptr<ReadPolicy> policy =
      PolicyOf(name, text.reads(), text.reading(), dead_letters.get(), sim, *pipeline);
  ReadingService::Config config;
  config.writer = writer;
  config.max_poll_records = text.max_poll_records();
  config.restart_wait = DurationOf(text.reading().restart_wait());
  auto service = std::make_unique<ReadingService>(
      sim, absl::StrCat(name, "/sink-writer"), pipeline->sinks.at(text.writes_to()).get(), config,
      std::move(policy), std::move(dead_letters));
  pipeline->readers[name].policy = &service->policy();
  pipeline->readers[name].service = service.get();
  return service;
}

Reader* BuildJobReader(const std::string& name, const std::string& topic, const v1::Reading& text,
                       Simulation& sim, Pipeline* pipeline) {
  Reader& reader = pipeline->readers[name];
  reader.own_dead_letters = DeadLettersOf(name, text, sim, *pipeline);
  reader.own_policy = PolicyOf(name, topic, text, reader.own_dead_letters.get(), sim, *pipeline);
  reader.policy = reader.own_policy.get();
  return &reader;
}

void SetReaderOf(const std::string& source, const Reader& reader,
                 const std::vector<OperatorEnds>& ends, JobConfig* config) {
  for (VertexConfig& vertex : config->vertices) {
    // A chain is named after its operators: "read+clean".
    if (!vertex.source || vertex.name.substr(0, vertex.name.find('+')) != source) continue;
    vertex.reading = reader.policy;
    vertex.dead_letters = reader.own_dead_letters.get();
  }
  for (const OperatorEnds& end : ends) {
    MeteredSink* const metered = end.sink == nullptr ? nullptr : end.sink->metered();
    if (metered != nullptr) metered->JudgeRowsBy(reader.policy);
  }
}

void SetRepair(const v1::RepairReader& text, Pipeline* pipeline, OperationPlan* plan) {
  pipeline->repairs.push_back(std::make_unique<ReaderRepair>());
  ReaderRepair* const repair = pipeline->repairs.back().get();
  repair->reader = &pipeline->readers.at(text.reader());
  if (text.has_version()) repair->version = static_cast<int32_t>(text.version());
  if (text.has_on_unreadable()) repair->on_unreadable = ActionOf(text.on_unreadable());
  repair->redrive = text.redrive();
  plan->kind = OperationKind::kRepairReader;
  plan->repair = [repair] { repair->Do(); };
}

}  // namespace freshet
