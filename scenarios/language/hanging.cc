#include "scenarios/language/hanging.h"

#include <string>
#include <utility>
#include <vector>

namespace freshet {
namespace {

std::vector<std::string> ReadersOf(const v1::Scenario& scenario, const std::string& topic) {
  std::vector<std::string> readers;
  for (const v1::Component& component : scenario.component()) {
    bool waits = false;
    if (component.has_consumers()) {
      waits = component.consumers().reads() == topic &&
              component.consumers().isolation_level() == v1::Consumers::READ_COMMITTED;
    } else if (component.has_connect()) {
      waits = component.connect().reads() == topic &&
              component.connect().isolation_level() == v1::Consumers::READ_COMMITTED;
    } else if (component.has_batch_lane()) {
      waits = component.batch_lane().reads() == topic &&
              component.batch_lane().isolation_level() == v1::Consumers::READ_COMMITTED;
    }
    for (const auto* steps : {&component.stream_job().step(), &component.spark_query().step()}) {
      for (const v1::StreamOperator& step : *steps) {
        waits = waits || (step.source().reads() == topic &&
                          step.source().isolation_level() == v1::Consumers::READ_COMMITTED);
      }
    }
    if (waits) readers.push_back(component.name());
  }
  return readers;
}

class Collector {
 public:
  Collector(const v1::Scenario& scenario, const Pipeline& pipeline, MetricTable* table)
      : scenario_(scenario), pipeline_(pipeline), table_(table) {}

  HangingTransaction* Add(ProducerId producer, PartitionId partition, Time since) {
    for (const v1::Topic& topic : scenario_.topic()) {
      const LogService::TopicPartitions partitions = pipeline_.log->PartitionsOf(topic.name());
      if (partition < partitions.first ||
          partition >= partitions.first + static_cast<PartitionId>(partitions.count)) {
        continue;
      }
      HangingTransaction* row = table_->add_hanging_transaction();
      row->set_producer(static_cast<int64_t>(producer));
      row->set_topic(topic.name());
      row->set_partition(static_cast<int64_t>(partition - partitions.first));
      row->set_since_ns(since.nanos());
      for (std::string& reader : ReadersOf(scenario_, topic.name())) {
        row->add_waits(std::move(reader));
      }
      return row;
    }
    return nullptr;  // Of the brokers' own topics: offsets in a transaction.
  }

 private:
  const v1::Scenario& scenario_;
  const Pipeline& pipeline_;
  MetricTable* const table_;
};

}  // namespace

void CollectHanging(const v1::Scenario& scenario, const Simulation& sim, const Pipeline& pipeline,
                    MetricTable* table) {
  const TransactionCoordinator* coordinator = pipeline.transactions.get();
  if (coordinator == nullptr) return;
  Collector collector(scenario, pipeline, table);
  for (const TransactionCoordinator::TimedOut& each : coordinator->timed_out()) {
    for (const PartitionId partition : each.partitions) {
      HangingTransaction* row = collector.Add(each.producer, partition, each.since);
      if (row == nullptr) continue;
      row->set_transactional_id(std::string(coordinator->NameOf(each.id)));
      row->set_ended(true);
      row->set_ended_ns(each.until.nanos());
    }
  }
  for (const v1::Topic& topic : scenario.topic()) {
    const LogService::TopicPartitions partitions = pipeline.log->PartitionsOf(topic.name());
    for (int i = 0; i < partitions.count; ++i) {
      const PartitionId partition = partitions.first + static_cast<PartitionId>(i);
      const TransactionIndex* index = pipeline.log->LogOf(partition).transactions();
      if (index == nullptr) continue;
      for (const TransactionIndex::Transaction& open : index->transactions()) {
        if (open.marker) continue;  // Ended; the high watermark has only to pass it.
        const auto owner = coordinator->OwnerOf(open.producer, partition);
        if (owner && sim.Now() - open.since < coordinator->TimeoutOf(*owner)) continue;
        HangingTransaction* row = collector.Add(open.producer, partition, open.since);
        if (owner) row->set_transactional_id(std::string(coordinator->NameOf(*owner)));
      }
    }
  }
}

}  // namespace freshet
