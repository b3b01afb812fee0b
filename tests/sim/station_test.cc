#include "sim/station.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/random.h"

namespace freshet {

// Reaches into a station to break what its audits guard, as a bug would.
class StationTestPeer {
 public:
  static void ForgetAJob(Station& station) { ++station.served_; }
  static void AgeAJob(Station& station) { station.jobs_[Station::LineOf(0) + 1].arrived -= 1; }
  static void LoseTime(Station& station) { station.present_integral_ -= 1; }
  static void IdleAWorker(Station& station) { --station.busy_; }
  static void OverstateBusyTime(Station& station) { station.busy_integral_ += 1; }
};

namespace {

constexpr uint64_t kSeed = 92;

// Writes "name@milliseconds" for each job done.
class Log {
 public:
  explicit Log(Simulation& sim) : sim_(sim) {}
  Callback Done(char name) {
    return [this, name] {
      text += (text.empty() ? "" : " ") + std::string(1, name) + "@" +
              std::to_string(sim_.Now().nanos() / 1'000'000);
    };
  }
  std::string text;

 private:
  Simulation& sim_;
};

class Script : public Component {
 public:
  using Component::After;
  using Component::Component;
};

Station::Config Workers(int64_t count) {
  Station::Config config;
  config.workers = count;
  return config;
}

TEST(StationTest, ServesFirstComeFirstServed) {
  Simulation sim(kSeed);
  Station station(sim, "disk", Workers(1));
  Log log(sim);
  station.Serve(Milliseconds(10), log.Done('a'));
  station.Serve(Milliseconds(5), log.Done('b'));
  station.Serve(Milliseconds(1), log.Done('c'));
  EXPECT_EQ(station.in_service(), 1);
  EXPECT_EQ(station.waiting(), 2);
  sim.Run();
  EXPECT_EQ(log.text, "a@10 b@15 c@16");
  EXPECT_EQ(station.BusyTime(), Milliseconds(16));
  EXPECT_EQ(station.PresentIntegral(), Milliseconds(10 + 15 + 16).nanos());
}

TEST(StationTest, TwoWorkersServeTwoJobsAtOnce) {
  Simulation sim(kSeed);
  Station station(sim, "threads", Workers(2));
  Log log(sim);
  station.Serve(Milliseconds(10), log.Done('a'));
  station.Serve(Milliseconds(4), log.Done('b'));
  station.Serve(Milliseconds(4), log.Done('c'));
  sim.Run();
  EXPECT_EQ(log.text, "b@4 c@8 a@10");
}

TEST(StationTest, DoneFiresAfterTheNextJobWasTaken) {
  Simulation sim(kSeed);
  Station station(sim, "disk", Workers(1));
  int64_t waiting = -1;
  station.Serve(Milliseconds(1), [&] { waiting = station.waiting(); });
  station.Serve(Milliseconds(1), Callback());
  sim.Run();
  EXPECT_EQ(waiting, 0);
}

TEST(StationTest, AFullRoomRefuses) {
  Simulation sim(kSeed);
  Station::Config config = Workers(1);
  config.room = 2;
  Station station(sim, "gate", config);
  Log log(sim);
  EXPECT_TRUE(station.Serve(Milliseconds(1), log.Done('a')));
  EXPECT_TRUE(station.Serve(Milliseconds(1), log.Done('b')));
  EXPECT_FALSE(station.Serve(Milliseconds(1), log.Done('c')));
  sim.Run();
  EXPECT_EQ(log.text, "a@1 b@2");
  EXPECT_EQ(station.refused(), 1);
}

TEST(StationTest, ALowerClassNumberGoesFirst) {
  Simulation sim(kSeed);
  Station::Config config = Workers(1);
  config.classes = 2;
  Station station(sim, "queue", config);
  Log log(sim);
  station.Serve(Milliseconds(5), log.Done('a'), 1);
  station.Serve(Milliseconds(5), log.Done('b'), 1);
  station.Serve(Milliseconds(5), log.Done('c'), 0);
  sim.Run();
  EXPECT_EQ(log.text, "a@5 c@10 b@15");
}

TEST(StationTest, AnInterruptedJobResumesWhereItWas) {
  Simulation sim(kSeed);
  Station::Config config = Workers(1);
  config.classes = 3;
  config.preemptive = true;
  Station station(sim, "cpu", config);
  Script script(sim, "script");
  Log log(sim);
  station.Serve(Milliseconds(10), log.Done('c'), 2);
  script.After<"b">(Milliseconds(4), [&] { station.Serve(Milliseconds(10), log.Done('b'), 1); });
  script.After<"a">(Milliseconds(6), [&] { station.Serve(Milliseconds(1), log.Done('a'), 0); });
  script.After<"d">(Milliseconds(7), [&] { station.Serve(Milliseconds(1), log.Done('d'), 2); });
  sim.Run();
  EXPECT_EQ(log.text, "a@7 b@15 c@21 d@22");
  EXPECT_EQ(station.BusyTime(), Milliseconds(22));
}

TEST(StationTest, ABatchTakesWhatIsThere) {
  Simulation sim(kSeed);
  Station::Config config = Workers(1);
  config.batch = 3;
  Station station(sim, "flush", config);
  Log log(sim);
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
    station.Serve(Milliseconds(name - 'a' + 1), log.Done(name));
  }
  sim.Run();
  EXPECT_EQ(log.text, "a@1 b@5 c@5 d@5 e@10");  // For the longest of b, c, d.
}

TEST(StationTest, AFlushTakesAsLongAsItsFirstJob) {
  Simulation sim(kSeed);
  Station::Config config = Workers(1);
  config.batch = 3;
  config.batch_service = Station::BatchService::kFirst;
  Station station(sim, "flush", config);
  Log log(sim);
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
    station.Serve(Milliseconds(name - 'a' + 1), log.Done(name));
  }
  sim.Run();
  EXPECT_EQ(log.text, "a@1 b@3 c@3 d@3 e@8");
}

TEST(StationTest, HalfSpeedStretchesWhatIsLeft) {
  Simulation sim(kSeed);
  Station station(sim, "disk", Workers(1));
  Script script(sim, "script");
  Log log(sim);
  station.Serve(Milliseconds(10), log.Done('a'));
  station.Serve(Milliseconds(10), log.Done('b'));
  script.After<"slow">(Milliseconds(4), [&] { station.SetSpeed(Ratio::Percent(50)); });
  script.After<"heal">(Milliseconds(20), [&] { station.SetSpeed(Ratio::One()); });
  sim.Run();
  EXPECT_EQ(log.text, "a@16 b@28");  // 4 + 6 / 0.5; then 2 of b by 20, 8 more.
}

TEST(StationTest, ManyChangesOfSpeedLoseNothing) {
  Simulation sim(kSeed);
  Station station(sim, "disk", Workers(1));
  Script script(sim, "script");
  Time done;
  station.Serve(Nanoseconds(300'000), [&] { done = sim.Now(); });
  // A third and two thirds in turn, each for 7 ns: on average half.
  struct Turner {
    Script& script;
    Station& station;
    bool fast = false;
    void Turn() {
      if (station.present() == 0) return;
      station.SetSpeed(Ratio::FromBillionths(fast ? 666'666'667 : 333'333'333));
      fast = !fast;
      script.After<"turn">(Nanoseconds(7), [this] { Turn(); });
    }
  } turner{script, station};
  turner.Turn();
  sim.Run();
  EXPECT_NEAR(static_cast<double>(done.nanos()), 600'000, 3);
}

TEST(StationTest, NothingMovesWhileDown) {
  Simulation sim(kSeed);
  Station station(sim, "disk", Workers(1));
  Script script(sim, "script");
  Log log(sim);
  station.Serve(Milliseconds(10), log.Done('a'));
  script.After<"down">(Milliseconds(4), [&] { station.SetDown(true); });
  script.After<"b">(Milliseconds(5), [&] { station.Serve(Milliseconds(1), log.Done('b')); });
  script.After<"up">(Milliseconds(104), [&] { station.SetDown(false); });
  sim.Run();
  EXPECT_EQ(log.text, "a@110 b@111");
  EXPECT_EQ(station.BusyTime(), Milliseconds(11));
}

TEST(StationTest, ACrashDropsEverything) {
  Simulation sim(kSeed);
  Station station(sim, "disk", Workers(1));
  Script script(sim, "script");
  Log log(sim);
  station.Serve(Milliseconds(10), log.Done('a'));
  station.Serve(Milliseconds(10), log.Done('b'));
  script.After<"crash">(Milliseconds(4), [&] { EXPECT_EQ(station.DropAll(), 2); });
  script.After<"c">(Milliseconds(5), [&] { station.Serve(Milliseconds(1), log.Done('c')); });
  sim.Run();
  EXPECT_EQ(log.text, "c@6");
  EXPECT_EQ(station.dropped(), 2);
  EXPECT_EQ(station.SojournSum(), Milliseconds(4 + 4 + 1).nanos());
}

TEST(StationTest, ACrashFromACallbackSilencesTheRestOfItsBatch) {
  Simulation sim(kSeed);
  Station::Config config = Workers(1);
  config.batch = 2;
  Station station(sim, "flush", config);
  Log log(sim);
  station.Serve(Milliseconds(1), log.Done('a'));
  station.Serve(Milliseconds(1), [&] { station.DropAll(); });
  station.Serve(Milliseconds(1), log.Done('c'));
  sim.Run();
  EXPECT_EQ(log.text, "a@1");
}

TEST(StationTest, MetricsAreRecorded) {
  Simulation sim(kSeed);
  Station station(sim, "disk", Workers(1));
  station.Serve(Milliseconds(10), Callback());
  station.Serve(Milliseconds(10), Callback());
  sim.RunUntil(Time() + Milliseconds(40));
  const ComponentId id = station.component_id();
  const auto* wait = static_cast<const Distribution*>(sim.metrics().Find("station.wait", id));
  EXPECT_EQ(wait->InPhase(Phase::kBeforeFaults)->sum(), Milliseconds(10).nanos());
  sim.EnterPhase(Phase::kDuringFaults);  // Settles the gauges.
  const auto* busy = static_cast<const Gauge*>(sim.metrics().Find("station.busy", id));
  EXPECT_EQ(busy->InPhase(Phase::kBeforeFaults).integral, Milliseconds(20).nanos());
  const auto* present = static_cast<const Gauge*>(sim.metrics().Find("station.present", id));
  EXPECT_EQ(present->InPhase(Phase::kBeforeFaults).integral, Milliseconds(30).nanos());
  EXPECT_EQ(present->InPhase(Phase::kBeforeFaults).max, 2);
}

// Whatever is done to a station, in whatever order: its audits hold at any instant.
RC_GTEST_PROP(StationTest, AuditsHoldThroughAnyTreatment, ()) {
  Station::Config config;
  config.workers = *rc::gen::inRange<int64_t>(1, 4);
  config.classes = *rc::gen::inRange(1, 4);
  config.room = *rc::gen::element<int64_t>(3, 10, INT64_MAX);
  config.preemptive = *rc::gen::arbitrary<bool>();
  config.batch = config.preemptive ? 1 : *rc::gen::inRange<int64_t>(1, 4);
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  Simulation sim(kSeed);
  Station station(sim, "any", config);
  RandomStream stream(seed, "test", "steps");
  int64_t fired = 0;
  for (int i = 0; i < 300; ++i) {
    switch (stream.NextBelow(12)) {
      case 0:
        station.SetDown(!station.down());
        break;
      case 1:
        station.SetSpeed(
            Ratio::FromBillionths(1 + static_cast<int64_t>(stream.NextBelow(2'000'000'000))));
        break;
      case 2:
        if (stream.NextBelow(5) == 0) station.DropAll();
        break;
      default: {
        const auto service = static_cast<int64_t>(stream.NextBelow(1000));
        const auto job_class =
            static_cast<int>(stream.NextBelow(static_cast<uint64_t>(config.classes)));
        station.Serve(
            Nanoseconds(service), [&fired] { ++fired; }, job_class);
      }
    }
    // Final audits run at each end.
    sim.RunUntil(sim.Now() + Nanoseconds(static_cast<int64_t>(stream.NextBelow(500))));
    RC_ASSERT(station.PresentIntegral() == station.SojournSum());
  }
  station.SetDown(false);
  sim.Run();
  RC_ASSERT(station.present() == 0);
  RC_ASSERT(fired == station.served());
  RC_ASSERT(station.offered() == station.served() + station.refused() + station.dropped());
}

// --- Canaries: each audit notices the breach that it is there for. ---

std::string BrokenBy(void (*breach)(Station&)) {
  Simulation sim(kSeed);
  Station station(sim, "disk", Workers(1));
  Script script(sim, "script");
  station.Serve(Milliseconds(10), Callback());
  station.Serve(Milliseconds(10), Callback());
  script.After<"breach">(Milliseconds(4), [&station, breach] { breach(station); });
  try {
    sim.RunUntil(Time() + Milliseconds(5));
  } catch (const InvariantBroken& broken) {
    return broken.invariant();
  }
  return "nothing";
}

TEST(StationCanary, ALostJob) { EXPECT_EQ(BrokenBy(StationTestPeer::ForgetAJob), "inv.I3"); }
TEST(StationCanary, AWrongArrival) { EXPECT_EQ(BrokenBy(StationTestPeer::AgeAJob), "inv.I4"); }
TEST(StationCanary, ALostNanosecond) { EXPECT_EQ(BrokenBy(StationTestPeer::LoseTime), "inv.I4"); }
TEST(StationCanary, AnIdleWorker) { EXPECT_EQ(BrokenBy(StationTestPeer::IdleAWorker), "inv.I5"); }
TEST(StationCanary, BusyBeyondItsJobs) {
  EXPECT_EQ(BrokenBy(StationTestPeer::OverstateBusyTime), "inv.I6");
}
TEST(StationCanary, ANegativeService) {
  EXPECT_EQ(BrokenBy([](Station& station) { station.Serve(Nanoseconds(-1), Callback()); }),
            "contract");
}

}  // namespace
}  // namespace freshet
