// The expectation that stands at the head of cross_zone_bill.textproto, held against its run.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "results/bill.h"
#include "results/money.h"
#include "results/run_summary.h"
#include "scenarios/language/load.h"
#include "scenarios/language/run.h"

namespace freshet {
namespace {

class CrossZoneBillTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::string file = absl::StrCat(FRESHET_LIBRARY, "/cross_zone_bill.textproto");
    const absl::StatusOr<LoadResult> loaded = Load(file);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    ASSERT_EQ(Report(loaded->problems), "");
    RunOptions options;
    options.root = FRESHET_LIBRARY;
    for (const auto& variant : loaded->variants) {
      absl::StatusOr<RunOutcome> outcome = RunScenario(variant.scenario, options);
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      (variant.name == "leaders" ? run_ : followers_) = new RunOutcome(*std::move(outcome));
    }
    ASSERT_NE(run_, nullptr);
    ASSERT_NE(followers_, nullptr);
  }
  static void TearDownTestSuite() {
    delete run_;
    delete followers_;
    run_ = followers_ = nullptr;
  }

  // Bytes after the warm-up, by cause: within zones and between them.
  struct Split {
    int64_t within = 0;
    int64_t between = 0;
    int64_t all() const { return within + between; }
  };
  static Split BytesOf(TrafficRow::Cause cause, const RunOutcome* run = run_) {
    Split split;
    for (const TrafficRow& row : run->results.metrics.meters().traffic()) {
      if (row.cause() != cause) continue;
      for (const TrafficPhase& phase : row.phase()) {
        if (!Covers(Window::kAfterWarmUp, phase.phase())) continue;
        (row.from_zone() == row.to_zone() ? split.within : split.between) += phase.bytes();
      }
    }
    return split;
  }
  static int64_t Total(const std::string& metric) {
    for (const MetricRow& row : run_->results.metrics.metric()) {
      if (row.name() == metric) return MetricWindow(row, Window::kAfterWarmUp).total();
    }
    ADD_FAILURE() << "no " << metric;
    return 0;
  }
  static const BillLine& Line(const std::string& item) {
    static const BillLine none;
    for (const BillLine& line : run_->summary.bill().line()) {
      if (line.item() == item) return line;
    }
    ADD_FAILURE() << "no line " << item;
    return none;
  }
  static void ExpectTwoThirds(const Split& split) {
    EXPECT_LE(std::abs(300 * split.between - 200 * split.all()), 3 * split.all());  // 1 %.
  }

  static RunOutcome* run_;  // The variant `leaders`.
  static RunOutcome* followers_;
};
RunOutcome* CrossZoneBillTest::run_ = nullptr;
RunOutcome* CrossZoneBillTest::followers_ = nullptr;

TEST_F(CrossZoneBillTest, TwoThirdsOfProduceAndFetchAndAllOfReplicationCrossAZone) {
  ExpectTwoThirds(BytesOf(TrafficRow::PRODUCE));
  ExpectTwoThirds(BytesOf(TrafficRow::FETCH));
  EXPECT_EQ(BytesOf(TrafficRow::REPLICATE).within, 0);
  // Two copies, and what frames them: within 1 % of twice what was produced.
  const int64_t copied = BytesOf(TrafficRow::REPLICATE).all();
  const int64_t written = BytesOf(TrafficRow::PRODUCE).all();
  EXPECT_LE(100 * std::abs(copied - 2 * written), 2 * written);
}

// inv.I21
TEST_F(CrossZoneBillTest, TheBilledBytesAreTheCountedOnes) {
  int64_t between = 0;
  for (const auto cause :
       {TrafficRow::PRODUCE, TrafficRow::REPLICATE, TrafficRow::FETCH, TrafficRow::CONTROL}) {
    const int64_t bytes = BytesOf(cause).between;
    between += bytes;
    const BillLine& line = Line(NameOf(cause));
    EXPECT_EQ(line.amount_nanodollars(), *MulDivNearest(bytes, 20'000'000, int64_t{1} << 30));
    EXPECT_EQ(line.month_amount_nanodollars(),
              *MulDivNearest(bytes, Wide{20'000'000} * 730 * 60, int64_t{1} << 30));
  }
  EXPECT_EQ(between, Total("network.cross_zone_bytes"));
  EXPECT_EQ(BytesOf(TrafficRow::PRODUCE).all(), Total("network.produce_bytes"));
}

// cal.I5: a GiB a second for 30 days are 2 592 000 GiB; 2/3 + 2 of each cross a zone at 0.02
// dollars on their way into the log: $138 240. The run has a share of that, and is held to it.
TEST_F(CrossZoneBillTest, WritingAGibASecondForAMonthCosts138240DollarsBetweenZones) {
  const int64_t written = Total("producer.bytes_acked");
  const int64_t between =
      BytesOf(TrafficRow::PRODUCE).between + BytesOf(TrafficRow::REPLICATE).between;
  const double dollars =
      static_cast<double>(between) / static_cast<double>(written) * 2'592'000 * 0.02;
  EXPECT_NEAR(dollars, 138'240, 1'382);  // 1 %.
}

TEST_F(CrossZoneBillTest, HostsAndVolumesArePaidByTheMonth) {
  EXPECT_EQ(Line("r6i.xlarge").month_amount_nanodollars(), 551'880'000'000);    // 3 x 0.252 x 730
  EXPECT_EQ(Line("gp3 capacity").month_amount_nanodollars(), 120'000'000'000);  // 1500 x 0.08
  EXPECT_EQ(Line("gp3 IOPS").month_amount_nanodollars(), 15'000'000'000);       // 3 x 1000 x 0.005
}

TEST_F(CrossZoneBillTest, OnlyTheClientsHostsHaveNoPrice) {
  for (const BillGap& gap : run_->summary.bill().not_priced()) {
    EXPECT_EQ(gap.category(), "client compute") << gap.item();
  }
}

// Each member's zone has a replica of all it reads, so after the first fetches, which are in the
// warm-up, not a byte of a fetch crosses a zone, and the bill has no such line. What is written is
// as before: the same arrivals, and the copies.
TEST_F(CrossZoneBillTest, WithReadsAtFollowersTheFetchPartIsGone) {
  EXPECT_EQ(BytesOf(TrafficRow::FETCH, followers_).between, 0);
  EXPECT_LE(
      std::abs(BytesOf(TrafficRow::FETCH, followers_).all() - BytesOf(TrafficRow::FETCH).all()),
      BytesOf(TrafficRow::FETCH).all() / 100);
  std::map<std::string, int64_t> month;
  for (const BillLine& line : followers_->summary.bill().line()) {
    month[line.item()] = line.month_amount_nanodollars();
  }
  EXPECT_FALSE(month.contains("fetch"));
  for (const char* item : {"produce", "replicate"}) {
    EXPECT_NEAR(month[item], Line(item).month_amount_nanodollars(), month[item] / 100) << item;
  }
  // 10/3 without 2/3: a fifth of the traffic between zones.
  const auto all = [](const RunOutcome* run) {
    return BytesOf(TrafficRow::PRODUCE, run).between + BytesOf(TrafficRow::REPLICATE, run).between +
           BytesOf(TrafficRow::FETCH, run).between;
  };
  EXPECT_NEAR(static_cast<double>(all(followers_)) / static_cast<double>(all(run_)), 0.8, 0.01);
}

// A third of the records is read at the leader as before. The others wait at the follower until its
// leader has told it, one of its fetches later: a round trip between zones of 1 ms and more on
// average, less what the shorter last hop saves.
TEST_F(CrossZoneBillTest, AndTheLatencyShowsThePrice) {
  const auto mean_ms = [](const RunOutcome* run) {
    for (const MetricRow& row : run->results.metrics.metric()) {
      if (row.name() != "consumer.end_to_end_latency") continue;
      return MetricWindow(row, Window::kAfterWarmUp).Mean() / 1e6;
    }
    return 0.0;
  };
  const double later = mean_ms(followers_) - mean_ms(run_);
  EXPECT_GT(later, 0.4);
  EXPECT_LT(later, 1.2);
}

}  // namespace
}  // namespace freshet
