// chk.N05: what checkpoints take from a job's throughput, by the size of its state and their
// interval. It is the work of serialising the state, on the cores that the subtasks need, too: 5 to
// 15 % of the throughput for sane sizes and intervals, next to nothing or most of it for others.
#include "gtest/gtest.h"
#include "models/processing/blackhole_sink.h"
#include "tests/models/processing/job_pipeline.h"

namespace freshet {
namespace {

constexpr Duration kCpuPerMib = Milliseconds(5);

class LoadedPipeline : public JobPipelineBase {
 public:
  // One core, 0.5 ms a record, and more records than it can do.
  LoadedPipeline(int64_t state_mib, Duration interval)
      : JobPipelineBase(InstantLog(1, Steady(2500))), sink(sim, "nowhere") {
    JobConfig config = PlausibleJob();
    config.task_managers[0].vcpus = 1;
    VertexConfig all = SourceVertex(1, Microseconds(500));
    all.chain.push_back(Op(OperatorKind::kWindow, "state"));
    WindowConfig& window = all.chain[1].window;
    window.size = window.slide = Hours(24);
    window.keys = state_mib;
    window.state_per_row = MiB(1);
    all.chain.push_back(SinkVertex(1, &sink).chain[0]);
    config.vertices = {all};
    config.watermarks.emplace();
    config.watermarks->interval = Seconds(10);
    config.state.rate = MiBPerSecond(1000);
    config.checkpoints->interval = interval;
    config.checkpoints->timeout = Hours(1);
    config.checkpoints->cpu_per_mib = kCpuPerMib;
    AddJob(config);
  }
  ~LoadedPipeline() { job.reset(); }
  // What is missing of 2000/s over whole intervals; the first one has no checkpoint.
  double Overhead(Duration interval) {
    const int64_t intervals = std::max<int64_t>(1, Minutes(2) / interval);
    Run(interval);
    const int64_t before = ValueOf(sim, job->vertex(0), Vertex::kRecordsIn);
    Run(interval * (intervals + 1));
    const int64_t records = ValueOf(sim, job->vertex(0), Vertex::kRecordsIn) - before;
    return 1 - static_cast<double>(records) / (2000 * (interval * intervals).ToSeconds());
  }

  BlackholeSink sink;
};

TEST(CheckpointOverheadTest, FivePercentToFifteenForSaneStateAndMoreForSilly) {
  struct Cell {
    int64_t mib;
    Duration interval;
    double least;
    double most;
  };
  // 5 ms for a MiB, each interval; where that is too much for the interval, checkpoints follow one
  // another, and core time is shared evenly between a piece of state, 5 ms, and a buffer of 16 ms.
  const Cell cells[] = {
      {100, Seconds(60), 0, 0.02},          // Small: 0.8 %.
      {1024, Seconds(60), 0.05, 0.15},      // 8.5 %
      {200, Seconds(10), 0.05, 0.15},       // 10 %
      {2560, Seconds(150), 0.05, 0.15},     // 8.5 %
      {4096, Seconds(30), 0.20, 0.30},      // Never done in time: 5 of 21 ms.
      {20, Milliseconds(200), 0.18, 0.30},  // The same, of little state each 200 ms.
  };
  for (const Cell& cell : cells) {
    const double overhead = LoadedPipeline(cell.mib, cell.interval).Overhead(cell.interval);
    const double asked =
        kCpuPerMib.ToSeconds() * static_cast<double>(cell.mib) / cell.interval.ToSeconds();
    std::printf("  %5d MiB each %6.1f s: %5.2f %%, of %5.2f %% asked for\n",
                static_cast<int>(cell.mib), cell.interval.ToSeconds(), 100 * overhead, 100 * asked);
    EXPECT_GE(overhead, cell.least);
    EXPECT_LE(overhead, cell.most);
    if (asked < 0.16) {
      EXPECT_NEAR(overhead, asked, 0.008);
    }
  }
}

}  // namespace
}  // namespace freshet
