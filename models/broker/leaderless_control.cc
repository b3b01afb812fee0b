// Who serves whom in LeaderlessCluster: what clients are told, and what becomes of it when brokers
// die and come back.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "models/broker/leaderless_cluster.h"
#include "sim/hash.h"

namespace freshet {

void LeaderlessCluster::ListBrokers() {
  ++metadata_version_;
  const auto zones = static_cast<uint32_t>(network_->zone_count());
  std::vector<BrokerId> all;
  candidates_.assign(zones, {});
  for (BrokerId id = 0; id < broker_count(); ++id) {
    if (!listed_[static_cast<size_t>(id)]) continue;
    all.push_back(id);
    candidates_[zones_[static_cast<size_t>(id)]].push_back(id);
  }
  metadata_of_zone_.clear();
  for (std::vector<BrokerId>& candidates : candidates_) {
    if (candidates.empty()) candidates = all;  // Rather across zones than not at all.
    auto metadata = std::make_shared<Metadata>();
    metadata->version = metadata_version_;
    for (const Partition& partition : partitions_) {
      // KIP-1150's brokers hash the topic's id and the partition's index, modulo their number.
      const uint64_t hash =
          Fnv1a64(absl::StrCat(TopicOf(partition).name, "-",
                               IdOf(partition) - PartitionsOf(TopicOf(partition).name).first));
      metadata->leader.push_back(candidates.empty() ? kNoBroker
                                                    : candidates[hash % candidates.size()]);
    }
    metadata_of_zone_.push_back(std::move(metadata));
  }
  metadata_of_broker_.clear();
  for (BrokerId id = 0; id < broker_count(); ++id) {
    auto metadata = std::make_shared<Metadata>();
    metadata->version = metadata_version_;
    metadata->leader.assign(partitions_.size(), id);
    metadata_of_broker_.push_back(std::move(metadata));
  }
  offline_.Set(all.empty() ? static_cast<int64_t>(partitions_.size()) : 0);
}

std::shared_ptr<const Metadata> LeaderlessCluster::CurrentMetadata(HostId client) const {
  const ZoneId zone = network_->ZoneOf(client);
  const std::vector<BrokerId>& candidates = candidates_[zone];
  if (config_.assignment == Assignment::kPerPartition || candidates.empty()) {
    return metadata_of_zone_[zone];
  }
  return metadata_of_broker_[static_cast<size_t>(candidates[client % candidates.size()])];
}

BrokerId LeaderlessCluster::GroupCoordinatorOf(PartitionId partition) const {
  const auto brokers = static_cast<PartitionId>(broker_count());
  for (PartitionId step = 0; step < brokers; ++step) {
    const auto candidate = static_cast<BrokerId>((partition + step) % brokers);
    if (broker(candidate).up()) return candidate;
  }
  return kNoBroker;
}

int64_t LeaderlessCluster::PartitionsOn(BrokerId broker) const {
  if (config_.assignment == Assignment::kPerClient) {
    return static_cast<int64_t>(partitions_.size());
  }
  const Metadata& metadata = *metadata_of_zone_[zones_[static_cast<size_t>(broker)]];
  return std::count(metadata.leader.begin(), metadata.leader.end(), broker);
}

BrokerId LeaderlessCluster::OwnerOf(BlockKey block, BrokerId asker) {
  if (!config_.shared_cache) return asker;
  // The highest hash has it: when a broker comes or goes, no other block changes its owner.
  const uint64_t of_block = MixHash(MixHash(kFnvOffset, block.file), block.index);
  BrokerId owner = asker;
  uint64_t highest = 0;
  for (BrokerId id = 0; id < broker_count(); ++id) {
    if (!broker(id).up() || zones_[static_cast<size_t>(id)] != zones_[static_cast<size_t>(asker)]) {
      continue;
    }
    const uint64_t hash = MixHash(of_block, static_cast<uint64_t>(id));
    if (hash < highest) continue;
    highest = hash;
    owner = id;
  }
  return owner;
}

void LeaderlessCluster::OnCrash(BrokerId id) {
  for (const auto& other : brokers_) {
    if (other->up()) other->reader().PeerDied(id);
  }
}

void LeaderlessCluster::ShutDown(BrokerId id, Callback stopped) {
  // It takes itself off the list, so that nobody new comes to it.
  OnSessionEnd(id);
  BrokerCluster::ShutDown(id, stopped);
}

void LeaderlessCluster::OnSessionEnd(BrokerId id) {
  listed_[static_cast<size_t>(id)] = false;
  ListBrokers();
}

void LeaderlessCluster::OnRestart(BrokerId id) {
  broker(id).Start();
  if (listed_[static_cast<size_t>(id)]) return;
  listed_[static_cast<size_t>(id)] = true;
  ListBrokers();
  // Nobody refuses those who went elsewhere: they return when they look at the metadata, which each
  // does at a time of its own.
  for (size_t i = 0; i < refreshes_.size(); ++i) {
    const auto after = static_cast<int64_t>(
        refresh_stream_.NextBelow(static_cast<uint64_t>(config_.metadata_max_age.nanos())));
    After<"log.metadata_refresh">(Nanoseconds(after), [this, i] { refreshes_[i](); });
  }
}

}  // namespace freshet
