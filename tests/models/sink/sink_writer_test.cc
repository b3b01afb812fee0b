// What consumers that write to a store lose, double and repeat: exact counts, by what the store
// promises and by when they commit.
#include "models/sink/sink_writer.h"

#include "gtest/gtest.h"
#include "tests/models/sink/sink_pipeline.h"

namespace freshet {
namespace {

constexpr ApplicationCommits kAfter = ApplicationCommits::kAfterProcessing;
constexpr ApplicationCommits kBefore = ApplicationCommits::kBeforeProcessing;

TEST(SinkWriterTest, WithoutTroubleEachRecordIsThereOnce) {
  for (const SinkPromise promise :
       {SinkPromise::kPlain, SinkPromise::kIdempotent, SinkPromise::kTransactional}) {
    SinkPipeline pipeline(ThousandInto(promise, kAfter, Work::kOfTheStore));
    pipeline.Run(Seconds(60));
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kReplaced), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kStaleness), 0);
    EXPECT_EQ(pipeline.SinkValue(MeteredSink::kReordered), 0);
    EXPECT_EQ(pipeline.sink->waterfall().records(), 1'000);
    EXPECT_EQ(HistogramOf(pipeline.sim, *pipeline.sink, MeteredSink::kFreshness).count(), 1'000);
  }
}

// The third poll is at the store when its writer dies: it is carried out there, and read again by
// the other one from what was committed, 200.
TEST(SinkWriterTest, ACrashDoublesThePollInAPlainStore) {
  SinkPipeline pipeline(ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheStore));
  pipeline.Down(pipeline.Member(1), Milliseconds(16'500), Duration::Zero());
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 100);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
  EXPECT_EQ(pipeline.sink->waterfall().records(), 1'000);
}

TEST(SinkWriterTest, AnIdempotentStoreHasItOnce) {
  SinkPipeline pipeline(ThousandInto(SinkPromise::kIdempotent, kAfter, Work::kOfTheStore));
  pipeline.Down(pipeline.Member(1), Milliseconds(16'500), Duration::Zero());
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kReplaced), 100);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
}

// 200 to 300 were committed and in its hands.
TEST(SinkWriterTest, CommittedFirstACrashLosesThePoll) {
  SinkPipeline pipeline(ThousandInto(SinkPromise::kPlain, kBefore, Work::kOfTheMember));
  pipeline.Down(pipeline.Member(1), Milliseconds(16'500), Duration::Zero());
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 900);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 100);
  EXPECT_EQ(pipeline.sink->ledger().lost_by(EffectCause::kCommitFirst), 100);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kStaleness), 0);
}

// It hangs in its third poll until the group has gone on without it, and then writes it.
TEST(SinkWriterTest, AZombieDoublesItsPoll) {
  SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheMember);
  s.consumers->group->max_poll_interval = Seconds(30);
  SinkPipeline pipeline(s);
  pipeline.Down(pipeline.Thread(1), Milliseconds(16'500), Seconds(60));
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 100);
  EXPECT_EQ(pipeline.sink->ledger().duplicated_by(EffectCause::kZombie), 100);
}

TEST(SinkWriterTest, TransactionsMakeACrashExactlyOnce) {
  SinkPipeline pipeline(ThousandInto(SinkPromise::kTransactional, kAfter, Work::kOfTheStore));
  pipeline.Down(pipeline.Member(1), Milliseconds(16'500), Duration::Zero());
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLost), 0);
  EXPECT_EQ(pipeline.SinkValue(DatabaseSink::kPrepared), 0);
}

TEST(SinkWriterTest, TheFenceKeepsAZombieOut) {
  SinkSettings s = ThousandInto(SinkPromise::kTransactional, kAfter, Work::kOfTheMember);
  s.consumers->group->max_poll_interval = Seconds(30);
  SinkPipeline pipeline(s);
  pipeline.Down(pipeline.Thread(1), Milliseconds(16'500), Seconds(60));
  pipeline.Run(Seconds(150));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
}

TEST(SinkWriterTest, WithoutTheFenceItsTransactionIsCommittedToo) {
  SinkSettings s = ThousandInto(SinkPromise::kTransactional, kAfter, Work::kOfTheMember);
  s.consumers->group->max_poll_interval = Seconds(30);
  s.writer.fenced = false;
  SinkPipeline pipeline(s);
  pipeline.Down(pipeline.Thread(1), Milliseconds(16'500), Seconds(60));
  pipeline.Run(Seconds(150));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 100);
  EXPECT_EQ(pipeline.sink->ledger().duplicated_by(EffectCause::kZombie), 100);
}

// Down from 16.5 to 60 s: the third poll is not answered, and neither is the one of 47.5, after the
// time-out and a second. What the store had not done is written again, and there is nothing twice.
TEST(SinkWriterTest, AStoreThatIsDownHoldsItsWritersUp) {
  SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheStore);
  SinkPipeline pipeline(s);
  pipeline.sim.At<"test.down">(Time() + Milliseconds(16'500), 0,
                               [&pipeline] { pipeline.sink->SetDown(true); });
  pipeline.sim.At<"test.up">(Time() + Seconds(60), 0,
                             [&pipeline] { pipeline.sink->SetDown(false); });
  pipeline.Run(Seconds(59));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 200);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kLag), 800);
  EXPECT_GT(pipeline.SinkValue(MeteredSink::kStaleness), Seconds(49).nanos() - 2'000'000'000);
  pipeline.Run(Seconds(120));
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kVisible), 1'000);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 0);
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kFailedWrites), 2);
  EXPECT_EQ(pipeline.WriterValue(SinkWriter::kRetries), 2);
}

// A store slower than its writers' patience does all that they have given up.
TEST(SinkWriterTest, ATimeOutDoublesWhatThePlainStoreDoesLate) {
  SinkSettings s = ThousandInto(SinkPromise::kPlain, kAfter, Work::kOfTheStore);
  s.database.request_timeout = Milliseconds(900);  // A poll takes a second, a retry one more.
  s.database.time_per_record = Milliseconds(10);
  SinkPipeline pipeline(s);
  pipeline.Run(Seconds(30));
  const int64_t visible = pipeline.SinkValue(MeteredSink::kVisible);
  EXPECT_EQ(visible, 100);                                       // The first poll, again and again.
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated), 300);  // 14.0, 15.9, 18.8, 23.7 s.
  EXPECT_EQ(pipeline.SinkValue(MeteredSink::kDuplicated),
            pipeline.sink->ledger().duplicated_by(EffectCause::kRetry));
}

// Crashes at two hundred instants over the whole of its work: what each promise and each order
// allows, and no more.
struct Delivery {
  SinkPromise promise;
  ApplicationCommits commits;
};
class CrashTest : public testing::TestWithParam<Delivery> {};

TEST_P(CrashTest, AnInstantOfACrashChangesNoPromise) {
  const auto [promise, commits] = GetParam();
  int64_t doubled = 0;
  int64_t lost = 0;
  for (int i = 0; i < 200; ++i) {
    SinkSettings s =
        ThousandInto(promise, commits, i % 2 == 0 ? Work::kOfTheStore : Work::kOfTheMember);
    SinkPipeline pipeline(s);
    pipeline.Down(pipeline.Member(1), Milliseconds(13'900 + i * 60), Duration::Zero());
    pipeline.Run(Seconds(100));
    const EffectLedger& ledger = pipeline.sink->ledger();
    EXPECT_EQ(ledger.visible() + ledger.lost(), 1'000) << i;
    // A crash finds at the most one poll that is written and not committed, or the other way.
    EXPECT_LE(ledger.lost(), commits == kBefore ? 100 : 0) << i;
    const bool may_double = commits == kAfter && promise == SinkPromise::kPlain;
    EXPECT_LE(ledger.duplicated(), may_double ? 100 : 0) << i;
    doubled += ledger.duplicated();
    lost += ledger.lost();
  }
  EXPECT_EQ(doubled > 0, promise == SinkPromise::kPlain && commits == kAfter);
  EXPECT_EQ(lost > 0, commits == kBefore);
}

INSTANTIATE_TEST_SUITE_P(Deliveries, CrashTest,
                         testing::Values(Delivery{SinkPromise::kPlain, kAfter},
                                         Delivery{SinkPromise::kPlain, kBefore},
                                         Delivery{SinkPromise::kIdempotent, kAfter},
                                         Delivery{SinkPromise::kIdempotent, kBefore},
                                         Delivery{SinkPromise::kTransactional, kAfter}));

}  // namespace
}  // namespace freshet
