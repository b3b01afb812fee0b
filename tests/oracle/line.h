// One station with its arrivals, as the textbook draws it: the workbench of the steady-state rows.
// The unit of time of the oracles, a mean service, is a millisecond here.
#ifndef FRESHET_TESTS_ORACLE_LINE_H_
#define FRESHET_TESTS_ORACLE_LINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sim/component.h"
#include "sim/sampler.h"
#include "sim/station.h"
#include "tests/oracle/replicate.h"

namespace freshet::oracle {

inline constexpr double kUnit = 1e6;  // Nanoseconds.

struct LineSpec {
  Sampler gap;  // Between arrivals, or between batches of them.
  Sampler service;
  int64_t workers = 1;
  int64_t room = INT64_MAX;
  int64_t arrive_together = 1;
  int64_t serve_together = 1;
};

// What can be asked of a run; a tail asks for P(time > threshold).
struct Question {
  enum class Kind {
    kWait,
    kSojourn,
    kWaitTail,
    kSojournTail,
    kDelayed,
    kPresent,
    kWaiting,
    kRefused,
    kThroughput,
    kIdle
  };
  Kind kind;
  double threshold = 0;  // In units.
};

class Line : public Component {
 public:
  Line(Simulation& sim, const LineSpec& spec, std::vector<Question> questions)
      : Component(sim, "line"),
        spec_(spec),
        questions_(std::move(questions)),
        station_(sim, "line/station", Options(spec)),
        gaps_(NewStream("gaps")),
        services_(NewStream("services")),
        over_(questions_.size()) {
    for (const Question& question : questions_) {
      thresholds_.push_back(static_cast<int64_t>(std::llround(question.threshold * kUnit)));
      using Kind = Question::Kind;
      if (question.kind == Kind::kWaitTail || question.kind == Kind::kSojournTail) {
        tails_.push_back(thresholds_.size() - 1);
      }
    }
  }

  // Runs until `customers` have come after `warm_up` others, and answers for these.
  Answers Run(int64_t warm_up, int64_t customers) {
    left_ = warm_up;
    sim().EnterPhase(Phase::kWarmUp);
    After<"line.arrival">(spec_.gap.DrawDuration(gaps_), [this] { Arrive(); });
    sim().Run();
    StartCounting();
    left_ = customers;
    sim().Run();
    return Answer();
  }

 private:
  static Station::Config Options(const LineSpec& spec) {
    Station::Config config;
    config.workers = spec.workers;
    config.room = spec.room;
    config.batch = spec.serve_together;
    config.batch_service = Station::BatchService::kFirst;
    config.metrics = spec.serve_together > 1;
    return config;
  }

  void Arrive() {
    for (int64_t i = 0; i < spec_.arrive_together; ++i) Offer();
    left_ -= spec_.arrive_together;
    if (left_ <= 0) sim().StopAfterThisEvent();  // All state stays for the next part.
    After<"line.arrival">(spec_.gap.DrawDuration(gaps_), [this] { Arrive(); });
  }

  void Offer() {
    const Time now = Now();
    const Duration service = spec_.service.DrawDuration(services_);
    station_.Serve(service, [this, now, service] { Done(now, service); });
  }

  void Done(Time arrived, Duration service) {
    const int64_t sojourn = (Now() - arrived).nanos();
    const int64_t wait = sojourn - service.nanos();
    ++count_;
    sojourns_ += sojourn;
    waits_ += wait;
    delayed_ += wait > 0;
    for (const size_t i : tails_) {
      const bool of_wait = questions_[i].kind == Question::Kind::kWaitTail;
      over_[i] += (of_wait ? wait : sojourn) > thresholds_[i];
    }
  }

  // A batch is served for as long as its first job: then only the station knows who waited.
  double MeanWait() const {
    if (spec_.serve_together == 1) {
      return static_cast<double>(waits_) / static_cast<double>(count_) / kUnit;
    }
    const auto* waits = static_cast<const Distribution*>(
        sim().metrics().Find(Station::kWait.name, station_.component_id()));
    return waits->InPhase(Phase::kBeforeFaults)->Mean() / kUnit;
  }

  void StartCounting() {
    sim().EnterPhase(Phase::kBeforeFaults);
    count_ = 0;
    sojourns_ = 0;
    waits_ = 0;
    delayed_ = 0;
    over_.assign(over_.size(), 0);
    since_ = Now();
    offered_ = station_.offered();
    refused_ = station_.refused();
    served_ = station_.served();
    busy_ = station_.BusyTime();
    present_ = station_.PresentIntegral();
  }

  Answers Answer() const {
    const auto count = static_cast<double>(count_);
    const auto span = static_cast<double>((Now() - since_).nanos());
    const auto present = static_cast<double>(station_.PresentIntegral() - present_);
    const auto busy = static_cast<double>((station_.BusyTime() - busy_).nanos());
    Answers answers;
    for (size_t i = 0; i < questions_.size(); ++i) {
      switch (questions_[i].kind) {
        case Question::Kind::kWait:
          answers.push_back(MeanWait());
          break;
        case Question::Kind::kSojourn:
          answers.push_back(static_cast<double>(sojourns_) / count / kUnit);
          break;
        case Question::Kind::kWaitTail:
        case Question::Kind::kSojournTail:
          answers.push_back(static_cast<double>(over_[i]) / count);
          break;
        case Question::Kind::kDelayed:
          answers.push_back(static_cast<double>(delayed_) / count);
          break;
        case Question::Kind::kPresent:
          answers.push_back(present / span);
          break;
        case Question::Kind::kWaiting:
          answers.push_back((present - busy) / span);
          break;
        case Question::Kind::kRefused:
          answers.push_back(static_cast<double>(station_.refused() - refused_) /
                            static_cast<double>(station_.offered() - offered_));
          break;
        case Question::Kind::kThroughput:
          answers.push_back(static_cast<double>(station_.served() - served_) / (span / kUnit));
          break;
        case Question::Kind::kIdle:
          answers.push_back(1 - busy / span);
          break;
      }
    }
    return answers;
  }

  const LineSpec spec_;
  const std::vector<Question> questions_;
  Station station_;
  RandomStream gaps_;
  RandomStream services_;
  std::vector<int64_t> thresholds_;
  std::vector<size_t> tails_;
  int64_t left_ = 0;

  int64_t count_ = 0;
  int64_t sojourns_ = 0;
  int64_t waits_ = 0;
  int64_t delayed_ = 0;
  std::vector<int64_t> over_;
  Time since_;
  int64_t offered_ = 0;
  int64_t refused_ = 0;
  int64_t served_ = 0;
  Duration busy_;
  __int128 present_ = 0;
};

}  // namespace freshet::oracle

#endif  // FRESHET_TESTS_ORACLE_LINE_H_
