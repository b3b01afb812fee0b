// Fleets of producers with transactional ids, before every design of brokers.
#include "gtest/gtest.h"
#include "tests/models/leaderless/leaderless_pipeline.h"
#include "tests/models/s3stream/s3stream_pipeline.h"
#include "tests/models/transaction/transaction_pipeline.h"

namespace freshet {
namespace {

// Two clients, 100 records a second each until `stop`, a transaction a second; two readers, one of
// each isolation. The coordinator has to be there before the producers.
template <class Base>
class Fleet : public Transactions<Base> {
 public:
  template <class Settings>
  Fleet(const Settings& settings, Duration stop, Duration timeout = Seconds(60),
        Ratio abort_share = Ratio(), Duration commit_interval = Seconds(1))
      : Transactions<Base>(settings) {
    Producers::Config config = settings.producers;
    config.client_zones = {0, 0};
    config.rate = Until(stop, 200);
    Producers::Transactions transactions;
    transactions.coordinator = &this->coordinator;
    transactions.timeout = timeout;
    transactions.commit_interval = commit_interval;
    transactions.abort_share = abort_share;
    config.transactions = transactions;
    fleet = std::make_unique<Producers>(this->sim, "fleet", &this->network, &this->log, config);
    Consumers::Config glance = *settings.consumers;
    glance.isolation = Isolation::kReadUncommitted;
    uncommitted =
        std::make_unique<Consumers>(this->sim, "glance", &this->network, &this->log, glance);
    for (int i = 0; i < 2; ++i) {
      threads.push_back(std::make_unique<ClientThreadTarget>(fleet.get(), i));
      processes.push_back(std::make_unique<ClientTarget>(fleet.get(), i));
    }
  }
  void Begin() {
    this->Start();
    fleet->Start();
    uncommitted->Start();
  }
  int64_t Sent(const MetricDef& def) const { return ValueOf(this->sim, *fleet, def); }
  int64_t Glance(const MetricDef& def) const { return ValueOf(this->sim, *uncommitted, def); }
  int64_t AllMarkers() const {
    int64_t markers = 0;
    for (PartitionId p = 0; p < this->Partitions(); ++p) markers += this->Markers(p);
    return markers;
  }
  // Either all of a transaction is read with read_committed, or nothing: what was acknowledged is
  // read or aborted, and nobody is given a marker.
  void ExpectAllOrNothing() {
    const int64_t acked = Sent(Producers::kAcked);
    const int64_t aborted = Sent(Producers::kAbortedRecords);
    EXPECT_EQ(this->Consumer(Consumers::kRecords), acked - aborted);
    EXPECT_EQ(this->Consumer(Consumers::kAborted), aborted);
    EXPECT_EQ(Glance(Consumers::kRecords), acked);
    EXPECT_EQ(this->RecordsInLog(), acked + AllMarkers());
    EXPECT_EQ(AllMarkers(), this->Coordinator(TransactionCoordinator::kMarkers));
    EXPECT_EQ(this->Consumer(Consumers::kLag), 0);
    EXPECT_EQ(this->Log(BrokerCluster::kDuplicates), 0);
  }

  std::unique_ptr<Producers> fleet;
  std::unique_ptr<Consumers> uncommitted;
  std::vector<std::unique_ptr<ClientThreadTarget>> threads;
  std::vector<std::unique_ptr<ClientTarget>> processes;
};

using KafkaFleet = Fleet<MiniPipeline>;

TEST(TransactionalProducersTest, EachCommitsOnceAnInterval) {
  KafkaFleet pipeline(Transacting(), Seconds(20));
  pipeline.Begin();
  pipeline.Run(Seconds(40));
  EXPECT_EQ(pipeline.Sent(Producers::kAcked), 4'000);
  EXPECT_EQ(pipeline.Sent(Producers::kFailed), 0);
  // A second and a commit each: twenty at the most, and the last of half of one.
  EXPECT_GE(pipeline.Sent(Producers::kCommitted), 38);
  EXPECT_LE(pipeline.Sent(Producers::kCommitted), 42);
  EXPECT_EQ(pipeline.Sent(Producers::kAborted), 0);
  pipeline.ExpectAllOrNothing();
  // Records wait for half a commit interval in the mean, and never much longer than one.
  const Histogram wait =
      HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kTransactionWait);
  EXPECT_EQ(wait.count(), 4'000);
  EXPECT_LT(wait.max(), Milliseconds(1'020).nanos());
}

TEST(TransactionalProducersTest, WhatAnApplicationAbortsIsReadByNobodyWhoAsksForCommitted) {
  KafkaFleet pipeline(Transacting(), Seconds(60), Seconds(60), Ratio::Percent(25));
  pipeline.Begin();
  pipeline.Run(Seconds(80));
  const int64_t aborted = pipeline.Sent(Producers::kAborted);
  EXPECT_GT(aborted, 15);
  EXPECT_LT(aborted, 45);
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kAborted), aborted);
  EXPECT_GT(pipeline.Sent(Producers::kAbortedRecords), 1'000);
  pipeline.ExpectAllOrNothing();
}

// It hangs at 12.5 s, in a transaction that began in the second before, for 30 s. With a timeout of
// 10 s that is over by 22.5 s, and aborted at 30 s. Until then nothing is read by those who want
// committed records only, and all by the others.
TEST(TransactionalProducersTest, OneThatHangsHoldsBackAllReadersForTimeoutAndSweep) {
  KafkaFleet pipeline(Transacting(), Seconds(60), Seconds(10));
  pipeline.Down(pipeline.threads[0].get(), Milliseconds(12'500), Seconds(30));
  pipeline.Begin();
  pipeline.Run(Seconds(14));
  const int64_t before = pipeline.Consumer(Consumers::kRecords);
  const int64_t seen = pipeline.Glance(Consumers::kRecords);
  pipeline.Run(Milliseconds(29'900));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), before);
  EXPECT_GT(pipeline.Glance(Consumers::kRecords), seen + 1'500);
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);  // Against the last stable offset.
  // As of 29 s, of a record from 12 s on.
  EXPECT_GT(pipeline.Consumer(Consumers::kStaleness), Milliseconds(16'500).nanos());
  EXPECT_LT(pipeline.Consumer(Consumers::kStaleness), Milliseconds(17'500).nanos());
  pipeline.Run(Milliseconds(30'100));
  EXPECT_GT(pipeline.Consumer(Consumers::kRecords), before + 1'300);
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kTimedOut), 1);
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.Sent(Producers::kAborted), 1);
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kFencedRequests), 1);
  // It wakes up, is told, goes on under the next epoch, and sends what has come meanwhile.
  EXPECT_EQ(pipeline.Sent(Producers::kTaken), 12'000);
  pipeline.ExpectAllOrNothing();
  EXPECT_FALSE(pipeline.faults.Effects()[0].Vacuous());
}

// Its process dies at 12.5 s, and the next one comes at 20 s: with the same transactional id, so
// that what was open is aborted then, and not after a timeout of a minute.
TEST(TransactionalProducersTest, TheNextProcessEndsWhatADeadOneHasLeftOpen) {
  KafkaFleet pipeline(Transacting(), Seconds(60));
  pipeline.Down(pipeline.processes[0].get(), Milliseconds(12'500), Milliseconds(7'500));
  pipeline.Begin();
  pipeline.Run(Seconds(14));
  const int64_t before = pipeline.Consumer(Consumers::kRecords);
  pipeline.Run(Milliseconds(19'900));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), before);
  pipeline.Run(Milliseconds(20'300));
  EXPECT_GT(pipeline.Consumer(Consumers::kRecords), before + 600);
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kTimedOut), 0);
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kAborted), 1);
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.Sent(Producers::kAborted), 1);
  EXPECT_EQ(pipeline.Sent(Producers::kTaken), 12'000);
  EXPECT_LE(pipeline.Sent(Producers::kFailed), 32);  // What it held: a batch or two.
  pipeline.ExpectAllOrNothing();
}

// One that wakes up in time commits as if nothing had been.
TEST(TransactionalProducersTest, OneThatWakesInTimeCommits) {
  KafkaFleet pipeline(Transacting(), Seconds(60), Seconds(60));
  pipeline.Down(pipeline.threads[0].get(), Milliseconds(12'500), Seconds(30));
  pipeline.Begin();
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.Sent(Producers::kAborted), 0);
  EXPECT_EQ(pipeline.Coordinator(TransactionCoordinator::kTimedOut), 0);
  EXPECT_EQ(pipeline.Sent(Producers::kAcked), 12'000);
  pipeline.ExpectAllOrNothing();
}

// A broker dies and comes back, whichever it is: coordinators and leaders move, and every
// transaction is there as a whole or not at all.
TEST(TransactionalProducersTest, WhateverBrokerDiesTransactionsStayWhole) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    MiniSettings s = Transacting();
    s.seed = seed;
    KafkaFleet pipeline(s, Seconds(60), Seconds(20), Ratio::Percent(10), Milliseconds(300));
    for (int i = 0; i < 3; ++i) {
      pipeline.Down(pipeline.Broker((static_cast<BrokerId>(seed) + i) % 3),
                    Seconds(8 + 16 * i) + Milliseconds(37) * static_cast<int64_t>(seed),
                    Seconds(12));
    }
    pipeline.Begin();
    pipeline.Run(Seconds(200));
    EXPECT_EQ(pipeline.Sent(Producers::kTaken), 12'000) << seed;
    EXPECT_EQ(pipeline.Sent(Producers::kFailed), 0) << seed;
    EXPECT_GT(pipeline.Sent(Producers::kCommitted), 100) << seed;
    const int64_t acked = pipeline.Sent(Producers::kAcked);
    EXPECT_EQ(pipeline.Glance(Consumers::kRecords), acked) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords) + pipeline.Consumer(Consumers::kAborted),
              acked)
        << seed;
    EXPECT_EQ(pipeline.RecordsInLog(), acked + pipeline.AllMarkers()) << seed;
    for (PartitionId p = 0; p < pipeline.Partitions(); ++p) {
      EXPECT_EQ(pipeline.Stable(p), pipeline.log.LogOf(p).log_end_offset()) << seed;
    }
  }
}

TEST(TransactionsOfDesignsTest, SharedStorage) {
  S3Settings s = PlausibleS3();
  AddTransactions(&s, Isolation::kReadCommitted);
  Fleet<S3Pipeline> pipeline(s, Seconds(60), Seconds(60), Ratio::Percent(10));
  pipeline.Down(pipeline.Broker(1), Milliseconds(20'300), Seconds(20));
  pipeline.Begin();
  pipeline.Run(Seconds(150));
  EXPECT_EQ(pipeline.Sent(Producers::kAcked), 12'000);
  EXPECT_GT(pipeline.Sent(Producers::kCommitted), 50);
  pipeline.ExpectAllOrNothing();
}

// Every step of a transaction waits for a file and a commit of batches.
TEST(TransactionsOfDesignsTest, Leaderless) {
  LeaderlessSettings s = PlausibleLeaderless();
  AddTransactions(&s, Isolation::kReadCommitted);
  Fleet<LeaderlessPipeline> pipeline(s, Seconds(60), Seconds(60), Ratio::Percent(10));
  pipeline.Down(pipeline.Broker(1), Milliseconds(20'300), Seconds(20));
  pipeline.Begin();
  pipeline.Run(Seconds(150));
  EXPECT_EQ(pipeline.Sent(Producers::kTaken), 12'000);
  EXPECT_GT(pipeline.Sent(Producers::kCommitted), 10);
  EXPECT_GT(pipeline.Coordinator(TransactionCoordinator::kMarkers), 30);
  pipeline.ExpectAllOrNothing();
}

}  // namespace
}  // namespace freshet
