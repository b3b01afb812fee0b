#include "scenarios/language/rules.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/batch_rules.h"
#include "scenarios/language/catalogue.h"
#include "scenarios/language/connect_rules.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/feed_contract.h"
#include "scenarios/language/group_rules.h"
#include "scenarios/language/job_rules.h"
#include "scenarios/language/laws.h"
#include "scenarios/language/mirror_rules.h"
#include "scenarios/language/operation_rules.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/quota_rules.h"
#include "scenarios/language/reading_rules.h"
#include "scenarios/language/rescale_rules.h"
#include "scenarios/language/sink_rules.h"
#include "scenarios/language/spark_rules.h"
#include "scenarios/language/streams_rules.h"
#include "scenarios/language/suggest.h"
#include "scenarios/language/table_rules.h"
#include "scenarios/language/transaction_rules.h"
#include "scenarios/language/workload_rules.h"

namespace freshet {

using v1::Arrivals;
using v1::Component;
using v1::Compression;
using v1::Consumers;
using v1::Fault;
using v1::Kafka;
using v1::Producers;
using v1::S3Stream;
using v1::Scenario;
using v1::Topic;
namespace {

constexpr int64_t kMostInt = std::numeric_limits<int64_t>::max();

// Requests that a single read may send in advance.
constexpr int64_t kMostPrefetchedChunks = 1'000;

// Of all partitions of a topic: some tens of MB.
constexpr int64_t kMostSegments = 1'000'000;
constexpr int64_t kCompactedObjectBytes = int64_t{128} << 20;  // assemble_s3stream.cc

std::string Text(Unit unit, int64_t amount) { return ToText(Quantity{unit, amount}); }

class RuleCheck {
 public:
  RuleCheck(const Scenario& scenario, const Places& places, const std::vector<Place>& blanked,
            Findings* findings)
      : scenario_(scenario), places_(places), blanked_(blanked), findings_(findings) {
    for (int i = 0; i < scenario.component_size(); ++i) {
      if (scenario.component(i).has_object_store()) {
        const bool zonal =
            scenario.component(i).object_store().preset() == v1::ObjectStorage::EXPRESS_ONE_ZONE;
        ++(zonal ? zonal_stores_ : stores_);
      }
      if (scenario.component(i).has_s3stream() || scenario.component(i).has_leaderless()) {
        ++logs_;
      }
      if (!scenario.component(i).has_kafka()) continue;
      ++logs_;
      if (kafka_ != nullptr || logs_ > 1) continue;  // That of the first cluster.
      kafka_ = &scenario.component(i).kafka();
      kafka_places_ = &places.In("component", i).In("kafka");
    }
  }

  void Run() {
    CheckWhole();
    for (int i = 0; i < scenario_.topic_size(); ++i) {
      CheckTopic(scenario_.topic(i), places_.In("topic", i));
    }
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      const Places& here = places_.In("component", i);
      if (component.has_producers()) CheckProducers(component, here.In("producers"));
      if (component.has_consumers()) CheckConsumers(component, here.In("consumers"));
      if (component.has_kafka()) CheckKafka(component.kafka(), here.In("kafka"), i);
      if (component.has_s3stream()) CheckS3Stream(component.s3stream(), here.In("s3stream"));
      if (component.has_leaderless()) {
        CheckLeaderless(component.leaderless(), here.In("leaderless"));
      }
      if (component.has_object_store()) CheckStore(component, here);
    }
    for (int i = 0; i < scenario_.fault_size(); ++i) {
      CheckFault(scenario_.fault(i), places_.In("fault", i));
    }
    for (int i = 0; i < scenario_.objective_size(); ++i) {
      CheckObjective(scenario_.objective(i), places_.In("objective", i));
    }
    CheckOperations(scenario_, places_, blanked_, findings_);
    CheckQuotas(scenario_, places_, blanked_, findings_);
    CheckTables(scenario_, places_, findings_);
    CheckSinks(scenario_, places_, findings_);
    CheckGroups(scenario_, places_, findings_);
    CheckConnects(scenario_, places_, findings_);
    CheckMirrors(scenario_, places_, findings_);
    CheckReaders(scenario_, places_, findings_);
    CheckFeedContracts(scenario_, places_, findings_);
    CheckBatchLanes(scenario_, places_, findings_);
    CheckTransactions(scenario_, places_, findings_);
    CheckWorkload(scenario_, places_, findings_);
    CheckJobs(scenario_, places_, blanked_, findings_);
    CheckRescales(scenario_, places_, findings_);
    CheckStreamsApps(scenario_, places_, blanked_, findings_);
    CheckSparkQueries(scenario_, places_, findings_);
    CheckLaws(scenario_, places_, findings_);
  }

 private:
  void CheckWhole() {
    const auto& versions = KafkaVersions();
    if (std::find(versions.begin(), versions.end(), scenario_.kafka_version()) == versions.end()) {
      findings_->Error(places_.In("kafka_version").place,
                       absl::StrCat("kafka_version ", Quoted(scenario_.kafka_version()),
                                    " is unknown; write ", Listed(versions)));
    }
    const uint32_t batches = scenario_.resolution().batches_per_parcel();
    if (batches != 1 && batches != 4 && batches != 16) {
      findings_->Error(places_.In("resolution").In("batches_per_parcel").place,
                       absl::StrCat("batches_per_parcel is ", batches, "; write 1, 4 or 16"));
    }
    const auto run_for = AmountOf(UNIT_DURATION, scenario_.run_for());
    const auto warm_up = AmountOf(UNIT_DURATION, scenario_.warm_up());
    if (run_for && warm_up && *warm_up >= *run_for) {
      findings_->Error(places_.In("warm_up").place,
                       absl::StrCat("warm_up ", scenario_.warm_up(), " leaves nothing of run_for ",
                                    scenario_.run_for(), "; shorten it"));
    }
    if (scenario_.component().empty()) {
      findings_->Error(places_.place,
                       "the scenario has no component; add at least brokers and a client");
    } else if (logs_ == 0) {
      findings_->Error(places_.place,
                       "no component holds the log; add component { name: \"log\" kafka { ... } }");
    }
    if (std::max(stores_, zonal_stores_) > 1) {
      findings_->Error(
          places_.place,
          absl::StrCat("the scenario has ", std::max(stores_, zonal_stores_),
                       " object stores; brokers do not say which is theirs, so keep one"));
    }
    int64_t partitions = 0;
    for (const Topic& topic : scenario_.topic()) partitions += topic.partitions();
    if (partitions > kMostPartitions) {
      findings_->Error(places_.In("topic").place,
                       absl::StrCat("all topics together have ", partitions,
                                    " partitions; at most ", kMostPartitions, " are simulated"));
    }
    const int64_t events = PredictedEvents(scenario_);
    if (events > kMostEvents) {
      findings_->Error(
          places_.In("run_for").place,
          absl::StrCat("about ", events, " events would be simulated, more than ", kMostEvents,
                       "; shorten run_for, or let a parcel stand for more batches (resolution)"));
    }
  }

  void CheckTopic(const Topic& topic, const Places& here) {
    const std::vector<const Component*> clusters = ClustersOf(scenario_);
    const bool elsewhere =
        !clusters.empty() && ClusterOf(scenario_, topic.name()) != clusters[0]->name();
    const auto brokers = kafka_ != nullptr && !elsewhere ? kafka_->brokers() : 0;
    if (brokers > 0 && topic.replication_factor() > brokers) {
      findings_->Error(
          here.In("replication_factor").place,
          absl::StrCat("topic ", Quoted(topic.name()), " wants ", topic.replication_factor(),
                       " replicas of ", brokers, brokers == 1 ? " broker" : " brokers",
                       "; lower replication_factor or add brokers"));
    }
    if (topic.has_replication_factor() &&
        topic.min_insync_replicas() > topic.replication_factor()) {
      findings_->Error(here.In("min_insync_replicas").place,
                       absl::StrCat("min_insync_replicas ", topic.min_insync_replicas(),
                                    " is above replication_factor ", topic.replication_factor(),
                                    ": every write with acks ALL would be refused; lower it"));
    }
    const auto retention_bytes = AmountOf(UNIT_BYTES, topic.retention_bytes());
    const auto segment = AmountOf(UNIT_BYTES, topic.segment_bytes());
    if (retention_bytes && segment && *retention_bytes < *segment) {
      findings_->Warning(here.In("retention_bytes").place,
                         absl::StrCat("retention_bytes ", topic.retention_bytes(),
                                      " is below segment_bytes ", topic.segment_bytes(),
                                      ": a segment is kept whole; lower segment_bytes too"));
    }
    const auto retention = AmountOf(UNIT_DURATION, topic.retention());
    const auto run_for = AmountOf(UNIT_DURATION, scenario_.run_for());
    if (retention && run_for && *retention < *run_for) {
      findings_->Warning(
          here.In("retention").place,
          absl::StrCat("retention ", topic.retention(), " is below run_for ", scenario_.run_for(),
                       ": records are deleted during the run; is that meant?"));
    }
    CheckHistory(topic, here);
    CheckTiering(topic, here);
    const bool flushes = topic.has_flush_messages() || !topic.flush_interval().empty();
    if (flushes && kafka_ != nullptr && kafka_->has_volume() &&
        !kafka_->volume().has_flush_latency() &&
        !AnyWithin(blanked_, kafka_places_->In("volume"))) {
      findings_->Error(kafka_places_->In("volume").place,
                       absl::StrCat("topic ", Quoted(topic.name()),
                                    " asks for flushes, and the "
                                    "volume has no flush_latency; state it"));
    }
  }

  // What Kafka refuses at the creation of a topic, and what would have no effect.
  void CheckTiering(const Topic& topic, const Places& here) {
    if (!topic.remote_storage()) {
      for (const char* field : {"local_retention", "local_retention_bytes"}) {
        if (!here.Has(field)) continue;
        findings_->Warning(here.In(field).place,
                           absl::StrCat(field,
                                        " has no effect without remote_storage: true; add it, "
                                        "or remove ",
                                        field));
      }
      return;
    }
    if (HasS3Stream()) {
      findings_->Warning(here.In("remote_storage").place,
                         "remote_storage has no effect: brokers of kind s3stream keep all of the "
                         "log in object storage; remove it");
      return;
    }
    if (kafka_ != nullptr && !kafka_->has_remote_log_storage()) {
      findings_->Error(here.In("remote_storage").place,
                       absl::StrCat("topic ", Quoted(topic.name()),
                                    " is to be tiered, and tiered storage is off; add "
                                    "remote_log_storage { } to the brokers"));
    }
    if (topic.local_retention().empty() && topic.local_retention_bytes().empty()) {
      findings_->Warning(here.In("remote_storage").place,
                         absl::StrCat("topic ", Quoted(topic.name()),
                                      " has no local_retention: disks keep as much as remote "
                                      "storage; state it"));
    }
    const auto local = AmountOf(UNIT_DURATION, topic.local_retention());
    const auto total = AmountOf(UNIT_DURATION, topic.retention());
    if (local && total && *local > *total) {
      findings_->Error(here.In("local_retention").place,
                       absl::StrCat("local_retention ", topic.local_retention(),
                                    " is above retention ", topic.retention(), "; lower it"));
    }
    const auto local_bytes = AmountOf(UNIT_BYTES, topic.local_retention_bytes());
    const auto total_bytes = AmountOf(UNIT_BYTES, topic.retention_bytes());
    if (local_bytes && total_bytes && *local_bytes > *total_bytes) {
      findings_->Error(
          here.In("local_retention_bytes").place,
          absl::StrCat("local_retention_bytes ", topic.local_retention_bytes(),
                       " is above retention_bytes ", topic.retention_bytes(), "; lower it"));
    }
  }

  void CheckRemoteLogStorage(const Kafka& kafka, const Places& here) {
    const v1::RemoteLogStorage& text = kafka.remote_log_storage();
    if (stores_ == 0) {
      findings_->Error(here.place,
                       "tiered storage needs an object store, and there is none; add component { "
                       "name: \"s3\" object_store { } }");
    }
    if (scenario_.kafka_version() == "2.8") {
      findings_->Error(here.place,
                       "kafka_version 2.8 has no tiered storage; write a later one, or remove "
                       "remote_log_storage");
    }
    const auto& topics = scenario_.topic();
    if (std::none_of(topics.begin(), topics.end(),
                     [](const Topic& topic) { return topic.remote_storage(); })) {
      findings_->Warning(here.place,
                         "no topic has remote_storage: true, so nothing is tiered; is that meant?");
    }
    const auto chunk = AmountOf(UNIT_BYTES, text.chunk_size());
    const auto prefetch = AmountOf(UNIT_BYTES, text.prefetch());
    const auto cache = AmountOf(UNIT_BYTES, text.chunk_cache());
    if (chunk && prefetch && *chunk > 0 && *prefetch / *chunk > kMostPrefetchedChunks) {
      findings_->Error(
          here.In("prefetch").place,
          absl::StrCat("prefetch ", text.prefetch(), " is more than ", kMostPrefetchedChunks,
                       " chunks of ", text.chunk_size(), "; lower it or raise chunk_size"));
    }
    if (chunk && prefetch && cache && (*cache > 0 || *prefetch > 0) &&
        Wide{*chunk} + *prefetch > *cache) {
      findings_->Error(
          here.In("chunk_cache").place,
          absl::StrCat("chunk_cache ", text.chunk_cache(), " has no room for a chunk of ",
                       text.chunk_size(), " and the prefetch of ", text.prefetch(),
                       "; raise it, or lower them"));
    }
    const auto heap = AmountOf(UNIT_BYTES, kafka.heap());
    if (text.chunk_cache_class() == v1::RemoteLogStorage::MEMORY && cache && heap &&
        *cache >= *heap) {
      findings_->Error(
          here.In("chunk_cache_class").place,
          absl::StrCat("chunk_cache ", text.chunk_cache(), " in MEMORY does not fit into heap ",
                       kafka.heap(), "; lower it, or raise heap"));
    }
  }

  bool HasS3Stream() const {
    const auto& components = scenario_.component();
    return std::any_of(components.begin(), components.end(),
                       [](const Component& component) { return component.has_s3stream(); });
  }

  void CheckHistory(const Topic& topic, const Places& here) {
    if (topic.history().empty()) {
      for (const char* field : {"history_rate", "history_record_size"}) {
        if (!here.Has(field)) continue;
        findings_->Warning(here.In(field).place,
                           absl::StrCat(field,
                                        " says how the history came, and there is none; state "
                                        "history, or remove it"));
      }
      return;
    }
    bool written = false;
    for (const Component& component : scenario_.component()) {
      written =
          written || (component.has_producers() && component.producers().topic() == topic.name());
    }
    if (!written && (topic.history_rate().empty() || topic.history_record_size().empty()) &&
        !AnyWithin(blanked_, here)) {
      findings_->Error(here.In("history").place,
                       absl::StrCat("topic ", Quoted(topic.name()),
                                    " has a history and no producers to tell how much came; state "
                                    "history_rate and history_record_size"));
    }
    CheckSegmentCount(topic, here);
  }

  // At most 2^60, so that products fit.
  Wide HistoryBytesPerSecond(const Topic& topic) const {
    Wide a_second = 0;
    for (const Component& component : scenario_.component()) {
      if (component.has_producers() && component.producers().topic() == topic.name()) {
        a_second += BytesPerSecondOf(component.producers());
      }
    }
    const auto rate = AmountOf(UNIT_RATE, topic.history_rate());
    const auto size = AmountOf(UNIT_BYTES, topic.history_record_size());
    if (rate && size) a_second = Wide{*rate} * *size / 1'000'000;
    return std::min(a_second, Wide{1} << 60);
  }

  // A segment is an entry in memory, and so is an object of compacted history.
  void CheckSegmentCount(const Topic& topic, const Places& here) {
    const auto history = AmountOf(UNIT_DURATION, topic.history());
    const auto segment = AmountOf(UNIT_BYTES, topic.segment_bytes());
    if (!history || !segment || *segment == 0) return;
    const Wide segments = HistoryBytesPerSecond(topic) * (*history / 1'000'000'000) / *segment;
    if (segments > kMostSegments) {
      findings_->Error(here.In("history").place,
                       absl::StrCat("a history of ", topic.history(), " is more than ",
                                    kMostSegments, " segments of ", topic.segment_bytes(),
                                    "; shorten it or raise segment_bytes"));
    }
    const Wide objects =
        HistoryBytesPerSecond(topic) * (*history / 1'000'000'000) / kCompactedObjectBytes;
    if (HasS3Stream() && objects > kMostSegments) {
      findings_->Error(
          here.In("history").place,
          absl::StrCat("a history of ", topic.history(), " is more than ", kMostSegments,
                       " objects of 128 MiB, in which brokers of kind s3stream keep "
                       "it; shorten it"));
    }
  }

  void CheckProducers(const Component& component, const Places& here) {
    const Producers& producers = component.producers();
    const auto amount = [](Unit unit, const std::string& text) { return AmountOf(unit, text); };
    CheckArrivals(producers, here);

    if (producers.idempotence()) {
      std::string conflict;
      std::string field;
      if (producers.acks() != Producers::ALL) {
        field = "acks";
        conflict = absl::StrCat("acks ALL, not ", Producers::Acks_Name(producers.acks()));
      } else if (producers.max_in_flight() > 5) {
        field = "max_in_flight";
        conflict = absl::StrCat("max_in_flight of at most 5, not ", producers.max_in_flight());
      } else if (producers.retries() == 0) {
        field = "retries";
        conflict = "retries above 0";
      }
      if (!conflict.empty()) {
        findings_->Error(
            here.In(field).place,
            absl::StrCat("idempotence needs ", conflict, "; change it or set idempotence: false"));
      }
    }
    const auto delivery = amount(UNIT_DURATION, producers.delivery_timeout());
    const auto linger = amount(UNIT_DURATION, producers.linger());
    const auto request = amount(UNIT_DURATION, producers.request_timeout());
    if (delivery && linger && request && Wide{*delivery} < Wide{*linger} + *request) {
      findings_->Error(
          here.In("delivery_timeout").place,
          absl::StrCat("delivery_timeout ", producers.delivery_timeout(), " is below linger ",
                       producers.linger(), " + request_timeout ", producers.request_timeout(),
                       "; raise it to their sum or more"));
    }
    const auto size = MeanEventBytes(producers);
    const auto largest = amount(UNIT_BYTES, producers.max_request_size());
    const auto buffer = amount(UNIT_BYTES, producers.buffer_memory());
    if (size && largest && *size > *largest) {
      findings_->Error(
          here.In("max_request_size").place,
          absl::StrCat("records of ", Text(UNIT_BYTES, *size), " exceed max_request_size ",
                       producers.max_request_size(), ": all would be refused; raise it"));
    } else if (size && buffer && *size > *buffer) {
      findings_->Error(
          here.In("buffer_memory").place,
          absl::StrCat("records of ", Text(UNIT_BYTES, *size), " exceed buffer_memory ",
                       producers.buffer_memory(), ": all would be refused; raise it"));
    }
    if (producers.partitioner() == Producers::KEYED && producers.keys().has_none()) {
      findings_->Error(here.In("partitioner").place,
                       "partitioner KEYED needs keys; state keys, or use STICKY");
    }
    const Compression& compression = producers.compression();
    if (compression.codec() > Compression::NONE &&
        (compression.ratio().empty() || compression.cpu_per_mib().empty()) &&
        !AnyWithin(blanked_, here.In("compression"))) {
      findings_->Error(
          here.In("compression").place,
          absl::StrCat("codec ", Compression::Codec_Name(compression.codec()), " needs ",
                       compression.ratio().empty() ? "ratio" : "cpu_per_mib",
                       "; it hangs on your data, so there is no default"));
    }
    CheckClientLoad(producers.clients(), producers, here);
  }

  void CheckArrivals(const Producers& producers, const Places& here) {
    const Arrivals& arrivals = producers.arrivals();
    const Places& process = here.In("arrivals");
    if (producers.rate().empty() && !arrivals.has_replay() && !here.Has("rate") &&
        !AnyWithin(blanked_, here)) {
      findings_->Error(here.place, "the producers have no rate; state it, such as rate: \"50k/s\"");
    }
    const auto every = AmountOf(UNIT_DURATION, arrivals.burst().every());
    const auto lasts = AmountOf(UNIT_DURATION, arrivals.burst().lasts());
    if (every && lasts && *lasts >= *every) {
      findings_->Error(process.In("burst").In("lasts").place,
                       absl::StrCat("a burst of ", arrivals.burst().lasts(), " every ",
                                    arrivals.burst().every(), " never ends; shorten it"));
    }
    const auto period = AmountOf(UNIT_DURATION, arrivals.diurnal().period());
    const auto peak = AmountOf(UNIT_DURATION, arrivals.diurnal().peak_at());
    if (period && peak && *peak >= *period) {
      findings_->Error(
          process.In("diurnal").In("peak_at").place,
          absl::StrCat("peak_at ", arrivals.diurnal().peak_at(), " is not within the period ",
                       arrivals.diurnal().period(), "; count it from the start of a period"));
    }
    const auto rate = AmountOf(UNIT_RATE, producers.rate());
    const auto run_for = AmountOf(UNIT_DURATION, scenario_.run_for());
    const auto size = MeanEventBytes(producers);
    if (!rate || !run_for) return;
    // Micro-hertz times nanoseconds is 10^-15 records; 128 bits hold the product.
    const Wide records = Wide{*rate} * *run_for / 1'000'000 / 1'000'000'000;
    if (records > kMostInt || (size && *size > 0 && records > kMostInt / *size)) {
      findings_->Error(here.In("rate").place,
                       absl::StrCat("rate ", producers.rate(), " for ", scenario_.run_for(),
                                    " exceeds 2^63 bytes or records; lower one of them"));
    }
  }

  // What the clients' own hosts can do.
  void CheckClientLoad(uint32_t clients, const Producers& producers, const Places& here) {
    const auto link = AmountOf(UNIT_BYTES_PER_SECOND, producers.network_bandwidth());
    const int64_t bytes = BytesPerSecondOf(producers);
    if (link && Wide{bytes} > Wide{*link} * clients) {
      findings_->Warning(
          here.place,
          absl::StrCat("overload: the clients write ", Text(UNIT_BYTES_PER_SECOND, bytes), " over ",
                       clients, " links of ", producers.network_bandwidth(), "; is that meant?"));
    }
    const auto rate = AmountOf(UNIT_RATE, producers.rate());
    const auto cpu = AmountOf(UNIT_DURATION, producers.cpu_per_record());
    // One second of a client is 10^9 ns; micro-hertz times nanoseconds is 10^-6 ns each second.
    if (rate && cpu && Wide{*rate} * *cpu > Wide{clients} * 1'000'000'000 * 1'000'000) {
      findings_->Warning(here.place,
                         absl::StrCat("overload: cpu_per_record ", producers.cpu_per_record(),
                                      " at rate ", producers.rate(), " is more than ", clients,
                                      " clients can do; is that meant?"));
    }
  }

  void CheckConsumers(const Component& component, const Places& here) {
    const Consumers& consumers = component.consumers();
    const Topic* topic = FindTopic(scenario_, consumers.reads());
    if (topic == nullptr) return;
    if (topic->partitions() > 0 && consumers.members() > topic->partitions()) {
      findings_->Warning(here.In("members").place,
                         absl::StrCat(consumers.members(), " members share ", topic->partitions(),
                                      " partitions: ", consumers.members() - topic->partitions(),
                                      " will be idle; is that meant?"));
    }
    CheckClientRack(consumers, here);
    Wide rate = 0;
    for (const Component& other : scenario_.component()) {
      if (!other.has_producers() || other.producers().topic() != topic->name()) continue;
      rate += AmountOf(UNIT_RATE, other.producers().rate()).value_or(0);
    }
    const auto cpu = AmountOf(UNIT_DURATION, consumers.cpu_per_record());
    const uint32_t working = std::min(consumers.members(), topic->partitions());
    if (cpu && working > 0 &&
        std::min<Wide>(rate, kMostInt) * *cpu > Wide{working} * 1'000'000'000 * 1'000'000) {
      findings_->Warning(here.place,
                         absl::StrCat("overload: cpu_per_record ", consumers.cpu_per_record(),
                                      " is more than ", working,
                                      " working members can "
                                      "do at the rate of ",
                                      Quoted(topic->name()), "; is that meant?"));
    }
  }

  // A rack that no leader looks at. Other designs have no such choice, and variants share clients.
  void CheckClientRack(const Consumers& consumers, const Places& here) {
    if (consumers.client_rack() != Consumers::OWN_ZONE) return;
    const auto age = AmountOf(UNIT_DURATION, consumers.metadata_max_age());
    const auto wait = AmountOf(UNIT_DURATION, consumers.fetch_max_wait());
    if (age && wait && *age <= *wait) {
      findings_->Warning(here.In("metadata_max_age").place,
                         absl::StrCat("metadata_max_age ", consumers.metadata_max_age(),
                                      " is not above fetch_max_wait ", consumers.fetch_max_wait(),
                                      ": members may be sent to a follower and back without "
                                      "reading; raise it"));
    }
    for (const Component& log : scenario_.component()) {
      if (!log.has_kafka() || log.kafka().replica_selector() == Kafka::RACK_AWARE) continue;
      findings_->Warning(here.In("client_rack").place,
                         absl::StrCat("client_rack has no effect: ", Quoted(log.name()),
                                      " sends nobody to followers; state replica_selector: "
                                      "RACK_AWARE there"));
    }
  }

  void CheckReplicaSelector(const Kafka& kafka, const Places& here) {
    if (kafka.replica_selector() != Kafka::RACK_AWARE) return;
    const bool any = std::any_of(
        scenario_.component().begin(), scenario_.component().end(), [](const Component& component) {
          return component.has_consumers() &&
                 component.consumers().client_rack() == Consumers::OWN_ZONE;
        });
    if (!any) {
      findings_->Warning(here.In("replica_selector").place,
                         "replica_selector has no effect: no consumers state a rack; state "
                         "client_rack: OWN_ZONE there");
    }
    if (scenario_.kafka_version() == "2.8") {
      findings_->Warning(here.In("replica_selector").place,
                         "followers serve consumers as they do since 3.4; in 2.8 a redirected and "
                         "a waiting fetch last fetch_max_wait (KAFKA-13767, KAFKA-14334); state a "
                         "later kafka_version, or read latencies as too low");
    }
  }

  void CheckKafka(const Kafka& kafka, const Places& here, int index) {
    const int zones = kafka.zones().empty() ? scenario_.zones_size() : kafka.zones_size();
    if (kafka.brokers() > 0 && static_cast<uint32_t>(zones) > kafka.brokers()) {
      findings_->Warning(here.In("brokers").place,
                         absl::StrCat(zones, " zones for ", kafka.brokers(),
                                      kafka.brokers() == 1 ? " broker" : " brokers",
                                      ": some zones have none; is that meant?"));
    }
    const auto heap = AmountOf(UNIT_BYTES, kafka.heap());
    const auto memory = AmountOf(UNIT_BYTES, kafka.memory());
    if (heap && memory && *heap >= *memory) {
      findings_->Error(here.In("heap").place,
                       absl::StrCat("heap ", kafka.heap(), " leaves nothing of memory ",
                                    kafka.memory(), " for the page cache; state a smaller heap"));
    }
    const auto wait = AmountOf(UNIT_DURATION, kafka.replica_fetch_wait_max());
    const auto lag = AmountOf(UNIT_DURATION, kafka.replica_lag_time_max());
    if (wait && lag && *wait >= *lag) {
      findings_->Warning(
          here.In("replica_fetch_wait_max").place,
          absl::StrCat("replica_fetch_wait_max ", kafka.replica_fetch_wait_max(),
                       " is not below replica_lag_time_max ", kafka.replica_lag_time_max(),
                       ": quiet followers leave the in-sync replicas; lower it"));
    }
    CheckControllers(kafka.controllers(), here.In("controllers"));
    CheckReplicaSelector(kafka, here);
    CheckBrokerLoad(kafka, here, scenario_.component(index).name());
    CheckRoom(kafka, here);
    if (kafka.has_remote_log_storage()) {
      CheckRemoteLogStorage(kafka, here.In("remote_log_storage"));
    }
  }

  void CheckControllers(const v1::Controllers& controllers, const Places& here) {
    const auto session = AmountOf(UNIT_DURATION, controllers.broker_session_timeout());
    const auto heartbeat = AmountOf(UNIT_DURATION, controllers.broker_heartbeat_interval());
    if (session && heartbeat && *session <= *heartbeat) {
      findings_->Error(here.In("broker_session_timeout").place,
                       absl::StrCat("broker_session_timeout ", controllers.broker_session_timeout(),
                                    " is not above broker_heartbeat_interval ",
                                    controllers.broker_heartbeat_interval(),
                                    ": every broker would be fenced; raise it"));
    }
    if (controllers.count() % 2 == 0 && controllers.count() > 0) {
      findings_->Warning(
          here.In("count").place,
          absl::StrCat(controllers.count(), " controllers survive the loss of ",
                       controllers.count() / 2 - 1, ", as ", controllers.count() - 1,
                       controllers.count() == 2 ? " does" : " do", "; take an odd number"));
    }
  }

  // What topics hold at the start, against the room on all volumes.
  void CheckRoom(const Kafka& kafka, const Places& here) {
    const auto size = AmountOf(UNIT_BYTES, kafka.volume().size());
    if (!size) return;
    Wide held = 0;
    for (const Topic& topic : scenario_.topic()) {
      const auto history = AmountOf(UNIT_DURATION, topic.history());
      if (!history) continue;
      int64_t span =
          std::min(*history, AmountOf(UNIT_DURATION, topic.retention()).value_or(kMostInt));
      auto limit = AmountOf(UNIT_BYTES, topic.retention_bytes());
      if (topic.remote_storage()) {
        span = std::min(span, AmountOf(UNIT_DURATION, topic.local_retention()).value_or(kMostInt));
        const auto local = AmountOf(UNIT_BYTES, topic.local_retention_bytes());
        if (local) limit = local;
      }
      Wide bytes = HistoryBytesPerSecond(topic) * (span / 1'000'000'000);
      if (limit) bytes = std::min(bytes, Wide{*limit} * topic.partitions());
      held += bytes * std::max(topic.replication_factor(), 1u);
    }
    const Wide room = Wide{*size} * kafka.brokers() * kafka.volume().count();
    if (held <= room) return;
    findings_->Warning(
        here.In("volume").In("size").place,
        absl::StrCat("the histories of the topics are more than all volumes of ",
                     kafka.volume().size(), " hold: brokers will halt; is that meant?"));
  }

  void CheckS3Stream(const S3Stream& s3stream, const Places& here) {
    if (stores_ == 0) {
      findings_->Error(here.place,
                       "brokers of this kind keep their log in object storage, and there is none; "
                       "add component { name: \"s3\" object_store { } }");
    }
    CheckControllers(s3stream.controllers(), here.In("controllers"));
    const v1::WriteAheadLog& wal = s3stream.wal();
    if (wal.kind() == v1::WriteAheadLog::VOLUME) {
      std::vector<std::string> missing;
      if (!wal.has_volume()) missing.push_back("volume");
      if (wal.capacity().empty()) missing.push_back("capacity");
      if (wal.attach_time().empty()) missing.push_back("attach_time");
      if (!missing.empty() && !AnyWithin(blanked_, here.In("wal"))) {
        findings_->Error(here.In("wal").place,
                         absl::StrCat("a write-ahead log of kind VOLUME needs ",
                                      absl::StrJoin(missing, ", "), "; state it"));
      }
      if (s3stream.zone_router().enable()) {
        findings_->Error(here.In("zone_router").place,
                         "brokers that do not lead read the write-ahead logs of those that do, and "
                         "cannot reach a volume; use wal { kind: S3 } with zone_router");
      }
      if (wal.volume().count() > 1) {
        findings_->Error(here.In("wal").In("volume").In("count").place,
                         absl::StrCat("a write-ahead log lies on one volume, not on ",
                                      wal.volume().count(), "; remove count"));
      }
    }
    CheckBalancing(s3stream, here.In("self_balancing"));
    const auto memory = AmountOf(UNIT_BYTES, s3stream.direct_memory());
    const auto cache = AmountOf(UNIT_BYTES, s3stream.log_cache());
    if (memory && cache && *cache > *memory) {
      findings_->Error(
          here.In("log_cache").place,
          absl::StrCat("log_cache ", s3stream.log_cache(), " is more than direct_memory ",
                       s3stream.direct_memory(), "; lower it"));
    }
  }

  void CheckBalancing(const S3Stream& s3stream, const Places& here) {
    const v1::SelfBalancing& balancing = s3stream.self_balancing();
    const auto reports = AmountOf(UNIT_DURATION, balancing.reporting_interval());
    const auto delay = AmountOf(UNIT_DURATION, balancing.metrics_delay());
    if (reports && delay && *delay < *reports) {
      findings_->Error(
          here.In(here.Has("metrics_delay") ? "metrics_delay" : "reporting_interval").place,
          absl::StrCat("metrics_delay ", balancing.metrics_delay(), " is below reporting_interval ",
                       balancing.reporting_interval(),
                       ": every report would be too old; raise it"));
    }
    for (int i = 0; i < balancing.exclude_brokers_size(); ++i) {
      const std::string& name = balancing.exclude_brokers(i);
      uint32_t number = 0;
      const bool named = absl::StartsWith(name, "broker-") &&
                         absl::SimpleAtoi(name.substr(7), &number) && number >= 1 &&
                         number <= s3stream.brokers() && name == absl::StrCat("broker-", number);
      if (named) continue;
      findings_->Error(here.In("exclude_brokers", i).place,
                       absl::StrCat(Quoted(name), " is no broker of this cluster; they are ",
                                    "\"broker-1\" to \"broker-", s3stream.brokers(), "\""));
    }
  }

  void CheckLeaderless(const v1::Leaderless& leaderless, const Places& here) {
    if (stores_ == 0) {
      findings_->Error(here.place,
                       "brokers of this kind keep their log in object storage, and there is none; "
                       "add component { name: \"s3\" object_store { } }");
    }
    const int zones = std::max(scenario_.zones_size(), 1);
    const int served =
        leaderless.zones().empty() ? zones : std::min(leaderless.zones_size(), zones);
    if (leaderless.brokers() > 0 &&
        (leaderless.brokers() < static_cast<uint32_t>(served) || served < zones)) {
      findings_->Warning(
          here.In("brokers").place,
          absl::StrCat(std::min(leaderless.brokers(), static_cast<uint32_t>(served)), " of ", zones,
                       " zones have brokers: clients in the others pay for traffic between zones; "
                       "is that meant?"));
    }
    const auto interval = AmountOf(UNIT_DURATION, leaderless.batch_interval());
    if (interval && *interval < 25'000'000 && leaderless.kind() == v1::Leaderless::WARPSTREAM) {
      findings_->Warning(here.In("batch_interval").place,
                         absl::StrCat("batch_interval ", leaderless.batch_interval(),
                                      " is below the 25ms that WarpStream allows; is that meant?"));
    }
    if (leaderless.ingest().empty()) {
      if (here.Has("ingest_quorum")) {
        findings_->Warning(
            here.In("ingest_quorum").place,
            "ingest_quorum has no effect without ingest; name the store of new files");
      }
      return;
    }
    const auto& components = scenario_.component();
    const auto store = std::find_if(
        components.begin(), components.end(),
        [&](const Component& component) { return component.name() == leaderless.ingest(); });
    if (store == components.end()) return;  // Told with the references.
    if (!store->has_object_store() ||
        store->object_store().preset() != v1::ObjectStorage::EXPRESS_ONE_ZONE) {
      findings_->Error(here.In("ingest").place,
                       absl::StrCat("ingest ", Quoted(leaderless.ingest()),
                                    " is no store with a bucket in each zone; give it the preset "
                                    "EXPRESS_ONE_ZONE, or leave ingest out"));
    } else if (leaderless.ingest_quorum() > static_cast<uint32_t>(zones)) {
      findings_->Error(here.In("ingest_quorum").place,
                       absl::StrCat("a quorum of ", leaderless.ingest_quorum(), " of ", zones,
                                    zones == 1 ? " bucket" : " buckets",
                                    " is never there; lower ingest_quorum or add zones"));
    }
  }

  // Buckets of one zone each.
  void CheckZonalStore(const Component& store, const Places& here) {
    const bool states =
        store.object_store().has_get_latency() && store.object_store().has_small_put_latency();
    if (!states && !AnyWithin(blanked_, here)) {
      findings_->Error(
          here.In("object_store").place,
          "of EXPRESS_ONE_ZONE nobody neutral has measured latencies; state get_latency "
          "and small_put_latency");
    }
    const auto& components = scenario_.component();
    const bool used =
        std::any_of(components.begin(), components.end(), [&](const Component& component) {
          return component.has_leaderless() && component.leaderless().ingest() == store.name();
        });
    if (used) return;
    findings_->Error(here.place,
                     absl::StrCat("nobody writes to ", Quoted(store.name()),
                                  ": EXPRESS_ONE_ZONE is for the new files of leaderless "
                                  "brokers; name it as their ingest"));
  }

  void CheckStore(const Component& component, const Places& all) {
    const v1::ObjectStorage& store = component.object_store();
    const Places& here = all.In("object_store");
    if (store.preset() == v1::ObjectStorage::EXPRESS_ONE_ZONE) CheckZonalStore(component, all);
    const auto small = AmountOf(UNIT_BYTES, store.small_put());
    const auto large = AmountOf(UNIT_BYTES, store.large_put());
    if (small && large && *small >= *large) {
      const char* field = here.Has("small_put") ? "small_put" : "large_put";
      findings_->Error(here.In(field).place,
                       absl::StrCat("small_put ", store.small_put(), " is not below large_put ",
                                    store.large_put(), "; latencies lie between the two"));
    }
  }

  // The bound of docs/sources.md AWSRS: volume, network and CPU, each against what it is asked for.
  void CheckBrokerLoad(const Kafka& kafka, const Places& here, const std::string& name) {
    Wide stored = 0, in = 0, out = 0;
    for (const Component& component : scenario_.component()) {
      if (!component.has_producers()) continue;
      const Topic* topic = FindTopic(scenario_, component.producers().topic());
      if (topic == nullptr || ClusterOf(scenario_, topic->name()) != name) continue;
      int groups = 0;
      for (const Component& other : scenario_.component()) {
        if (other.has_consumers() && other.consumers().reads() == topic->name()) ++groups;
        if (other.has_connect() && other.connect().reads() == topic->name()) ++groups;
        if (other.has_mirror() && other.mirror().reads() == topic->name()) ++groups;
        if (other.has_batch_lane() && other.batch_lane().reads() == topic->name()) ++groups;
        for (const auto* steps : {&other.streams_app().step(), &other.spark_query().step()}) {
          for (const v1::StreamOperator& each : *steps) {
            if (each.source().reads() == topic->name()) ++groups;
          }
        }
      }
      const Wide bytes = BytesPerSecondOf(component.producers());
      const Wide copies = std::max(topic->replication_factor(), 1u);
      stored += bytes * copies;
      in += bytes * copies;
      out += bytes * (copies - 1 + groups);
    }
    const auto warn = [&](absl::string_view what, Wide asked, Wide offered) {
      if (offered <= 0 || asked <= offered) return;
      findings_->Warning(
          here.place,
          absl::StrCat("overload: ", Quoted(name), " is asked for ",
                       static_cast<int64_t>(std::min<Wide>(asked * 100 / offered, kMostInt)),
                       "% of its ", what, "; is that meant?"));
    };
    const Wide brokers = kafka.brokers();
    const auto disk = AmountOf(UNIT_BYTES_PER_SECOND, kafka.volume().bandwidth());
    if (disk) warn("volume bandwidth", stored, brokers * kafka.volume().count() * *disk);
    const auto path = AmountOf(UNIT_BYTES_PER_SECOND, kafka.volume_path_baseline());
    if (path && IsNetworkVolume(kafka.volume().kind())) {
      warn("volume path", stored, brokers * *path);
    }
    const auto link = AmountOf(UNIT_BYTES_PER_SECOND, kafka.network_bandwidth());
    if (link) warn("network bandwidth", std::max(in, out), brokers * *link);
    const auto cpu = AmountOf(UNIT_DURATION, kafka.cpu_per_mib());
    if (cpu) {
      // Nanoseconds of CPU asked for in a second, against those of all cores.
      const Wide mebibytes = (in + out) >> 20;
      warn("CPU", std::min<Wide>(mebibytes, Wide{1} << 60) * std::min<int64_t>(*cpu, kMostInt >> 3),
           brokers * kafka.vcpus() * 1'000'000'000);
    }
  }

  void CheckFault(const Fault& fault, const Places& here) {
    const auto at = AmountOf(UNIT_DURATION, fault.at());
    const auto run_for = AmountOf(UNIT_DURATION, scenario_.run_for());
    if (at && run_for && *at >= *run_for) {
      findings_->Warning(here.In("at").place,
                         absl::StrCat("the fault begins at ", fault.at(), ", after run_for ",
                                      scenario_.run_for(), ": it never happens; move it"));
    }
  }

  void CheckObjective(const Objective& objective, const Places& here) {
    if (objective.has_feed_contract()) return;  // feed_contract.cc
    if (objective.metric().empty() && !here.Has("metric") && !AnyWithin(blanked_, here)) {
      findings_->Error(here.place, "the objective has no metric; state it, or feed_contract");
    }
    if (objective.at_most().empty() == objective.at_least().empty() && !here.Has("at_most") &&
        !here.Has("at_least") && !AnyWithin(blanked_, here)) {
      findings_->Error(here.place, "the objective has no bound; state at_most or at_least");
    } else if (!objective.at_most().empty() && !objective.at_least().empty()) {
      findings_->Error(here.In("at_least").place,
                       "the objective has two bounds; keep one and write another objective");
    }
  }

  const Scenario& scenario_;
  const Places& places_;
  const std::vector<Place>& blanked_;
  Findings* const findings_;
  const Kafka* kafka_ = nullptr;
  const Places* kafka_places_ = nullptr;
  int logs_ = 0;
  int stores_ = 0;        // Of a region,
  int zonal_stores_ = 0;  // and of one zone each.
};

}  // namespace

int64_t PredictedEvents(const Scenario& scenario) {
  const auto run_for = AmountOf(UNIT_DURATION, scenario.run_for());
  if (!run_for) return 0;
  constexpr Wide kMostMicroHertz = Wide{1} << 62;
  Wide events = 0;
  for (const Component& component : scenario.component()) {
    if (!component.has_producers()) continue;
    const Producers& producers = component.producers();
    const Topic* topic = FindTopic(scenario, producers.topic());
    const Wide records = AmountOf(UNIT_RATE, producers.rate()).value_or(0);
    const Wide batch =
        std::max<int64_t>(AmountOf(UNIT_BYTES, producers.batch_size()).value_or(1), 1);
    const Wide full = std::min(Wide{BytesPerSecondOf(producers)} * 1'000'000 / batch, records);
    // A timer closes at most one batch for each client (and each partition, with keys) per linger.
    const Wide linger =
        std::max<int64_t>(AmountOf(UNIT_DURATION, producers.linger()).value_or(0), 1'000'000);
    const Wide lanes = producers.partitioner() == Producers::KEYED && topic != nullptr
                           ? std::max(topic->partitions(), 1u)
                           : 1;
    const Wide timed = Wide{producers.clients()} * lanes * 1'000'000'000'000'000 / linger;
    const Wide batches = std::min(std::max(full, std::min(records, timed)), kMostMicroHertz);

    int groups = 0;
    for (const Component& other : scenario.component()) {
      if (other.has_consumers() && other.consumers().reads() == producers.topic()) ++groups;
      if (other.has_connect() && other.connect().reads() == producers.topic()) ++groups;
      if (other.has_batch_lane() && other.batch_lane().reads() == producers.topic()) ++groups;
      // What it reads is written and read again.
      if (other.has_mirror() && other.mirror().reads() == producers.topic()) groups += 4;
      // Each of its operators takes what the one before it has made of a batch.
      for (const v1::StreamOperator& each : other.stream_job().step()) {
        if (each.source().reads() == producers.topic()) groups += other.stream_job().step_size();
      }
      for (const v1::StreamOperator& each : other.streams_app().step()) {
        if (each.source().reads() == producers.topic()) groups += other.streams_app().step_size();
      }
      for (const v1::StreamOperator& each : other.spark_query().step()) {
        if (each.source().reads() == producers.topic()) groups += other.spark_query().step_size();
      }
    }
    const Wide copies = topic != nullptr ? std::max(topic->replication_factor(), 1u) : 1;
    const Wide per_batch = 8 + 4 * std::min<Wide>(copies, 1'000) + 4 * groups;
    const Wide parcel = std::max(scenario.resolution().batches_per_parcel(), 1u);
    const Wide seconds = *run_for / 1'000'000'000 + 1;
    events += batches * seconds / 1'000'000 * per_batch / parcel;
    if (events > kMostInt) return kMostInt;
  }
  for (const Component& component : scenario.component()) {
    if (!component.has_kafka() || !component.kafka().has_remote_log_storage()) continue;
    const auto interval =
        AmountOf(UNIT_DURATION, component.kafka().remote_log_storage().task_interval());
    for (const Topic& topic : scenario.topic()) {
      if (!topic.remote_storage() || !interval) continue;
      // A task for copying and one for expiration.
      events += 2 * Wide{topic.partitions()} * (*run_for / std::max<int64_t>(*interval, 1) + 1);
    }
    if (events > kMostInt) return kMostInt;
  }
  events += PredictedTableEvents(scenario);
  events += PredictedTransactionEvents(scenario);
  events += PredictedSinkEvents(scenario);
  events += Wide{PredictedJobEvents(scenario)} + PredictedStreamsEvents(scenario) +
            PredictedSparkEvents(scenario);
  return static_cast<int64_t>(std::min<Wide>(events, kMostInt));
}

void CheckRules(const Scenario& scenario, const Places& places, const std::vector<Place>& blanked,
                Findings* findings) {
  RuleCheck(scenario, places, blanked, findings).Run();
}

}  // namespace freshet
