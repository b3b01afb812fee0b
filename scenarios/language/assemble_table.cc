#include "scenarios/language/assemble_table.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/unlimited.h"

namespace freshet {
namespace {

// AMQSRC, WorkerConfig: what one thread converts at once.
constexpr Bytes kMicroBatch = MiB(32);
// ICEDOC, S3FileIO: s3.multipart.part-size-bytes.
constexpr Bytes kPartSize = MiB(32);

// Ours, of small tables: schema and all in a manifest, a list and a metadata file, and what a
// manifest, a snapshot with its summary, and an earlier version add to them. They move the bytes of
// metadata, which are little beside the requests for it.
constexpr Bytes kManifestHeader(4'000);
constexpr Bytes kListHeader(2'000);
constexpr Bytes kListEntry(100);
constexpr Bytes kMetadataHeader(5'000);
constexpr Bytes kSnapshotEntry(700);
constexpr Bytes kVersionEntry(150);

}  // namespace

bool IsOverwritten(const v1::Scenario& scenario, const std::string& table) {
  for (const v1::Component& component : scenario.component()) {
    if (component.lakehouse_sink().table() == table &&
        component.lakehouse_sink().has_overwrite_partitions()) {
      return true;
    }
  }
  return false;
}

IcebergTable::Config TableConfigOf(const v1::LakehouseTable& text, bool is_overwritten) {
  IcebergTable::Config config;
  config.catalog_latency = SamplerOf(text.catalog_latency());
  config.small_file = BytesOf(text.small_file());
  config.commit_retry.first = DurationOf(text.commit_retry_wait());
  config.commit_retry.cap = DurationOf(text.commit_retry_max_wait());
  config.commit_retry.most_retries = text.commit_retries();
  config.commit_retry_total = DurationOf(text.commit_retry_total());
  config.manifest_target = BytesOf(text.manifest_target_size());
  config.manifests_to_merge = text.min_manifests_to_merge();
  if (!text.has_expire_snapshots()) {
    config.snapshot_age = DurationOf(text.expire_snapshots_after());
  }
  config.snapshots_kept = text.min_snapshots_to_keep();
  config.metadata_kept = text.metadata_versions();
  config.delete_metadata = text.delete_old_metadata();
  if (!text.other_commits().empty()) config.other_commits = DurationOf(text.other_commits());
  if (!text.remove_orphans_after().empty()) {
    config.orphan_age = DurationOf(text.remove_orphans_after());
  }
  config.maintenance = ObjectClient::Defaults(1);
  config.knows_files = text.has_rewrite_data_files() || is_overwritten;
  config.is_overwritten = is_overwritten;
  config.knows_strays = text.has_remove_orphan_files();
  config.is_planned = text.has_planning();
  config.manifest_header = kManifestHeader;
  config.manifest_entry = BytesOf(text.manifest_entry_size());
  config.list_header = kListHeader;
  config.list_entry = kListEntry;
  config.metadata_header = kMetadataHeader;
  config.snapshot_entry = kSnapshotEntry;
  config.version_entry = kVersionEntry;
  return config;
}

void AddUpkeep(const std::string& name, const v1::LakehouseTable& text, Simulation& sim,
               Network* network, Pipeline::Table* built) {
  if (text.has_rewrite_data_files()) {
    const v1::RewriteDataFiles& job = text.rewrite_data_files();
    DataFileRewriter::Config config;
    config.every = DurationOf(job.every());
    config.target_file = BytesOf(job.target_file_size());
    config.min_input_files = job.min_input_files();
    config.max_group = BytesOf(job.max_file_group_size());
    config.groups_at_once = job.max_concurrent_file_group_rewrites();
    config.cpu_per_mib = DurationOf(job.cpu_per_mib());
    config.part_size = kPartSize;
    config.object_client = ObjectClient::Defaults(1);
    const std::string of = absl::StrCat(name, "/rewriter");
    const HostId host = network->AddHost(
        of, 0,
        job.network_bandwidth().empty() ? kUnlimited : BytesPerSecondOf(job.network_bandwidth()));
    built->rewriter =
        std::make_unique<DataFileRewriter>(sim, of, built->table.get(), network, host, config);
  }
  if (text.has_planning()) {
    TablePlanner::Config config;
    config.every = DurationOf(text.planning().every());
    config.threads = text.planning().threads();
    config.time_per_file = DurationOf(text.planning().time_per_file());
    if (!text.planning().goes_back_after().empty()) {
      config.goes_back_after = DurationOf(text.planning().goes_back_after());
    }
    config.object_client = ObjectClient::Defaults(1);
    const std::string of = absl::StrCat(name, "/planner");
    const HostId host = network->AddHost(of, 0, kUnlimited);
    built->planner =
        std::make_unique<TablePlanner>(sim, of, built->table.get(), network, host, config);
  }
  // These read and write metadata only: a card that never limits.
  const auto host_of = [network](const std::string& of) {
    return network->AddHost(of, 0, kUnlimited);
  };
  if (text.has_expire_snapshots()) {
    SnapshotExpirer::Config config;
    config.every = DurationOf(text.expire_snapshots().every());
    config.older_than = DurationOf(text.expire_snapshots().older_than());
    config.retain_last = text.expire_snapshots().retain_last();
    config.object_client = ObjectClient::Defaults(1);
    const std::string of = absl::StrCat(name, "/expirer");
    built->expirer = std::make_unique<SnapshotExpirer>(sim, of, built->table.get(), network,
                                                       host_of(of), config);
  }
  if (text.has_rewrite_manifests()) {
    ManifestRewriter::Config config;
    config.every = DurationOf(text.rewrite_manifests().every());
    config.object_client = ObjectClient::Defaults(1);
    const std::string of = absl::StrCat(name, "/manifest-rewriter");
    built->manifest_rewriter = std::make_unique<ManifestRewriter>(sim, of, built->table.get(),
                                                                  network, host_of(of), config);
  }
  if (text.has_remove_orphan_files()) {
    OrphanFileRemover::Config config;
    config.every = DurationOf(text.remove_orphan_files().every());
    config.older_than = DurationOf(text.remove_orphan_files().older_than());
    config.object_client = ObjectClient::Defaults(1);
    const std::string of = absl::StrCat(name, "/orphan-remover");
    built->orphan_remover = std::make_unique<OrphanFileRemover>(sim, of, built->table.get(),
                                                                network, host_of(of), config);
  }
}

void AddTableTopics(const v1::Scenario& scenario, const v1::S3Stream& brokers,
                    const std::map<std::string, Pipeline::Table>& tables,
                    S3StreamCluster::Config* config) {
  for (int index = 0; index < scenario.topic_size(); ++index) {
    if (!scenario.topic(index).has_table_topic()) continue;
    const v1::TableTopic& text = scenario.topic(index).table_topic();
    TableTopic::Config topic;
    topic.commit_interval = DurationOf(text.commit_interval());
    topic.commit_timeout = DurationOf(text.commit_timeout());
    topic.backfill = text.backfill();
    topic.worker.cpu_per_mib = DurationOf(text.cpu_per_mib());
    topic.worker.parquet_ratio = RatioOf(text.parquet_ratio());
    topic.worker.open_partitions = text.open_partitions();
    topic.worker.micro_batch = kMicroBatch;
    topic.worker.target_file = BytesOf(text.target_file_size());
    topic.worker.object_client = ObjectClient::Defaults(brokers.vcpus());
    topic.worker.part_size = kPartSize;
    config->tables.push_back(
        {static_cast<size_t>(index), tables.at(text.table()).table.get(), topic});
  }
  if (!config->tables.empty()) TableChannel::AddTopics(&config->topics);
}

}  // namespace freshet
