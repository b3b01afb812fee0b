// A schema registry of Confluent's kind: subjects, their versions, and the check of a new version
// against those that are registered.
//
// Serializers ask it before they send with a version that they have not used yet, readers before
// they read one; each keeps what it was told, for good. So an outage stops nobody who has his
// versions, and everybody who needs a new one.
//
// Left out: its own log (the topic _schemas), its leader election, ids, references, modes, rules.
#ifndef FRESHET_MODELS_SCHEMA_SCHEMA_REGISTRY_H_
#define FRESHET_MODELS_SCHEMA_SCHEMA_REGISTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/schema/schema.h"
#include "sim/callback.h"
#include "sim/component.h"
#include "sim/pool.h"
#include "sim/sampler.h"

namespace freshet {

enum class RegistryAnswer : uint8_t {
  kRegistered,    // It is, or is now.
  kIncompatible,  // 409: the subject's compatibility forbids it.
  kNotFound,      // 40403: it is not registered, and who asks does not register.
  kUnavailable,   // No answer.
};

class SchemaRegistry : public Component {
 public:
  struct Subject {
    std::string name;
    SchemaFormat format = SchemaFormat::kAvro;
    Compatibility compatibility = Compatibility::kBackward;
    std::vector<Schema> versions;  // That there are or will be, each with a number of its own.
  };
  struct Config {
    std::vector<Subject> subjects;
    Sampler request_latency;  // From the request to the answer, at the client.
  };
  using SubjectId = int32_t;

  static constexpr MetricDef kRequests = {"schema.requests", MetricKind::kCounter,
                                          MetricUnit::kCount,
                                          "Requests of serializers and readers."};
  static constexpr MetricDef kRegistered = {"schema.registered_versions", MetricKind::kGauge,
                                            MetricUnit::kCount,
                                            "Versions that are registered, over all subjects."};
  static constexpr MetricDef kRefused = {
      "schema.refused_versions", MetricKind::kCounter, MetricUnit::kCount,
      "Requests to register a version that its subject's compatibility forbids."};
  static constexpr MetricDef kUnanswered = {"schema.unanswered_requests", MetricKind::kCounter,
                                            MetricUnit::kCount,
                                            "Requests that found the registry down."};

  SchemaRegistry(Simulation& sim, absl::string_view name, const Config& config);

  // REQUIRES: there is such a subject.
  SubjectId SubjectOf(absl::string_view name) const;
  // Null: the subject has no such version.
  const Schema* Find(SubjectId subject, int32_t version) const;
  // It is registered when the run begins, and nothing is checked. REQUIRES: it exists.
  void BeginWith(SubjectId subject, int32_t version);
  bool IsRegistered(SubjectId subject, int32_t version) const;
  // Whether a reader with version `reader` can read what was written with `writer`, a version that
  // exists. The readers' libraries decide that, not the registry.
  bool CanRead(SubjectId subject, int32_t reader, int32_t writer) const;

  // A serializer's request. `done` fires once, never re-entrantly.
  void Ask(SubjectId subject, int32_t version, bool may_register, Completion<RegistryAnswer> done);
  // A reader's: kRegistered or kUnavailable. REQUIRES: as for Ask().
  void Fetch(SubjectId subject, int32_t version, Completion<RegistryAnswer> done);

  // Fault verbs: nobody is answered, what is under way neither; answers take `factor` times longer.
  void SetDown(bool down) { down_ = down; }
  void SetLatencyFactor(Ratio factor) { factor_ = factor; }
  int64_t requests() const { return requests_.Value(); }
  // Why the last version was refused, for people.
  const std::string& last_refusal() const { return last_refusal_; }

 private:
  struct Request {
    SubjectId subject;
    int32_t version;
    bool may_register;
    bool reads;
    Completion<RegistryAnswer> done;
  };
  void Send(const Request& request);
  RegistryAnswer Judge(const Request& request);

  const Config config_;
  std::vector<std::vector<const Schema*>> registered_;  // By subject, in the order they came.
  Pool<Request> under_way_;
  RandomStream latency_stream_;
  Ratio factor_ = Ratio::One();
  bool down_ = false;
  std::string last_refusal_;
  LaneId lane_;
  Counter& requests_;
  Gauge& registered_gauge_;
  Counter& refused_;
  Counter& unanswered_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SCHEMA_SCHEMA_REGISTRY_H_
