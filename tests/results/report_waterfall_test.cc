#include "results/report_waterfall.h"

#include <string>

#include "gmock/gmock.h"
#include "results/run_summary.h"
#include "sim/stamps.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// 98 records take 30 ms: 10 ms of linger, 5 ms of a broker, 15 ms until a poll. One more waits 70
// ms longer for replicas, and one 2 s for the end of a fault.
class WaterfallReportTest : public ::testing::Test {
 protected:
  WaterfallReportTest() {
    run_.Run();
    Simulation& sim = run_.sim();
    shop_ = sim.AddComponent("till");
    broker_ = sim.AddComponent("log/broker-1");
    peer_ = sim.AddComponent("log/broker-2");
    board_ = sim.AddComponent("board");
    for (int i = 0; i < 98; ++i) waterfall_.Add(Way(Duration(), WaitFor::kAck), 1);
    waterfall_.Add(Way(Milliseconds(70), WaitFor::kAck), 1);
    waterfall_.Add(Way(Seconds(2) + Nanoseconds(1), WaitFor::kFault), 1);
  }

  StampTrail<> Way(Duration held_up, WaitFor why) const {
    StampTrail<> trail(Time::FromNanos(0));
    Time now = Time::FromNanos(0) + Milliseconds(10);
    trail.AddWait(now, Milestone::kSent, WaitFor::kTimer, shop_);
    trail.AddService(now += Milliseconds(5), Milestone::kAppended, broker_);
    trail.AddWait(now += held_up, Milestone::kDurable, why, broker_, peer_);
    trail.AddWait(now += Milliseconds(15), Milestone::kFetched, WaitFor::kPoll, board_);
    return trail;
  }

  RunSummary Summary() {
    RunResults results = run_.Results();
    CollectWaterfall(run_.sim(), "board", waterfall_, &results);
    return Summarise(SampleHeader(), results);
  }

  std::string Report(bool parts, bool expected = true) {
    std::string text;
    ReportOptions options;
    options.parts = parts;
    EXPECT_EQ(WriteWaterfallReport(Summary(), options, &text), expected);
    return text;
  }

  SampleRun run_;
  ComponentId shop_, broker_, peer_, board_;
  Waterfall waterfall_;
};

// Mean: (100 x 30 + 70 + 2000.000001) / 100 ms = 50.7 ms, of which 20.7 are on the way to durable.
TEST_F(WaterfallReportTest, HasTheMeanAndSingleRecordsStageByStage) {
  const std::string text = Report(false);
  EXPECT_THAT(text, StartsWith("sample, calm, seed 92: where a record's time goes, whole run\n\n"
                               "board, 100 records\n"));
  EXPECT_THAT(text, ContainsRegex("sent +10\\.0 ms +19\\.7 % +10\\.0 ms +10\\.0 ms +10\\.0 ms\n"));
  EXPECT_THAT(text, ContainsRegex("durable +20\\.7 ms +40\\.8 % +- +70\\.0 ms +2\\.00 s\n"));
  EXPECT_THAT(text, ContainsRegex("waiting: ack +log +log +700 us +1\\.38 % +- +70\\.0 ms +-\n"));
  EXPECT_THAT(text,
              ContainsRegex("waiting: fault +log +log +20\\.0 ms +39\\.4 % +- +- +2\\.00 s\n"));
  EXPECT_THAT(Report(true), ContainsRegex("waiting: fault +log/broker-1 +log/broker-2 "));
}

TEST_F(WaterfallReportTest, EveryColumnSumsToTheNanosecond) {
  EXPECT_THAT(Report(false),
              HasSubstr("check: sums to the nanosecond: mean 5070000001 = 5070000001 ns x records; "
                        "p50 30000000 = 30000000 ns; p99 100000000 = 100000000 ns; "
                        "max 2030000001 = 2030000001 ns\n"));
}

TEST_F(WaterfallReportTest, SaysWhenAColumnDoesNotSum) {
  RunSummary summary = Summary();
  auto* segment = summary.mutable_waterfall(0)->mutable_exemplar(2)->mutable_segment(0);
  segment->set_length_ns(segment->length_ns() + 1);
  std::string text;
  EXPECT_FALSE(WriteWaterfallReport(summary, {}, &text));
  EXPECT_THAT(text, HasSubstr("CHECK FAILED"));
  EXPECT_THAT(text, HasSubstr("max 2030000002 is not 2030000001 ns"));
}

}  // namespace
}  // namespace freshet
