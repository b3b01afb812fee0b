// Offsets that are committed in a transaction: they count with it, or not at all.
#include "gtest/gtest.h"
#include "tests/models/transaction/transaction_pipeline.h"

namespace freshet {
namespace {

// A group of one member that commits nothing itself; it has its partitions after 4 s.
MiniSettings WithGroup() {
  MiniSettings s = Transacting();
  const std::vector<TopicConfig> state = s.more_topics;
  Subscribe(&s, 1);
  s.more_topics.insert(s.more_topics.end(), state.begin(), state.end());
  s.consumers->isolation = Isolation::kReadCommitted;
  s.consumers->auto_commit = false;
  return s;
}

class OffsetsInTransactions : public testing::Test {
 protected:
  OffsetsInTransactions() : pipeline(WithGroup()), producer(pipeline.NewProducer("job")) {
    pipeline.Ready(producer.get());
    pipeline.Pass(Seconds(3));
  }
  GroupCoordinator* group() { return pipeline.consumers->coordinator(); }
  std::optional<Offset> Committed(int partition) { return group()->CommittedOf(partition); }
  void SendOffset(Offset offset) {
    GroupCoordinator::Commit commit = pipeline.consumers->NextCommitOf(0);
    commit.offsets = {{0, offset}, {2, offset + 1}};
    producer->SendOffsets(group(), commit);
    pipeline.Pass(Seconds(1));
  }
  TransactionPipeline pipeline;
  std::unique_ptr<TransactionalProducer> producer;
};

TEST_F(OffsetsInTransactions, CountWithTheCommit) {
  producer->Begin();
  SendOffset(17);
  EXPECT_EQ(Committed(0), std::nullopt);
  EXPECT_TRUE(group()->IsUnstable(0));
  EXPECT_FALSE(group()->IsUnstable(1));
  bool ok = false;
  producer->Commit([&ok](bool committed) { ok = committed; });
  pipeline.Pass(Seconds(1));
  EXPECT_TRUE(ok);
  EXPECT_EQ(Committed(0), 17);
  EXPECT_EQ(Committed(1), std::nullopt);
  EXPECT_EQ(Committed(2), 18);
  EXPECT_FALSE(group()->IsUnstable(0));
  EXPECT_EQ(pipeline.Markers(group()->offsets_partition()), 1);
}

TEST_F(OffsetsInTransactions, AreForgottenWithAnAbort) {
  producer->Begin();
  SendOffset(17);
  producer->Abort([](bool) {});
  pipeline.Pass(Seconds(1));
  EXPECT_EQ(Committed(0), std::nullopt);
  EXPECT_FALSE(group()->IsUnstable(0));
  producer->Begin();
  SendOffset(5);
  producer->Commit([](bool) {});
  pipeline.Pass(Seconds(1));
  EXPECT_EQ(Committed(0), 5);
}

// A member of an earlier generation may not: its transaction cannot be committed.
TEST_F(OffsetsInTransactions, OfAnOldGenerationAreFenced) {
  producer->Begin();
  producer->Send(0, pipeline.Some(3));
  GroupCoordinator::Commit commit = pipeline.consumers->NextCommitOf(0);
  --commit.generation;
  commit.offsets = {{0, 17}};
  bool sent = true;
  producer->SendOffsets(group(), commit, [&sent](bool ok) { sent = ok; });
  pipeline.Pass(Seconds(1));
  EXPECT_FALSE(sent);
  int ends = 0;
  bool ok = true;
  producer->Commit([&](bool committed) {
    ++ends;
    ok = committed;
  });
  pipeline.Pass(Seconds(1));
  EXPECT_EQ(ends, 1);
  EXPECT_FALSE(ok);
  EXPECT_EQ(Committed(0), std::nullopt);
  EXPECT_EQ(pipeline.coordinator.StateOf(0), TransactionState::kEmpty);  // Under its next epoch.
  // Which it may use at once.
  producer->Begin();
  producer->Send(0, pipeline.Some(4));
  SendOffset(9);
  producer->Commit([&](bool committed) { ok = committed; });
  pipeline.Pass(Seconds(1));
  EXPECT_TRUE(ok);
  EXPECT_EQ(Committed(0), 9);
}

}  // namespace
}  // namespace freshet
