#include "sim/bandwidth.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "sim/random.h"

namespace freshet {

// Reaches into a link to break what its audits guard, as a bug would.
class BandwidthTestPeer {
 public:
  static void LoseBytes(Bandwidth& link) { link.offered_ += 1; }
  static void ForgetATransfer(Bandwidth& link) { ++link.started_; }
  static void GiveTooMuch(Bandwidth& link) { link.groups_[0].share *= 2; }
  static void ServeTooMuch(Bandwidth& link) { link.groups_[0].work += link.groups_[0].work; }
};

namespace {

constexpr uint64_t kSeed = 92;

class Script : public Component {
 public:
  using Component::After;
  using Component::Component;
};

Bandwidth::Config Link(int64_t mib_per_second) {
  Bandwidth::Config config;
  config.capacity = MiBPerSecond(mib_per_second);
  return config;
}

TEST(BandwidthTest, ATransferAloneIsOneEvent) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  Time done;
  link.Start(MiB(50), [&] { done = sim.Now(); });
  sim.Run();
  EXPECT_EQ(done.SinceStart(), Milliseconds(500));
  EXPECT_EQ(sim.EventsFired(), 1u);
}

TEST(BandwidthTest, TwoShareEquallyAndTheLaterOneGetsTheRest) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  Time small, large;
  link.Start(MiB(100), [&] { large = sim.Now(); });
  link.Start(MiB(50), [&] { small = sim.Now(); });
  sim.Run();
  EXPECT_EQ(small.SinceStart(), Milliseconds(1000));
  EXPECT_EQ(large.SinceStart(), Milliseconds(1500));
}

TEST(BandwidthTest, ThreeThirdsMakeAWhole) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  std::vector<Time> done;
  for (int i = 0; i < 3; ++i) link.Start(MiB(100), [&] { done.push_back(sim.Now()); });
  sim.Run();
  for (const Time at : done) EXPECT_EQ(at.SinceStart(), Seconds(3));
  EXPECT_LE(sim.EventsFired(), 2u);
}

TEST(BandwidthTest, AJoinSlowsTheFirstOneDown) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  Script script(sim, "script");
  Time first, second;
  link.Start(MiB(100), [&] { first = sim.Now(); });
  script.After<"join">(Milliseconds(500),
                       [&] { link.Start(MiB(100), [&] { second = sim.Now(); }); });
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Milliseconds(1500));
  EXPECT_EQ(second.SinceStart(), Milliseconds(2000));
}

TEST(BandwidthTest, NothingIsReentrantNotEvenAnEmptyTransfer) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  bool done = false;
  link.Start(Bytes(0), [&] { done = true; });
  EXPECT_FALSE(done);
  sim.Run();
  EXPECT_TRUE(done);
  EXPECT_EQ(sim.Now(), Time());
}

TEST(BandwidthTest, CancelReturnsWhatIsLeftAndTheOtherSpeedsUp) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  Script script(sim, "script");
  Time done;
  const Bandwidth::TransferId id = link.Start(MiB(100), [] { FAIL(); });
  link.Start(MiB(100), [&] { done = sim.Now(); });
  script.After<"cancel">(Seconds(1), [&] { EXPECT_EQ(link.Cancel(id), MiB(50)); });
  sim.Run();
  EXPECT_EQ(done.SinceStart(), Milliseconds(1500));
  EXPECT_EQ(link.Cancel(id), Bytes(0));
  EXPECT_EQ(link.cancelled(), MiB(100));
}

TEST(BandwidthTest, CancelAtTheVeryEndSilencesTheCallback) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  Bandwidth::TransferId other = 0;
  link.Start(MiB(50), [&] { EXPECT_EQ(link.Cancel(other), Bytes(0)); });
  other = link.Start(MiB(50), [] { FAIL(); });
  sim.Run();
}

TEST(BandwidthTest, ACutLinkStandsStillAndGoesOn) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  Script script(sim, "script");
  Time done;
  link.Start(MiB(100), [&] { done = sim.Now(); });
  script.After<"cut">(Milliseconds(400), [&] { link.SetCapacity(BytesPerSecond(0)); });
  script.After<"heal">(Seconds(100), [&] { link.SetCapacity(MiBPerSecond(100)); });
  sim.Run();
  EXPECT_EQ(done.SinceStart(), Milliseconds(100'600));
}

TEST(BandwidthTest, TheFirstTierGoesFirst) {
  Simulation sim(kSeed);
  Bandwidth::Config config = Link(100);
  config.classes = {{.tier = 0, .weight = 1, .cap = MiBPerSecond(60)}, {.tier = 1}};
  Bandwidth link(sim, "volume", config);
  Time first, second;
  link.Start(
      MiB(60), [&] { first = sim.Now(); }, 0);
  link.Start(
      MiB(90), [&] { second = sim.Now(); }, 1);
  sim.Run();
  EXPECT_EQ(first.SinceStart(), Seconds(1));           // At its cap.
  EXPECT_EQ(second.SinceStart(), Milliseconds(1500));  // 40 in the first second, then 100/s.
}

TEST(BandwidthTest, ClassesShareByWeight) {
  Simulation sim(kSeed);
  Bandwidth::Config config = Link(100);
  config.classes = {{.weight = 3}, {.weight = 1}};
  Bandwidth link(sim, "volume", config);
  Time heavy, light;
  link.Start(
      MiB(75), [&] { heavy = sim.Now(); }, 0);
  link.Start(
      MiB(75), [&] { light = sim.Now(); }, 1);
  sim.Run();
  EXPECT_EQ(heavy.SinceStart(), Seconds(1));
  EXPECT_EQ(light.SinceStart(), Milliseconds(1500));
}

TEST(BandwidthTest, WhatACappedTransferLeavesGoesToTheOthers) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "store", Link(100));
  Time slow, fast;
  link.Start(
      MiB(20), [&] { slow = sim.Now(); }, 0, MiBPerSecond(10));
  link.Start(MiB(90), [&] { fast = sim.Now(); });
  sim.Run();
  EXPECT_EQ(fast.SinceStart(), Seconds(1));
  EXPECT_EQ(slow.SinceStart(), Seconds(2));
}

TEST(BandwidthTest, ABurstLastsAsLongAsItsCredits) {
  Simulation sim(kSeed);
  Bandwidth::Config config = Link(100);
  config.has_credits = true;
  config.credits = {MiBPerSecond(20), MiB(160), MiB(160)};
  Bandwidth link(sim, "ebs", config);
  Time done;
  link.Start(MiB(300), [&] { done = sim.Now(); });
  sim.RunUntil(Time() + Seconds(2));
  EXPECT_EQ(link.CreditsLeft(), Bytes(0));  // 80 MiB/s above the baseline for 2 s.
  EXPECT_EQ(link.RateInUse(), MiBPerSecond(20));
  sim.Run();
  EXPECT_EQ(done.SinceStart(), Seconds(7));  // 200 by then, 100 at the baseline.
}

TEST(BandwidthTest, WithoutCreditsThereIsNoBurst) {
  const auto sustained = [](const BandwidthBurst& burst) {
    Simulation sim(kSeed);
    Bandwidth link(sim, "nic", BurstableBandwidth(MiBPerSecond(20), burst));
    Time done;
    link.Start(MiB(100), [&] { done = sim.Now(); });
    sim.Run();
    EXPECT_EQ(link.SustainedCapacity(), MiBPerSecond(20));
    return done.SinceStart();
  };
  EXPECT_EQ(sustained({}), Seconds(5));
  EXPECT_EQ(sustained({MiBPerSecond(100), Bytes(0), Bytes(0)}), Seconds(5));
  EXPECT_EQ(sustained({MiBPerSecond(100), MiB(80), Bytes(0)}), Seconds(5));
  EXPECT_EQ(sustained({MiBPerSecond(100), MiB(80), MiB(80)}), Seconds(1));
}

TEST(BandwidthTest, IdleTimeEarnsCredits) {
  Simulation sim(kSeed);
  Bandwidth::Config config = Link(100);
  config.has_credits = true;
  config.credits = {MiBPerSecond(20), MiB(160), Bytes(0)};
  Bandwidth link(sim, "ebs", config);
  Script script(sim, "script");
  Time done;
  script.After<"start">(Seconds(4), [&] {
    EXPECT_EQ(link.CreditsLeft(), MiB(80));
    link.Start(MiB(120), [&] { done = sim.Now(); });
  });
  sim.Run();
  EXPECT_EQ(done.SinceStart(), Seconds(6));  // 100 in a second of burst, 20 in a second without.
}

// Any mixture of classes, caps and verbs: audits hold, every byte is accounted for, nothing is
// served faster than the link allows, and all ends when the link is whole.
RC_GTEST_PROP(BandwidthTest, AuditsHoldThroughAnyTreatment, ()) {
  Bandwidth::Config config;
  config.capacity = BytesPerSecond(*rc::gen::inRange<int64_t>(1, 10'000'000'000));
  const int classes = *rc::gen::inRange(1, 4);
  config.classes.clear();
  for (int i = 0; i < classes; ++i) {
    Bandwidth::Class one;
    one.tier = *rc::gen::inRange(0, 2);
    one.weight = *rc::gen::inRange<int64_t>(1, 5);
    if (*rc::gen::arbitrary<bool>()) {
      one.cap = BytesPerSecond(*rc::gen::inRange<int64_t>(1, 10'000'000'000));
    }
    config.classes.push_back(one);
  }
  if (*rc::gen::arbitrary<bool>()) {
    config.has_credits = true;
    config.credits = {BytesPerSecond(config.capacity.count() / 3 + 1), Bytes(100'000),
                      Bytes(50'000)};
  }
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  Simulation sim(kSeed);
  Bandwidth link(sim, "any", config);
  RandomStream stream(seed, "test", "steps");
  std::vector<Bandwidth::TransferId> ids;
  int64_t fired = 0;
  int64_t taken_back = 0;
  for (int i = 0; i < 200; ++i) {
    switch (stream.NextBelow(10)) {
      case 0:
        link.SetCapacity(BytesPerSecond(static_cast<int64_t>(stream.NextBelow(3)) *
                                        config.capacity.count() / 2));
        break;
      case 1:
      case 2:
        if (!ids.empty()) {
          const Bandwidth::TransferId id = ids[stream.NextBelow(ids.size())];
          const bool active = link.IsActive(id);
          const Bytes left = link.Left(id);
          RC_ASSERT(link.Cancel(id) == left);
          taken_back += active;
        }
        break;
      default: {
        const auto size = static_cast<int64_t>(stream.NextBelow(100'000));
        const auto index = static_cast<int>(stream.NextBelow(static_cast<uint64_t>(classes)));
        const bool capped = stream.NextBelow(3) == 0;
        const auto cap = static_cast<int64_t>(1 + stream.NextBelow(1'000'000'000));
        ids.push_back(link.Start(
            Bytes(size), [&fired] { ++fired; }, index, BytesPerSecond(capped ? cap : INT64_MAX)));
      }
    }
    sim.RunUntil(sim.Now() + Nanoseconds(static_cast<int64_t>(stream.NextBelow(30'000))));
    RC_ASSERT(link.RateInUse() <= link.capacity());
  }
  link.SetCapacity(config.capacity);
  sim.Run();
  RC_ASSERT(link.active() == 0);
  RC_ASSERT(fired + taken_back == static_cast<int64_t>(ids.size()));
  RC_ASSERT(link.offered() == link.done() + link.cancelled());
}

// What one class does by its short ways (alone, nobody capped), two do by the long one: with the
// second never used, every transfer ends at the same nanosecond.
RC_GTEST_PROP(BandwidthTest, TheShortWaysEndWhenTheLongOneDoes, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const auto capacity = *rc::gen::inRange<int64_t>(1, 10'000'000'000);
  const auto most_pause = *rc::gen::element<uint64_t>(1'000, 100'000, 10'000'000);
  const auto ends_with = [&](size_t classes) {
    Bandwidth::Config config;
    config.capacity = BytesPerSecond(capacity);
    config.classes.resize(classes);
    Simulation sim(kSeed);
    Bandwidth link(sim, "any", config);
    RandomStream stream(seed, "test", "steps");
    struct Transfer {
      Bandwidth::TransferId id;
      int64_t ended = -1;
    };
    std::vector<Transfer> transfers;
    transfers.reserve(200);
    for (int i = 0; i < 200; ++i) {
      switch (stream.NextBelow(12)) {
        case 0:
          link.SetCapacity(
              BytesPerSecond(static_cast<int64_t>(stream.NextBelow(3)) * capacity / 2));
          break;
        case 1:
          if (!transfers.empty()) link.Cancel(transfers[stream.NextBelow(transfers.size())].id);
          break;
        default: {
          // Some are larger than what 64 bits count in billionths.
          const uint64_t most = stream.NextBelow(50) == 0 ? uint64_t{1} << 40 : 20'000;
          const auto size = static_cast<int64_t>(stream.NextBelow(most));
          Transfer& transfer = transfers.emplace_back();
          transfer.id = link.Start(
              Bytes(size), [&sim, &transfer] { transfer.ended = sim.Now().SinceStart().nanos(); });
        }
      }
      sim.RunUntil(sim.Now() + Nanoseconds(static_cast<int64_t>(stream.NextBelow(most_pause))));
    }
    link.SetCapacity(BytesPerSecond(capacity));
    sim.Run();
    std::vector<int64_t> ends;
    for (const Transfer& transfer : transfers) ends.push_back(transfer.ended);
    return ends;
  };
  RC_ASSERT(ends_with(1) == ends_with(2));
}

// --- Canaries ---

std::string BrokenBy(void (*breach)(Bandwidth&)) {
  Simulation sim(kSeed);
  Bandwidth link(sim, "nic", Link(100));
  Script script(sim, "script");
  link.Start(MiB(100), Callback());
  link.Start(MiB(100), Callback());
  script.After<"settle">(Milliseconds(900), [&link] { link.SetCapacity(MiBPerSecond(100)); });
  script.After<"breach">(Milliseconds(900), [&link, breach] { breach(link); });
  try {
    sim.RunUntil(Time() + Seconds(1));
  } catch (const InvariantBroken& broken) {
    return broken.invariant();
  }
  return "nothing";
}

TEST(BandwidthCanary, LostBytes) { EXPECT_EQ(BrokenBy(BandwidthTestPeer::LoseBytes), "inv.I3"); }
TEST(BandwidthCanary, ALostTransfer) {
  EXPECT_EQ(BrokenBy(BandwidthTestPeer::ForgetATransfer), "inv.I3");
}
TEST(BandwidthCanary, SharesBeyondTheCapacity) {
  EXPECT_EQ(BrokenBy(BandwidthTestPeer::GiveTooMuch), "inv.I6");
}
TEST(BandwidthCanary, BytesBeyondTheCapacity) {
  EXPECT_EQ(BrokenBy(BandwidthTestPeer::ServeTooMuch), "inv.I6");
}

}  // namespace
}  // namespace freshet
