// A small run with one metric of each kind, for tests of what a run leaves.
#ifndef FRESHET_TESTS_RESULTS_SAMPLE_RUN_H_
#define FRESHET_TESTS_RESULTS_SAMPLE_RUN_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "results/record_writer.h"
#include "results/run_summary.h"
#include "sim/simulation.h"

namespace freshet {

// A directory of its own that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "freshet_test_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline RunRecordHeader SampleHeader() {
  RunRecordHeader header;
  header.set_scenario("sample");
  header.set_variant("calm");
  header.set_seed(92);
  header.set_scenario_text("name: \"sample\"\n");
  header.set_scenario_address("xxh3:0011223344556677");
  header.set_kafka_version("4.0");
  header.set_recording_level(RunRecordHeader::SPANS);
  header.set_model_revision("1");
  return header;
}

// Ten minutes of component "shop": ten records a second, whose latency counts 1, 2, ... 1000 ms
// round and round, and a queue of 3 that is 9 in minute 5. The first minute is warm-up; minutes 4
// and 5 are during faults. Lane 1 "shop" gets a span for each second, lane 2 "shop/queue" a state
// per minute.
class SampleRun {
 public:
  static constexpr MetricDef kAcked = {"producer.records_acked", MetricKind::kCounter,
                                       MetricUnit::kCount, "Records that were acknowledged."};
  static constexpr MetricDef kLatency = {"producer.latency", MetricKind::kDistribution,
                                         MetricUnit::kDuration, "From send to acknowledgement."};
  static constexpr MetricDef kQueue = {"producer.queued", MetricKind::kGauge, MetricUnit::kBytes,
                                       "Bytes that wait."};

  explicit SampleRun(RecordSink* sink = nullptr, int64_t records_per_tick = 1)
      : sim_(92), records_per_tick_(records_per_tick) {
    sim_.recorder().Configure(RecordLevel::kRequests, sink);
    shop_ = sim_.AddComponent("shop");
    acked_ = &sim_.metrics().AddCounter(kAcked, shop_);
    latency_ = &sim_.metrics().AddDistribution(kLatency, shop_);
    queue_ = &sim_.metrics().AddGauge(kQueue, shop_);
    lane_ = sim_.recorder().AddLane("shop");
    queue_lane_ = sim_.recorder().AddLane("queue", lane_);
  }

  std::vector<PhaseChange> Phases() const {
    const Time start;
    return {{start, Phase::kWarmUp},
            {start + Minutes(1), Phase::kBeforeFaults},
            {start + Minutes(4), Phase::kDuringFaults},
            {start + Minutes(6), Phase::kAfterFaults}};
  }

  void Run() {
    for (const PhaseChange& change : Phases()) {
      sim_.At<"test.phase">(change.at, shop_,
                            [this, phase = change.phase] { sim_.EnterPhase(phase); });
    }
    for (int minute = 0; minute < 10; ++minute) {
      sim_.At<"test.minute">(Time() + Minutes(minute), shop_, [this, minute] {
        queue_->Set(minute == 5 ? 9 : 3);
        sim_.recorder().State(queue_lane_, "queued", sim_.Now(), queue_->Value(),
                              minute == 5 ? Severity::kWarning : Severity::kInfo);
      });
    }
    Tick();
    sim_.RunUntil(Time() + Minutes(10));
  }

  RunResults Results() {
    RunResults results = CollectResults(sim_, Phases(), "");
    return results;
  }
  RunSummary Summary() { return Summarise(SampleHeader(), Results()); }
  Simulation& sim() { return sim_; }
  const Distribution& latency() const { return *latency_; }

 private:
  void Tick() {
    sim_.At<"test.tick">(Time() + Milliseconds(50), shop_, [this] { Fire(); });
  }
  void Fire() {
    const int64_t millis = next_ % 1000 + 1;
    latency_->Record(Milliseconds(millis), records_per_tick_);
    acked_->Add(records_per_tick_);
    if (next_ % 10 == 0) {
      sim_.recorder().Span(RecordLevel::kSpans, lane_, next_ % 20 == 0 ? "append" : "fetch",
                           sim_.Now(), sim_.Now() + Milliseconds(next_), next_);
    }
    ++next_;
    sim_.At<"test.tick">(sim_.Now() + Milliseconds(100), shop_, [this] { Fire(); });
  }

  Simulation sim_;
  int64_t records_per_tick_;
  int64_t next_ = 0;
  ComponentId shop_ = 0;
  Counter* acked_ = nullptr;
  Distribution* latency_ = nullptr;
  Gauge* queue_ = nullptr;
  LaneId lane_ = 0;
  LaneId queue_lane_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_RESULTS_SAMPLE_RUN_H_
