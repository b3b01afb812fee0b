// A small shared-storage pipeline with numbers that can be checked in the head: the clients of
// pipeline.h, brokers of the S3Stream kind, and a store without chance.
#ifndef FRESHET_TESTS_MODELS_S3STREAM_S3STREAM_PIPELINE_H_
#define FRESHET_TESTS_MODELS_S3STREAM_S3STREAM_PIPELINE_H_

#include <memory>
#include <optional>
#include <vector>

#include "models/broker/s3stream_cluster.h"
#include "models/fault/object_store_target.h"
#include "tests/models/pipeline.h"
#include "tests/models/storage/quiet_store.h"

namespace freshet {

struct S3Settings : PipelineSettings {
  ObjectStore::Config store;
  S3StreamBroker::Config broker;  // Each of them; zones go round.
  S3StreamCluster::Config cluster;
};

// AutoMQ's timers and sizes (AMQSRC) on the machines of PlausibleProcess(); log cache 1200 MiB, so
// that a block of it is 400 MiB.
inline S3Settings PlausibleS3() {
  S3Settings s;
  static_cast<PipelineSettings&>(s) = PlausibleClients();
  s.topic.replication_factor = s.topic.min_in_sync_replicas = 1;
  s.producers.max_in_flight = 50;  // Or an answer every 350 ms would limit them.
  s.store = QuietStore();

  static_cast<Broker::Config&>(s.broker) = PlausibleProcess();
  s.broker.inbound = {MiBPerSecond(1024), Milliseconds(10), GiB(1)};
  s.broker.outbound = {MiBPerSecond(1024), Milliseconds(10), GiB(5)};
  s.broker.object_client = ObjectClient::Defaults(8);
  s.broker.part_size = MiB(16);
  s.broker.wal = S3Wal::Config{Milliseconds(250), Milliseconds(10), MiB(8), 50, GiB(1),
                               S3Wal::kNever,     MiB(100)};
  s.broker.log_cache = MiB(1200);
  s.broker.upload_threshold = MiB(500);
  s.broker.upload_interval = Seconds(60);
  s.broker.uploader = {MiB(8), Sampler::Constant(10e6)};
  s.broker.reader = {MiB(600), KiB(512), MiB(4), KiB(512), MiB(32), Minutes(1), Minutes(1)};
  s.broker.compactor = {Minutes(5), Minutes(30), MiB(8),
                        MiB(128),   MiB(16),     Sampler::Constant(10e6)};

  PlausibleSession(&s.cluster);
  s.cluster.retention_check_interval = Minutes(5);
  s.cluster.failover_scan_interval = Seconds(1);
  s.cluster.open_time = Milliseconds(1500);
  s.cluster.deleted_object_retention = Minutes(1);
  s.cluster.prepared_object_ttl = Minutes(60);
  return s;
}

struct S3Ground {
  explicit S3Ground(const S3Settings& settings)
      : sim(settings.seed),
        network(sim, "network", settings.network),
        store(sim, "s3", settings.store) {}

  S3StreamCluster NewLog(const S3Settings& settings) {
    return S3StreamCluster(
        sim, "log", &network, &store,
        ClusterOf<S3StreamCluster::Config>(settings, [&settings](int) { return settings.broker; }));
  }

  Simulation sim;
  Network network;
  ObjectStore store;
};

class S3Pipeline : public TestPipeline<S3Ground, S3StreamCluster> {
 public:
  explicit S3Pipeline(const S3Settings& settings) : TestPipeline(settings), store_handle(&store) {
    faults.SchedulePhases(Duration::Zero());  // Distributions leave out what comes before.
  }

  int64_t Store(const MetricDef& def) const { return ValueOf(sim, store, def); }
  // Of the broker itself, and summed over all brokers.
  int64_t OfBroker(BrokerId id, const MetricDef& def) const {
    return ValueOf(sim, log.broker(id), def);
  }
  int64_t OfBrokers(const MetricDef& def) const {
    int64_t sum = 0;
    for (BrokerId id = 0; id < log.broker_count(); ++id) sum += OfBroker(id, def);
    return sum;
  }
  int64_t BytesOut(ObjectCause cause) const {
    return Store(ObjectStore::kBytesOut[static_cast<size_t>(cause)]);
  }
  int64_t BytesIn(ObjectCause cause) const {
    return Store(ObjectStore::kBytesIn[static_cast<size_t>(cause)]);
  }

  ObjectStoreTarget store_handle;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_S3STREAM_S3STREAM_PIPELINE_H_
