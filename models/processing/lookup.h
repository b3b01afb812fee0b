// Enriching records by asking a service for each: the service with its workers, which all subtasks
// that ask share, and the operator with a cache before it.
//
// A subtask asks `at_a_time` questions at a time for the records that it has in hand, and waits for
// all answers before it takes more: one at a time is the naive way, a call in the middle of a map
// function; more is asynchronous I/O with that capacity.
//
// Approximated: which keys the cache has is a share of the records; asynchronous calls do not reach
// beyond what was taken at once. Left out: time limits and retries.
#ifndef FRESHET_MODELS_PROCESSING_LOOKUP_H_
#define FRESHET_MODELS_PROCESSING_LOOKUP_H_

#include <memory>

#include "models/processing/operator.h"
#include "sim/component.h"
#include "sim/pool.h"
#include "sim/sampler.h"
#include "sim/station.h"

namespace freshet {

class LookupService : public Component {
 public:
  struct Config {
    int64_t workers = 1;
    Sampler service_time;  // Of a worker, for a question.
    Duration round_trip;
  };
  static constexpr MetricDef kQuestions = {"lookup.questions", MetricKind::kCounter,
                                           MetricUnit::kCount, "Questions asked."};
  static constexpr MetricDef kLatency = {"lookup.latency", MetricKind::kDistribution,
                                         MetricUnit::kDuration, "From a question to its answer."};

  LookupService(Simulation& sim, absl::string_view name, const Config& config);

  // `answered` fires once, never re-entrantly.
  void Ask(Callback answered);
  // Fault verbs: down, and slow.
  Station& workers() { return workers_; }
  int64_t asked() const { return asked_.Value(); }

 private:
  struct Question {
    Time asked_at;
    Callback answered;
  };

  const Config config_;
  Station workers_;
  RandomStream stream_;
  Sampler service_time_;
  Pool<Question> questions_;
  Counter& asked_;
  Distribution& latency_;
};

class LookupOperator final : public Operator {
 public:
  using Operator::Operator;

 protected:
  void Process(const RecordRange& records) override;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_LOOKUP_H_
