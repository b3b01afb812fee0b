#include "models/broker/auto_balancer.h"

#include <algorithm>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// AMQSRC, AnomalyDetectorImpl: of a topic's partitions in one batch, brokers that give to one in a
// batch, and how long batches are ordered.
constexpr Ratio kShareOfTopic = Ratio::Percent(50);
constexpr size_t kMostSources = 10;
constexpr Duration kLongestExecution = Minutes(1);

template <class List, class Value>
bool Holds(const List& list, Value value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

AutoBalancer::AutoBalancer(Simulation& sim, absl::string_view name,
                           const std::vector<Meters>& brokers, size_t partitions, Owner* owner,
                           const Config& config)
    : Component(sim, name),
      config_(config),
      owner_(owner),
      reports_(sim, absl::StrCat(name, "/reports"), config.report_interval,
               config.report_interval * 2),
      brokers_(brokers),
      reports_in_a_row_(brokers.size(), 0),
      reported_at_(brokers.size()),
      partitions_(partitions),
      ordered_(AddCounter(kOrdered)),
      detections_(AddCounter(kDetections)) {
  SIM_REQUIRE(config.most_moves > 0);
  for (const Meters& meters : brokers_) {
    for (const Metric* metric : meters) reports_.Watch(*metric);
  }
  Reported();
  ScheduleDetection();
}

void AutoBalancer::Reported() {
  // At the instants of the scraper, behind it.
  After<"balancer.reported">(
      config_.report_interval,
      [this] {
        latest_report_at_ = Now();
        for (size_t broker = 0; broker < brokers_.size(); ++broker) {
          const bool reports = owner_->CanServe(static_cast<BrokerId>(broker));
          reports_in_a_row_[broker] = reports ? reports_in_a_row_[broker] + 1 : 0;
          if (reports) reported_at_[broker] = Now();
        }
        for (PartitionId id = 0; id < partitions_.size(); ++id) {
          Report& report = partitions_[id];
          const BrokerId by = owner_->ServedBy(id);
          report.before = report.latest;
          report.latest = owner_->BytesOf(id);
          // Another broker's bytes say nothing of what this one will have, but that it had none.
          if (report.by != by) report.before = report.latest;
          report.by = by;
        }
        Reported();
      },
      Priority::kControl);
}

void AutoBalancer::ScheduleDetection() {
  After<"balancer.detection">(config_.detect_interval, [this] { Detect(); });
}

int64_t AutoBalancer::PerSecond(int64_t bytes) const {
  return MulDivFloor(bytes, Seconds(1).nanos(), config_.report_interval.nanos());
}

std::vector<PlannedMove> AutoBalancer::Plan() const {
  std::vector<BrokerLoad> brokers(brokers_.size());
  for (size_t broker = 0; broker < brokers_.size(); ++broker) {
    const auto id = static_cast<BrokerId>(broker);
    brokers[broker].takes_part = owner_->CanServe(id) && reports_in_a_row_[broker] >= 2 &&
                                 Now() - reported_at_[broker] <= config_.metrics_delay &&
                                 !Holds(config_.excluded_brokers, id);
    for (size_t way = 0; way < kNetworkDirections; ++way) {
      const Metric& metric = *brokers_[broker][way];
      const Duration age = Now() - latest_report_at_;
      const int64_t latest = reports_.Read(metric, age, 0);
      brokers[broker].load[way] =
          PerSecond(latest - reports_.Read(metric, age + config_.report_interval, latest));
    }
  }
  std::vector<PartitionLoad> partitions(partitions_.size());
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const Report& report = partitions_[id];
    PartitionLoad& partition = partitions[id];
    partition.broker = owner_->ServedBy(id);
    partition.movable = partition.broker != kNoBroker && partition.broker == report.by &&
                        !Holds(config_.excluded_topics, owner_->TopicIndexOf(id));
    for (size_t way = 0; way < kNetworkDirections; ++way) {
      partition.load[way] = PerSecond(report.latest[way] - report.before[way]);
    }
  }
  return PlanMoves(std::move(brokers), partitions, config_.goals);
}

void AutoBalancer::Detect() {
  detections_.Add(1);
  Group(Plan());
  ordering_since_ = Now();
  OrderBatch(0);
}

void AutoBalancer::Group(const std::vector<PlannedMove>& plan) {
  batches_.clear();
  std::vector<int64_t> of_topic;  // Partitions.
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const auto topic = static_cast<size_t>(owner_->TopicIndexOf(id));
    if (of_topic.size() <= topic) of_topic.resize(topic + 1);
    ++of_topic[topic];
  }
  absl::btree_map<int, int64_t> moved_of_topic;
  absl::btree_map<BrokerId, int64_t> moves_of_broker;
  absl::btree_map<BrokerId, absl::btree_set<BrokerId>> sources;  // By target.
  for (const PlannedMove& move : plan) {
    const int topic = owner_->TopicIndexOf(move.partition);
    const int64_t of_all = of_topic[static_cast<size_t>(topic)];
    const bool full = moved_of_topic[topic] >=
                          (of_all + 1) * kShareOfTopic.billionths() / Ratio::One().billionths() ||
                      moves_of_broker[move.from] >= config_.most_moves ||
                      moves_of_broker[move.to] >= config_.most_moves ||
                      sources[move.to].size() >= kMostSources;
    if (batches_.empty() || full) {
      batches_.emplace_back();
      moved_of_topic.clear();
      moves_of_broker.clear();
      sources.clear();
    }
    batches_.back().push_back(move);
    ++moved_of_topic[topic];
    ++moves_of_broker[move.from];
    ++moves_of_broker[move.to];
    sources[move.to].insert(move.from);
  }
}

void AutoBalancer::OrderBatch(size_t batch) {
  if (batch >= batches_.size() || Now() - ordering_since_ > kLongestExecution) {
    ScheduleDetection();
    return;
  }
  for (const PlannedMove& move : batches_[batch]) {
    if (owner_->ServedBy(move.partition) != move.from) continue;
    if (owner_->MovePartition(move.partition, move.to)) ordered_.Add(1);
  }
  if (batch + 1 == batches_.size()) {
    ScheduleDetection();
    return;
  }
  After<"balancer.next_batch">(config_.execution_interval,
                               [this, batch] { OrderBatch(batch + 1); });
}

}  // namespace freshet
