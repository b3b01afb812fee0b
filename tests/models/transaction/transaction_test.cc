// Transactions end to end on a small Kafka cluster: what readers see, who is fenced, what survives.
#include "gtest/gtest.h"
#include "tests/models/transaction/transaction_pipeline.h"

namespace freshet {
namespace {

struct Outcome {
  int ends = 0;
  bool ok = false;
  Time at;
};

// Sends `count` records to each partition of "t".
void SendAll(TransactionPipeline& pipeline, TransactionalProducer& producer, int64_t count) {
  for (PartitionId p = 0; p < 3; ++p) producer.Send(p, pipeline.Some(count));
}
void Commit(TransactionPipeline& pipeline, TransactionalProducer& producer, Outcome* outcome) {
  producer.Commit([&pipeline, outcome](bool ok) {
    ++outcome->ends;
    outcome->ok = ok;
    outcome->at = pipeline.sim.Now();
  });
}

TEST(TransactionTest, ReadersSeeATransactionWhenItIsCommitted) {
  TransactionPipeline pipeline(Transacting());
  const auto producer = pipeline.NewProducer("job");
  pipeline.Ready(producer.get());
  producer->Begin();
  SendAll(pipeline, *producer, 10);
  pipeline.Pass(Seconds(5));
  EXPECT_EQ(pipeline.RecordsInLog(), 30);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 0);
  EXPECT_EQ(pipeline.Stable(0), 0);
  EXPECT_EQ(pipeline.coordinator.StateOf(0), TransactionState::kOngoing);
  Outcome outcome;
  Commit(pipeline, *producer, &outcome);
  pipeline.Pass(Seconds(2));
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(pipeline.coordinator.StateOf(0), TransactionState::kCompleteCommit);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 30);
  for (PartitionId p = 0; p < 3; ++p) {
    EXPECT_EQ(pipeline.Markers(p), 1);
    EXPECT_EQ(pipeline.Stable(p), 11);
  }
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kMarkers), 3);
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kCommitted), 1);
  // It was committed to the log 5 s before it was stable.
  const Histogram wait =
      HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kTransactionWait);
  EXPECT_EQ(wait.count(), 30);
  EXPECT_GT(wait.max(), Milliseconds(4'990).nanos());
  EXPECT_LT(wait.max(), Milliseconds(5'010).nanos());
}

TEST(TransactionTest, AbortedRecordsAreFetchedAndThrownAway) {
  TransactionPipeline pipeline(Transacting());
  const auto producer = pipeline.NewProducer("job");
  pipeline.Ready(producer.get());
  producer->Begin();
  SendAll(pipeline, *producer, 10);
  pipeline.Pass(Seconds(1));
  bool ok = false;
  producer->Abort([&ok](bool aborted) { ok = aborted; });
  pipeline.Pass(Seconds(2));
  EXPECT_TRUE(ok);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kAborted), 30);
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kAborted), 1);
  producer->Begin();
  SendAll(pipeline, *producer, 7);
  Outcome outcome;
  Commit(pipeline, *producer, &outcome);
  pipeline.Pass(Seconds(2));
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 21);
}

TEST(TransactionTest, ReadUncommittedSeesAllButMarkers) {
  TransactionPipeline pipeline(Transacting(Isolation::kReadUncommitted));
  const auto producer = pipeline.NewProducer("job");
  pipeline.Ready(producer.get());
  producer->Begin();
  SendAll(pipeline, *producer, 10);
  pipeline.Pass(Seconds(1));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 30);
  producer->Abort([](bool) {});
  pipeline.Pass(Seconds(2));
  EXPECT_EQ(pipeline.RecordsInLog(), 33);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 30);
}

// Both versions of the protocol number and fence the same records, with one epoch or many.
TEST(TransactionTest, VersionTwoRaisesTheEpochWithEveryTransaction) {
  for (const bool raises : {false, true}) {
    TransactionPipeline pipeline(Transacting(), raises);
    const auto producer = pipeline.NewProducer("job");
    pipeline.Ready(producer.get());
    for (int i = 0; i < 5; ++i) {
      producer->Begin();
      SendAll(pipeline, *producer, 4);
      Outcome outcome;
      Commit(pipeline, *producer, &outcome);
      pipeline.Pass(Seconds(1));
      ASSERT_TRUE(outcome.ok);
    }
    EXPECT_EQ(pipeline.coordinator.EpochOf(0), raises ? 5 : 0);
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 60);
    EXPECT_EQ(pipeline.Markers(0), 5);
  }
}

// The same transactional id in a new process: the old one has an open transaction, which is
// aborted, and can neither append nor commit.
TEST(TransactionTest, AZombieIsFenced) {
  for (const bool raises : {false, true}) {
    TransactionPipeline pipeline(Transacting(), raises);
    const auto producer = pipeline.NewProducer("job");
    pipeline.Ready(producer.get());
    producer->Begin();
    SendAll(pipeline, *producer, 10);
    pipeline.Pass(Seconds(1));
    // Another process asks for the id: what the old one's manager would not know.
    TransactionCoordinator::Request takes_over;
    takes_over.id = 0;
    takes_over.timeout = Seconds(60);
    const BrokerId at = pipeline.coordinator.BrokerOf(0);
    TransactionError first = TransactionError::kNone;
    pipeline.coordinator.Handle(
        at, takes_over,
        [&first](const TransactionCoordinator::Answer& answer) { first = answer.error; });
    EXPECT_EQ(first, TransactionError::kConcurrent);
    pipeline.Pass(Seconds(1));
    EXPECT_EQ(pipeline.coordinator.StateOf(0), TransactionState::kCompleteAbort);
    TransactionCoordinator::Answer second;
    pipeline.coordinator.Handle(
        at, takes_over,
        [&second](const TransactionCoordinator::Answer& answer) { second = answer; });
    pipeline.Pass(Seconds(1));
    EXPECT_EQ(second.error, TransactionError::kNone);
    EXPECT_EQ(second.epoch, 2);
    // The zombie goes on.
    bool sent = true;
    producer->Send(0, pipeline.Some(5), [&sent](bool ok) { sent = ok; });
    Outcome outcome;
    Commit(pipeline, *producer, &outcome);
    pipeline.Pass(Seconds(2));
    EXPECT_FALSE(sent);
    EXPECT_EQ(outcome.ends, 1);
    EXPECT_FALSE(outcome.ok);
    EXPECT_TRUE(producer->manager().fenced());
    EXPECT_EQ(pipeline.RecordsInLog(), 33);  // And three markers.
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 0);
    EXPECT_EQ(pipeline.Consumer(Consumers::kAborted), 30);
  }
}

// It begins at 2 s and a few round trips, with a timeout of 15 s: over at 17 s, and found by the
// sweep at 20 s.
TEST(TransactionTest, AHangingTransactionIsAbortedAtTheSweepAfterItsTimeout) {
  TransactionPipeline pipeline(Transacting());
  const auto hanging = pipeline.NewProducer("job", Seconds(15));
  const auto other = pipeline.NewProducer("other");
  pipeline.Ready(hanging.get());
  other->Start({});
  hanging->Begin();
  hanging->Send(0, pipeline.Some(3));
  pipeline.Pass(Seconds(1));
  other->Begin();
  other->Send(0, pipeline.Some(5));
  Outcome outcome;
  Commit(pipeline, *other, &outcome);
  pipeline.Run(Milliseconds(19'999));
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 0);  // Decided, and behind the hanging one.
  EXPECT_EQ(pipeline.coordinator.StateOf(0), TransactionState::kOngoing);
  pipeline.Run(Milliseconds(20'100));
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kTimedOut), 1);
  EXPECT_EQ(pipeline.coordinator.StateOf(0), TransactionState::kCompleteAbort);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 5);
  EXPECT_EQ(pipeline.Consumer(Consumers::kAborted), 3);
  // The hanging one comes back, learns it, and goes on.
  Outcome late;
  Commit(pipeline, *hanging, &late);
  pipeline.Pass(Seconds(1));
  EXPECT_FALSE(late.ok);
  pipeline.Ready(hanging.get());
  hanging->Begin();
  hanging->Send(0, pipeline.Some(2));
  Outcome again;
  Commit(pipeline, *hanging, &again);
  pipeline.Pass(Seconds(2));
  EXPECT_TRUE(again.ok);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 7);
}

// The coordinator dies at any moment of the end of a transaction: it is committed or aborted as a
// whole, and each partition has one marker.
TEST(TransactionTest, AFailoverInTheMiddleOfTheEndLosesNothing) {
  int committed = 0;
  for (int step = 0; step < 40; ++step) {
    TransactionPipeline pipeline(Transacting());
    const auto producer = pipeline.NewProducer("job");
    const BrokerId before = pipeline.coordinator.BrokerOf(0);
    pipeline.Down(pipeline.Broker(before), Seconds(3) + Microseconds(50) * step, Duration::Zero());
    pipeline.Ready(producer.get());
    producer->Begin();
    SendAll(pipeline, *producer, 10);
    pipeline.Pass(Seconds(1));
    Outcome outcome;
    Commit(pipeline, *producer, &outcome);
    pipeline.Pass(Seconds(60));
    EXPECT_NE(pipeline.coordinator.BrokerOf(0), before);
    EXPECT_EQ(outcome.ends, 1) << step;
    EXPECT_TRUE(outcome.ok) << step;
    EXPECT_EQ(pipeline.coordinator.StateOf(0), TransactionState::kCompleteCommit) << step;
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 30) << step;
    for (PartitionId p = 0; p < 3; ++p) EXPECT_EQ(pipeline.Markers(p), 1) << step << ' ' << p;
    committed += outcome.ok;
  }
  EXPECT_EQ(committed, 40);
}

// A leader of a partition of the transaction dies instead.
TEST(TransactionTest, APartitionThatMovesIsMarkedByItsNextLeader) {
  for (int step = 0; step < 20; ++step) {
    TransactionPipeline pipeline(Transacting());
    const auto producer = pipeline.NewProducer("job");
    const BrokerId dies = (pipeline.coordinator.BrokerOf(0) + 1) % 3;
    pipeline.Down(pipeline.Broker(dies), Seconds(2) + Microseconds(150) * step, Duration::Zero());
    pipeline.Ready(producer.get());
    producer->Begin();
    SendAll(pipeline, *producer, 10);
    Outcome outcome;
    Commit(pipeline, *producer, &outcome);
    pipeline.Pass(Seconds(60));
    EXPECT_TRUE(outcome.ok) << step;
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 30) << step;
    for (PartitionId p = 0; p < 3; ++p) EXPECT_EQ(pipeline.Markers(p), 1) << step << ' ' << p;
  }
}

// KIP-890: a batch that arrives behind its transaction's marker. Without verification it opens a
// transaction that no coordinator knows of, and nothing but an operator ends it.
class LateBatch : public testing::Test {
 protected:
  void RunWith(bool raises_epochs, bool verifies) {
    pipeline = std::make_unique<TransactionPipeline>(Transacting(), raises_epochs, verifies);
    producer = pipeline->NewProducer("job");
    pipeline->Ready(producer.get());
    producer->Begin();
    SendAll(*pipeline, *producer, 10);
    pipeline->Pass(Seconds(1));
    const int32_t epoch = producer->manager().epoch();
    Commit(*pipeline, *producer, &outcome);
    pipeline->Pass(Seconds(1));
    // The next batch of the transaction, on a connection that was slow.
    const HostId host = pipeline->network.AddHost("slow", 0, BytesPerSecond(int64_t{1} << 45));
    writer = std::make_unique<BatchWriter>(&pipeline->network, &pipeline->log, host);
    Batch late;
    late.kind = BatchKind::kTransactional;
    late.producer = producer->manager().producer();
    late.producer_epoch = epoch;
    late.sequence = 1;
    late.record_count = 2;
    late.bytes = Bytes(2109);
    late.created.first = late.created.low = late.created.high = pipeline->sim.Now();
    writer->Send(pipeline->log.CurrentMetadata(0)->leader[0], {late},
                 [this](const ProduceRequest* answered) { error = answered->errors[0]; });
    pipeline->Pass(Minutes(20));
  }
  std::unique_ptr<TransactionPipeline> pipeline;
  std::unique_ptr<TransactionalProducer> producer;
  std::unique_ptr<BatchWriter> writer;
  Outcome outcome;
  ProduceError error = ProduceError::kNone;
};

TEST_F(LateBatch, HangsForGoodWithoutVerification) {
  RunWith(false, false);
  EXPECT_EQ(error, ProduceError::kNone);
  EXPECT_EQ(pipeline->Stable(0), 11);
  EXPECT_EQ(pipeline->log.LogOf(0).high_watermark(), 13);
  EXPECT_EQ(pipeline->Coordinator(TransactionCoordinator::kOngoing), 0);
  pipeline->coordinator.AbortHanging(0, producer->manager().producer());
  pipeline->Pass(Seconds(1));
  EXPECT_EQ(pipeline->Stable(0), 14);
  EXPECT_EQ(pipeline->Consumer(Consumers::kRecords), 30);
  EXPECT_EQ(pipeline->Consumer(Consumers::kAborted), 2);
  // Its producer, which has given the batch up, goes on under the next epoch.
  pipeline->Ready(producer.get());
  producer->Begin();
  producer->Send(0, pipeline->Some(4));
  Outcome next;
  Commit(*pipeline, *producer, &next);
  pipeline->Pass(Seconds(2));
  EXPECT_EQ(pipeline->Stable(0), 14 + 5);
}
TEST_F(LateBatch, IsRefusedByVerification) {
  RunWith(false, true);
  EXPECT_EQ(error, ProduceError::kFenced);
  EXPECT_EQ(pipeline->Stable(0), pipeline->log.LogOf(0).high_watermark());
}
TEST_F(LateBatch, IsRefusedByTheEpochOfVersionTwo) {
  RunWith(true, false);
  EXPECT_EQ(error, ProduceError::kFenced);
  EXPECT_EQ(pipeline->Stable(0), pipeline->log.LogOf(0).high_watermark());
}

}  // namespace
}  // namespace freshet
