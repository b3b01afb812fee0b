#include "scenarios/language/assemble_batch.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "models/fault/batch_target.h"
#include "models/fault/targets.h"
#include "scenarios/language/quantity.h"

namespace freshet {
namespace {

// KSRC: fetch.min.bytes, fetch.max.wait.ms, max.poll.records; who reads megabytes does not feel
// them.
constexpr Bytes kFetchMinBytes(1);
constexpr Duration kFetchMaxWait = Milliseconds(500);
constexpr int64_t kMaxPollRecords = 500;

}  // namespace

void BuildBatchLane(const std::string& name, const v1::BatchLane& text,
                    const std::vector<ZoneId>& zones, Simulation& sim, Pipeline* pipeline) {
  BatchLane::Config config;
  config.window = DurationOf(text.window());
  config.start_delay = DurationOf(text.start_delay());
  config.publish_time = DurationOf(text.publish_time());
  if (!text.retry_delay().empty()) config.retry_delay = DurationOf(text.retry_delay());
  Consumers::Config& readers = config.consumers;
  readers.topic = text.reads();
  readers.member_zones = zones;
  readers.network_bandwidth = BytesPerSecondOf(text.read_bandwidth());
  readers.start_from = StartFrom::kEarliest;
  readers.fetch_min_bytes = kFetchMinBytes;
  readers.fetch_max_wait = kFetchMaxWait;
  readers.fetch_max_bytes = BytesOf(text.fetch_max_bytes());
  readers.max_partition_fetch_bytes = BytesOf(text.max_partition_fetch_bytes());
  readers.max_poll_records = kMaxPollRecords;
  readers.cpu_per_record = DurationOf(text.cpu_per_record());
  readers.isolation = text.isolation_level() == v1::Consumers::READ_COMMITTED
                          ? Isolation::kReadCommitted
                          : Isolation::kReadUncommitted;
  pipeline->batch_lanes.push_back(
      std::make_unique<BatchLane>(sim, name, pipeline->network.get(), pipeline->log.get(),
                                  pipeline->sinks.at(text.compares()).get(), config));
  BatchLane* const lane = pipeline->batch_lanes.back().get();
  for (int task = 0; task < lane->task_count(); ++task) {
    const std::string handle = absl::StrCat(name, "/task-", task + 1);
    pipeline->targets[handle] = std::make_unique<BatchTaskTarget>(lane, task);
    pipeline->targets[handle + "/nic"] =
        std::make_unique<NicTarget>(pipeline->network.get(), lane->HostOf(task));
  }
}

}  // namespace freshet
