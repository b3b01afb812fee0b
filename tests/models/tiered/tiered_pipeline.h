// A tiered topic on the small pipeline, with numbers that can be checked in the head.
//
// One partition, three replicas, a batch of 16 records (16 445 bytes) every 160 ms. A segment takes
// 100 batches, which are 1600 records, 1 644 500 bytes and 16 s. Tasks come every 30 s, an event of
// metadata takes 10 ms, and the store is quiet_store.h's: a copy takes 10 ms, 15.7 ms for the body,
// three answers of 100 ms, and 10 ms, which are 335.8 ms with the small bodies.
#ifndef FRESHET_TESTS_MODELS_TIERED_TIERED_PIPELINE_H_
#define FRESHET_TESTS_MODELS_TIERED_TIERED_PIPELINE_H_

#include "tests/models/mini_pipeline.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {

inline constexpr int64_t kBatchBytes = 16'445;
inline constexpr int64_t kSegmentRecords = 1'600;
inline constexpr int64_t kSegmentBytes = 100 * kBatchBytes;

inline MiniSettings Tiered(Duration local, Duration total = Days(7)) {
  MiniSettings s = Plausible();
  s.topic.partitions = 1;
  s.topic.segments = {Bytes(1'650'000), Days(7)};
  s.topic.retention.time = total;
  s.topic.local_retention = Retention{local, {}};
  s.producers.rate = Steady(100);
  s.producers.linger = Seconds(1);

  s.store = QuietStore();
  RemoteLogManager::Config remote;
  remote.task_interval = Seconds(30);
  remote.copier_threads = remote.expiration_threads = 10;
  remote.fetch_max_wait = Milliseconds(500);
  remote.part_size = MiB(25);
  remote.metadata_latency = Sampler::Constant(10e6);
  remote.object_client = ObjectClient::Defaults(8);
  remote.reader.threads = 10;
  remote.reader.most_pending = 100;
  remote.reader.index_cache = GiB(1);
  remote.reader.chunk = MiB(4);
  remote.reader.chunk_cache = GiB(1);
  remote.reader.prefetch = Bytes(0);
  s.cluster.remote_log = remote;
  return s;
}

// A metric of all brokers' managers, or of all their readers, together.
inline int64_t OfManagers(const MiniPipeline& pipeline, const MetricDef& def) {
  int64_t sum = 0;
  for (BrokerId id = 0; id < pipeline.log.broker_count(); ++id) {
    sum += ValueOf(pipeline.sim, pipeline.log.remote_log(id), def);
  }
  return sum;
}
inline int64_t OfReaders(const MiniPipeline& pipeline, const MetricDef& def) {
  int64_t sum = 0;
  for (BrokerId id = 0; id < pipeline.log.broker_count(); ++id) {
    sum += ValueOf(pipeline.sim, pipeline.log.remote_log(id).reader(), def);
  }
  return sum;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_TIERED_TIERED_PIPELINE_H_
