// Table topics of S3StreamCluster: what its partitions and brokers have to do with them.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/broker/s3stream_cluster.h"

namespace freshet {

void S3StreamCluster::StartTables() {
  if (config_.tables.empty()) return;
  const auto count = static_cast<PartitionId>(partitions_.size());
  TableChannel::Owner* const owner = this;
  TableTopic::Host* const host = this;
  LogService* const log = this;
  channel_ = std::make_unique<TableChannel>(sim(), absl::StrCat(name(), "/table-channel"), network_,
                                            owner, count - 2, count - 1, broker_count());
  table_of_.assign(partitions_.size(), kNoTable);
  std::vector<S3StreamBroker*> brokers;
  for (const auto& broker : brokers_) brokers.push_back(broker.get());
  for (uint32_t number = 0; number < config_.tables.size(); ++number) {
    const TableConfig& table = config_.tables[number];
    const std::string& topic = config_.topics[table.topic].name;
    const TopicPartitions partitions = PartitionsOf(topic);
    tables_.push_back(std::make_unique<TableTopic>(
        sim(), absl::StrCat(name(), "/table-topic/", topic), network_, log, brokers, table.table,
        host, number, partitions, table.config));
    for (int i = 0; i < partitions.count; ++i) {
      table_of_[partitions.first + static_cast<PartitionId>(i)] = number;
    }
  }
  for (PartitionId id = 0; id < count; ++id) TableOpened(id);
}

void S3StreamCluster::TableOpened(PartitionId id) {
  if (channel_->IsOurs(id)) {
    channel_->OnOpen(id);
  } else if (table_of_[id] != kNoTable) {
    TableTopic& table = *tables_[table_of_[id]];
    const TopicPartitions partitions = PartitionsOf(TopicOf(partitions_[id]).name);
    table.OnOpen(id - partitions.first, partitions_[id].leader);
  }
}

void S3StreamCluster::TableClosed(PartitionId id) {
  if (table_of_[id] == kNoTable) return;
  const TopicPartitions partitions = PartitionsOf(TopicOf(partitions_[id]).name);
  tables_[table_of_[id]]->OnClose(id - partitions.first, partitions_[id].leader);
}

void S3StreamCluster::TableDurable(PartitionId id, Offset offset, BrokerId leader) {
  if (channel_->IsOurs(id)) {
    channel_->OnDurable(id, offset, leader);
  } else if (table_of_[id] != kNoTable) {
    const PartitionLog& log = partitions_[id].log;
    const Bytes more = log.BytesBetween(std::min(log.high_watermark(), offset), offset);
    tables_[table_of_[id]]->Appended(leader, more);
  }
}

// --- Messages ---

BrokerId S3StreamCluster::LeaderOf(PartitionId id) const {
  const bool served = placements_[id].state == State::kServed && broker(placements_[id].home).up();
  return served ? placements_[id].home : kNoBroker;
}

Offset S3StreamCluster::AppendMessage(PartitionId id, Bytes bytes) {
  Batch batch;
  batch.partition = id;
  batch.record_count = 1;
  batch.bytes = bytes;
  batch.created.first = batch.created.low = batch.created.high = Now();
  batch.closed_at = batch.sent_at = batch.received_at = batch.taken_at = batch.appended_at = Now();
  const BrokerId leader = partitions_[id].leader;
  batch.leader_component = broker(leader).component_id();
  const Offset end = partitions_[id].log.Append(batch) + 1;
  broker(leader).bytes_in().Add(bytes.count());
  broker(leader).Append(id, end - 1, end, bytes);
  return end;
}

void S3StreamCluster::MessageSaid(const TableMessage& message) {
  tables_[message.table]->Said(message);
}

void S3StreamCluster::MessageHeard(uint32_t table, uint64_t number, BrokerId at) {
  if (broker(at).up()) tables_[table]->Heard(number, at);
}

// --- Records ---

bool S3StreamCluster::ReadAt(BrokerId id, PartitionId partition, Offset from, Offset to,
                             Callback read) {
  // As in Prepare(): what is not uploaded is in memory in any case.
  const Offset cold =
      std::min({to, broker(id).log_cache().MemoryFrom(partition), objects_.EndOf(partition)});
  if (from >= cold) return true;
  return broker(id).reader().Read({{partition, from, cold}}, read);
}

}  // namespace freshet
