// A job's watermark against formulas: rows W01 to W07, with batches of one record each, so that
// delays are independent; and what of it people say of feeds of phones.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "models/processing/blackhole_sink.h"
#include "tests/models/processing/job_pipeline.h"
#include "tests/oracle/replicate.h"

namespace freshet {
namespace {

using oracle::Answers;
using oracle::ExpectOracle;
using oracle::Replicate;

std::shared_ptr<const EventTimes> LateBy(const Sampler& delay) {
  return std::make_shared<EventTimes>(std::vector<EventTimes::Class>{{1, delay}});
}

// Poisson arrivals, each sent by itself and read at once.
MiniSettings OneByOne(int64_t per_second, const Sampler& delay, uint64_t seed) {
  MiniSettings s = InstantLog(1, Steady(per_second));
  s.seed = seed;
  s.producers.arrivals = ArrivalLaw::kPoisson;
  s.producers.linger = Duration::Zero();
  s.producers.batch_size = Bytes(61) + kStoredSize;
  s.producers.event_times = LateBy(delay);
  return s;
}

class WindowPipeline : public JobPipelineBase {
 public:
  WindowPipeline(const MiniSettings& settings, Duration bound, Duration window)
      : JobPipelineBase(settings), sink(sim, "nowhere") {
    JobConfig config = PlausibleJob();
    VertexConfig all = SourceVertex(1);
    all.chain.push_back(Op(OperatorKind::kWindow, "count"));
    all.chain[1].window.size = all.chain[1].window.slide = window;
    all.chain.push_back(SinkVertex(1, &sink).chain[0]);
    config.vertices = {all};
    config.guarantee = DeliveryGuarantee::kAtMostOnce;
    config.checkpoints.reset();
    config.watermarks.emplace();
    config.watermarks->out_of_orderness = bound;
    config.watermarks->interval = Minutes(10);
    config.watermarks->at_each_event = true;
    config.watermarks->timestamps = Timestamps::kEvent;
    AddJob(config);
  }
  ~WindowPipeline() { job.reset(); }
  // Of the records between the two.
  double LateShare(Duration from, Duration to) {
    const Vertex& vertex = job->vertex(0);
    Run(from);
    const int64_t late = ValueOf(sim, vertex, Vertex::kLate);
    const int64_t in = ValueOf(sim, vertex, Vertex::kRecordsIn);
    Run(to);
    return static_cast<double>(ValueOf(sim, vertex, Vertex::kLate) - late) /
           static_cast<double>(ValueOf(sim, vertex, Vertex::kRecordsIn) - in);
  }

  BlackholeSink sink;
};

struct WatermarkRow {
  const char* id;
  int64_t per_second;
  Sampler delay;
  Duration bound;
  Duration window;  // So short that whoever is behind the watermark is dropped, or a real one.
  const char* metric;
  Duration run;
};
const Duration kNoWindow = Microseconds(1);
constexpr const char* kBehind = "P(record is behind the watermark)";

void MeetsTheFormula(const WatermarkRow& row) {
  const auto runs = Replicate([&](uint64_t seed) {
    WindowPipeline pipeline(OneByOne(row.per_second, row.delay, seed), row.bound, row.window);
    return Answers{pipeline.LateShare(Seconds(10), Seconds(10) + row.run)};
  });
  ExpectOracle(runs[0], row.id, row.metric, oracle::kTail);
}

Sampler Second() { return Sampler::Exponential(1e9); }

TEST(WatermarkOracle, W01BoundOfAMean) {
  MeetsTheFormula({"W01", 100, Second(), Seconds(1), kNoWindow, kBehind, Seconds(100)});
}
TEST(WatermarkOracle, W02BoundOfTwoMeans) {
  MeetsTheFormula({"W02", 100, Second(), Seconds(2), kNoWindow, kBehind, Seconds(200)});
}
TEST(WatermarkOracle, W04SparseRecords) {
  MeetsTheFormula({"W04", 10, Second(), Seconds(2), kNoWindow, kBehind, Seconds(600)});
}
TEST(LongWatermarkOracle, W03BoundOfFiveMeans) {
  MeetsTheFormula({"W03", 100, Second(), Seconds(5), kNoWindow, kBehind, Seconds(800)});
}
TEST(LongWatermarkOracle, W05LognormalDelays) {
  MeetsTheFormula(
      {"W05", 1000, Sampler::Lognormal(0.5e9, 1), Seconds(5), kNoWindow, kBehind, Seconds(30)});
}
TEST(LongWatermarkOracle, W06DroppedFromItsWindow) {
  MeetsTheFormula({"W06", 100, Second(), Seconds(2), Seconds(10), "P(dropped)", Seconds(300)});
}

// ora.W07 and chk.N07: lateness whose p99 is 300 s, and a watermark that waits five minutes.
TEST(WatermarkOracle, W07FiveMinutesCaptureNinetyNineInAHundred) {
  const double mean = oracle::Value("W07", "mean lateness for which 300 s captures 99% (s)");
  EXPECT_NEAR(mean * oracle::Value("W07", "bound / mean lateness"), 300, 1e-9);
  const auto runs = Replicate([&](uint64_t seed) {
    WindowPipeline pipeline(OneByOne(20, Sampler::Exponential(mean * 1e9), seed), Seconds(300),
                            Seconds(1));
    return Answers{1 - pipeline.LateShare(Minutes(1), Minutes(11))};
  });
  std::printf("  in the right window: %.4f\n", runs[0].mean);
  EXPECT_NEAR(runs[0].mean, 0.99, 0.002);
}

// chk.N08: an event of a quarter past two that arrives at thirteen to three, in a run that begins
// at two. By the time of the event it belongs to the first half hour, by that of Kafka's record to
// the second.
TEST(EventTimeJobTest, AnEventOfAQuarterPastTwoBelongsToTheWindowOfItsEvent) {
  int64_t first_half_hour[2];
  for (const Timestamps timestamps : {Timestamps::kRecord, Timestamps::kEvent}) {
    MiniSettings settings = InstantLog(1, Steady(10));
    settings.producers.offline = {{Time() + Minutes(15), Time() + Minutes(47), 1}};
    JobPipeline pipeline(settings, SinkPromise::kPlain);
    JobConfig config = PlausibleJob();
    VertexConfig all = SourceVertex(1);
    all.chain.push_back(Op(OperatorKind::kWindow, "count"));
    all.chain[1].window.size = all.chain[1].window.slide = Minutes(30);
    all.chain.push_back(SinkVertex(1, &pipeline.sink).chain[0]);
    config.vertices = {all};
    config.watermarks.emplace();
    config.watermarks->out_of_orderness = Minutes(35);
    config.watermarks->interval = Milliseconds(200);
    config.watermarks->timestamps = timestamps;
    pipeline.AddJob(config);
    // The first half hour is over by the watermark of 65 min.
    pipeline.Run(Minutes(66));
    const RecordCounts& counts = pipeline.job->subtask(0, 0).operator_at(1).counts();
    EXPECT_EQ(counts.late, 0);
    EXPECT_EQ(pipeline.sink.visible(), counts.out);
    first_half_hour[timestamps == Timestamps::kEvent] = counts.out;
  }
  EXPECT_NEAR(static_cast<double>(first_half_hour[0]), 18'000, 1);
  EXPECT_EQ(first_half_hour[1], first_half_hour[0] + 1);
}

}  // namespace
}  // namespace freshet
