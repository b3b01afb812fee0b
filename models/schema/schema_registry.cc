#include "models/schema/schema_registry.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace freshet {

SchemaRegistry::SchemaRegistry(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name),
      config_(config),
      registered_(config.subjects.size()),
      latency_stream_(NewStream("latency")),
      lane_(sim.recorder().AddLane(name)),
      requests_(AddCounter(kRequests)),
      registered_gauge_(AddGauge(kRegistered)),
      refused_(AddCounter(kRefused)),
      unanswered_(AddCounter(kUnanswered)) {}

SchemaRegistry::SubjectId SchemaRegistry::SubjectOf(absl::string_view name) const {
  const auto found = std::find_if(config_.subjects.begin(), config_.subjects.end(),
                                  [name](const Subject& subject) { return subject.name == name; });
  SIM_REQUIRE(found != config_.subjects.end());
  return static_cast<SubjectId>(found - config_.subjects.begin());
}

const Schema* SchemaRegistry::Find(SubjectId subject, int32_t version) const {
  const std::vector<Schema>& versions = config_.subjects[static_cast<size_t>(subject)].versions;
  const auto found = std::find_if(versions.begin(), versions.end(), [version](const Schema& each) {
    return each.version == version;
  });
  return found == versions.end() ? nullptr : &*found;
}

void SchemaRegistry::BeginWith(SubjectId subject, int32_t version) {
  const Schema* schema = Find(subject, version);
  SIM_REQUIRE(schema != nullptr);
  if (IsRegistered(subject, version)) return;
  registered_[static_cast<size_t>(subject)].push_back(schema);
  registered_gauge_.Add(1);
}

bool SchemaRegistry::IsRegistered(SubjectId subject, int32_t version) const {
  const std::vector<const Schema*>& all = registered_[static_cast<size_t>(subject)];
  return std::any_of(all.begin(), all.end(),
                     [version](const Schema* each) { return each->version == version; });
}

bool SchemaRegistry::CanRead(SubjectId subject, int32_t reader, int32_t writer) const {
  if (reader == writer) return true;
  const Schema* mine = Find(subject, reader);
  const Schema* theirs = Find(subject, writer);
  SIM_REQUIRE(mine != nullptr && theirs != nullptr);
  return WhyUnreadable(config_.subjects[static_cast<size_t>(subject)].format, *mine, *theirs)
      .empty();
}

RegistryAnswer SchemaRegistry::Judge(const Request& request) {
  const SubjectId subject = request.subject;
  const int32_t version = request.version;
  if (IsRegistered(subject, version)) return RegistryAnswer::kRegistered;
  if (!request.may_register) return RegistryAnswer::kNotFound;
  const Subject& of = config_.subjects[static_cast<size_t>(subject)];
  const Schema* added = Find(subject, version);
  SIM_REQUIRE(added != nullptr);
  std::string why = WhyIncompatible(of.format, of.compatibility, *added,
                                    registered_[static_cast<size_t>(subject)]);
  if (!why.empty()) {
    last_refusal_ = std::move(why);
    refused_.Add(1);
    sim().recorder().Mark(RecordLevel::kState, lane_, "schema_refused", Now(), version,
                          Severity::kCritical);
    return RegistryAnswer::kIncompatible;
  }
  registered_[static_cast<size_t>(subject)].push_back(added);
  registered_gauge_.Add(1);
  sim().recorder().Mark(RecordLevel::kState, lane_, "schema_registered", Now(), version,
                        Severity::kNotice);
  return RegistryAnswer::kRegistered;
}

void SchemaRegistry::Send(const Request& request) {
  requests_.Add(1);
  // A connection that is refused costs next to nothing.
  const Duration takes =
      down_ ? Duration::Zero() : factor_ * config_.request_latency.DrawDuration(latency_stream_);
  After<"schema.answered">(takes, [this, index = under_way_.Add(request)] {
    Request answered = under_way_.Take(index);
    if (down_) {
      unanswered_.Add(1);
      answered.done(RegistryAnswer::kUnavailable);
    } else {
      answered.done(answered.reads ? RegistryAnswer::kRegistered : Judge(answered));
    }
  });
}

void SchemaRegistry::Ask(SubjectId subject, int32_t version, bool may_register,
                         Completion<RegistryAnswer> done) {
  Send({subject, version, may_register, false, done});
}

void SchemaRegistry::Fetch(SubjectId subject, int32_t version, Completion<RegistryAnswer> done) {
  SIM_REQUIRE(Find(subject, version) != nullptr);
  Send({subject, version, false, true, done});
}

}  // namespace freshet
