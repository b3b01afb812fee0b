#include "models/fault/fault.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sim/check.h"

namespace freshet {
namespace {

using testing::ElementsAre;

// Writes down what holds from when on, and works at a piece a second.
class Target : public FaultTarget {
 public:
  explicit Target(Simulation& sim) : sim_(sim) {}
  bool Understands(FaultVerb) const override { return true; }
  void SetDown(bool down) override { Note(down ? "down" : "up"); }
  void SetSlow(Ratio factor) override {
    Note(absl::StrCat("x", factor.billionths() / 1'000'000'000));
  }
  void SetThrottle(BytesPerSecond cap) override {
    Note(cap == BytesPerSecond(INT64_MAX) ? "free" : absl::StrCat(cap.count(), " B/s"));
  }
  int64_t WorkTouched() const override { return works ? sim_.Now().SinceStart() / Seconds(1) : 0; }

  bool works = true;
  std::vector<std::string> said;

 private:
  void Note(absl::string_view what) {
    said.push_back(absl::StrCat(sim_.Now().SinceStart() / Seconds(1), "s ", what));
  }
  Simulation& sim_;
};

class DeafTarget : public Target {
 public:
  using Target::Target;
  bool Understands(FaultVerb) const override { return false; }
};

class FaultTest : public testing::Test {
 protected:
  FaultPlan Plan(FaultVerb verb, int64_t at, int64_t lasts, FaultTarget* on = nullptr) {
    FaultPlan plan;
    plan.verb = verb;
    plan.on = on == nullptr ? &target : on;
    plan.at = Time() + Seconds(at);
    plan.lasts = Seconds(lasts);
    return plan;
  }
  std::vector<std::string> Phases() const {
    const char* const names[] = {"warm-up", "before", "during", "after"};
    std::vector<std::string> phases;
    for (const auto& entry : faults.phases()) {
      phases.push_back(absl::StrCat(entry.at.SinceStart() / Seconds(1), "s ",
                                    names[static_cast<int>(entry.phase)]));
    }
    return phases;
  }

  Simulation sim{92};
  FaultInjector faults{sim, "faults"};
  Target target{sim};
};

TEST_F(FaultTest, TheHarshestOfOverlappingSlowdownsRules) {
  FaultPlan mild = Plan(FaultVerb::kSlow, 10, 30);
  mild.factor = Ratio::Whole(2);
  FaultPlan harsh = Plan(FaultVerb::kSlow, 20, 10);
  harsh.factor = Ratio::Whole(5);
  faults.Schedule(mild);
  faults.Schedule(harsh);
  sim.Run();
  EXPECT_THAT(target.said, ElementsAre("10s x2", "20s x5", "30s x2", "40s x1"));
}

TEST_F(FaultTest, TheLowestOfOverlappingThrottlesRules) {
  FaultPlan harsh = Plan(FaultVerb::kThrottle, 10, 10);
  harsh.rate = BytesPerSecond(100);
  FaultPlan mild = Plan(FaultVerb::kThrottle, 15, 10);
  mild.rate = BytesPerSecond(500);
  faults.Schedule(harsh);
  faults.Schedule(mild);
  sim.Run();
  EXPECT_THAT(target.said, ElementsAre("10s 100 B/s", "15s 100 B/s", "20s 500 B/s", "25s free"));
}

TEST_F(FaultTest, ATargetIsUpAgainWhenTheLastOutageEnds) {
  faults.Schedule(Plan(FaultVerb::kDown, 10, 10));
  faults.Schedule(Plan(FaultVerb::kDown, 15, 10));
  sim.Run();
  EXPECT_THAT(target.said, ElementsAre("10s down", "15s down", "20s down", "25s up"));
}

TEST_F(FaultTest, VerbsAndTargetsDoNotMix) {
  Target other(sim);
  FaultPlan slow = Plan(FaultVerb::kSlow, 10, 20);
  slow.factor = Ratio::Whole(2);
  faults.Schedule(slow);
  faults.Schedule(Plan(FaultVerb::kDown, 15, 10));
  faults.Schedule(Plan(FaultVerb::kDown, 16, 10, &other));
  sim.Run();
  EXPECT_THAT(target.said, ElementsAre("10s x2", "15s down", "25s up", "30s x1"));
  EXPECT_THAT(other.said, ElementsAre("16s down", "26s up"));
}

TEST_F(FaultTest, AnEffectIsTheWorkOfTheTargetMeanwhile) {
  faults.Schedule(Plan(FaultVerb::kDown, 10, 5));
  faults.Schedule(Plan(FaultVerb::kDown, 30, 0));  // Until the end of the run.
  sim.RunUntil(Time() + Seconds(40));
  const auto effects = faults.Effects();
  ASSERT_EQ(effects.size(), 2u);
  EXPECT_EQ(effects[0].touched, 5);
  EXPECT_TRUE(effects[0].ended);
  EXPECT_EQ(effects[1].touched, 10);
  EXPECT_FALSE(effects[1].ended);
  EXPECT_FALSE(effects[0].Vacuous());
}

TEST_F(FaultTest, AFaultThatTouchedNothingIsVacuous) {
  target.works = false;
  faults.Schedule(Plan(FaultVerb::kDown, 10, 5));
  faults.Schedule(Plan(FaultVerb::kDown, 100, 5));
  sim.RunUntil(Time() + Seconds(50));
  const auto effects = faults.Effects();
  EXPECT_TRUE(effects[0].begun);
  EXPECT_TRUE(effects[0].Vacuous());
  EXPECT_FALSE(effects[1].begun);  // The run was over before.
  EXPECT_TRUE(effects[1].Vacuous());
}

TEST_F(FaultTest, PhasesFollowWarmUpAndFaults) {
  faults.Schedule(Plan(FaultVerb::kDown, 10, 5));
  faults.Schedule(Plan(FaultVerb::kDown, 12, 8));
  faults.Schedule(Plan(FaultVerb::kDown, 30, 5));
  faults.SchedulePhases(Seconds(3));
  sim.RunUntil(Time() + Seconds(50));
  EXPECT_THAT(Phases(), ElementsAre("0s warm-up", "3s before", "10s during", "20s after",
                                    "30s during", "35s after"));
}

TEST_F(FaultTest, WarmUpHidesAFaultFromThePhases) {
  faults.Schedule(Plan(FaultVerb::kDown, 1, 1));
  faults.SchedulePhases(Seconds(3));
  sim.RunUntil(Time() + Seconds(5));
  EXPECT_THAT(Phases(), ElementsAre("0s warm-up", "3s after"));
}

TEST_F(FaultTest, RefusesAVerbThatTheTargetDoesNotUnderstand) {
  DeafTarget deaf(sim);
  EXPECT_THROW(faults.Schedule(Plan(FaultVerb::kDown, 1, 1, &deaf)), InvariantBroken);
}

}  // namespace
}  // namespace freshet
