#include "models/broker/table_channel.h"

#include <algorithm>
#include <iterator>

namespace freshet {
namespace {

TopicConfig OwnTopic(const char* name) {
  TopicConfig topic;
  topic.name = name;
  return topic;
}

}  // namespace

void TableChannel::AddTopics(std::vector<TopicConfig>* topics) {
  topics->push_back(OwnTopic("__automq_table_control"));
  topics->push_back(OwnTopic("__automq_table_data"));
}

TableChannel::TableChannel(Simulation& sim, absl::string_view name, Network* network, Owner* owner,
                           PartitionId control, PartitionId data, BrokerId brokers)
    : Component(sim, name),
      network_(network),
      owner_(owner),
      control_(control),
      data_(data),
      brokers_(brokers) {}

Connection* TableChannel::Between(BrokerId from, BrokerId to) {
  Connection*& connection = connections_[{from, to}];
  if (connection == nullptr) {
    connection = network_->Connect(owner_->HostOfBroker(from), owner_->HostOfBroker(to));
  }
  return connection;
}

void TableChannel::Say(const TableMessage& message) {
  const PartitionId partition = PartitionFor(message.kind);
  Entries& entries = EntriesOf(partition);
  entries.push_back({message, next_number_++});
  Travel(partition, entries.back());
}

void TableChannel::Travel(PartitionId partition, const Entry& entry) {
  const BrokerId leader = owner_->LeaderOf(partition);
  if (leader == kNoBroker) return;  // OnOpen() goes on.
  if (leader == entry.message.from) {
    After<"table.said_at_home">(
        Duration::Zero(), [this, partition, number = entry.number] { Arrived(partition, number); });
    return;
  }
  Between(entry.message.from, leader)
      ->Send(entry.message.bytes, TrafficCause::kControl,
             [this, partition, number = entry.number] { Arrived(partition, number); });
}

void TableChannel::Arrived(PartitionId partition, uint64_t number) {
  Entries& entries = EntriesOf(partition);
  const auto entry = std::find_if(entries.begin(), entries.end(),
                                  [number](const Entry& e) { return e.number == number; });
  if (entry == entries.end() || entry->end != 0) return;
  // Whoever leads now: a client asks who it is, and sends again.
  if (owner_->LeaderOf(partition) == kNoBroker) return;
  entry->end = owner_->AppendMessage(partition, entry->message.bytes);
}

void TableChannel::OnDurable(PartitionId partition, Offset offset, BrokerId leader) {
  Entries& entries = EntriesOf(partition);
  Entries said;
  const auto is_said = [offset](const Entry& entry) {
    return entry.end != 0 && entry.end <= offset;
  };
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(said), is_said);
  if (said.empty()) return;
  std::erase_if(entries, is_said);
  std::stable_sort(said.begin(), said.end(),
                   [](const Entry& a, const Entry& b) { return a.end < b.end; });
  for (const Entry& entry : said) {
    Spread(entry.message, leader);
    owner_->MessageSaid(entry.message);
  }
}

void TableChannel::Spread(const TableMessage& message, BrokerId leader) {
  if (message.kind != TableMessageKind::kRequest) return;
  for (BrokerId at = 0; at < brokers_; ++at) {
    const auto heard = [this, table = message.table, at, number = message.number] {
      owner_->MessageHeard(table, number, at);
    };
    if (at == leader) {
      After<"table.heard_at_home">(Duration::Zero(), heard);
    } else if (!network_->down(owner_->HostOfBroker(at))) {
      Between(leader, at)->Send(message.bytes, TrafficCause::kControl, heard);
    }
  }
}

void TableChannel::OnOpen(PartitionId partition) {
  Entries& entries = EntriesOf(partition);
  std::erase_if(entries, [](const Entry& entry) { return entry.sender_gone; });
  for (Entry& entry : entries) {
    entry.end = 0;
    Travel(partition, entry);
  }
}

void TableChannel::OnCrash(BrokerId broker) {
  for (Entries* entries : {&in_control_, &in_data_}) {
    std::erase_if(*entries, [broker](const Entry& entry) {
      return entry.message.from == broker && entry.end == 0;
    });
    for (Entry& entry : *entries) {
      if (entry.message.from == broker) entry.sender_gone = true;
    }
  }
}

}  // namespace freshet
