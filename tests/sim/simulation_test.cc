#include "sim/simulation.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/component.h"
#include "sim/random.h"

namespace freshet {
namespace {

constexpr uint64_t kSeed = 92;

class Clockwork : public Component {
 public:
  using Component::After;
  using Component::At;
  using Component::Component;
};

TEST(SimulationTest, EventsOfOneInstantFireInTheOrderOfPriorityThenOfScheduling) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  std::string order;
  const Time at = Time() + Seconds(1);
  clock.At<"e">(
      at, [&order] { order += 'e'; }, Priority::kEnd);
  clock.At<"n">(at, [&order] { order += '1'; });
  clock.At<"c">(
      at, [&order] { order += 'c'; }, Priority::kControl);
  clock.At<"n">(at, [&order] { order += '2'; });
  clock.At<"f">(
      at, [&order] { order += 'f'; }, Priority::kFault);
  sim.Run();
  EXPECT_EQ(order, "f12ce");
}

TEST(SimulationTest, AnEventForThisInstantNeverOvertakesTheRunningOne) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  std::string order;
  clock.After<"c">(
      Seconds(1),
      [&] {
        order += 'a';
        clock.After<"f">(
            Duration::Zero(), [&order] { order += 'c'; }, Priority::kFault);
      },
      Priority::kControl);
  clock.After<"c">(
      Seconds(1), [&order] { order += 'b'; }, Priority::kControl);
  sim.Run();
  EXPECT_EQ(order, "abc");
}

TEST(SimulationTest, ACancelledEventDoesNotFireAndIsCounted) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  int fired = 0;
  const EventId id = clock.After<"x">(Seconds(1), [&fired] { ++fired; });
  const EventId other = clock.After<"x">(Seconds(2), [&fired] { ++fired; });
  EXPECT_TRUE(sim.IsPending(id));
  EXPECT_TRUE(sim.Cancel(id));
  EXPECT_FALSE(sim.IsPending(id));
  EXPECT_FALSE(sim.Cancel(id));
  EXPECT_FALSE(sim.Cancel(EventId()));
  sim.Run();
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(sim.IsPending(other));
  EXPECT_FALSE(sim.Cancel(other));
  EXPECT_EQ(sim.EventsScheduled(), 2u);
  EXPECT_EQ(sim.EventsFired(), 1u);
  EXPECT_EQ(sim.EventsCancelled(), 1u);
  EXPECT_EQ(sim.EventsPending(), 0u);
}

TEST(SimulationTest, AHandlerCannotCancelItself) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  EventId id;
  bool cancelled = true;
  id = clock.After<"x">(Seconds(1), [&] { cancelled = sim.Cancel(id); });
  sim.Run();
  EXPECT_FALSE(cancelled);
  EXPECT_EQ(sim.EventsFired(), 1u);
}

TEST(SimulationTest, AnIdDoesNotNameTheNextEventInItsSlot) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  const EventId first = clock.After<"x">(Seconds(1), [] {});
  sim.Cancel(first);
  const EventId second = clock.After<"x">(Seconds(1), [] {});
  EXPECT_FALSE(sim.IsPending(first));
  EXPECT_FALSE(sim.Cancel(first));
  EXPECT_TRUE(sim.IsPending(second));
}

TEST(SimulationTest, ManyCancelledTimersAreSweptOut) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  int fired = 0;
  clock.After<"late">(Hours(2), [&fired] { ++fired; });
  for (int i = 0; i < 100'000; ++i) {
    sim.Cancel(clock.After<"timeout">(Hours(1) + Nanoseconds(i), [&fired] { ++fired; }));
  }
  sim.Run();
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(sim.EventsCancelled(), 100'000u);
}

RC_GTEST_PROP(SimulationTest, AnySchedulesAndCancelsFireAsAStableSortWould, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const auto count = *rc::gen::inRange(1, 2000);
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  RandomStream stream(seed, "test", "times");
  struct Planned {
    int64_t at;
    unsigned priority;
    int index;
  };
  std::vector<Planned> planned;
  std::vector<EventId> ids;
  std::vector<int> fired;
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<int64_t>(stream.NextBelow(uint64_t{1} << stream.NextBelow(40)));
    const auto priority = static_cast<unsigned>(stream.NextBelow(4));
    ids.push_back(clock.At<"x">(
        Time::FromNanos(at), [&fired, i] { fired.push_back(i); }, static_cast<Priority>(priority)));
    planned.push_back({at, priority, i});
  }
  for (int i = 0; i < count; ++i) {
    if (stream.NextBelow(3) != 0) continue;
    RC_ASSERT(sim.Cancel(ids[static_cast<size_t>(i)]));
    planned[static_cast<size_t>(i)].index = -1;
  }
  std::stable_sort(planned.begin(), planned.end(), [](const Planned& a, const Planned& b) {
    return a.at != b.at ? a.at < b.at : a.priority < b.priority;
  });
  std::vector<int> expected;
  for (const Planned& plan : planned) {
    if (plan.index >= 0) expected.push_back(plan.index);
  }
  sim.Run();
  RC_ASSERT(fired == expected);
}

TEST(SimulationTest, StopsAtTheEndAtTheLimitOrWhenNothingIsLeft) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  int fired = 0;
  for (int i = 1; i <= 4; ++i) clock.After<"x">(Seconds(i), [&fired] { ++fired; });
  EXPECT_EQ(sim.RunUntil(Time() + Seconds(2)), Simulation::Stop::kReachedEnd);
  EXPECT_EQ(fired, 2);  // The end is included.
  EXPECT_EQ(sim.Now(), Time() + Seconds(2));
  EXPECT_EQ(sim.RunUntil(Time::Max(), 1), Simulation::Stop::kEventLimit);
  EXPECT_EQ(fired, 3);
  EXPECT_EQ(sim.Now(), Time() + Seconds(3));
  EXPECT_EQ(sim.Run(), Simulation::Stop::kDrained);
  EXPECT_EQ(fired, 4);
  EXPECT_EQ(sim.Now(), Time() + Seconds(4));
  EXPECT_EQ(sim.RunUntil(Time() + Seconds(9)), Simulation::Stop::kReachedEnd);
  EXPECT_EQ(sim.Now(), Time() + Seconds(9));
}

// A look beyond the end must not spoil what is scheduled nearer afterwards.
TEST(SimulationTest, ScheduleAfterAnEndThatLookedAhead) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  std::vector<int64_t> fired;
  clock.After<"far">(Hours(1), [&] { fired.push_back(sim.Now().nanos()); });
  sim.RunUntil(Time() + Seconds(1));
  for (int64_t i = 1000; i > 0; --i) {
    clock.After<"near">(Seconds(i * 5), [&] { fired.push_back(sim.Now().nanos()); });
  }
  sim.Run();
  EXPECT_EQ(fired.size(), 1001u);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
}

TEST(SimulationTest, AHandlerCanEndTheRun) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  clock.After<"stop">(Seconds(1), [&sim] { sim.StopAfterThisEvent(); });
  clock.After<"x">(Seconds(2), [] {});
  EXPECT_EQ(sim.Run(), Simulation::Stop::kDrained);
  EXPECT_EQ(sim.EventsPending(), 1u);
  EXPECT_EQ(sim.Now(), Time() + Seconds(1));
}

TEST(SimulationTest, AnEventKnowsItsCause) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  uint64_t first = 0;
  uint64_t cause = 0;
  clock.After<"first">(Seconds(1), [&] {
    first = sim.CurrentEvent();
    clock.After<"second">(Seconds(1), [&] { cause = sim.CurrentCause(); });
  });
  sim.Run();
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(cause, first);
  EXPECT_EQ(sim.CurrentEvent(), 0u);
}

// The same random walk with a given name; returns its digests.
Digests Walk(Simulation& sim, const std::string& name, int steps) {
  struct Walker : Component {
    using Component::Component;
    RandomStream stream = NewStream("steps");
    int left = 0;
    void Step() {
      if (left-- == 0) return;
      After<"walker.step">(Nanoseconds(1 + static_cast<int64_t>(stream.NextBelow(1000))),
                           [this] { Step(); });
    }
  } walker(sim, name);
  walker.left = steps;
  walker.Step();
  sim.Run();
  return sim.FinishDigests();
}

TEST(SimulationTest, TwoSimulationsSideBySideDoNotMeet) {
  Simulation alone(kSeed);
  const Digests expected = Walk(alone, "walker", 1000);

  Simulation sim(kSeed);
  Simulation other(kSeed + 1);
  Clockwork clock(sim, "clock");
  Digests inner;
  // The other runs inside of an event of the first.
  clock.After<"x">(Seconds(0), [&] { inner = Walk(other, "walker", 500); });
  sim.Run();
  EXPECT_EQ(sim.Now(), Time());
  EXPECT_EQ(sim.EventsFired(), 1u);
  Simulation again(kSeed);
  EXPECT_EQ(Walk(again, "walker", 1000), expected);
  EXPECT_FALSE(inner == expected);
}

// --- Broken promises are noticed. ---

TEST(SimulationCanary, ABrokenInvariantSaysWhere) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  clock.After<"clock.strike">(Seconds(3), [] { SIM_CHECK(false, "inv.I0", "a planted breach"); });
  try {
    sim.Run();
    FAIL() << "the breach was not noticed";
  } catch (const InvariantBroken& broken) {
    EXPECT_EQ(broken.invariant(), "inv.I0");
    EXPECT_NE(std::string(broken.what()).find("a planted breach"), std::string::npos);
    EXPECT_NE(broken.where.find("t=3000000000ns"), std::string::npos) << broken.where;
    EXPECT_NE(broken.where.find("event 1 "), std::string::npos) << broken.where;
    EXPECT_NE(broken.where.find("clock.strike of clock"), std::string::npos) << broken.where;
    EXPECT_NE(broken.where.find("seed 92"), std::string::npos) << broken.where;
  }
}

std::string BrokenBy(void (*act)(Simulation& sim, Clockwork& clock)) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  try {
    act(sim, clock);
  } catch (const InvariantBroken& broken) {
    return broken.invariant();
  }
  return "nothing";
}

TEST(SimulationCanary, NoEventIsScheduledInThePast) {
  EXPECT_EQ(BrokenBy([](Simulation& sim, Clockwork& clock) {
              clock.After<"x">(Seconds(2), [] {});
              sim.Run();
              clock.At<"x">(Time() + Seconds(1), [] {});
            }),
            "inv.I1");
}

TEST(SimulationCanary, TimeDoesNotOverflow) {
  EXPECT_EQ(BrokenBy([](Simulation& sim, Clockwork& clock) {
              clock.After<"x">(Seconds(2), [] {});
              sim.Run();
              clock.After<"x">(Duration::Max(), [] {});
            }),
            "inv.D1");
}

TEST(SimulationCanary, NamesAreUnique) {
  EXPECT_EQ(BrokenBy([](Simulation& sim, Clockwork&) { Clockwork twin(sim, "clock"); }),
            "contract");
}

TEST(SimulationCanary, AuditsRunPeriodicallyAndAtTheEnd) {
  Simulation sim(kSeed);
  int audits = 0;
  sim.AddAudit([&audits] { ++audits; });
  struct Ticker : Component {
    using Component::Component;
    int64_t left = 0;
    void Tick() {
      if (left-- > 0) After<"tick">(Nanoseconds(1), [this] { Tick(); });
    }
  } ticker(sim, "ticker");
  ticker.left = 2 * static_cast<int64_t>(Simulation::kAuditSpacing) + 5;
  ticker.Tick();
  sim.Run();
  EXPECT_EQ(audits, 3);
}

}  // namespace

// Reaches into the kernel to miscount, as a bug would.
class SimulationTestPeer {
 public:
  static void MiscountFired(Simulation& sim) { ++sim.events_fired_; }
};

namespace {

TEST(SimulationCanary, AMiscountOfEventsIsNoticed) {
  EXPECT_EQ(BrokenBy([](Simulation& sim, Clockwork& clock) {
              clock.After<"x">(Seconds(1), [&sim] { SimulationTestPeer::MiscountFired(sim); });
              sim.Run();
            }),
            "inv.I2");
}

// An audit between two events speaks of the one that ran last.
TEST(SimulationCanary, AnAuditNamesTheLastEventAndItsCause) {
  Simulation sim(kSeed);
  Clockwork clock(sim, "clock");
  clock.After<"x">(Seconds(1), [&] {
    clock.After<"y">(Seconds(1), [&sim] { SimulationTestPeer::MiscountFired(sim); });
  });
  try {
    sim.Run();
    FAIL() << "the audit noticed nothing";
  } catch (const InvariantBroken& broken) {
    EXPECT_NE(broken.where.find("event 2 (y of clock), cause 1,"), std::string::npos)
        << broken.where;
  }
}

}  // namespace
}  // namespace freshet
