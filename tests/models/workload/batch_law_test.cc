// The law of linger and size batching on the Poisson process, against the closed forms B01 to B05:
// the first record starts the linger timer, the batch closes when it is full or the timer fires.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/workload/poisson_arrivals.h"
#include "models/workload/rate_function.h"
#include "sim/random.h"
#include "tests/models/workload/statistics.h"

namespace freshet {
namespace {

struct Row {
  const char* id;
  int64_t per_second;
  Duration linger;
  int64_t max_records;
  int batches;
};

// Values by (id, metric). Fields may be quoted; quoted ones hold commas and no quotes.
std::map<std::pair<std::string, std::string>, double> ReadOracles() {
  std::map<std::pair<std::string, std::string>, double> values;
  std::ifstream file(FRESHET_SOURCE_DIR "/tests/oracle/data/oracles.csv");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("B0")) continue;
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (const char c : line) {
      if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    values[{fields.at(0), fields.at(4)}] = std::stod(fields.at(5));
  }
  return values;
}

class BatchLawTest : public testing::TestWithParam<Row> {};

TEST_P(BatchLawTest, MeetsTheClosedForms) {
  const auto oracles = ReadOracles();
  if (oracles.empty()) GTEST_SKIP() << "no tests/oracle/data/oracles.csv here";
  const Row& row = GetParam();
  const auto expected = [&](const char* metric) { return oracles.at({row.id, metric}); };
  const double wait_p50 = expected("wait p50 (s)");
  const double wait_p99 = expected("wait p99 (s)");

  const auto rate =
      std::make_shared<RateFunction>(RateFunction::Constant(Rate::PerSecond(row.per_second)));
  PoissonArrivals arrivals(rate, 1, RandomStream(92, "client", "arrivals"));
  Mean records, full, gap;
  // Waits by batch, so that batches are independent samples of a ratio.
  std::vector<std::array<double, 4>> batches;  // Records, sum of waits, waits above p50, above p99.
  Time opened_before;
  for (int i = 0; i < row.batches; ++i) {
    const Time opened = arrivals.PeekNth(1);
    ASSERT_EQ(arrivals.TakeUntil(opened, 1).count, 1);
    const ArrivalSpan rest = arrivals.TakeUntil(opened + row.linger, row.max_records - 1);
    const bool is_full = rest.count == row.max_records - 1;
    const Time closed = is_full ? rest.last : opened + row.linger;
    const double first_wait = (closed - opened).ToSeconds();
    std::array<double, 4> sums = {1, first_wait, first_wait > wait_p50 ? 1.0 : 0.0,
                                  first_wait > wait_p99 ? 1.0 : 0.0};
    for (int64_t k = 0; k < rest.count; ++k) {
      const double span = (rest.last - rest.first).ToSeconds();
      const double place = rest.count == 1 ? 0 : static_cast<double>(k) / (rest.count - 1);
      const double wait = (closed - rest.first).ToSeconds() - span * place;
      sums[0] += 1;
      sums[1] += wait;
      sums[2] += wait > wait_p50 ? 1 : 0;
      sums[3] += wait > wait_p99 ? 1 : 0;
    }
    batches.push_back(sums);
    records.Add(static_cast<double>(1 + rest.count));
    full.Add(is_full ? 1 : 0);
    if (i > 0) gap.Add((opened - opened_before).ToSeconds());
    opened_before = opened;
  }
  // A ratio of sums over batches: its error from the residuals.
  const auto check_ratio = [&](size_t of, double value, double slack, const char* name) {
    Mean residual;
    for (const auto& sums : batches) residual.Add(sums[of] - value * sums[0]);
    EXPECT_NEAR(residual.value() / records.value(), 0,
                kSigmas * residual.error() / records.value() + slack)
        << name;
  };
  const double rounding = 1e-9;  // Arrivals are whole nanoseconds.
  EXPECT_NEAR(records.value(), expected("mean records per batch"),
              kSigmas * records.error() + rounding);
  // B04 does not tell it: 0 but for 1e-500.
  const auto by_size = oracles.find({row.id, "P(batch closed by size)"});
  EXPECT_NEAR(full.value(), by_size == oracles.end() ? 0 : by_size->second,
              kSigmas * full.error() + rounding);
  EXPECT_NEAR(gap.value(), 1 / expected("batches per second"), kSigmas * gap.error() + rounding);
  check_ratio(1, expected("mean wait in batch (s)"), rounding, "mean wait");
  // Where more than 1 - p of the records wait exactly T there is no tail above the quantile. The
  // others of a full batch are a row, which blurs a quantile by a part of one gap between records.
  const double linger = row.linger.ToSeconds();
  const double blur = full.value() > 0.5 ? 0.1 / static_cast<double>(row.max_records) : 0;
  if (wait_p50 < linger) check_ratio(2, 0.5, blur, "wait p50");
  if (wait_p99 < linger) check_ratio(3, 0.01, blur, "wait p99");
}

INSTANTIATE_TEST_SUITE_P(Oracles, BatchLawTest,
                         testing::Values(Row{"B01", 100, Milliseconds(5), 16, 400'000},
                                         Row{"B02", 1'000, Milliseconds(5), 16, 400'000},
                                         Row{"B03", 5'000, Milliseconds(5), 16, 400'000},
                                         Row{"B04", 20'000, Milliseconds(250), 8192, 4'000},
                                         Row{"B05", 50'000, Milliseconds(250), 8192, 4'000}),
                         [](const auto& row) { return std::string(row.param.id); });

}  // namespace
}  // namespace freshet
