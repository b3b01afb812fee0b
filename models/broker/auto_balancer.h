// Self-balancing of a shared-storage cluster, as AutoMQ's AutoBalancer does it: brokers report what
// goes in and out, the controller looks at the reports once a detect interval, plans moves
// (control/load_balance.h) and orders them batch by batch.
//
// It knows loads as they were reported, of whole report intervals, and never newer. A broker takes
// part once two reports in a row are there and the last is not too old; one that was away, or has
// just opened a partition, is judged by what it had then.
//
// Left out: brokers that are marked slow, swaps of partitions, the topic that carries the reports.
// docs/models/s3stream.md has the sources.
#ifndef FRESHET_MODELS_BROKER_AUTO_BALANCER_H_
#define FRESHET_MODELS_BROKER_AUTO_BALANCER_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/control/load_balance.h"
#include "models/log/log_service.h"
#include "sim/component.h"
#include "sim/scraper.h"
#include "sim/units.h"

namespace freshet {

class AutoBalancer : public Component {
 public:
  struct Config {
    Duration report_interval;
    Duration metrics_delay;  // Older reports do not count.
    Duration detect_interval;
    BalanceGoals goals;
    int64_t most_moves;  // To or from one broker in a batch.
    Duration execution_interval;
    std::vector<BrokerId> excluded_brokers;
    std::vector<int> excluded_topics;  // Indices.
  };

  // The cluster, as it is to be balanced.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual bool CanServe(BrokerId broker) const = 0;
    // kNoBroker while it is not served.
    virtual BrokerId ServedBy(PartitionId partition) const = 0;
    virtual int TopicIndexOf(PartitionId partition) const = 0;
    // Bytes so far, in and out, of the partition.
    virtual NetworkLoad BytesOf(PartitionId partition) const = 0;
    virtual bool MovePartition(PartitionId partition, BrokerId to) = 0;
  };
  // What a broker reports: bytes so far, in and out.
  using Meters = std::array<const Metric*, kNetworkDirections>;

  static constexpr MetricDef kOrdered = {"balancer.moves_ordered", MetricKind::kCounter,
                                         MetricUnit::kCount, "Moves that the balancer ordered."};
  static constexpr MetricDef kDetections = {"balancer.detections", MetricKind::kCounter,
                                            MetricUnit::kCount,
                                            "Times that the balancer looked at the loads."};

  // REQUIRES: `owner` outlives it, and calls nothing of the above before it is complete.
  AutoBalancer(Simulation& sim, absl::string_view name, const std::vector<Meters>& brokers,
               size_t partitions, Owner* owner, const Config& config);

 private:
  struct Report {
    NetworkLoad before = {};
    NetworkLoad latest = {};
    BrokerId by = kNoBroker;  // Of both.
  };

  void Reported();
  void ScheduleDetection();
  void Detect();
  std::vector<PlannedMove> Plan() const;
  // Cuts the plan into batches that are ordered one after the other.
  void Group(const std::vector<PlannedMove>& plan);
  void OrderBatch(size_t batch);
  int64_t PerSecond(int64_t bytes) const;

  const Config config_;
  Owner* const owner_;
  Scraper reports_;
  const std::vector<Meters> brokers_;
  Time latest_report_at_;
  std::vector<int64_t> reports_in_a_row_;  // By broker.
  std::vector<Time> reported_at_;
  std::vector<Report> partitions_;
  std::vector<std::vector<PlannedMove>> batches_;
  Time ordering_since_;
  Counter& ordered_;
  Counter& detections_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_AUTO_BALANCER_H_
