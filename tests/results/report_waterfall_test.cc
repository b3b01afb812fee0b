#include "results/report_waterfall.h"

#include <string>

#include "gmock/gmock.h"
#include "results/run_summary.h"
#include "sim/stamps.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

// Mean: (100 x 30 + 70 + 2000.000001) / 100 ms = 50.7 ms.
TEST_F(WaterfallReportTest, EveryColumnSums) {
  const std::string text = Report(false);
  EXPECT_EQ(
      text,
      "sample, calm, seed 92: where a record's time goes, whole run\n"
      "\n"
      "board, 100 records\n"
      "  until     spent           at     held up by     mean    share      p50      p99      max\n"
      "");
}

}  // namespace
}  // namespace freshet
