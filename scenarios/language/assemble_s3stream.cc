#include "scenarios/language/assemble_s3stream.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/assemble_parts.h"
#include "scenarios/language/quantity.h"

namespace freshet {
namespace {

// What no capacity plan tunes (AMQSRC).
constexpr Duration kShortestWait = Milliseconds(10);
constexpr Bytes kRecoveryReadAhead = MiB(100);
constexpr Duration kRefillInterval = Milliseconds(10);
constexpr int64_t kOutboundSeconds = 5;  // Of bandwidth that the bucket holds; inbound holds one.
constexpr Bytes kBlock = KiB(512);
constexpr Bytes kMostRequest = MiB(4);
constexpr Bytes kMostReadAhead = MiB(32);
constexpr Duration kRestAfterEviction = Minutes(1);
constexpr Duration kIdleReader = Minutes(1);
constexpr Bytes kJoinedObjects = MiB(128);
// AMQSRC until it left the open source (BlockWALService): I/O threads, and 3000 writes a second.
constexpr int64_t kVolumeWrites = 8;
constexpr Duration kVolumeWriteInterval = Nanoseconds(333'333);

Bytes LogCacheOf(const v1::S3Stream& text) {
  if (!text.log_cache().empty()) return BytesOf(text.log_cache());
  const int64_t memory = BytesOf(text.direct_memory()).count();
  return Bytes(std::max(memory / 3, (memory - GiB(3).count()) / 3 * 2));
}

VolumeWal::Config VolumeWalOf(const v1::WriteAheadLog& text) {
  VolumeWal::Config config;
  // A log that bypasses the page cache is durable when a write has ended: nothing is flushed.
  config.volume = VolumeConfigOf(text.volume());
  config.capacity = BytesOf(text.capacity());
  config.most_unflushed = BytesOf(text.max_unflushed());
  config.most_in_flight = kVolumeWrites;
  config.write_interval = kVolumeWriteInterval;
  config.attach_time = DurationOf(text.attach_time());
  return config;
}

S3Wal::Config S3WalOf(const v1::WriteAheadLog& text) {
  S3Wal::Config config;
  config.interval = DurationOf(text.batch_interval());
  config.shortest_wait = kShortestWait;
  config.bulk_bytes = BytesOf(text.batch_bytes());
  config.most_in_flight = static_cast<int64_t>(text.max_in_flight());
  config.most_unflushed = BytesOf(text.max_unflushed());
  config.give_up_after = S3Wal::kNever;  // AMQSRC, AbstractObjectStorage.
  config.read_ahead = kRecoveryReadAhead;
  return config;
}

}  // namespace

S3StreamBroker::Config S3StreamBrokerOf(const v1::S3Stream& text) {
  S3StreamBroker::Config broker;
  static_cast<Broker::Config&>(broker) = ProcessOf(text);
  const BytesPerSecond limit = BytesPerSecondOf(text.network_limit());
  broker.inbound = {limit, kRefillInterval, limit.InTime(Seconds(1))};
  broker.outbound = {limit, kRefillInterval, limit.InTime(Seconds(kOutboundSeconds))};
  broker.object_client = ObjectClient::Defaults(broker.vcpus);
  broker.part_size = BytesOf(text.object_part_size());
  if (text.wal().kind() == v1::WriteAheadLog::VOLUME) {
    broker.wal = VolumeWalOf(text.wal());
  } else {
    broker.wal = S3WalOf(text.wal());
  }
  broker.log_cache = LogCacheOf(text);
  broker.upload_threshold = BytesOf(text.upload_threshold());
  broker.upload_interval = DurationOf(text.upload_interval());

  const Sampler metadata = SamplerOf(text.metadata_latency());
  const Bytes split_size = BytesOf(text.stream_split_size());
  broker.uploader = {split_size, metadata};
  broker.reader.block_cache = text.block_cache().empty() ? Bytes(broker.log_cache.count() / 2)
                                                         : BytesOf(text.block_cache());
  broker.reader.block = broker.reader.read_ahead_step = kBlock;
  broker.reader.most_request = kMostRequest;
  broker.reader.most_read_ahead = kMostReadAhead;
  broker.reader.rest_after_eviction = kRestAfterEviction;
  broker.reader.idle_after = kIdleReader;
  broker.compactor = {DurationOf(text.stream_set_compaction_interval()),
                      DurationOf(text.stream_object_compaction_interval()),
                      split_size,
                      kJoinedObjects,
                      broker.part_size,
                      metadata};
  return broker;
}

std::optional<S3Wal::Config> RouterChannelOf(const v1::S3Stream& text) {
  if (!text.zone_router().enable()) return std::nullopt;
  S3Wal::Config config = S3WalOf(text.wal());
  config.interval = DurationOf(text.zone_router().batch_interval());
  config.bulk_bytes = BytesOf(text.zone_router().batch_bytes());
  config.most_in_flight = static_cast<int64_t>(text.zone_router().max_in_flight());
  config.cause = ObjectCause::kRouter;
  return config;
}

std::optional<AutoBalancer::Config> BalancerOf(const v1::S3Stream& text,
                                               const std::vector<TopicConfig>& topics) {
  const v1::SelfBalancing& balancing = text.self_balancing();
  if (!balancing.enable()) return std::nullopt;
  AutoBalancer::Config config;
  config.report_interval = DurationOf(balancing.reporting_interval());
  config.metrics_delay = DurationOf(balancing.metrics_delay());
  config.detect_interval = DurationOf(balancing.detect_interval());
  config.goals = {{{RatioOf(balancing.network_in_deviation()),
                    BytesPerSecondOf(balancing.network_in_threshold())},
                   {RatioOf(balancing.network_out_deviation()),
                    BytesPerSecondOf(balancing.network_out_threshold())}}};
  config.most_moves = balancing.execution_concurrency();
  config.execution_interval = DurationOf(balancing.execution_interval());
  for (const std::string& name : balancing.exclude_brokers()) {
    for (BrokerId broker = 0; broker < static_cast<BrokerId>(text.brokers()); ++broker) {
      if (name == absl::StrCat("broker-", broker + 1)) config.excluded_brokers.push_back(broker);
    }
  }
  for (const std::string& name : balancing.exclude_topics()) {
    for (size_t topic = 0; topic < topics.size(); ++topic) {
      if (name == topics[topic].name) config.excluded_topics.push_back(static_cast<int>(topic));
    }
  }
  return config;
}

}  // namespace freshet
