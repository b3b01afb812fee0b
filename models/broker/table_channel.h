// How coordinators and workers of table topics talk: through two topics of the cluster's own, as
// AutoMQ's do. A message is a record: its sender produces it to the partition's leader, it is
// written to that broker's write-ahead log like any other, and has been said when it is durable.
//
//   __automq_table_control   requests, which every broker reads; and the coordinators' checkpoints
//   __automq_table_data      answers, which the coordinator reads
//
// A message whose leader is gone is produced again when the partition is served again; one whose
// sender has died before it was appended is lost.
//
// Approximated: checkpoints lie in the control topic, AutoMQ has them in a stream beside partition
// 0 of the table's topic; the data topic has one partition; a message travels without the batching
// of a client. docs/models/table.md has the sources.
#ifndef FRESHET_MODELS_BROKER_TABLE_CHANNEL_H_
#define FRESHET_MODELS_BROKER_TABLE_CHANNEL_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/broker/broker_cluster.h"
#include "models/network/network.h"
#include "sim/component.h"

namespace freshet {

enum class TableMessageKind : uint8_t { kRequest, kAnswer, kCheckpoint };

struct TableMessage {
  TableMessageKind kind;
  uint32_t table;   // Which table topic's.
  uint64_t number;  // What it says, by the table topic's own count.
  BrokerId from;
  Bytes bytes;
};

class TableChannel : public Component {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // kNoBroker while nobody serves the partition.
    virtual BrokerId LeaderOf(PartitionId partition) const = 0;
    virtual HostId HostOfBroker(BrokerId broker) const = 0;
    // One record of that size, at the leader. Returns where it ends. REQUIRES: it has a leader.
    virtual Offset AppendMessage(PartitionId partition, Bytes bytes) = 0;
    // It is durable. The sender, if it lives, knows it.
    virtual void MessageSaid(const TableMessage& message) = 0;
    // A request has come to a broker.
    virtual void MessageHeard(uint32_t table, uint64_t number, BrokerId at) = 0;
  };

  // Adds both topics behind the others.
  static void AddTopics(std::vector<TopicConfig>* topics);

  // REQUIRES: the last two partitions of the cluster are those of AddTopics(); the pointers outlive
  // it; brokers are numbered below `brokers`.
  TableChannel(Simulation& sim, absl::string_view name, Network* network, Owner* owner,
               PartitionId control, PartitionId data, BrokerId brokers);

  void Say(const TableMessage& message);

  bool IsOurs(PartitionId partition) const { return partition >= control_; }
  PartitionId control() const { return control_; }
  PartitionId data() const { return data_; }
  // In the log of `leader`. REQUIRES: IsOurs(), here and below.
  void OnDurable(PartitionId partition, Offset offset, BrokerId leader);
  // It has another leader, or the same again: what was not durable is gone.
  void OnOpen(PartitionId partition);
  void OnCrash(BrokerId broker);

 private:
  struct Entry {
    TableMessage message;
    uint64_t number;
    Offset end = 0;            // 0: not appended.
    bool sender_gone = false;  // Nobody would produce it again.
  };
  using Entries = std::vector<Entry>;

  PartitionId PartitionFor(TableMessageKind kind) const {
    return kind == TableMessageKind::kAnswer ? data_ : control_;
  }
  Entries& EntriesOf(PartitionId partition) { return partition == data_ ? in_data_ : in_control_; }
  void Travel(PartitionId partition, const Entry& entry);
  void Arrived(PartitionId partition, uint64_t number);
  void Spread(const TableMessage& message, BrokerId leader);
  Connection* Between(BrokerId from, BrokerId to);

  Network* const network_;
  Owner* const owner_;
  const PartitionId control_;
  const PartitionId data_;
  const BrokerId brokers_;
  uint64_t next_number_ = 1;
  Entries in_control_;  // Not yet durable.
  Entries in_data_;
  absl::btree_map<std::pair<BrokerId, BrokerId>, Connection*> connections_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_TABLE_CHANNEL_H_
