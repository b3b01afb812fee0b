#include "models/schema/read_policy.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "sim/simulation.h"
#include "tests/models/metrics.h"

namespace freshet {
namespace {

// Takes what it is told to take, ten milliseconds later.
class Letters : public Sink {
 public:
  explicit Letters(Simulation& sim) : Sink(sim, "dead-letters") {}
  SinkPromise promise() const override { return SinkPromise::kPlain; }
  WriterId AddWriter(absl::string_view, HostId) override { return 7; }
  void Write(WriterId writer, const RecordRange& records, Completion<bool> done) override {
    EXPECT_EQ(writer, 7);
    ++tries;
    const bool ok = tries > failures;
    if (ok) written += records.record_count();
    if (ok) {
      After<"letters.done">(Milliseconds(10), [done]() mutable { done(true); });
    } else {
      After<"letters.done">(Milliseconds(10), [done]() mutable { done(false); });
    }
  }
  void Prepare(WriterId, Epoch, Completion<bool>) override {}
  void Commit(Epoch, Completion<bool>) override {}
  void Reset(WriterId) override {}
  void Rollback(Epoch) override {}

  int tries = 0;
  int failures = 0;
  int64_t written = 0;
};

// A reader with version 2 of a subject whose versions 1 and 2 it can read, and 3 not.
struct Ground {
  explicit Ground(OnUnreadable action) : sim(92), letters(sim) {
    SchemaRegistry::Config versions;
    versions.request_latency = Sampler::Constant(5e6);
    versions.subjects = {{"orders-value",
                          SchemaFormat::kAvro,
                          Compatibility::kNone,
                          {{1, {{"id", "int"}}}, {2, {{"id", "long"}}}, {3, {{"id", "string"}}}}}};
    registry = std::make_unique<SchemaRegistry>(sim, "registry", versions);
    ReadPolicy::Config config;
    config.on_unreadable = action;
    config.registry = registry.get();
    config.reader_version = 2;
    config.dead_letters = &letters;
    policy = std::make_unique<ReadPolicy>(sim, "job/reading", config);
  }

  // Judges until there is a verdict; the simulation goes on meanwhile.
  Reading Judge(const RecordRange& range) {
    Reading told = policy->Judge(range, [this] { ++passable; });
    while (told == Reading::kAwait) {
      const int before = passable;
      sim.RunUntil(sim.Now() + Seconds(5));
      if (passable == before) return Reading::kAwait;
      told = policy->Judge(range, [this] { ++passable; });
    }
    return told;
  }
  int64_t Value(const MetricDef& def) const { return ValueOf(sim, *policy, def); }

  Simulation sim;
  Letters letters;
  std::unique_ptr<SchemaRegistry> registry;
  std::unique_ptr<ReadPolicy> policy;
  int passable = 0;
};

RecordRange Records(Offset from, Offset to, int32_t version, RecordKind kind = RecordKind::kPlain) {
  RecordRange range;
  range.from = range.base = from;
  range.to = to;
  range.whole = range.high = to - from;
  range.mark = {kind, version, Time()};
  return range;
}

TEST(ReadPolicyTest, WhatCanBeReadIsReadAfterItsVersionIsKnown) {
  Ground ground(OnUnreadable::kStop);
  EXPECT_EQ(ground.policy->Judge(Records(0, 10, 1), [&] { ++ground.passable; }), Reading::kAwait);
  ground.sim.RunUntil(Time() + Milliseconds(4));
  EXPECT_EQ(ground.passable, 0);
  ground.sim.RunUntil(Time() + Milliseconds(5));
  EXPECT_EQ(ground.passable, 1);
  // Kept for good: not asked again, not even when the registry is down.
  ground.registry->SetDown(true);
  EXPECT_EQ(ground.policy->Judge(Records(10, 20, 1), {}), Reading::kRead);
  EXPECT_EQ(ground.policy->Judge(Records(20, 30, 0), {}), Reading::kRead);  // Without a schema.
  EXPECT_EQ(ground.Judge(Records(30, 40, 2)), Reading::kAwait);
  ground.registry->SetDown(false);
  ground.sim.RunUntil(ground.sim.Now() + Seconds(2));
  EXPECT_EQ(ground.Judge(Records(30, 40, 2)), Reading::kRead);
  EXPECT_EQ(ground.Value(ReadPolicy::kUnreadable), 0);
}

TEST(ReadPolicyTest, StopsUntilItIsLetPassOrHasAnotherVersion) {
  Ground ground(OnUnreadable::kStop);
  const RecordRange range = Records(100, 110, 3);
  EXPECT_EQ(ground.Judge(range), Reading::kStop);
  ground.policy->Reset();
  EXPECT_EQ(ground.Judge(range), Reading::kStop);  // The replay meets the same records.
  EXPECT_EQ(ground.Value(ReadPolicy::kStops), 2);
  EXPECT_EQ(ground.Value(ReadPolicy::kUnreadable), 10);
  EXPECT_EQ(ground.policy->blast_radius().records, 0);
  ground.policy->LetPass(0, 100, 104);
  ground.policy->Reset();
  EXPECT_EQ(ground.Judge(Records(100, 104, 3)), Reading::kSkip);
  EXPECT_EQ(ground.Judge(Records(104, 110, 3)), Reading::kStop);
  EXPECT_EQ(ground.policy->blast_radius().records, 4);
  ground.policy->SetReaderVersion(3);
  EXPECT_EQ(ground.Judge(Records(104, 110, 3)), Reading::kRead);
  EXPECT_EQ(ground.Value(ReadPolicy::kUnreadable), 10);
}

TEST(ReadPolicyTest, QuarantineCountsEachRecordOnce) {
  Ground ground(OnUnreadable::kQuarantine);
  EXPECT_EQ(ground.Judge(Records(100, 110, 3)), Reading::kSkip);
  EXPECT_EQ(ground.Judge(Records(105, 106, 2, RecordKind::kPoison)), Reading::kSkip);
  ground.policy->Reset();
  EXPECT_EQ(ground.Judge(Records(95, 120, 3)), Reading::kSkip);
  EXPECT_EQ(ground.Value(ReadPolicy::kUnreadable), 25);
  EXPECT_EQ(ground.Value(ReadPolicy::kQuarantined), 25);
  EXPECT_EQ(ground.Value(ReadPolicy::kPoison), 0);  // Met as something else before.
  ground.policy->Redriven(0, 100, 120);
  EXPECT_EQ(ground.Value(ReadPolicy::kQuarantined), 5);
  ASSERT_EQ(ground.policy->AllSetAside().size(), 1U);
  EXPECT_EQ(ground.policy->AllSetAside()[0].from, 95);
  EXPECT_EQ(ground.policy->AllSetAside()[0].to, 100);
}

TEST(ReadPolicyTest, ADeadLetterIsPassedWhenItIsWritten) {
  Ground ground(OnUnreadable::kDeadLetter);
  ground.letters.failures = 2;
  EXPECT_EQ(ground.Judge(Records(7, 8, 2, RecordKind::kPoison)), Reading::kSkip);
  EXPECT_EQ(ground.letters.tries, 3);
  EXPECT_EQ(ground.letters.written, 1);
  EXPECT_EQ(ground.Value(ReadPolicy::kDeadLetters), 1);
  EXPECT_EQ(ground.Value(ReadPolicy::kPoison), 1);
  // Age: written 2.03 s after it was met.
  ground.sim.RunUntil(Time() + Milliseconds(60'500));
  EXPECT_EQ(ground.Value(ReadPolicy::kOldest), Seconds(58).nanos());
  // Another process writes it again, and it is counted once.
  ground.policy->Reset();
  EXPECT_EQ(ground.Judge(Records(7, 8, 2, RecordKind::kPoison)), Reading::kSkip);
  EXPECT_EQ(ground.letters.written, 2);
  EXPECT_EQ(ground.Value(ReadPolicy::kDeadLetters), 1);
  EXPECT_EQ(ground.Value(ReadPolicy::kUnreadable), 1);
}

TEST(ReadPolicyTest, CorruptOutputHasABlastRadius) {
  Ground ground(OnUnreadable::kCorrupt);
  EXPECT_EQ(ground.Judge(Records(100, 110, 3)), Reading::kReadCorrupt);
  EXPECT_EQ(ground.Judge(Records(100, 120, 3)), Reading::kReadCorrupt);
  EXPECT_EQ(ground.Judge(Records(120, 121, 2, RecordKind::kPoison)), Reading::kStop);
  for (const int64_t window : {4, 4, 5}) ground.policy->NoteWindow(window);
  ground.policy->NoteFile(11);
  EXPECT_EQ(ground.Value(ReadPolicy::kCorrupt), 20);
  EXPECT_EQ(ground.Value(ReadPolicy::kUnreadable), 21);
  EXPECT_EQ(ground.policy->blast_radius(), (ReadPolicy::BlastRadius{20, 2, 1}));
}

TEST(ReadPolicyTest, WhoIsGoneIsToldNothing) {
  Ground ground(OnUnreadable::kDeadLetter);
  EXPECT_EQ(ground.policy->Judge(Records(7, 8, 2, RecordKind::kPoison), [&] { ++ground.passable; }),
            Reading::kAwait);
  ground.policy->Reset();
  ground.sim.RunUntil(Time() + Seconds(5));
  EXPECT_EQ(ground.passable, 0);
}

}  // namespace
}  // namespace freshet
