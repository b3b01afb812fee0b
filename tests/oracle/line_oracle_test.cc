// Rows Q01 to Q28 and Q39 to Q41: one station, its arrivals, and what the formula says.
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/oracle/line.h"
#include "tests/oracle/replicate.h"

namespace freshet::oracle {
namespace {

using Kind = Question::Kind;

// A row of the table to look at, and how to ask the run for it.
struct Check {
  Kind kind;
  const char* metric;
  double tail = 0;       // The metric is the quantile with this probability above it.
  double precision = 0;  // 0: by policy.
};

constexpr Check kW = {Kind::kSojourn, "W mean sojourn"};
constexpr Check kWq = {Kind::kWait, "Wq mean wait"};
constexpr Check kL = {Kind::kPresent, "L (mean in system)"};
constexpr Check kLq = {Kind::kWaiting, "Lq (mean waiting)"};
constexpr Check kErlangC = {Kind::kDelayed, "P(wait>0) Erlang-C"};
constexpr Check kSigma = {Kind::kDelayed, "sigma"};
constexpr Check kLoss = {Kind::kRefused, "P(loss)"};
constexpr Check kW50 = {Kind::kSojournTail, "W p50", 0.5};
constexpr Check kW95 = {Kind::kSojournTail, "W p95", 0.05};
constexpr Check kW99 = {Kind::kSojournTail, "W p99", 0.01};
constexpr Check kW999 = {Kind::kSojournTail, "W p999", 0.001};
constexpr Check kWq50 = {Kind::kWaitTail, "Wq p50", 0.5};
constexpr Check kWq95 = {Kind::kWaitTail, "Wq p95", 0.05};
constexpr Check kWq99 = {Kind::kWaitTail, "Wq p99", 0.01};
constexpr Check kWq999 = {Kind::kWaitTail, "Wq p999", 0.001};

struct Case {
  const char* id;
  LineSpec spec;
  int64_t thousands;  // Customers in all runs together.
  int64_t warm_up;    // Customers a run.
  std::vector<Check> checks;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.id; }
std::string NameOf(const ::testing::TestParamInfo<Case>& info) { return info.param.id; }

void Hold(const Case& one) {
  std::vector<Question> questions;
  for (const Check& check : one.checks) {
    questions.push_back({check.kind, check.tail > 0 ? Value(one.id, check.metric) : 0});
  }
  const std::vector<Estimate> estimates = Replicate([&](uint64_t seed) {
    Simulation sim(seed);
    sim.SetSeries(false);
    Line line(sim, one.spec, questions);
    return line.Run(one.warm_up, one.thousands * 1000 / kRuns);
  });
  for (size_t i = 0; i < one.checks.size(); ++i) {
    const Check& check = one.checks[i];
    const double value = check.tail > 0 ? check.tail : Value(one.id, check.metric);
    const double policy = check.tail > 0 && check.tail <= 0.05 ? kTail : kMean;
    ExpectNear(estimates[i], value, one.id, check.metric,
               check.precision > 0 ? check.precision : policy);
    // Bounds hold for every run long enough; they stand beside the rows of general arrivals.
    if (check.kind == Kind::kWait &&
        (one.id == std::string("Q25") || one.id == std::string("Q26") ||
         one.id == std::string("Q27"))) {
      EXPECT_LT(estimates[i].mean, Value(one.id, "Kingman upper bound on Wq"));
      EXPECT_GT(estimates[i].mean, Value(one.id, "Marshall lower bound on Wq"));
    }
  }
}

Sampler Exponential(double mean) { return Sampler::Exponential(mean * kUnit); }
Sampler Constant(double value) { return Sampler::Constant(value * kUnit); }
Sampler PoissonAt(double rate) { return Exponential(1 / rate); }
// Two phases, each exponential.
Sampler Erlang2(double mean) { return Sampler::Gamma(mean * kUnit, 0.5); }
Sampler LognormalOf(double cv2) {
  const double variance = std::log1p(cv2);
  return Sampler::Lognormal(std::exp(-variance / 2) * kUnit, std::sqrt(variance));
}
Sampler Pareto(double alpha) { return Sampler::Pareto((alpha - 1) / alpha * kUnit, alpha); }
Sampler BalancedH2() {  // cv2 = 4.
  const double first = 0.887298334620742;
  return Sampler::Mixture({Exponential(0.5 / first), Exponential(0.5 / (1 - first))},
                          {first, 1 - first});
}
Sampler UniformTo2() { return Sampler::Uniform(0, 2 * kUnit); }

LineSpec Open(Sampler gap, Sampler service, int64_t workers = 1, int64_t room = INT64_MAX) {
  return {gap, service, workers, room};
}
LineSpec Together(Sampler gap, Sampler service, int64_t arrive, int64_t serve) {
  return {gap, service, 1, INT64_MAX, arrive, serve};
}

// What M/M/1/K's rows give: the loss, and the times of those that got in.
std::vector<Check> OfAccepted() {
  return {kLoss,
          {Kind::kPresent, "L"},
          {Kind::kThroughput, "throughput"},
          {Kind::kSojourn, "W mean sojourn of accepted"},
          {Kind::kSojournTail, "W p99 of accepted", 0.01}};
}

std::vector<Case> QuickCases() {
  return {
      {"Q01",
       Open(PoissonAt(0.5), Exponential(1)),
       8000,
       2000,
       {kL, kLq, kW, kWq, kW50, kW95, kWq95, kW99, kWq99}},
      {"Q02",
       Open(PoissonAt(0.8), Exponential(1)),
       14000,
       10000,
       {kL, kLq, kW, kWq, kW50, kWq50, kW95, kWq95}},
      {"Q04",
       Open(PoissonAt(1.6), Exponential(1), 2),
       16000,
       10000,
       {kErlangC, kWq, kW, kWq50, kW50, kWq95, kW95}},
      {"Q06", Open(PoissonAt(14.4), Exponential(1), 16), 10000, 40000, {kErlangC, kW, kW50, kW95}},
      {"Q08", Open(PoissonAt(0.5), Constant(1)), 4000, 2000, {kWq, kW, kWq95, kWq99}},
      {"Q09", Open(PoissonAt(0.8), Constant(1)), 8000, 10000, {kWq, kW, kWq50, kWq95}},
      {"Q11", Open(PoissonAt(0.7), LognormalOf(1)), 19000, 10000, {kWq, kW, kWq50, kWq95}},
      {"Q13", Open(PoissonAt(0.7), Pareto(2.5)), 3000, 10000, {kWq50}},
      {"Q14", Open(PoissonAt(0.8), Pareto(3.5)), 3000, 10000, {kWq50}},
      {"Q16", Open(PoissonAt(0.8), Erlang2(1)), 14000, 10000, {kWq, kW, kWq50, kWq95}},
      {"Q17", Open(PoissonAt(0.8), UniformTo2()), 13000, 10000, {kWq, kW, kWq50, kWq95}},
      {"Q18", Open(PoissonAt(0.8), Exponential(1), 1, 10), 18000, 2000, OfAccepted()},
      {"Q19", Open(PoissonAt(1), Exponential(1), 1, 10), 8000, 2000, OfAccepted()},
      {"Q20", Open(PoissonAt(1.2), Exponential(1), 1, 5), 3000, 2000, OfAccepted()},
      {"Q21",
       Open(PoissonAt(4.4), Exponential(1), 4, 20),
       11000,
       4000,
       {kLoss, {Kind::kWaiting, "Lq"}}},
      {"Q22",
       Open(PoissonAt(10), Exponential(1), 10, 10),
       3000,
       2000,
       {{Kind::kRefused, "P(block)"}}},
      {"Q25", Open(Constant(1.25), Exponential(1)), 12000, 10000, {kSigma, kWq, kW}},
      {"Q27", Open(Erlang2(1.25), Exponential(1)), 12000, 10000, {kSigma, kWq, kW}},
      {"Q41",
       Together(PoissonAt(4), Exponential(1), 1, 5),
       16000,
       20000,
       {{Kind::kWait, "Wq mean wait", 0, 0.02}, {Kind::kIdle, "P(server idle)", 0, 0.05}}},
  };
}

// What takes a core for a minute each: heavy traffic, heavy tails, far quantiles.
std::vector<Case> LongCases() {
  return {
      {"Q01", Open(PoissonAt(0.5), Exponential(1)), 60000, 2000, {kW, kWq, kW999, kWq999}},
      {"Q02",
       Open(PoissonAt(0.8), Exponential(1)),
       400000,
       20000,
       {kW, kWq, kW99, kWq99, kW999, kWq999}},
      {"Q03",
       Open(PoissonAt(0.95), Exponential(1)),
       600000,
       200000,
       {kL, kLq, kW, kWq, kW50, kWq50, kW95, kWq95, kW99, kWq99}},
      {"Q04",
       Open(PoissonAt(1.6), Exponential(1), 2),
       400000,
       20000,
       {kErlangC, kWq, kW, kWq99, kW99, kWq999, kW999}},
      {"Q05",
       Open(PoissonAt(3.6), Exponential(1), 4),
       240000,
       100000,
       {kErlangC, kWq, kW, kWq50, kW50, kWq95, kW95, kWq99, kW99}},
      {"Q06",
       Open(PoissonAt(14.4), Exponential(1), 16),
       240000,
       200000,
       {kErlangC, kWq, kW, kWq50, kW50, kWq95, kW95, kWq99, kW99, kW999}},
      {"Q07",
       Open(PoissonAt(60.8), Exponential(1), 64),
       500000,
       1000000,
       {kErlangC, kWq, kW, kWq50, kW50, kWq95, kW95, kW99}},
      {"Q08", Open(PoissonAt(0.5), Constant(1)), 60000, 2000, {kWq, kW, kWq999}},
      {"Q09", Open(PoissonAt(0.8), Constant(1)), 500000, 20000, {kWq, kW, kWq99, kWq999}},
      {"Q10", Open(PoissonAt(0.95), Constant(1)), 550000, 200000, {kWq, kW, kWq50, kWq95, kWq99}},
      {"Q11", Open(PoissonAt(0.7), LognormalOf(1)), 400000, 20000, {kWq, kW, kWq99, kWq999}},
      {"Q12", Open(PoissonAt(0.7), LognormalOf(4)), 240000, 50000, {kWq, kW, kWq50, kWq95, kWq99}},
      {"Q13", Open(PoissonAt(0.7), Pareto(2.5)), 240000, 50000, {kWq50, kWq95, kWq99}},
      {"Q14", Open(PoissonAt(0.8), Pareto(3.5)), 240000, 50000, {kWq, kW, kWq50, kWq95, kWq99}},
      {"Q15", Open(PoissonAt(0.8), BalancedH2()), 180000, 50000, {kWq, kW, kWq50, kWq95, kWq99}},
      {"Q16", Open(PoissonAt(0.8), Erlang2(1)), 60000, 20000, {kWq, kW, kWq99}},
      {"Q17", Open(PoissonAt(0.8), UniformTo2()), 60000, 20000, {kWq, kW, kWq99}},
      {"Q23",
       Open(PoissonAt(100), Exponential(1), 117, 117),
       240000,
       20000,
       {{Kind::kRefused, "P(block)"}}},
      {"Q24", Open(PoissonAt(0.8), Constant(1), 1, 10), 220000, 5000, {kLoss}},
      {"Q25", Open(Constant(1.25), Exponential(1)), 60000, 20000, {kSigma, kWq, kW, kWq99, kW99}},
      {"Q26",
       Open(Constant(1 / 0.95), Exponential(1)),
       300000,
       200000,
       {kSigma, kWq, kW, kWq99, kW99}},
      {"Q27", Open(Erlang2(1.25), Exponential(1)), 80000, 20000, {kSigma, kWq, kW, kWq99, kW99}},
      {"Q28", Open(PoissonAt(3.6), Constant(1), 4), 90000, 40000, {kWq}},
      {"Q39",
       Together(PoissonAt(0.08), Exponential(1), 10, 1),
       120000,
       100000,
       {{Kind::kPresent, "L"}, kW}},
      {"Q40", Together(PoissonAt(0.08), Constant(1), 10, 1), 120000, 100000, {kWq}},
      {"Q41",
       Together(PoissonAt(4), Exponential(1), 1, 5),
       120000,
       20000,
       {{Kind::kWait, "Wq mean wait"}, {Kind::kIdle, "P(server idle)"}}},
  };
}

class LineOracle : public ::testing::TestWithParam<Case> {};
TEST_P(LineOracle, HoldsFor) { Hold(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Quick, LineOracle, ::testing::ValuesIn(QuickCases()), NameOf);
INSTANTIATE_TEST_SUITE_P(Long, LineOracle, ::testing::ValuesIn(LongCases()), NameOf);

}  // namespace
}  // namespace freshet::oracle
