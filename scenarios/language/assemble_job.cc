#include "scenarios/language/assemble_job.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/job_rules.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/rescale_rules.h"

namespace freshet {

using v1::StreamJob;
using v1::StreamOperator;
namespace {

// Kafka's consumer (KSRC): fetch.min.bytes, fetch.max.wait.ms, fetch.max.bytes,
// max.partition.fetch.bytes. A job rarely changes them.
constexpr Bytes kFetchMinBytes(1);
constexpr Duration kFetchMaxWait = Milliseconds(500);
constexpr Bytes kFetchMaxBytes = MiB(50);
constexpr Bytes kMaxPartitionFetchBytes = MiB(1);
constexpr Duration kMetadataMaxAge = Minutes(5);

// Of a sink that answers at once: as many as StreamSink.max_in_flight_requests.
constexpr int64_t kMostWrites = 50;
// Of a topic: 32 MiB (buffer.memory) of batches of 1 KiB.
constexpr int64_t kMostTopicWrites = 32'768;
// What presto and hadoop file systems upload in one part by default (S3A: fs.s3a.multipart.size).
constexpr Bytes kPartSize = MiB(64);

// How finely the ends of sessions are told apart.
constexpr int64_t kStepsOfGap = 8;

Consumers::Config ReaderOf(const v1::StreamSource& text, BytesPerSecond bandwidth) {
  Consumers::Config config;
  config.topic = text.reads();
  config.network_bandwidth = bandwidth;
  config.start_at = DurationOf(text.start_at());
  config.start_from =
      text.start_from() == v1::StreamSource::LATEST ? StartFrom::kLatest : StartFrom::kEarliest;
  config.fetch_min_bytes = kFetchMinBytes;
  config.fetch_max_wait = kFetchMaxWait;
  config.fetch_max_bytes = kFetchMaxBytes;
  config.max_partition_fetch_bytes = kMaxPartitionFetchBytes;
  config.metadata_max_age = kMetadataMaxAge;
  config.max_poll_records = text.max_poll_records();
  config.isolation = text.isolation_level() == v1::Consumers::READ_COMMITTED
                         ? Isolation::kReadCommitted
                         : Isolation::kReadUncommitted;
  return config;
}

std::vector<int64_t> WeightsOf(const StreamOperator& text, int receivers) {
  return text.hot_share().empty() ? std::vector<int64_t>()
                                  : HotWeights(RatioOf(text.hot_share()), receivers);
}

void AddVertices(const StreamJob& text, const std::vector<OperatorEnds>& ends,
                 BytesPerSecond bandwidth, int most, JobConfig* config) {
  std::vector<bool> scales(static_cast<size_t>(text.step_size()), false);
  if (most > 0) scales = ScalingSteps(text);
  std::vector<int> readers(static_cast<size_t>(text.step_size()));
  for (int i = 0; i < text.step_size(); ++i) {
    if (text.step(i).late_records()) continue;  // A side output keeps nobody from chaining.
    for (const int input : InputsOf(text, i)) ++readers[static_cast<size_t>(input)];
  }
  std::vector<int> vertex_of;
  for (int i = 0; i < text.step_size(); ++i) {
    const StreamOperator& each = text.step(i);
    const int parallelism = ParallelismOf(text, each);
    const std::vector<int> inputs = InputsOf(text, i);
    OperatorConfig made = OperatorOf(each);
    made.sink = ends[static_cast<size_t>(i)].sink;
    made.lookup.service = ends[static_cast<size_t>(i)].service;
    const bool chains = inputs.size() == 1 && !each.by_key() && !each.late_records() &&
                        readers[static_cast<size_t>(inputs[0])] == 1 &&
                        scales[static_cast<size_t>(inputs[0])] == scales[static_cast<size_t>(i)] &&
                        ParallelismOf(text, text.step(inputs[0])) == parallelism;
    if (chains) {
      vertex_of.push_back(vertex_of[static_cast<size_t>(inputs[0])]);
      VertexConfig& vertex = config->vertices[static_cast<size_t>(vertex_of.back())];
      absl::StrAppend(&vertex.name, "+", each.name());
      vertex.chain.push_back(std::move(made));
      continue;
    }
    vertex_of.push_back(static_cast<int>(config->vertices.size()));
    VertexConfig vertex;
    vertex.name = each.name();
    vertex.parallelism = parallelism;
    if (scales[static_cast<size_t>(i)]) vertex.most = std::max(most, parallelism);
    vertex.chain.push_back(std::move(made));
    if (each.has_source()) {
      vertex.source = ReaderOf(each.source(), bandwidth);
      config->polls_ahead = each.source().polls_ahead();
    }
    config->vertices.push_back(std::move(vertex));
    for (const int input : inputs) {
      EdgeConfig edge;
      edge.from = vertex_of[static_cast<size_t>(input)];
      edge.to = vertex_of.back();
      const int senders = ParallelismOf(text, text.step(input));
      const bool changes =
          each.has_broadcast() && text.step(input).name() == each.broadcast().changes();
      edge.late = each.late_records();
      edge.by = changes         ? Partitioning::kBroadcast
                : each.by_key() ? Partitioning::kHash
                : senders == parallelism &&
                        scales[static_cast<size_t>(input)] == scales[static_cast<size_t>(i)]
                    ? Partitioning::kForward
                    : Partitioning::kRebalance;
      if (edge.by == Partitioning::kHash) edge.weights = WeightsOf(each, parallelism);
      config->edges.push_back(std::move(edge));
    }
  }
}

RestartConfig RestartOf(const StreamJob& job) {
  const v1::StreamRestart& text = job.restart();
  RestartConfig config;
  config.strategy = text.strategy() == v1::StreamRestart::NO_RESTART ? RestartStrategy::kNone
                    : text.strategy() == v1::StreamRestart::FIXED_DELAY
                        ? RestartStrategy::kFixedDelay
                        : RestartStrategy::kExponentialDelay;
  config.attempts = text.attempts();
  config.backoff.first = DurationOf(text.delay());
  config.backoff.factor = RatioOf(text.factor());
  config.backoff.cap = DurationOf(text.max_delay());
  config.backoff.jitter = Backoff::Jitter::kSpread;
  config.backoff.spread = RatioOf(text.jitter());
  config.reset_after = DurationOf(text.reset_after());
  config.deploy_time = DurationOf(job.deploy_time());
  return config;
}

CheckpointConfig CheckpointsOf(const v1::StreamCheckpoints& text) {
  CheckpointConfig config;
  config.interval = DurationOf(text.interval());
  config.min_pause = DurationOf(text.min_pause());
  config.timeout = DurationOf(text.timeout());
  config.tolerable_failures = text.tolerable_failures();
  config.unaligned = text.unaligned();
  config.incremental = text.incremental();
  config.inline_below = BytesOf(text.inline_below());
  if (!text.cpu_per_mib().empty()) config.cpu_per_mib = DurationOf(text.cpu_per_mib());
  return config;
}

}  // namespace

LookupService::Config LookupServiceOf(const v1::StreamLookup& text) {
  LookupService::Config config;
  config.workers = text.workers();
  config.service_time = SamplerOf(text.service_time());
  config.round_trip = DurationOf(text.round_trip());
  return config;
}

OperatorConfig OperatorOf(const StreamOperator& text) {
  OperatorConfig config;
  config.name = text.name();
  config.cpu_per_record = DurationOf(text.cpu_per_record());
  switch (text.kind_case()) {
    case StreamOperator::kSource:
      config.kind = OperatorKind::kSource;
      break;
    case StreamOperator::kMap:
      config.kind = OperatorKind::kMap;
      config.selectivity = RatioOf(text.map().selectivity());
      config.bytes_ratio = RatioOf(text.map().bytes_ratio());
      break;
    case StreamOperator::kWindow: {
      const v1::StreamWindow& window = text.window();
      config.kind = OperatorKind::kWindow;
      config.cpu_per_row = DurationOf(window.cpu_per_row());
      config.window.size = DurationOf(window.size());
      config.window.slide =
          window.slide().empty() ? config.window.size : DurationOf(window.slide());
      config.window.allowed_lateness = DurationOf(window.allowed_lateness());
      config.window.keys = static_cast<int64_t>(window.keys());
      config.window.bytes_per_row = BytesOf(window.row_size());
      config.window.state_per_row = BytesOf(window.state_per_key());
      config.window.all_records = window.keep_records();
      break;
    }
    case StreamOperator::kSession: {
      const v1::StreamSession& session = text.session();
      config.kind = OperatorKind::kWindow;
      config.cpu_per_row = DurationOf(session.cpu_per_row());
      const Duration gap = DurationOf(session.gap());
      config.window.session = {gap, DurationOf(session.length()),
                               static_cast<int64_t>(session.records())};
      config.window.size = config.window.slide = Nanoseconds(gap.nanos() / kStepsOfGap);
      config.window.allowed_lateness = DurationOf(session.allowed_lateness());
      config.window.bytes_per_row = BytesOf(session.row_size());
      config.window.state_per_row = BytesOf(session.state_per_session());
      break;
    }
    case StreamOperator::kJoin: {
      const v1::StreamJoin& join = text.join();
      config.kind = OperatorKind::kWindow;
      config.cpu_per_row = DurationOf(join.cpu_per_row());
      config.window.size = config.window.slide = DurationOf(join.size());
      config.window.allowed_lateness = DurationOf(join.allowed_lateness());
      config.window.bytes_per_row = BytesOf(join.row_size());
      config.window.all_records = true;
      config.window.join = {RatioOf(join.matched()), RatioOf(join.rows_per_record())};
      break;
    }
    case StreamOperator::kDeduplicate:
      config.kind = OperatorKind::kDeduplicate;
      config.deduplicate = {RatioOf(text.deduplicate().duplicates()),
                            DurationOf(text.deduplicate().ttl()),
                            BytesOf(text.deduplicate().state_per_key())};
      break;
    case StreamOperator::kLookup:
      config.kind = OperatorKind::kLookup;
      config.lookup = {nullptr, RatioOf(text.lookup().cache_hits()), text.lookup().at_a_time()};
      break;
    case StreamOperator::kBroadcast:
      config.kind = OperatorKind::kBroadcast;
      config.broadcast = {static_cast<int64_t>(text.broadcast().keys()),
                          BytesOf(text.broadcast().state_per_key()),
                          DurationOf(text.broadcast().cpu_per_change())};
      break;
    case StreamOperator::kSink:
      config.kind = OperatorKind::kSink;
      config.most_writes = text.sink().max_in_flight_requests();
      config.most_retries = text.sink().max_retries();
      config.retry_delay = DurationOf(text.sink().retry_delay());
      break;
    case StreamOperator::kTopic:
      // As much as a producer's buffer holds; what was not acknowledged in time fails the job.
      config.kind = OperatorKind::kSink;
      config.most_writes = kMostTopicWrites;
      break;
    case StreamOperator::kBlackhole:
    case StreamOperator::kToTopic:
    case StreamOperator::KIND_NOT_SET:
      config.kind = OperatorKind::kSink;
      config.most_writes = kMostWrites;
      break;
  }
  return config;
}

std::vector<int64_t> HotWeights(Ratio hot_share, int receivers) {
  if (receivers < 2) return {};
  // The others' shares are cut alike: what is left over goes to the hot one.
  constexpr int64_t kAll = 1'000'000'000;
  const int64_t other = (kAll - hot_share.billionths()) / (receivers - 1);
  std::vector<int64_t> weights(static_cast<size_t>(receivers), other);
  weights[0] = kAll - other * (receivers - 1);
  return weights;
}

JobConfig JobConfigOf(const StreamJob& text, const std::vector<ZoneId>& zones,
                      const std::vector<OperatorEnds>& ends, ObjectStore* store,
                      BytesPerSecond unlimited, int most) {
  JobConfig config;
  const BytesPerSecond bandwidth =
      text.network_bandwidth().empty() ? unlimited : BytesPerSecondOf(text.network_bandwidth());
  AddVertices(text, ends, bandwidth, most, &config);
  for (const ZoneId zone : zones) {
    config.task_managers.push_back({zone, bandwidth, static_cast<int64_t>(text.vcpus())});
  }
  config.slots = static_cast<int>(text.slots());
  const v1::StreamBuffers& buffers = text.buffers();
  config.channels = {BytesOf(buffers.size()), buffers.per_channel(), buffers.floating_per_gate(),
                     buffers.most_per_channel(), DurationOf(buffers.flush_interval())};
  if (text.has_watermarks()) {
    const v1::StreamWatermarks& watermarks = text.watermarks();
    config.watermarks.emplace();
    config.watermarks->out_of_orderness = DurationOf(watermarks.out_of_orderness());
    config.watermarks->interval = DurationOf(watermarks.interval());
    config.watermarks->at_each_event = watermarks.at_each_event();
    config.watermarks->timestamps = watermarks.timestamps() == v1::StreamWatermarks::EVENT
                                        ? Timestamps::kEvent
                                        : Timestamps::kRecord;
    if (!watermarks.idleness().empty()) {
      config.watermarks->idleness = DurationOf(watermarks.idleness());
    }
  }
  config.guarantee = text.delivery() == StreamJob::AT_MOST_ONCE ? DeliveryGuarantee::kAtMostOnce
                     : text.delivery() == StreamJob::AT_LEAST_ONCE
                         ? DeliveryGuarantee::kAtLeastOnce
                         : DeliveryGuarantee::kExactlyOnce;
  config.state.rate = unlimited;
  if (text.has_checkpoints()) {
    config.checkpoints = CheckpointsOf(text.checkpoints());
    if (!text.checkpoints().rate().empty()) {
      config.state.rate = BytesPerSecondOf(text.checkpoints().rate());
    } else {
      config.state.store = store;
      config.state.client = ObjectClient::Defaults(text.vcpus());
      config.state.part_size = kPartSize;
    }
  }
  if (!text.state_memory().empty()) config.state_memory = BytesOf(text.state_memory());
  if (!text.state_access_time().empty()) {
    config.state_access_time = DurationOf(text.state_access_time());
  }
  config.restart = RestartOf(text);
  config.heartbeat_interval = DurationOf(text.heartbeat_interval());
  config.heartbeat_timeout = DurationOf(text.heartbeat_timeout());
  config.heartbeat_failures = text.heartbeat_failures();
  return config;
}

}  // namespace freshet
