// Rows F01 to F10 (quorums, forks, hedges), K01 to K04 (rate limits), R01
// (retries): the small machines between stations.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sim/backoff.h"
#include "sim/component.h"
#include "sim/sampler.h"
#include "sim/station.h"
#include "sim/token_bucket.h"
#include "sim/wait_for.h"
#include "tests/oracle/line.h"
#include "tests/oracle/replicate.h"

namespace freshet::oracle {
namespace {

// --- Quorums ---

// Asks `members` at once, after an own step, and waits for `needed` answers; again and again.
class Quorum : public Component {
 public:
  Quorum(Simulation& sim, int members, int needed, Sampler answer, Sampler own_step,
         std::vector<double> thresholds)
      : Component(sim, "quorum"),
        members_(members),
        needed_(needed),
        answer_(answer),
        own_step_(own_step),
        draws_(NewStream("answers")),
        own_draws_(NewStream("own")),
        thresholds_(std::move(thresholds)),
        over_(thresholds_.size()) {}

  // The mean, then the part above each threshold.
  Answers Run(int64_t rounds) {
    rounds_ = rounds;
    left_ = rounds;
    Ask();
    sim().Run();
    Answers answers = {sum_ / static_cast<double>(rounds)};
    for (const int64_t count : over_) {
      answers.push_back(static_cast<double>(count) / static_cast<double>(rounds));
    }
    return answers;
  }

 private:
  void Ask() {
    asked_ = Now();
    After<"quorum.own_step">(own_step_.DrawDuration(own_draws_), [this] { Fan(); });
  }
  void Fan() {
    wait_.Start(WaitForKOfN::AllOf(members_), needed_, [this] { Complete(); });
    for (int i = 0; i < members_; ++i) {
      pending_[static_cast<size_t>(i)] =
          After<"quorum.answer">(answer_.DrawDuration(draws_), [this, i] { wait_.Arrive(i); });
    }
  }
  void Complete() {
    // Late answers belong to a round that is over.
    for (const EventId pending : pending_) sim().Cancel(pending);
    const double units = static_cast<double>((Now() - asked_).nanos()) / kUnit;
    sum_ += units;
    for (size_t i = 0; i < over_.size(); ++i) over_[i] += units > thresholds_[i];
    if (--left_ > 0) Ask();
  }

  const int members_;
  const int needed_;
  const Sampler answer_;
  const Sampler own_step_;
  RandomStream draws_;
  RandomStream own_draws_;
  WaitForKOfN wait_;
  std::array<EventId, 8> pending_;
  Time asked_;
  int64_t rounds_ = 0;
  int64_t left_ = 0;
  double sum_ = 0;
  std::vector<double> thresholds_;
  std::vector<int64_t> over_;
};

// `prefix` is what stands before "mean", "p50" and so on, `suffix` what stands behind.
void HoldQuorum(const char* id, int members, int needed, Sampler answer, Sampler own_step,
                int64_t thousands, bool far, const std::string& prefix = "",
                const std::string& suffix = "") {
  const std::vector<std::pair<std::string, double>> tails =
      far ? std::vector<std::pair<std::string, double>>{{"p999", 0.001}}
          : std::vector<std::pair<std::string, double>>{{"p50", 0.5}, {"p95", 0.05}, {"p99", 0.01}};
  std::vector<double> thresholds;
  for (const auto& [name, tail] : tails) thresholds.push_back(Value(id, prefix + name + suffix));
  const auto estimates = Replicate([&](uint64_t seed) {
    Simulation sim(seed);
    return Quorum(sim, members, needed, answer, own_step, thresholds).Run(thousands * 1000 / kRuns);
  });
  ExpectOracle(estimates[0], id, prefix + "mean" + suffix);
  for (size_t i = 0; i < tails.size(); ++i) {
    ExpectNear(estimates[i + 1], tails[i].second, id, prefix + tails[i].first + suffix,
               tails[i].second < 0.5 ? kTail : kMean);
  }
}

const Sampler& Exp1() {
  static const Sampler* const sampler = new Sampler(Sampler::Exponential(kUnit));
  return *sampler;
}
Sampler ExpOf(double mean) { return Sampler::Exponential(mean * kUnit); }
Sampler Lognormal10ms() { return Sampler::Lognormal(10 * kUnit, 0.5); }

void HoldAllQuorums(int64_t thousands, bool far) {
  HoldQuorum("F01", 2, 2, Exp1(), Sampler(), thousands, far);
  HoldQuorum("F02", 3, 3, Exp1(), Sampler(), thousands, far);
  HoldQuorum("F03", 5, 5, Exp1(), Sampler(), thousands, far);
  HoldQuorum("F04", 3, 2, Exp1(), Sampler(), thousands, far);
  HoldQuorum("F05", 5, 3, Exp1(), Sampler(), thousands, far);
  // The leader appends, then the followers fetch.
  HoldQuorum("F06", 2, 2, ExpOf(5), ExpOf(2), thousands, far,
             "acks=all (leader + max of 2 followers): ", " ms");
  HoldQuorum("F06", 2, 1, ExpOf(5), ExpOf(2), thousands, far,
             "quorum 2 of 3 (leader + min of 2 followers): ", " ms");
  HoldQuorum("F07", 3, 3, Lognormal10ms(), Sampler(), thousands, far, "max of 3: ", " ms");
  HoldQuorum("F07", 3, 2, Lognormal10ms(), Sampler(), thousands, far, "2nd of 3: ", " ms");
}
TEST(QuickQuorumOracle, F01_F02_F03_F04_F05_F06_F07) { HoldAllQuorums(600, false); }
TEST(LongQuorumOracle, F01_F02_F03_F04_F05_F06_F07) { HoldAllQuorums(10000, true); }

// A job forks to `count` stations and is done when all its parts are.
class Fork : public Component {
 public:
  Fork(Simulation& sim, int count) : Component(sim, "fork"), arrivals_(NewStream("arrivals")) {
    Station::Config config;
    config.metrics = false;
    for (int i = 0; i < count; ++i) {
      const std::string name = "fork/" + std::to_string(i);
      stations_.push_back(std::make_unique<Station>(sim, name, config));
      draws_.push_back(RandomStream(sim.seed(), name, "services"));
    }
  }

  double Run(int64_t warm_up, int64_t jobs) {
    warm_up_ = warm_up;
    left_ = warm_up + jobs;
    Arrive();
    sim().Run();
    return sum_ / static_cast<double>(jobs);
  }

 private:
  struct Job {
    WaitForKOfN wait;
    Time arrived;
    bool counts = false;
  };

  void Arrive() {
    if (left_-- == 0) return;
    uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(jobs_.size());
      jobs_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    const auto count = static_cast<int>(stations_.size());
    jobs_[slot].arrived = Now();
    jobs_[slot].counts = warm_up_-- <= 0;
    jobs_[slot].wait.Start(WaitForKOfN::AllOf(count), count, [this, slot] { Join(slot); });
    for (int i = 0; i < count; ++i) {
      const auto index = static_cast<size_t>(i);
      stations_[index]->Serve(service_.DrawDuration(draws_[index]),
                              [this, slot, i] { jobs_[slot].wait.Arrive(i); });
    }
    After<"fork.arrival">(gap_.DrawDuration(arrivals_), [this] { Arrive(); });
  }
  void Join(uint32_t slot) {
    if (jobs_[slot].counts)
      sum_ += static_cast<double>((Now() - jobs_[slot].arrived).nanos()) / kUnit;
    free_.push_back(slot);
  }

  RandomStream arrivals_;
  const Sampler gap_ = Sampler::Exponential(kUnit / 0.8);
  const Sampler service_ = Sampler::Exponential(kUnit);
  std::vector<std::unique_ptr<Station>> stations_;
  std::vector<RandomStream> draws_;
  std::vector<Job> jobs_;
  std::vector<uint32_t> free_;
  int64_t warm_up_ = 0;
  int64_t left_ = 0;
  double sum_ = 0;
};

std::vector<Estimate> RunFork(int count, int64_t thousands) {
  return Replicate([&](uint64_t seed) {
    Simulation sim(seed);
    return Answers{Fork(sim, count).Run(10000, thousands * 1000 / kRuns)};
  });
}
TEST(QuickQuorumOracle, F08ForkToTwo) { ExpectOracle(RunFork(2, 9000)[0], "F08", "mean response"); }
// The published formula is an approximation within 5 %, so it is a bracket here, not an oracle.
TEST(QuickQuorumOracle, F09ForkToThree) {
  const Estimate estimate = RunFork(3, 6000)[0];
  const double formula = Value("F09", "mean response (approximation, <5% err)");
  EXPECT_NEAR(estimate.mean, formula, 0.05 * formula);
  EXPECT_LT(estimate.mean, Value("F09", "upper bound"));
}

// A second request when the first has not answered after a while; the first answer wins.
class Hedge : public Component {
 public:
  Hedge(Simulation& sim, double threshold)
      : Component(sim, "hedge"), draws_(NewStream("answers")), threshold_(threshold) {}

  Answers Run(int64_t rounds) {
    left_ = rounds;
    Ask();
    sim().Run();
    return {sum_ / static_cast<double>(rounds),
            static_cast<double>(over_) / static_cast<double>(rounds)};
  }

 private:
  void Ask() {
    asked_ = Now();
    first_ = After<"hedge.answer">(answer_.DrawDuration(draws_), [this] { Answered(); });
    timer_ = After<"hedge.timer">(Duration::FromDouble(1.5 * kUnit), [this] {
      second_ = After<"hedge.answer">(answer_.DrawDuration(draws_), [this] { Answered(); });
    });
  }
  void Answered() {
    sim().Cancel(first_);
    sim().Cancel(timer_);
    sim().Cancel(second_);
    const double units = static_cast<double>((Now() - asked_).nanos()) / kUnit;
    sum_ += units;
    over_ += units > threshold_;
    if (--left_ > 0) Ask();
  }

  RandomStream draws_;
  const Sampler answer_ = Sampler::Exponential(kUnit);
  const double threshold_;
  EventId first_;
  EventId second_;
  EventId timer_;
  Time asked_;
  int64_t left_ = 0;
  double sum_ = 0;
  int64_t over_ = 0;
};
TEST(QuickQuorumOracle, F10HedgedRequest) {
  const auto estimates = Replicate([](uint64_t seed) {
    Simulation sim(seed);
    return Hedge(sim, Value("F10", "p99")).Run(25000);
  });
  ExpectOracle(estimates[0], "F10", "mean");
  ExpectNear(estimates[1], 0.01, "F10", "p99", kTail);
}

// --- Rate limits ---

TEST(QuickLimitOracle, K01ABurstAndThenTheRate) {
  Simulation sim(1);
  TokenBucket bucket(sim, "bucket",
                     {Rate::PerSecond(5'000'000), 10'000'000, Rate::PerSecond(20'000'000)});
  Time done;
  bucket.Take(100'000'000, [&sim, &done] { done = sim.Now(); });
  // While tokens last a request passes at the peak, then they are gone: by bisection over the
  // level.
  int64_t low = 0;
  int64_t high = 2'000'000'000;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    Simulation again(1);
    TokenBucket other(again, "bucket",
                      {Rate::PerSecond(5'000'000), 10'000'000, Rate::PerSecond(20'000'000)});
    other.Take(100'000'000, Callback());
    again.RunUntil(Time::FromNanos(middle));
    (other.Level() > 0 ? low : high) = middle;
  }
  sim.Run();
  ExpectExact(static_cast<double>(high) * 1e-9, "K01", "burst duration at peak (s)", 1e-6);
  ExpectExact(done.SinceStart().ToSeconds(), "K01", "completion time (s)");
}

class LimitedRequests : public Component {
 public:
  LimitedRequests(Simulation& sim, int64_t per_second, int64_t depth)
      : Component(sim, "limited"),
        gaps_(NewStream("gaps")),
        gap_(Sampler::Exponential(1e9 / static_cast<double>(per_second))),
        bucket_(sim, "limited/bucket", Options(depth)) {}

  // Part that is delayed, mean delay in seconds.
  Answers Run(int64_t warm_up, int64_t requests) {
    warm_up_ = warm_up;
    left_ = warm_up + requests;
    Ask();
    sim().Run();
    return {static_cast<double>(delayed_) / static_cast<double>(requests),
            delay_ / static_cast<double>(requests)};
  }

 private:
  static TokenBucket::Config Options(int64_t depth) {
    TokenBucket::Config config;
    config.rate = Rate::PerSecond(100);
    config.depth = depth;
    config.metrics = false;
    return config;
  }
  void Ask() {
    if (left_-- == 0) return;
    const bool counts = warm_up_-- <= 0;
    const Time asked = Now();
    if (!bucket_.TryTake(1)) {
      bucket_.Take(1, [this, asked, counts] {
        if (!counts) return;
        ++delayed_;
        delay_ += (Now() - asked).ToSeconds();
      });
    }
    After<"limited.request">(gap_.DrawDuration(gaps_), [this] { Ask(); });
  }

  RandomStream gaps_;
  const Sampler gap_;
  TokenBucket bucket_;
  int64_t warm_up_ = 0;
  int64_t left_ = 0;
  int64_t delayed_ = 0;
  double delay_ = 0;
};

void HoldLimit(const char* id, int64_t per_second, int64_t depth, int64_t thousands, bool delay) {
  const auto estimates = Replicate([&](uint64_t seed) {
    Simulation sim(seed);
    return LimitedRequests(sim, per_second, depth).Run(100000, thousands * 1000 / kRuns);
  });
  ExpectOracle(estimates[0], id, "P(request delayed)", kTail);
  if (delay) ExpectOracle(estimates[1], id, "mean delay (s)", kTail);
}
TEST(QuickLimitOracle, K03RequestsBeyondABucketOf20) { HoldLimit("K03", 95, 20, 24000, false); }
TEST(LongLimitOracle, K02RequestsThatFitABucketOf20) { HoldLimit("K02", 80, 20, 1400000, false); }
TEST(LongLimitOracle, K03RequestsBeyondABucketOf20) { HoldLimit("K03", 95, 20, 160000, true); }
TEST(LongLimitOracle, K04RequestsBeyondABucketOf50) { HoldLimit("K04", 95, 50, 700000, false); }

// --- Retries ---

// By enumeration: try j fails with probability 1/10, so a retry j is waited for with 10^-(j+1).
TEST(QuickRetryOracle, R01CappedExponentialBackoff) {
  Backoff::Config config;
  config.first = Milliseconds(100);
  config.cap = Seconds(1);
  config.most_retries = 5;
  const Backoff backoff(config);
  int64_t nanos_in_millionths = 0;
  int64_t tries_in_millionths = 0;
  int64_t reached = 1'000'000;  // Millionths that get this far.
  for (int64_t retries = 0;; ++retries) {
    tries_in_millionths += reached;
    reached /= 10;
    if (!backoff.MayRetry(retries)) break;
    nanos_in_millionths += reached * backoff.Base(retries).nanos();
  }
  ExpectExact(static_cast<double>(nanos_in_millionths) * 1e-15, "R01", "mean backoff delay (s)");
  ExpectExact(static_cast<double>(reached) * 1e-6, "R01", "P(give up)");
  ExpectExact(static_cast<double>(tries_in_millionths) * 1e-6, "R01", "mean attempts");
}

}  // namespace
}  // namespace freshet::oracle
