// Rows T01 to T08 and T13: outages, backlogs, catching up, filling up.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sim/bandwidth.h"
#include "sim/bounded_queue.h"
#include "sim/component.h"
#include "sim/sampler.h"
#include "sim/station.h"
#include "tests/oracle/line.h"
#include "tests/oracle/replicate.h"

namespace freshet::oracle {
namespace {

// Even arrivals at an even server that is down, or slow, for a while. The fluid of the formulas
// comes in single records here, so a count may be off by one record and a time by one gap. Time is
// tripled: a gap of 3 ms and a service of 2 ms stand for 1000/s and 1500/s.
class Outage : public Component {
 public:
  explicit Outage(Simulation& sim)
      : Component(sim, "outage"), station_(sim, "outage/station", Quiet()) {}

  void Run(Duration outage, Ratio speed_meanwhile, Duration span) {
    end_ = Time() + span;
    recovered_from_ = Time() + outage;
    if (speed_meanwhile == Ratio()) {
      station_.SetDown(true);
    } else {
      station_.SetSpeed(speed_meanwhile);
    }
    At<"outage.end">(
        recovered_from_,
        [this] {
          peak = station_.present();
          station_.SetSpeed(Ratio::One());
          station_.SetDown(false);
        },
        Priority::kFault);
    Arrive();
    sim().RunUntil(end_);
    integral = static_cast<double>(station_.PresentIntegral()) * 1e-9 / 3;
  }

  int64_t peak = 0;
  double integral = 0;          // Record seconds.
  Duration drained_after;       // From the end of the outage to the first empty queue.
  std::vector<int64_t> delays;  // Of those that waited longer than their service.
  Duration staler_than_limit;   // How long the record in service was older than the limit.
  Duration limit = Seconds(60) * 3;

 private:
  static Station::Config Quiet() {
    Station::Config config;
    config.metrics = false;
    return config;
  }
  void Arrive() {
    const Time now = Now();
    station_.Serve(Milliseconds(2), [this, now] { Done(now); });
    if (now + Milliseconds(3) < end_)
      After<"outage.arrival">(Milliseconds(3), [this] { Arrive(); });
  }
  void Done(Time arrived) {
    const Duration delay = Now() - arrived;
    if (station_.present() == 0 && drained_after == Duration() && Now() > recovered_from_) {
      drained_after = Now() - recovered_from_;
    }
    // The staleness a reader sees grows until the next record comes out.
    if (drained_after == Duration()) {
      delays.push_back((delay - Milliseconds(2)).nanos());
      const Time stale_from = std::max(last_done_, last_arrived_ + limit);
      if (Now() > stale_from) staler_than_limit += Now() - stale_from;
      last_arrived_ = arrived;
      last_done_ = Now();
    }
  }

  Station station_;
  Time end_;
  Time recovered_from_;
  Time last_arrived_;
  Time last_done_;
};

TEST(QuickTransientOracle, T01TotalOutage) {
  Simulation sim(1);
  Outage outage(sim);
  outage.Run(Seconds(600) * 3, Ratio(), Seconds(2000) * 3);
  std::sort(outage.delays.begin(), outage.delays.end());
  const auto seconds = [](int64_t nanos) { return static_cast<double>(nanos) * 1e-9 / 3; };
  double sum = 0;
  for (const int64_t delay : outage.delays) sum += seconds(delay);
  ExpectExact(static_cast<double>(outage.peak), "T01", "peak lag (records)");
  ExpectExact(outage.drained_after.ToSeconds() / 3, "T01", "drain time after restart (s)", 0.004);
  ExpectExact(outage.integral, "T01", "integral of lag (record s)", 2000);
  ExpectExact(seconds(outage.delays.back()), "T01", "max record delay (s)", 0.001);
  ExpectExact(sum / static_cast<double>(outage.delays.size()), "T01",
              "mean delay of the affected records (s)", 0.002);
  ExpectExact(seconds(outage.delays[outage.delays.size() * 99 / 100]), "T01",
              "p99 delay of the affected records (s)", 0.002);
  ExpectExact(outage.staler_than_limit.ToSeconds() / 3, "T01", "seconds with staleness > 60 s",
              0.004);
}

TEST(QuickTransientOracle, T02PartOfTheCapacity) {
  Simulation sim(1);
  Outage outage(sim);
  // 800 of 1500, cut at a billionth: the backlog's last record may be one more.
  outage.Run(Seconds(300) * 3, Ratio::FromBillionths(800'000'000'000 / 1500), Seconds(600) * 3);
  ExpectExact(static_cast<double>(outage.peak), "T02", "peak lag", 1);
  ExpectExact(outage.drained_after.ToSeconds() / 3, "T02", "drain time after repair (s)", 0.006);
}

// History at what live traffic leaves: one record is one byte, and live traffic goes first.
double SecondsToReplay(int64_t backlog, int64_t live, int64_t capacity) {
  Simulation sim(1);
  Bandwidth::Config config;
  config.capacity = BytesPerSecond(capacity);
  config.classes = {{.tier = 0, .cap = BytesPerSecond(live)}, {.tier = 1}};
  Bandwidth link(sim, "link", config);
  link.Start(Bytes(int64_t{1} << 50), Callback(), 0);
  Time done;
  link.Start(
      Bytes(backlog),
      [&sim, &done] {
        done = sim.Now();
        sim.StopAfterThisEvent();
      },
      1);
  sim.Run();
  return done.SinceStart().ToSeconds();
}
TEST(QuickTransientOracle, T03Replay) {
  ExpectExact(SecondsToReplay(86'400'000, 1000, 4000), "T03", "time to reach the head (s)");
}
TEST(QuickTransientOracle, T04ReplayWithLittleHeadroom) {
  ExpectExact(SecondsToReplay(86'400'000, 1000, 1250), "T04", "time to reach the head (s)");
}
TEST(QuickTransientOracle, T05Reassignment) {
  ExpectExact(SecondsToReplay(int64_t{1} << 40, 20'000'000, 100'000'000), "T05",
              "time to in-sync (s)", 1e-9);
}

// First passage to empty from 1000 jobs; runs one behind the other in one simulation.
class Drain : public Component {
 public:
  Drain(Simulation& sim, Sampler service)
      : Component(sim, "drain"),
        service_(service),
        station_(sim, "drain/station", Quiet()),
        gaps_(NewStream("gaps")),
        services_(NewStream("services")) {}

  std::vector<double> Run(int passages) {
    left_ = passages;
    Begin();
    sim().Run();
    return spans_;
  }

 private:
  static Station::Config Quiet() {
    Station::Config config;
    config.metrics = false;
    return config;
  }
  void Begin() {
    begun_ = Now();
    for (int i = 0; i < 1000; ++i) Offer();
    arrival_ = After<"drain.arrival">(gap_.DrawDuration(gaps_), [this] { Arrive(); });
  }
  void Arrive() {
    Offer();
    arrival_ = After<"drain.arrival">(gap_.DrawDuration(gaps_), [this] { Arrive(); });
  }
  void Offer() {
    station_.Serve(service_.DrawDuration(services_), [this] {
      if (station_.present() > 0) return;
      spans_.push_back(static_cast<double>((Now() - begun_).nanos()) / kUnit);
      sim().Cancel(arrival_);
      if (--left_ > 0) Begin();
    });
  }

  const Sampler service_;
  const Sampler gap_ = Sampler::Exponential(kUnit / 0.8);
  Station station_;
  RandomStream gaps_;
  RandomStream services_;
  EventId arrival_;
  Time begun_;
  int left_ = 0;
  std::vector<double> spans_;
};

void HoldDrain(const char* id, Sampler service) {
  const auto estimates = Replicate([&](uint64_t seed) {
    Simulation sim(seed);
    const std::vector<double> spans = Drain(sim, service).Run(100);
    const Estimate estimate = EstimateOf(spans);
    const double variance =
        estimate.standard_error * estimate.standard_error * static_cast<double>(spans.size());
    return Answers{estimate.mean, variance};
  });
  ExpectOracle(estimates[0], id, "mean");
  const double deviation = Value(id, "standard deviation");
  ExpectNear(estimates[1], deviation * deviation, id, "standard deviation, squared", 0.1);
}
TEST(QuickTransientOracle, T06DrainOfRandomServices) {
  HoldDrain("T06", Sampler::Exponential(kUnit));
}
TEST(QuickTransientOracle, T07DrainOfEvenServices) { HoldDrain("T07", Sampler::Constant(kUnit)); }

// The number present some time after an empty start, over many starts in one simulation.
class WarmUp : public Component {
 public:
  WarmUp(Simulation& sim, std::vector<int64_t> times)
      : Component(sim, "warm"),
        times_(std::move(times)),
        station_(sim, "warm/station", Quiet()),
        gaps_(NewStream("gaps")),
        services_(NewStream("services")),
        sums_(times_.size()) {}

  Answers Run(int starts) {
    left_ = starts;
    Begin();
    sim().Run();
    Answers answers;
    for (const double sum : sums_) answers.push_back(sum / starts);
    return answers;
  }

 private:
  static Station::Config Quiet() {
    Station::Config config;
    config.metrics = false;
    return config;
  }
  void Begin() {
    arrival_ = After<"warm.arrival">(gap_.DrawDuration(gaps_), [this] { Arrive(); });
    for (size_t i = 0; i < times_.size(); ++i) {
      After<"warm.look">(Duration::FromDouble(static_cast<double>(times_[i]) * kUnit),
                         [this, i] { Look(i); });
    }
  }
  void Arrive() {
    station_.Serve(service_.DrawDuration(services_), Callback());
    arrival_ = After<"warm.arrival">(gap_.DrawDuration(gaps_), [this] { Arrive(); });
  }
  void Look(size_t i) {
    sums_[i] += static_cast<double>(station_.present());
    if (i + 1 < times_.size()) return;
    station_.DropAll();
    sim().Cancel(arrival_);
    if (--left_ > 0) Begin();
  }

  const std::vector<int64_t> times_;
  const Sampler gap_ = Sampler::Exponential(kUnit / 0.8);
  const Sampler service_ = Sampler::Exponential(kUnit);
  Station station_;
  RandomStream gaps_;
  RandomStream services_;
  EventId arrival_;
  int left_ = 0;
  std::vector<double> sums_;
};

void HoldWarmUp(const std::vector<int64_t>& times, int starts) {
  const auto estimates = Replicate([&](uint64_t seed) {
    Simulation sim(seed);
    return WarmUp(sim, times).Run(starts / kRuns);
  });
  for (size_t i = 0; i < times.size(); ++i) {
    ExpectOracle(estimates[i], "T08", "t=" + std::to_string(times[i]));
  }
}
TEST(QuickTransientOracle, T08WarmUp) { HoldWarmUp({5, 20}, 240000); }
TEST(LongTransientOracle, T08WarmUp) { HoldWarmUp({5, 20, 50, 100, 200}, 250000); }

// A producer of a megabyte a second, in records of 64 bytes, whose buffer nobody empties.
class BlockedProducer : public Component {
 public:
  explicit BlockedProducer(Simulation& sim)
      : Component(sim, "producer"), buffer_(sim, "producer/buffer", Options()) {}

  void Run() {
    Send();
    sim().RunUntil(Time() + Seconds(60) - Nanoseconds(1));
  }

  Time blocked_at;
  int64_t blocked_bytes() const { return buffer_.bytes_blocked().count(); }

 private:
  static BoundedQueueConfig Options() {
    BoundedQueueConfig config;
    config.most_bytes = Bytes(33554432);
    config.metrics = false;
    return config;
  }
  void Send() {
    if (!buffer_.Push(0, Bytes(64), Callback()) && blocked_at == Time()) blocked_at = Now();
    After<"producer.record">(Microseconds(64), [this] { Send(); });
  }
  BoundedQueue<int> buffer_;
};

TEST(QuickTransientOracle, T13ProducerBufferFills) {
  Simulation sim(1);
  BlockedProducer producer(sim);
  producer.Run();
  ExpectExact(producer.blocked_at.SinceStart().ToSeconds(), "T13", "time until send() blocks (s)");
  ExpectExact(static_cast<double>(producer.blocked_bytes()), "T13", "bytes blocked or dropped");
}

}  // namespace
}  // namespace freshet::oracle
