#include "scenarios/language/assemble_leaderless.h"

#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/assemble_parts.h"
#include "scenarios/language/quantity.h"

namespace freshet {
namespace {

// What no capacity plan tunes. K42: aws.http.max.connections, per bucket.
constexpr int64_t kMostConnections = 150;
// As shared storage has it (AMQSRC): parts of uploads, pieces of what is merged.
constexpr Bytes kPart = MiB(16);
// A file that was never committed is found by a scan. No source says how often; AMQSRC's for what
// was prepared and not committed.
constexpr Duration kOrphanAge = Minutes(60);
// KSRC: metadata.max.age.ms.
constexpr Duration kMetadataMaxAge = Minutes(5);
// K42's merged files; a history lies in such.
constexpr Bytes kHistoryFile = MiB(100);

// The defaults of fields that have two.
struct KindDefaults {
  int64_t requests_per_connection;
  bool cache_shared;
  bool cache_written;
  int64_t lagging_threads;
  std::optional<int64_t> merge_files;
  std::optional<Bytes> merge_bytes;
  uint32_t merge_levels;
};

KindDefaults DefaultsOf(v1::Leaderless::Kind kind) {
  if (kind == v1::Leaderless::WARPSTREAM) {
    return {1'000'000, true, false, 0, 32, std::nullopt, 2};  // WSDOC.
  }
  return {1, false, true, 16, std::nullopt, MiB(100), 1};  // K42.
}

}  // namespace

LeaderlessBroker::Config LeaderlessBrokerOf(const v1::Leaderless& text) {
  const KindDefaults defaults = DefaultsOf(text.kind());
  LeaderlessBroker::Config broker;
  static_cast<Broker::Config&>(broker) = ProcessOf(text);
  broker.batch_interval = DurationOf(text.batch_interval());
  broker.batch_bytes = BytesOf(text.batch_bytes());
  broker.upload_threads = text.upload_threads();
  broker.keeps_written = text.has_cache_written() ? text.cache_written() : defaults.cache_written;

  broker.files.object_client = ObjectClient::Defaults(broker.vcpus);
  broker.files.object_client.most_in_flight = kMostConnections;
  broker.files.part_size = kPart;
  broker.files.attempts = text.upload_attempts();
  broker.files.backoff = DurationOf(text.upload_backoff());
  broker.files.ingest_quorum = text.ingest().empty() ? 1 : static_cast<int>(text.ingest_quorum());

  broker.reader.block = BytesOf(text.cache_block());
  broker.reader.most_blocks = text.cache_blocks();
  broker.reader.time_to_live = broker.reader.lagging_after = DurationOf(text.cache_ttl());
  broker.reader.threads = text.fetch_threads();
  broker.reader.lagging_threads =
      text.has_lagging_threads() ? text.lagging_threads() : defaults.lagging_threads;
  broker.reader.lagging_rate = RateOf(text.lagging_rate());

  broker.merger = {DurationOf(text.merge_interval()), kPart};
  return broker;
}

LeaderlessCluster::Config LeaderlessClusterOf(const v1::Leaderless& text) {
  const KindDefaults defaults = DefaultsOf(text.kind());
  LeaderlessCluster::Config config;
  config.fetch_max_bytes = BytesOf(text.fetch_max_bytes());
  config.coordinator.commit_latency = SamplerOf(text.commit_latency());
  config.coordinator.find_latency = SamplerOf(text.find_latency());
  if (!text.max_commit_rate().empty()) {
    config.coordinator.most_commits = RateOf(text.max_commit_rate());
  }
  config.assignment = text.assignment() == v1::Leaderless::PER_CLIENT
                          ? LeaderlessCluster::Assignment::kPerClient
                          : LeaderlessCluster::Assignment::kPerPartition;
  config.requests_per_connection = text.has_requests_per_connection()
                                       ? text.requests_per_connection()
                                       : defaults.requests_per_connection;
  config.shared_cache = text.has_cache_shared() ? text.cache_shared() : defaults.cache_shared;
  config.merge_files = defaults.merge_files;
  config.merge_bytes = defaults.merge_bytes;
  if (text.has_merge_files()) config.merge_files = text.merge_files();
  if (!text.merge_bytes().empty()) config.merge_bytes = BytesOf(text.merge_bytes());
  config.merge_levels = text.has_merge_levels() ? text.merge_levels() : defaults.merge_levels;
  config.retention_check_interval = DurationOf(text.retention_interval());
  config.cleaner_interval = DurationOf(text.cleaner_interval());
  config.deleted_file_retention = DurationOf(text.deleted_file_retention());
  config.orphan_age = kOrphanAge;
  config.metadata_max_age = kMetadataMaxAge;
  config.history_file = kHistoryFile;
  return config;
}

}  // namespace freshet
