#include "scenarios/language/assemble.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/broker/kafka_cluster.h"
#include "models/broker/leaderless_cluster.h"
#include "models/broker/s3stream_cluster.h"
#include "models/fault/coordinator_target.h"
#include "models/fault/job_target.h"
#include "models/fault/object_store_target.h"
#include "models/fault/registry_target.h"
#include "models/fault/table_target.h"
#include "models/fault/targets.h"
#include "models/group/group_metrics.h"
#include "models/processing/blackhole_sink.h"
#include "models/schema/read_policy.h"
#include "models/sink/archive_sink.h"
#include "models/sink/database_sink.h"
#include "models/sink/lakehouse_sink.h"
#include "models/sink/olap_sink.h"
#include "models/sink/search_sink.h"
#include "models/sink/warehouse_sink.h"
#include "models/storage/object_client.h"
#include "models/storage/object_store.h"
#include "scenarios/language/assemble_batch.h"
#include "scenarios/language/assemble_connect.h"
#include "scenarios/language/assemble_groups.h"
#include "scenarios/language/assemble_job.h"
#include "scenarios/language/assemble_job_topic.h"
#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/assemble_leaderless.h"
#include "scenarios/language/assemble_mirror.h"
#include "scenarios/language/assemble_operations.h"
#include "scenarios/language/assemble_parts.h"
#include "scenarios/language/assemble_quotas.h"
#include "scenarios/language/assemble_s3stream.h"
#include "scenarios/language/assemble_sinks.h"
#include "scenarios/language/assemble_spark.h"
#include "scenarios/language/assemble_streams.h"
#include "scenarios/language/assemble_table.h"
#include "scenarios/language/assemble_tiered.h"
#include "scenarios/language/assemble_transactions.h"
#include "scenarios/language/assemble_workload.h"
#include "scenarios/language/catalogue.h"
#include "scenarios/language/connect_rules.h"
#include "scenarios/language/group_rules.h"
#include "scenarios/language/mirror_rules.h"
#include "scenarios/language/operation_rules.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/rescale_rules.h"
#include "scenarios/language/unlimited.h"

namespace freshet {
namespace {

// Linux: vm.dirty_background_ratio, vm.dirty_ratio, vm.dirty_writeback_centisecs,
// vm.dirty_expire_centisecs (kernel documentation, admin-guide/sysctl/vm). Not fields of the
// schema: nobody tunes them in a capacity plan.
constexpr Ratio kDirtyBackgroundRatio = Ratio::Percent(10);
constexpr Ratio kDirtyRatio = Ratio::Percent(20);
constexpr Duration kDirtyWriteback = Seconds(5);
constexpr Duration kDirtyExpire = Seconds(30);

// Leaderless brokers: as Kafka's sessions by default (broker.session.timeout.ms,
// broker.heartbeat.interval.ms), since they are nowhere published.
constexpr Duration kLeaderlessSession = Seconds(9);
constexpr Duration kLeaderlessHeartbeat = Seconds(2);

// AMQSRC: the failover controller's scan, and how long an object may be prepared and not committed.
constexpr Duration kFailoverScan = Seconds(1);
constexpr Duration kPreparedObjectTtl = Minutes(60);

// KIP-794 came with Kafka 3.3.
bool StickyPerBatch(const std::string& kafka_version) {
  return kafka_version < "3.3";  // Versions are "2.8", "3.9", "4.0": text order is theirs.
}

// The high watermark stands still below min.insync.replicas since Kafka 3.7 (KIP-966).
bool StrictMinInSync(const std::string& kafka_version) { return kafka_version >= "3.7"; }

class Assembler {
 public:
  Assembler(const v1::Scenario& scenario, const std::string& root, Simulation& sim)
      : scenario_(scenario), root_(root), sim_(sim), pipeline_(std::make_unique<Pipeline>()) {}

  absl::StatusOr<std::unique_ptr<Pipeline>> Build() {
    BuildNetwork();
    // Whatever the order of the text: the store first, which brokers use, and clients last.
    for (const v1::Component& component : scenario_.component()) {
      if (component.has_object_store()) BuildStore(component.name(), component.object_store());
      if (component.has_lakehouse_table()) {
        BuildTable(component.name(), component.lakehouse_table());
      }
      if (component.has_schema_registry()) {
        BuildRegistry(component.name(), component.schema_registry());
      }
    }
    for (const v1::Component& component : scenario_.component()) {
      BuildSink(scenario_, component, sim_, pipeline_.get());
    }
    SetContracts(scenario_, pipeline_.get());
    absl::StatusOr<std::vector<TopicConfig>> topics = Topics();
    if (!topics.ok()) return topics.status();
    all_topics_ = *std::move(topics);
    for (const v1::Component& component : scenario_.component()) {
      topics_ = TopicsAt(component.name());
      added_ = IsFirst(component.name()) ? AddedBrokers(scenario_) : 0;
      if (component.has_kafka()) BuildKafka(component.name(), component.kafka());
      if (component.has_s3stream()) BuildS3Stream(component.name(), component.s3stream());
      if (component.has_leaderless()) BuildLeaderless(component.name(), component.leaderless());
    }
    pipeline_->transactions = BuildTransactionCoordinator(scenario_, sim_, pipeline_->network.get(),
                                                          pipeline_->log.get());
    for (const v1::Component& component : scenario_.component()) {
      absl::Status status = BuildClient(component);
      if (!status.ok()) return status;
    }
    for (const v1::Component& component : scenario_.component()) {
      if (!component.has_mirror()) continue;
      absl::Status status = BuildMirrorAndImages(component.name(), component.mirror());
      if (!status.ok()) return status;
    }
    pipeline_->faults = std::make_unique<FaultInjector>(sim_, "faults");
    absl::Status faults = BuildFaults();
    if (!faults.ok()) return faults;
    pipeline_->faults->SchedulePhases(DurationOf(scenario_.warm_up()));
    for (const auto& producers : pipeline_->producers) {
      if (!IsImage(producers->name())) producers->Start();
    }
    for (const auto& consumers : pipeline_->consumers) {
      if (IsImage(consumers->name())) continue;
      if (!IsStartedByOperation(scenario_, consumers->name())) consumers->Start();
    }
    for (const auto& connect : pipeline_->connects) connect->Start();
    for (const auto& mirror : pipeline_->mirrors) mirror->Start();
    for (const auto& job : pipeline_->jobs) job->Start();
    for (const auto& app : pipeline_->streams_apps) app->Start();
    for (const auto& lane : pipeline_->batch_lanes) lane->Start();
    for (const auto& query : pipeline_->spark_queries) query->Start();
    BuildOperations(scenario_, sim_, pipeline_.get());
    return std::move(pipeline_);
  }

 private:
  // The zones of `count` things: those named, or all of the scenario's, in turn.
  template <class Names>
  std::vector<ZoneId> ZonesOf(const Names& names, int count) const {
    std::vector<ZoneId> choices;
    for (const std::string& name : names) {
      const auto it = std::find(scenario_.zones().begin(), scenario_.zones().end(), name);
      choices.push_back(static_cast<ZoneId>(it - scenario_.zones().begin()));
    }
    if (choices.empty()) {
      for (int zone = 0; zone < scenario_.zones_size(); ++zone) {
        choices.push_back(static_cast<ZoneId>(zone));
      }
    }
    std::vector<ZoneId> zones;
    for (int i = 0; i < count; ++i) zones.push_back(choices[i % choices.size()]);
    return zones;
  }

  void BuildNetwork() {
    Network::Config config;
    config.zones.assign(scenario_.zones().begin(), scenario_.zones().end());
    config.rtt_within_zone = SamplerOf(scenario_.network().rtt_within_zone());
    config.rtt_across_zones = SamplerOf(scenario_.network().rtt_across_zones());
    SetRegions(scenario_, &config);
    pipeline_->network = std::make_unique<Network>(sim_, "network", config);
  }

  absl::StatusOr<TopicConfig> TopicOf(const v1::Topic& text) const {
    TopicConfig topic;
    topic.name = text.name();
    topic.partitions = static_cast<int>(text.partitions());
    topic.replication_factor = static_cast<int>(text.replication_factor());
    topic.min_in_sync_replicas = static_cast<int>(text.min_insync_replicas());
    topic.flush_messages = static_cast<int64_t>(text.flush_messages());
    topic.segments = {BytesOf(text.segment_bytes()), DurationOf(text.segment_roll())};
    topic.retention.time = DurationOf(text.retention());
    if (!text.retention_bytes().empty()) topic.retention.bytes = BytesOf(text.retention_bytes());
    topic.local_retention = LocalRetentionOf(text);
    if (text.history().empty()) return topic;
    topic.history = DurationOf(text.history());
    absl::StatusOr<MeanIngress> mean = MeanIngressOf(scenario_, text.name(), root_);
    if (!mean.ok()) return mean.status();
    topic.history_rate = text.history_rate().empty() ? mean->rate : RateOf(text.history_rate());
    topic.history_record_bytes = text.history_record_size().empty()
                                     ? mean->record_bytes
                                     : BytesOf(text.history_record_size());
    return topic;
  }

  void BuildKafka(const std::string& name, const v1::Kafka& kafka) {
    KafkaCluster::Config config;
    config.absent_brokers = static_cast<int>(added_);
    const int brokers = static_cast<int>(kafka.brokers()) + config.absent_brokers;
    for (const ZoneId zone : ZonesOf(kafka.zones(), brokers)) {
      KafkaBroker::Config broker;
      static_cast<Broker::Config&>(broker) = ProcessOf(kafka);
      broker.network_threads = kafka.num_network_threads();
      broker.zone = zone;
      broker.network_burst =
          BurstOf(kafka.network_burst(), kafka.network_credits(), kafka.network_credits_at_start());
      const v1::Volume& volume = kafka.volume();
      broker.volumes = static_cast<int>(volume.count());
      broker.volume = VolumeConfigOf(volume);
      if (IsNetworkVolume(volume.kind()) && !kafka.volume_path_baseline().empty()) {
        broker.volume_path_bandwidth = BytesPerSecondOf(kafka.volume_path_baseline());
        broker.volume_path_burst = BurstOf(kafka.volume_path_burst(), kafka.volume_path_credits(),
                                           kafka.volume_path_credits_at_start());
      }
      if (!volume.size().empty()) broker.volume_size = BytesOf(volume.size());
      const Bytes beyond_heap = std::max(Bytes(0), BytesOf(kafka.memory()) - BytesOf(kafka.heap()));
      broker.page_cache = {RatioOf(kafka.page_cache_share()) * beyond_heap, kDirtyBackgroundRatio,
                           kDirtyRatio, kDirtyWriteback, kDirtyExpire};
      config.brokers.push_back(broker);
    }
    config.topics = topics_;
    config.replica_fetchers = static_cast<int>(kafka.num_replica_fetchers());
    config.replica_fetch_wait_max = DurationOf(kafka.replica_fetch_wait_max());
    config.replica_fetch_min_bytes = BytesOf(kafka.replica_fetch_min_bytes());
    config.replica_fetch_max_bytes = BytesOf(kafka.replica_fetch_max_bytes());
    config.replica_fetch_response_max_bytes = BytesOf(kafka.replica_fetch_response_max_bytes());
    config.fetch_max_bytes = BytesOf(kafka.fetch_max_bytes());
    config.batches_per_parcel = static_cast<int32_t>(scenario_.resolution().batches_per_parcel());
    config.quotas = QuotasOf(scenario_, kafka.has_quotas(), kafka.quotas());
    config.replica_lag_time_max = DurationOf(kafka.replica_lag_time_max());
    SetControllersOf(kafka.controllers(), &config);
    config.leader_imbalance_check_interval = DurationOf(kafka.leader_imbalance_check_interval());
    config.controlled_shutdown = kafka.controlled_shutdown();
    config.unclean_leader_election = kafka.unclean_leader_election();
    config.strict_min_in_sync = StrictMinInSync(scenario_.kafka_version());
    config.eligible_leader_replicas = kafka.eligible_leader_replicas();
    config.rack_aware_selector = kafka.replica_selector() == v1::Kafka::RACK_AWARE;
    config.retention_check_interval = DurationOf(kafka.retention_check_interval());
    config.recovery_threads = static_cast<int>(kafka.num_recovery_threads_per_data_dir());
    if (!kafka.log_recovery_rate().empty()) {
      config.recovery_rate = BytesPerSecondOf(kafka.log_recovery_rate());
    }
    if (!kafka.replication_throttle().empty()) {
      config.replication_throttle = BytesPerSecondOf(kafka.replication_throttle());
    }
    config.file_delete_delay = DurationOf(kafka.segment_delete_delay());
    config.remote_log = RemoteLogOf(kafka);
    auto cluster = std::make_unique<KafkaCluster>(sim_, name, pipeline_->network.get(), config,
                                                  pipeline_->object_store.get());
    for (BrokerId broker = 0; broker < brokers; ++broker) {
      pipeline_->targets[absl::StrCat(name, "/broker-", broker + 1, "/disk")] =
          std::make_unique<DiskTarget>(cluster.get(), broker);
    }
    Keep(name, std::move(cluster));
    AddBrokers(name);
    AddControllers(name, config);
  }

  void BuildStore(const std::string& name, const v1::ObjectStorage& text) {
    if (text.preset() == v1::ObjectStorage::EXPRESS_ONE_ZONE) {
      for (const std::string& zone : scenario_.zones()) {
        const std::string bucket = absl::StrCat(name, "/", zone);
        pipeline_->zonal_buckets.push_back(
            std::make_unique<ObjectStore>(sim_, bucket, StoreConfigOf(text)));
        pipeline_->targets[bucket] =
            std::make_unique<ObjectStoreTarget>(pipeline_->zonal_buckets.back().get());
      }
      return;
    }
    pipeline_->object_store = std::make_unique<ObjectStore>(sim_, name, StoreConfigOf(text));
    pipeline_->targets[name] = std::make_unique<ObjectStoreTarget>(pipeline_->object_store.get());
  }

  void BuildTable(const std::string& name, const v1::LakehouseTable& text) {
    Pipeline::Table& built = pipeline_->tables[name];
    const std::string bucket = absl::StrCat(name, "/warehouse");
    built.warehouse = std::make_unique<ObjectStore>(sim_, bucket, StoreConfigOf(text.warehouse()));
    built.table =
        std::make_unique<IcebergTable>(sim_, name, built.warehouse.get(), pipeline_->network.get(),
                                       TableConfigOf(text, IsOverwritten(scenario_, name)));
    AddUpkeep(name, text, sim_, pipeline_->network.get(), &built);
    pipeline_->targets[name] = std::make_unique<TableTarget>(built.table.get());
    pipeline_->targets[bucket] = std::make_unique<ObjectStoreTarget>(built.warehouse.get());
  }

  void BuildRegistry(const std::string& name, const v1::SchemaRegistry& text) {
    auto& built = pipeline_->registries[name];
    built = std::make_unique<SchemaRegistry>(sim_, name, RegistryOf(text));
    pipeline_->targets[name] = std::make_unique<RegistryTarget>(built.get());
  }

  void BuildS3Stream(const std::string& name, const v1::S3Stream& text) {
    S3StreamCluster::Config config;
    config.absent_brokers = static_cast<int>(added_);
    const int brokers = static_cast<int>(text.brokers()) + config.absent_brokers;
    for (const ZoneId zone : ZonesOf(text.zones(), brokers)) {
      config.brokers.push_back(S3StreamBrokerOf(text));
      config.brokers.back().zone = zone;
    }
    config.topics = topics_;
    config.fetch_max_bytes = BytesOf(text.fetch_max_bytes());
    config.batches_per_parcel = static_cast<int32_t>(scenario_.resolution().batches_per_parcel());
    config.quotas = QuotasOf(scenario_, text.has_quotas(), text.quotas());
    config.retention_check_interval = DurationOf(text.retention_check_interval());
    SetControllersOf(text.controllers(), &config);
    config.failover_scan_interval = kFailoverScan;
    config.open_time = DurationOf(text.partition_open_time());
    config.deleted_object_retention = DurationOf(text.deleted_object_retention());
    config.prepared_object_ttl = kPreparedObjectTtl;
    config.balancer = BalancerOf(text, topics_);
    config.router_channel = RouterChannelOf(text);
    AddTableTopics(scenario_, text, pipeline_->tables, &config);
    Keep(name, std::make_unique<S3StreamCluster>(sim_, name, pipeline_->network.get(),
                                                 pipeline_->object_store.get(), config));
    AddBrokers(name);
    AddControllers(name, config);
  }

  void SetControllersOf(const v1::Controllers& text, BrokerCluster::Config* config) const {
    SetControllers(text, ZonesOf(text.zones(), static_cast<int>(text.count())), config);
  }

  void AddControllers(const std::string& name, const BrokerCluster::Config& config) {
    for (int i = 0; i < static_cast<int>(config.controllers.zones.size()); ++i) {
      pipeline_->targets[absl::StrCat(name, "/controller-", i + 1)] =
          std::make_unique<ControllerTarget>(LogNamed(name), i);
    }
  }

  void BuildLeaderless(const std::string& name, const v1::Leaderless& text) {
    LeaderlessCluster::Config config = LeaderlessClusterOf(text);
    config.batches_per_parcel = static_cast<int32_t>(scenario_.resolution().batches_per_parcel());
    config.quotas = QuotasOf(scenario_, text.has_quotas(), text.quotas());
    config.absent_brokers = static_cast<int>(added_);
    const int brokers = static_cast<int>(text.brokers()) + config.absent_brokers;
    for (const ZoneId zone : ZonesOf(text.zones(), brokers)) {
      config.brokers.push_back(LeaderlessBrokerOf(text));
      config.brokers.back().zone = zone;
    }
    config.topics = topics_;
    config.broker_session_timeout = kLeaderlessSession;
    config.broker_heartbeat_interval = kLeaderlessHeartbeat;
    const Bucket regional = {pipeline_->object_store.get(), std::nullopt};
    std::vector<Bucket> ingest;
    for (size_t zone = 0; !text.ingest().empty() && zone < pipeline_->zonal_buckets.size();
         ++zone) {
      ingest.push_back({pipeline_->zonal_buckets[zone].get(), static_cast<ZoneId>(zone)});
    }
    if (ingest.empty()) ingest.push_back(regional);
    auto cluster = std::make_unique<LeaderlessCluster>(sim_, name, pipeline_->network.get(), ingest,
                                                       regional, config);
    pipeline_->targets[absl::StrCat(name, "/coordinator")] =
        std::make_unique<CoordinatorTarget>(&cluster->coordinator());
    Keep(name, std::move(cluster));
    AddBrokers(name);
  }

  bool IsFirst(const std::string& cluster) const {
    return ClustersOf(scenario_)[0]->name() == cluster;
  }
  void Keep(const std::string& name, std::unique_ptr<BrokerCluster> cluster) {
    if (IsFirst(name)) {
      pipeline_->log = std::move(cluster);
    } else {
      pipeline_->other_logs[name] = std::move(cluster);
    }
  }
  BrokerCluster* LogNamed(const std::string& name) const {
    const auto other = pipeline_->other_logs.find(name);
    return other == pipeline_->other_logs.end() ? pipeline_->log.get() : other->second.get();
  }
  std::vector<TopicConfig> TopicsAt(const std::string& cluster) const {
    std::vector<TopicConfig> topics;
    for (const TopicConfig& topic : all_topics_) {
      if (ClusterOf(scenario_, topic.name) == cluster) topics.push_back(topic);
    }
    if (IsFirst(cluster)) {
      for (TopicConfig& internal : InternalTopicsOf(scenario_, topics)) {
        topics.push_back(std::move(internal));
      }
    }
    if (std::optional<TopicConfig> offsets = OffsetsTopicOf(scenario_)) {
      topics.push_back(*std::move(offsets));
    }
    if (std::optional<TopicConfig> transactions = TransactionTopicOf(scenario_)) {
      topics.push_back(*std::move(transactions));
    }
    return topics;
  }

  bool IsImage(const std::string& client) const {
    const std::vector<std::string> images = ImagesOf(scenario_);
    return std::find(images.begin(), images.end(), client) != images.end();
  }

  // Clients that a cutover moves are there at the target, too, in the zones of its brokers; they do
  // not run before.
  absl::Status BuildMirrorAndImages(const std::string& name, const v1::Mirror& text) {
    const std::string cluster = ClusterOf(scenario_, text.writes());
    const v1::Operation::Cutover* cutover = CutoverOf(scenario_, name);
    const v1::Component* target = nullptr;
    for (const v1::Component* each : ClustersOf(scenario_)) {
      if (each->name() == cluster) target = each;
    }
    const auto& zones = target->has_kafka()      ? target->kafka().zones()
                        : target->has_s3stream() ? target->s3stream().zones()
                                                 : target->leaderless().zones();
    for (const v1::Component& component : scenario_.component()) {
      if (cutover == nullptr) break;
      const auto moves = [&component](const auto& names) {
        return std::find(names.begin(), names.end(), component.name()) != names.end();
      };
      if (moves(cutover->producers())) {
        v1::Producers image = component.producers();
        image.set_topic(cutover->producers_write().empty() ? text.writes()
                                                           : cutover->producers_write());
        *image.mutable_zones() = zones;
        absl::Status built = BuildProducers(ImageName(component.name(), cluster), image);
        if (!built.ok()) return built;
      }
      if (moves(cutover->consumers())) {
        v1::Consumers image = component.consumers();
        image.set_reads(text.writes());
        *image.mutable_zones() = zones;
        BuildConsumers(ImageName(component.name(), cluster), image);
      }
    }
    BuildMirror(scenario_, name, text, ZonesOf(text.zones(), static_cast<int>(text.workers())),
                sim_, pipeline_.get());
    return absl::OkStatus();
  }

  void AddBrokers(const std::string& name) {
    BrokerCluster* cluster = LogNamed(name);
    for (BrokerId broker = 0; broker < cluster->broker_count(); ++broker) {
      const std::string handle = absl::StrCat(name, "/broker-", broker + 1);
      pipeline_->targets[handle] = std::make_unique<BrokerTarget>(cluster, broker);
      pipeline_->targets[handle + "/nic"] =
          std::make_unique<NicTarget>(pipeline_->network.get(), cluster->HostOf(broker));
    }
  }

  absl::StatusOr<std::vector<TopicConfig>> Topics() const {
    std::vector<TopicConfig> topics;
    for (const v1::Topic& topic : scenario_.topic()) {
      absl::StatusOr<TopicConfig> built = TopicOf(topic);
      if (!built.ok()) return built.status();
      topics.push_back(*std::move(built));
    }
    return topics;
  }

  absl::Status BuildClient(const v1::Component& component) {
    switch (component.kind_case()) {
      case v1::Component::kProducers:
        return BuildProducers(component.name(), component.producers());
      case v1::Component::kConsumers:
        BuildConsumers(component.name(), component.consumers());
        return absl::OkStatus();
      case v1::Component::kConnect: {
        const int64_t workers =
            component.connect().workers() + AddedWorkers(scenario_, component.name());
        BuildConnect(scenario_, component.name(), component.connect(),
                     ZonesOf(component.connect().zones(), static_cast<int>(workers)), sim_,
                     pipeline_.get());
        return absl::OkStatus();
      }
      case v1::Component::kBatchLane:
        BuildBatchLane(component.name(), component.batch_lane(),
                       ZonesOf(component.batch_lane().zones(),
                               static_cast<int>(component.batch_lane().tasks())),
                       sim_, pipeline_.get());
        return absl::OkStatus();
      case v1::Component::kStreamJob:
        BuildJob(component.name(), component.stream_job());
        return absl::OkStatus();
      case v1::Component::kStreamsApp: {
        const v1::StreamsApp& text = component.streams_app();
        BuildStreamsApp(scenario_, component.name(), text,
                        ZonesOf(text.zones(), static_cast<int>(text.instances())), sim_,
                        pipeline_.get());
        return absl::OkStatus();
      }
      case v1::Component::kSparkQuery: {
        const v1::SparkQuery& text = component.spark_query();
        BuildSparkQuery(component.name(), text,
                        ZonesOf(text.zones(), static_cast<int>(text.executors())), sim_,
                        pipeline_.get());
        return absl::OkStatus();
      }
      case v1::Component::kDashboard:
        BuildDashboard(component.name(), component.dashboard(), sim_, pipeline_.get());
        return absl::OkStatus();
      case v1::Component::kDatabase:
      case v1::Component::kServingStore:
      case v1::Component::kLakehouseSink:
      case v1::Component::kOlapStore:
      case v1::Component::kSearchIndex:
      case v1::Component::kWarehouse:
      case v1::Component::kObjectArchive:
      case v1::Component::kKafka:
      case v1::Component::kS3Stream:
      case v1::Component::kMirror:  // Behind all clients.
      case v1::Component::kObjectStore:
      case v1::Component::kLeaderless:
      case v1::Component::kLakehouseTable:
      case v1::Component::kSchemaRegistry:
      case v1::Component::KIND_NOT_SET:
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status BuildProducers(const std::string& name, const v1::Producers& text) {
    Producers::Config config;
    config.topic = text.topic();
    config.client_zones = ZonesOf(text.zones(), static_cast<int>(text.clients()));
    config.network_bandwidth =
        text.network_bandwidth().empty() ? kUnlimited : BytesPerSecondOf(text.network_bandwidth());
    absl::StatusOr<std::shared_ptr<const RateFunction>> rate =
        RateFunctionOf(scenario_, text, root_);
    if (!rate.ok()) return rate.status();
    config.rate = *std::move(rate);
    config.arrivals = text.arrivals().has_constant() ? ArrivalLaw::kConstant : ArrivalLaw::kPoisson;
    config.event_size = EventSizesOf(text);
    if (text.partitioner() == v1::Producers::KEYED) config.keys = KeysOf(text.keys());
    SetEventTimes(text, &config);
    SetSchema(text, *pipeline_, &config);
    config.sticky = StickyPerBatch(scenario_.kafka_version()) ? StickyRule::kPerBatch
                                                              : StickyRule::kPerBatchSizeBytes;
    const v1::Compression& compression = text.compression();
    if (compression.codec() > v1::Compression::NONE) {
      config.compression_ratio = RatioOf(compression.ratio());
      config.cpu_per_raw_mib = DurationOf(compression.cpu_per_mib());
    }
    config.cpu_per_record = DurationOf(text.cpu_per_record());
    config.cpu_per_batch = DurationOf(text.cpu_per_batch());
    config.linger = DurationOf(text.linger());
    config.batch_size = BytesOf(text.batch_size());
    config.buffer_memory = BytesOf(text.buffer_memory());
    config.max_block = DurationOf(text.max_block());
    config.acks = text.acks() == v1::Producers::NONE     ? Acks::kNone
                  : text.acks() == v1::Producers::LEADER ? Acks::kLeader
                                                         : Acks::kAll;
    config.idempotent = text.idempotence();
    config.max_in_flight = static_cast<int>(text.max_in_flight());
    config.retries = text.retries();
    config.retry_backoff = DurationOf(text.retry_backoff());
    config.retry_backoff_max = DurationOf(text.retry_backoff_max());
    config.request_timeout = DurationOf(text.request_timeout());
    config.delivery_timeout = DurationOf(text.delivery_timeout());
    config.max_request_size = BytesOf(text.max_request_size());
    config.batches_per_parcel = static_cast<int32_t>(scenario_.resolution().batches_per_parcel());
    config.transactions = TransactionsOf(text, pipeline_->transactions.get());
    pipeline_->producers.push_back(std::make_unique<Producers>(
        sim_, name, pipeline_->network.get(), LogOf(scenario_, *pipeline_, text.topic()), config));
    Producers* fleet = pipeline_->producers.back().get();
    AddNics(name, "client", fleet->hosts());
    for (int i = 0; config.transactions && i < static_cast<int>(fleet->hosts().size()); ++i) {
      const std::string handle = absl::StrCat(name, "/client-", i + 1);
      pipeline_->targets[handle] = std::make_unique<ClientTarget>(fleet, i);
      pipeline_->targets[handle + "/thread"] = std::make_unique<ClientThreadTarget>(fleet, i);
    }
    return absl::OkStatus();
  }

  void BuildConsumers(const std::string& name, const v1::Consumers& text) {
    Consumers::Config config;
    config.topic = text.reads();
    config.absent_members = static_cast<int>(AddedMembers(scenario_, name));
    config.member_zones =
        ZonesOf(text.zones(), static_cast<int>(text.members()) + config.absent_members);
    config.network_bandwidth =
        text.network_bandwidth().empty() ? kUnlimited : BytesPerSecondOf(text.network_bandwidth());
    config.start_from = text.start_from() == v1::Consumers::EARLIEST   ? StartFrom::kEarliest
                        : text.start_from() == v1::Consumers::NO_RESET ? StartFrom::kNone
                                                                       : StartFrom::kLatest;
    config.start_at = DurationOf(text.start_at());
    if (!text.start_from_age().empty()) config.start_from_age = DurationOf(text.start_from_age());
    config.fetch_min_bytes = BytesOf(text.fetch_min_bytes());
    config.fetch_max_wait = DurationOf(text.fetch_max_wait());
    config.fetch_max_bytes = BytesOf(text.fetch_max_bytes());
    config.max_partition_fetch_bytes = BytesOf(text.max_partition_fetch_bytes());
    config.max_poll_records = text.max_poll_records();
    config.cpu_per_poll = DurationOf(text.cpu_per_poll());
    config.cpu_per_record = DurationOf(text.cpu_per_record());
    config.isolation = text.isolation_level() == v1::Consumers::READ_COMMITTED
                           ? Isolation::kReadCommitted
                           : Isolation::kReadUncommitted;
    config.auto_commit = text.auto_commit();
    config.auto_commit_interval = DurationOf(text.auto_commit_interval());
    config.client_rack = text.client_rack() == v1::Consumers::OWN_ZONE;
    config.metadata_max_age = DurationOf(text.metadata_max_age());
    config.group = GroupOf(scenario_, text);
    config.event_times = HasEventTimes(scenario_, text.reads());
    SinkWriter* const writer = BuildSinkWriter(name, text, sim_, pipeline_.get());
    config.handler = writer;
    BrokerCluster* const log = LogOf(scenario_, *pipeline_, text.reads());
    pipeline_->consumers.push_back(
        std::make_unique<Consumers>(sim_, name, pipeline_->network.get(), log, config));
    Consumers* consumers = pipeline_->consumers.back().get();
    if (writer != nullptr) {
      writer->Serve(consumers, log, log->PartitionsOf(text.reads()));
      const auto reader = pipeline_->readers.find(name);
      if (reader != pipeline_->readers.end()) {
        reader->second.service->AddSenders(consumers->hosts());
      }
    }
    AddNics(name, "member", consumers->hosts());
    for (int i = 0; config.group && i < consumers->member_count(); ++i) {
      const std::string handle = absl::StrCat(name, "/member-", i + 1);
      pipeline_->targets[handle] = std::make_unique<MemberTarget>(consumers, i);
      pipeline_->targets[handle + "/thread"] = std::make_unique<MemberThreadTarget>(consumers, i);
    }
  }

  void BuildJob(const std::string& name, const v1::StreamJob& text) {
    std::vector<OperatorEnds> ends;
    for (const v1::StreamOperator& each : text.step()) {
      ends.emplace_back();
      if (each.has_sink()) ends.back().sink = pipeline_->sinks.at(each.sink().name()).get();
      if (each.has_lookup()) {
        const std::string handle = absl::StrCat(name, "/", each.name(), "/service");
        pipeline_->lookups.push_back(
            std::make_unique<LookupService>(sim_, handle, LookupServiceOf(each.lookup())));
        ends.back().service = pipeline_->lookups.back().get();
        pipeline_->targets[handle] = std::make_unique<LookupTarget>(ends.back().service);
      }
      if (each.has_topic()) ends.back().sink = BuildTopicSink(name, each, sim_, pipeline_.get());
      if (!each.has_blackhole()) continue;
      pipeline_->job_sinks.push_back(
          std::make_unique<BlackholeSink>(sim_, absl::StrCat(name, "/", each.name(), "/sink")));
      ends.back().sink = pipeline_->job_sinks.back().get();
    }
    const int count = static_cast<int>(text.task_managers());
    JobConfig config =
        JobConfigOf(text, ZonesOf(text.zones(), count), ends, pipeline_->object_store.get(),
                    kUnlimited, MostParallelism(scenario_, name));
    for (const v1::StreamOperator& each : text.step()) {
      if (!each.source().has_reading()) continue;
      const Reader* reader = BuildJobReader(name, each.source().reads(), each.source().reading(),
                                            sim_, pipeline_.get());
      SetReaderOf(each.name(), *reader, ends, &config);
    }
    pipeline_->jobs.push_back(std::make_unique<StreamJob>(sim_, name, pipeline_->network.get(),
                                                          pipeline_->log.get(), config));
    StreamJob* job = pipeline_->jobs.back().get();
    for (int i = 0; i < count; ++i) {
      const std::string handle = absl::StrCat(name, "/task-manager-", i + 1);
      pipeline_->targets[handle] = std::make_unique<TaskManagerTarget>(job, i);
      pipeline_->targets[handle + "/nic"] =
          std::make_unique<NicTarget>(pipeline_->network.get(), job->task_manager(i).host());
    }
  }

  void AddNics(const std::string& name, absl::string_view role, const std::vector<HostId>& hosts) {
    for (size_t i = 0; i < hosts.size(); ++i) {
      pipeline_->targets[absl::StrCat(name, "/", role, "-", i + 1, "/nic")] =
          std::make_unique<NicTarget>(pipeline_->network.get(), hosts[i]);
    }
  }

  absl::Status BuildFaults() {
    for (const v1::Fault& text : scenario_.fault()) {
      FaultPlan plan;
      plan.name = text.name();
      plan.at = Time() + DurationOf(text.at());
      if (!text.lasts().empty()) plan.lasts = DurationOf(text.lasts());
      switch (text.verb_case()) {
        case v1::Fault::kDown:
          plan.verb = FaultVerb::kDown;
          plan.target = text.down().target();
          break;
        case v1::Fault::kSlow:
          plan.verb = FaultVerb::kSlow;
          plan.target = text.slow().target();
          plan.factor = RatioOf(text.slow().factor());
          break;
        case v1::Fault::kThrottle:
          plan.verb = FaultVerb::kThrottle;
          plan.target = text.throttle().target();
          plan.rate = BytesPerSecondOf(text.throttle().rate());
          break;
        case v1::Fault::kLose:
          plan.verb = FaultVerb::kLose;
          plan.target = text.lose().target();
          break;
        case v1::Fault::VERB_NOT_SET:
          continue;
      }
      const auto target = pipeline_->targets.find(plan.target);
      if (target == pipeline_->targets.end() || !target->second->Understands(plan.verb)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "fault target \"", plan.target, "\" ",
            target == pipeline_->targets.end() ? "does not exist" : "does not understand \"",
            target == pipeline_->targets.end() ? "" : NameOf(plan.verb),
            target == pipeline_->targets.end() ? "" : "\"", "; targets of \"", NameOf(plan.verb),
            "\" are: ", absl::StrJoin(TargetsOf(plan.verb), ", ")));
      }
      plan.on = target->second.get();
      pipeline_->faults->Schedule(plan);
    }
    return absl::OkStatus();
  }

  std::vector<std::string> TargetsOf(FaultVerb verb) const {
    constexpr size_t kMostShown = 12;
    std::vector<std::string> names;
    for (const auto& [name, target] : pipeline_->targets) {
      if (!target->Understands(verb)) continue;
      if (names.size() == kMostShown) {
        names.push_back("...");
        break;
      }
      names.push_back(name);
    }
    return names;
  }

  const v1::Scenario& scenario_;
  const std::string& root_;
  Simulation& sim_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<TopicConfig> all_topics_;
  std::vector<TopicConfig> topics_;  // Of the cluster that is being built,
  int64_t added_ = 0;                // and the brokers that operations add to it.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Pipeline>> Assemble(const v1::Scenario& scenario,
                                                   const std::string& root, Simulation& sim) {
  return Assembler(scenario, root, sim).Build();
}

const std::vector<const MetricDef*>& KnownMetrics() {
  static const auto& all = *new std::vector<const MetricDef*>{
      &Producers::kLatency,
      &Producers::kBatchWait,
      &Producers::kBatchRecords,
      &Producers::kRequests,
      &Producers::kTaken,
      &Producers::kAcked,
      &Producers::kBytesAcked,
      &Producers::kFailed,
      &Producers::kRefused,
      &Producers::kRetries,
      &Producers::kBuffered,
      &Producers::kBlocked,
      &Producers::kCommitted,
      &Producers::kAborted,
      &Producers::kAbortedRecords,
      &Producers::kCommitTime,
      &TransactionCoordinator::kCommitted,
      &TransactionCoordinator::kAborted,
      &TransactionCoordinator::kTimedOut,
      &TransactionCoordinator::kOngoing,
      &TransactionCoordinator::kEndTime,
      &TransactionCoordinator::kMarkers,
      &TransactionCoordinator::kFencedRequests,
      &Producers::kUnserialized,
      &Producers::kWithoutSchema,
      &Producers::kRolledBack,
      &Producers::kPoison,
      &Producers::kOffline,
      &SchemaRegistry::kRequests,
      &SchemaRegistry::kRegistered,
      &SchemaRegistry::kRefused,
      &SchemaRegistry::kUnanswered,
      &ReadPolicy::kUnreadable,
      &ReadPolicy::kPoison,
      &ReadPolicy::kQuarantined,
      &ReadPolicy::kDeadLetters,
      &ReadPolicy::kOldest,
      &ReadPolicy::kCorrupt,
      &ReadPolicy::kStops,
      &ReadPolicy::kWindows,
      &ReadPolicy::kFiles,
      &ReadingService::kFailures,
      &ReadingService::kWaiting,
      &DataFileRewriter::kRuns,
      &DataFileRewriter::kFailedRuns,
      &DataFileRewriter::kTime,
      &TablePlanner::kFiles,
      &TablePlanner::kBytes,
      &TablePlanner::kFailed,
      &TablePlanner::kWentBack,
      &TablePlanner::kExpired,
      &SnapshotExpirer::kRuns,
      &SnapshotExpirer::kFailedRuns,
      &SnapshotExpirer::kSnapshots,
      &SnapshotExpirer::kDataFiles,
      &SnapshotExpirer::kMetadataFiles,
      &SnapshotExpirer::kTime,
      &ManifestRewriter::kRuns,
      &ManifestRewriter::kFailedRuns,
      &ManifestRewriter::kRewritten,
      &ManifestRewriter::kAdded,
      &ManifestRewriter::kTime,
      &OrphanFileRemover::kRuns,
      &OrphanFileRemover::kFailedRuns,
      &OrphanFileRemover::kPages,
      &OrphanFileRemover::kDataFiles,
      &OrphanFileRemover::kMetadataFiles,
      &OrphanFileRemover::kTime,
      &IcebergTable::kOverwrites,
      &IcebergTable::kFilesOverwritten,
      &IcebergTable::kFilesOfSize[0],
      &IcebergTable::kFilesOfSize[1],
      &IcebergTable::kFilesOfSize[2],
      &IcebergTable::kFilesOfSize[3],
      &IcebergTable::kFilesOfSize[4],
      &IcebergTable::kRewrites,
      &IcebergTable::kFilesRewritten,
      &IcebergTable::kBytesRewritten,
      &IcebergTable::kBacklogFiles,
      &IcebergTable::kBacklogBytes,
      &IcebergTable::kPlanningTime,
      &IcebergTable::kRetiredBytes,
      &MeteredSink::kOtherVersion,
      &MeteredSink::kTooLate,
      &ClientQuotas::kProduceThrottle,
      &ClientQuotas::kFetchThrottle,
      &ClientQuotas::kRequestThrottle,
      &Consumers::kEndToEnd,
      &Consumers::kRecords,
      &Consumers::kBytesRead,
      &Consumers::kFetches,
      &Consumers::kCommits,
      &Consumers::kInterpolated,
      &Consumers::kSkipped,
      &Consumers::kLag,
      &Consumers::kStaleness,
      &Consumers::kEventToVisible,
      &Consumers::kCatchUp,
      &Consumers::kAborted,
      &Consumers::kTransactionWait,
      &Consumers::kRedelivered,
      &Consumers::kPassedOver,
      &Consumers::kRevoked,
      &Consumers::kUnowned,
      &Consumers::kUnownedTime,
      &Consumers::kZombies,
      &GroupMetrics::kRebalances,
      &GroupMetrics::kRebalancesBy[0],
      &GroupMetrics::kRebalancesBy[1],
      &GroupMetrics::kRebalancesBy[2],
      &GroupMetrics::kRebalancesBy[3],
      &GroupMetrics::kRebalancesBy[4],
      &GroupMetrics::kRebalancesBy[5],
      &GroupMetrics::kRebalanceTime,
      &GroupMetrics::kMembers,
      &GroupMetrics::kRebalancing,
      &GroupMetrics::kUnavailable,
      &GroupMetrics::kFenced,
      &KafkaCluster::kUnderReplicated,
      &KafkaCluster::kOffline,
      &KafkaCluster::kRebuilding,
      &KafkaCluster::kRebuildLeft,
      &KafkaCluster::kRebuildProjected,
      &KafkaCluster::kFallingBehind,
      &KafkaCluster::kRemoteBytes,
      &KafkaCluster::kAuxiliaryStates,
      &KafkaCluster::kElections,
      &KafkaCluster::kLostAcked,
      &KafkaCluster::kDuplicates,
      &KafkaCluster::kDeleted,
      &KafkaCluster::kAppended,
      &KafkaBroker::kProduceRequests,
      &KafkaBroker::kFetchRequests,
      &KafkaBroker::kBytesIn,
      &KafkaBroker::kReplicatedIn,
      &KafkaBroker::kBytesOut,
      &KafkaBroker::kBusyHandlers,
      &KafkaBroker::kCacheMisses,
      &KafkaBroker::kThreadsReadingDisk,
      &KafkaBroker::kLogBytes,
      &KafkaBroker::kLogDirFailures,
      &KafkaBroker::kRecovered,
      &RemoteLogManager::kCopiedBytes,
      &RemoteLogManager::kCopiedSegments,
      &RemoteLogManager::kCopyRequests,
      &RemoteLogManager::kCopyErrors,
      &RemoteLogManager::kCopyTime,
      &RemoteLogManager::kThrottleTime,
      &RemoteLogManager::kCopyLagBytes,
      &RemoteLogManager::kCopyLagSegments,
      &RemoteLogManager::kDeletedSegments,
      &RemoteLogManager::kDeleteErrors,
      &RemoteLogReader::kFetches,
      &RemoteLogReader::kFetchedBytes,
      &RemoteLogReader::kFetchErrors,
      &RemoteLogReader::kRejected,
      &RemoteLogReader::kExpired,
      &RemoteLogReader::kQueue,
      &RemoteLogReader::kFetchTime,
      &RemoteLogReader::kIndexMisses,
      &RemoteLogReader::kChunkHits,
      &RemoteLogReader::kChunkMisses,
      &S3StreamCluster::kRecoveries,
      &S3StreamCluster::kRecoveredBytes,
      &S3StreamCluster::kUnavailable,
      &S3StreamCluster::kMoves,
      &S3StreamCluster::kMoveTime,
      &S3StreamCluster::kStreamSetObjects,
      &S3StreamCluster::kStreamObjects,
      &IcebergTable::kFreshness,
      &IcebergTable::kRecords,
      &IcebergTable::kDuplicates,
      &IcebergTable::kSkipped,
      &IcebergTable::kSnapshots,
      &IcebergTable::kConflicts,
      &IcebergTable::kFailedCommits,
      &IcebergTable::kCommitTime,
      &IcebergTable::kCommitFiles,
      &IcebergTable::kCommitBytes,
      &IcebergTable::kFiles,
      &IcebergTable::kSmallFiles,
      &IcebergTable::kBytes,
      &IcebergTable::kManifests,
      &IcebergTable::kLiveSnapshots,
      &IcebergTable::kOrphans,
      &IcebergTable::kOrphanBytes,
      &IcebergTable::kLag,
      &IcebergTable::kMetadataRequests,
      &MeteredSink::kFreshness,
      &MeteredSink::kWrites,
      &MeteredSink::kFailedWrites,
      &MeteredSink::kInterpolated,
      &MeteredSink::kLag,
      &MeteredSink::kVisible,
      &MeteredSink::kDuplicated,
      &MeteredSink::kReplaced,
      &MeteredSink::kReordered,
      &MeteredSink::kFiltered,
      &MeteredSink::kLateDropped,
      &MeteredSink::kDeadLettered,
      &MeteredSink::kCorrupt,
      &MeteredSink::kLost,
      &MeteredSink::kPhantom,
      &MeteredSink::kNotTracked,
      &ServerSink::kWriteTime,
      &DatabaseSink::kPrepared,
      &LakehouseSink::kFiles,
      &LakehouseSink::kFileBytes,
      &LakehouseSink::kFlushTime,
      &LakehouseSink::kTakenOver,
      &LakehouseSink::kPartitionsOverwritten,
      &LakehouseSink::kRowsRewritten,
      &LakehouseSink::kRowsOverwritten,
      &LakehouseSink::kRowsNotTracked,
      &OlapSink::kParts,
      &OlapSink::kMerges,
      &OlapSink::kMergedBytes,
      &OlapSink::kDelayed,
      &OlapSink::kRefused,
      &OlapSink::kDeduplicated,
      &SearchSink::kRefreshes,
      &SearchSink::kHidden,
      &WarehouseSink::kLoads,
      &WarehouseSink::kLoadTime,
      &WarehouseSink::kStaged,
      &TopicSink::kSent,
      &TopicSink::kBatches,
      &TopicSink::kRetries,
      &TopicSink::kTransactions,
      &TopicSink::kTimedOut,
      &ArchiveSink::kObjects,
      &ArchiveSink::kObjectBytes,
      &ArchiveSink::kPending,
      &SinkWriter::kRetries,
      &SinkWriter::kLeftOut,
      &SinkWriter::kCommits,
      &SinkWriter::kCommitTime,
      &Dashboard::kFresh,
      &Dashboard::kLabelled,
      &Dashboard::kSilent,
      &Dashboard::kFalseAlarm,
      &Dashboard::kRefreshes,
      &Dashboard::kFailed,
      &TableTopic::kRequests,
      &TableTopic::kTimeouts,
      &TableTopic::kTakeovers,
      &ZoneRouter::kRouted,
      &ZoneRouter::kTime,
      &AutoBalancer::kOrdered,
      &AutoBalancer::kDetections,
      &S3StreamBroker::kLogCache,
      &S3StreamBroker::kNotUploaded,
      &S3StreamBroker::kBackingOff,
      &S3StreamBroker::kColdBytes,
      &LeaderlessCluster::kFiles,
      &LeaderlessCluster::kExtents,
      &LeaderlessCluster::kGarbage,
      &LeaderlessBroker::kUncommitted,
      &LeaderlessBroker::kFiles,
      &LeaderlessBroker::kFileBytes,
      &LeaderlessBroker::kWriteTime,
      &LeaderlessBroker::kFailed,
      &BatchCoordinator::kCommits,
      &BatchCoordinator::kCommitLatency,
      &BatchCoordinator::kFinds,
      &BatchCoordinator::kWaiting,
      &FileReader::kHitBytes,
      &FileReader::kMissBytes,
      &FileReader::kLaggingBytes,
      &FileReader::kPeerBytes,
      &FileReader::kCacheBytes,
      &FileMerger::kMerges,
      &FileMerger::kMergedBytes,
      &StreamUploader::kUploads,
      &StreamUploader::kUploadedBytes,
      &StreamUploader::kUploadTime,
      &StreamReader::kHitBytes,
      &StreamReader::kMissBytes,
      &StreamCompactor::kCompactions,
      &StreamCompactor::kCompactedBytes,
      &WriteAheadLog::kBytes,
      &WriteAheadLog::kWrites,
      &WriteAheadLog::kUnflushed,
      &WriteAheadLog::kHeld,
      &WriteAheadLog::kOverCapacity,
      &NetworkLimiter::kWait,
      &NetworkLimiter::kWaiting,
      &Volume::kReadBytes,
      &Volume::kWrittenBytes,
      &Volume::kFlushLatency,
      &Volume::kOperations,
      &PageCache::kDirty,
      &PageCache::kHeld,
      &ObjectStore::kPutRequests,
      &ObjectStore::kGetRequests,
      &ObjectStore::kDeleteRequests,
      &ObjectStore::kThrottled,
      &ObjectStore::kFailed,
      &ObjectStore::kStoredBytes,
      &ObjectStore::kObjects,
      &ObjectStore::kExpressPutRequests,
      &ObjectStore::kExpressGetRequests,
      &ObjectStore::kExpressStoredBytes,
      &ObjectStore::kUploadedBytes,
      &ObjectStore::kRetrievedBytes,
      &ObjectStore::kBytesIn[0],
      &ObjectStore::kBytesIn[1],
      &ObjectStore::kBytesIn[2],
      &ObjectStore::kBytesIn[3],
      &ObjectStore::kBytesIn[4],
      &ObjectStore::kBytesIn[5],
      &ObjectStore::kBytesIn[6],
      &ObjectStore::kBytesIn[7],
      &ObjectStore::kBytesIn[8],
      &ObjectStore::kBytesIn[9],
      &ObjectStore::kBytesOut[0],
      &ObjectStore::kBytesOut[1],
      &ObjectStore::kBytesOut[2],
      &ObjectStore::kBytesOut[3],
      &ObjectStore::kBytesOut[4],
      &ObjectStore::kBytesOut[5],
      &ObjectStore::kBytesOut[6],
      &ObjectStore::kBytesOut[7],
      &ObjectStore::kBytesOut[8],
      &ObjectStore::kBytesOut[9],
      &ObjectClient::kPutLatency,
      &ObjectClient::kGetLatency,
      &ObjectClient::kRetries,
      &ObjectClient::kThrottled,
      &ObjectClient::kAttemptsTimedOut,
      &ObjectClient::kHedged,
      &ObjectClient::kUnsuccessful,
      &ObjectClient::kInFlight,
      &ObjectClient::kWaiting,
      &Network::kBytes[0],
      &Network::kBytes[1],
      &Network::kBytes[2],
      &Network::kBytes[3],
      &Network::kCrossZoneBytes,
      &Station::kWait,
      &Station::kPresent,
      &Station::kBusy,
      &Station::kRefused,
      &Bandwidth::kBytes,
      &Bandwidth::kActive,
      &Bandwidth::kCredits,
      &KafkaCluster::kUncleanElections,
      &KraftQuorum::kElections,
      &KraftQuorum::kLeaderless,
      &KraftQuorum::kCommitLatency,
      &Network::kBytes[4],
      &Network::kCrossRegionBytes,
      &MirrorTopic::kRetries,
      &MirrorTopic::kSyncs,
      &BatchLane::kRuns,
      &BatchLane::kRecords,
      &BatchLane::kBytesCounted,
      &BatchLane::kDeleted,
      &BatchLane::kLostAttempts,
      &BatchLane::kRepeated,
      &BatchLane::kRebuild,
      &BatchLane::kReconciled,
      &BatchLane::kFreshness,
      &BatchLane::kDrift,
      &BatchLane::kMissing,
      &BatchLane::kLate,
      &BatchLane::kDoubled,
      &BatchLane::kWrong,
      &BatchLane::kNotTracked,
      &Mirror::kRecordAge,
      &Mirror::kRunning,
      &Mirror::kUnassigned,
      &Mirror::kCheckpoints,
      &Mirror::kDistance,
      &MirrorCutover::kRedelivered,
      &MirrorCutover::kSkipped,
      &MirrorCutover::kLost,
      &MirrorCutover::kLeftBehind,
      &MirrorCutover::kReadAgain,
      &MirrorCutover::kDrain,
      &MirrorCutover::kOutage,
      &ConnectCluster::kWorkers,
      &ConnectCluster::kRunning,
      &ConnectCluster::kFailed,
      &ConnectCluster::kUnassigned,
      &ConnectCluster::kUnassignedTime,
      &ConnectCluster::kFailures[0],
      &ConnectCluster::kFailures[1],
      &ConnectCluster::kFailures[2],
      &ConnectCluster::kStarts,
      &ConnectCluster::kAbandoned,
      &ConnectCluster::kGaveUp,
      &SinkTasks::kZombieCommits,
      &DeadLetterTopic::kRecords,
      &DeadLetterTopic::kRetries,
      &StreamJob::kEndToEnd,
      &StreamJob::kLag,
      &StreamJob::kRestarts,
      &StreamJob::kRescales,
      &StreamJob::kReplayed,
      &StreamJob::kDetection,
      &StreamJob::kDowntime,
      &StreamJob::kRestore,
      &StreamJob::kRunning,
      &LookupService::kQuestions,
      &LookupService::kLatency,
      &StreamsApp::kEndToEnd,
      &StreamsApp::kProcessed,
      &StreamsApp::kReplayed,
      &StreamsApp::kLate,
      &StreamsApp::kFired,
      &StreamsApp::kCommits,
      &StreamsApp::kCommitLatency,
      &StreamsApp::kChangelogBytes,
      &StreamsApp::kRunning,
      &StreamsApp::kDowntime,
      &StreamsApp::kFailures,
      &StreamsApp::kLag,
      &StreamsApp::kStandbyLag,
      &StreamsApp::kState,
      &StreamsApp::kProcessRatio,
      &SparkQuery::kBatchDuration,
      &SparkQuery::kLatestOffset,
      &SparkQuery::kWalCommit,
      &SparkQuery::kQueryPlanning,
      &SparkQuery::kAddBatch,
      &SparkQuery::kCommitOffsets,
      &SparkQuery::kBatches,
      &SparkQuery::kNoDataBatches,
      &SparkQuery::kFallingBehind,
      &SparkQuery::kBatchRows,
      &SparkQuery::kInputRows,
      &SparkQuery::kRerunBatches,
      &SparkQuery::kTasks,
      &SparkQuery::kTaskTime,
      &SparkQuery::kFailedTasks,
      &SparkQuery::kRecomputed,
      &SparkQuery::kFailures,
      &SparkQuery::kDowntime,
      &SparkQuery::kBehindLatest,
      &SparkQuery::kStateBytes,
      &SparkQuery::kStateWritten,
      &SparkQuery::kStateRead,
      &SparkQuery::kShuffled,
      &SparkQuery::kLate,
      &SparkQuery::kFired,
      &StateCopies::kRestoredRecords,
      &StateCopies::kRestoredBytes,
      &StateCopies::kRestoreTime,
      &StateCopies::kFollowedBytes,
      &StateCopies::kRestoring,
      &StateCopies::kFollowing,
      &Vertex::kRecordsIn,
      &Vertex::kRecordsOut,
      &Vertex::kFiltered,
      &Vertex::kLate,
      &Vertex::kUpdates,
      &Vertex::kInTime,
      &Vertex::kCompleteness,
      &Vertex::kWindows,
      &Vertex::kRows,
      &Vertex::kState,
      &Vertex::kActivity[0],
      &Vertex::kActivity[1],
      &Vertex::kActivity[2],
      &Vertex::kActivity[3],
      &Vertex::kAlignment,
      &Vertex::kBottleneck,
      &CheckpointCoordinator::kCompleted,
      &CheckpointCoordinator::kFailed,
      &CheckpointCoordinator::kDuration,
      &CheckpointCoordinator::kSize,
      &CheckpointCoordinator::kAge,
      &BlackholeSink::kRecords,
      &BlackholeSink::kBytesTaken,
      &Operations::kActive,
      &Operations::kWaiting,
      &Operations::kDone,
      &Operations::kDuration,
      &Operations::kMoves,
      &Operations::kMovesLeft,
      &Operations::kMovedBytes,
      &Operations::kRestarts,
      &FaultInjector::kActive,
      &FaultInjector::kBegun,
  };
  return all;
}

}  // namespace freshet
