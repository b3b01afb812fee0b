// chk.N02: records in a batch are rate times linger, and the one that opens it, until batch.size
// ends it; how much work that saves is what comes out.
#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

struct Outcome {
  double records;   // In a batch.
  double requests;  // A second.
  double bytes;     // In a request.
};

// One client, 1000 records a second into one partition.
Outcome WithLinger(Duration linger, Bytes batch_size) {
  MiniSettings s = Plausible();
  s.brokers = 1;
  s.topic.partitions = s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers.linger = linger;
  s.producers.batch_size = batch_size;
  s.producers.max_request_size = MiB(2);
  MiniPipeline pipeline(s);
  constexpr Duration kRun = Seconds(100);
  pipeline.Run(kRun);
  const double seconds = kRun.ToSeconds();
  const auto requests = static_cast<double>(pipeline.Producer(Producers::kRequests));
  Outcome outcome;
  outcome.records = pipeline.ProducerHistogram(Producers::kBatchRecords).Mean();
  outcome.requests = requests / seconds;
  outcome.bytes = static_cast<double>(pipeline.BytesInLog().count()) / requests;
  return outcome;
}

TEST(BatchingTest, RecordsInABatchAreRateTimesLinger) {
  const Outcome quick = WithLinger(Milliseconds(5), MiB(1));
  const Outcome usual = WithLinger(Milliseconds(100), MiB(1));
  const Outcome slow = WithLinger(Milliseconds(500), MiB(1));
  EXPECT_NEAR(quick.records, 5, 1);
  EXPECT_NEAR(usual.records, 100, 1);
  EXPECT_NEAR(slow.records, 500, 1);
  // Fewer requests, of more bytes: what they cost falls alike.
  EXPECT_NEAR(quick.requests, 1000 / quick.records, 2);
  EXPECT_NEAR(usual.requests, 1000 / usual.records, 0.2);
  EXPECT_NEAR(slow.requests, 1000 / slow.records, 0.1);
  EXPECT_NEAR(slow.bytes / usual.bytes, slow.records / usual.records, 0.1);
}

TEST(BatchingTest, BatchSizeEndsItFirst) {
  const Outcome full = WithLinger(Milliseconds(500), kBatchSize);
  EXPECT_NEAR(full.records, static_cast<double>(kRecordsPerBatch), 0.1);
}

}  // namespace
}  // namespace freshet
