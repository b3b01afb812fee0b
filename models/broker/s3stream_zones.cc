// S3StreamCluster with routing by zones: who is told whom to ask, batches that are passed on, and
// reads at brokers that do not lead.
#include <algorithm>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "models/broker/s3stream_cluster.h"

namespace freshet {
namespace {

constexpr Duration kMetadataMaxAge = Minutes(5);  // KSRC: metadata.max.age.ms of clients.

}  // namespace

void S3StreamCluster::StartRouter() {
  if (!config_.router_channel) return;
  std::vector<S3StreamBroker*> brokers;
  for (const auto& broker : brokers_) brokers.push_back(broker.get());
  snapshots_.assign(brokers_.size(), std::vector<Offset>(partitions_.size(), 0));
  ZoneRouter::Owner* const owner = this;
  router_ = std::make_unique<ZoneRouter>(sim(), absl::StrCat(name(), "/router"), network_, store_,
                                         std::move(brokers), owner, *config_.router_channel);
}

BrokerId S3StreamCluster::NearestTo(ZoneId zone, BrokerId leader) const {
  if (leader == kNoBroker || network_->ZoneOf(HostOf(leader)) == zone) return leader;
  // Brokers of other zones are dealt out to those of this one, in their order.
  std::vector<BrokerId> near;
  size_t rank = 0;
  for (BrokerId id = 0; id < broker_count(); ++id) {
    const bool here = network_->ZoneOf(HostOf(id)) == zone;
    if (here && !fenced_[static_cast<size_t>(id)]) near.push_back(id);
    if (!here && id < leader) ++rank;
  }
  return near.empty() ? leader : near[rank % near.size()];
}

std::shared_ptr<const Metadata> S3StreamCluster::CurrentMetadata(HostId client) const {
  const std::shared_ptr<const Metadata> all = BrokerCluster::CurrentMetadata(client);
  if (router_ == nullptr) return all;
  const ZoneId zone = network_->ZoneOf(client);
  if (zone_metadata_.size() <= zone) zone_metadata_.resize(zone + 1);
  std::shared_ptr<const Metadata>& kept = zone_metadata_[zone];
  if (kept != nullptr && kept->version == all->version) return kept;
  auto made = std::make_shared<Metadata>(*all);
  for (BrokerId& leader : made->leader) leader = NearestTo(zone, leader);
  kept = std::move(made);
  return kept;
}

void S3StreamCluster::ZonesChanged() {
  if (router_ == nullptr) return;
  zone_metadata_.clear();
  // No error tells clients that there is a nearer broker; their regular look does.
  After<"log.metadata_max_age">(kMetadataMaxAge, [this] {
    for (Callback& refresh : refreshes_) refresh();
  });
}

// --- Batches ---

bool S3StreamCluster::Route(RequestIndex index, uint32_t batch, BrokerId id) {
  if (router_ == nullptr) return false;
  const Batch& passed = RequestAt(index).batches[batch];
  const BrokerId leader = partitions_[passed.partition].leader;
  // A producer of the leader's zone is to ask the leader itself.
  const bool served = leader != kNoBroker && broker(leader).up() &&
                      network_->ZoneOf(HostOf(leader)) != network_->ZoneOf(HostOf(id));
  if (!served) return false;
  router_->Pass(id, leader, {index, batch, passed.bytes});
  return true;
}

void S3StreamCluster::RoutedArrived(const ZoneRouter::Routed& routed, BrokerId leader) {
  AppendRouted(routed.request, routed.batch, leader);
}

void S3StreamCluster::RoutedRefused(const ZoneRouter::Routed& routed) {
  RefuseRouted(routed.request, routed.batch, ProduceError::kNotLeader);
}

void S3StreamCluster::RoutedForgotten(const ZoneRouter::Routed& routed) {
  ForgetRouted(routed.request);
}

void S3StreamCluster::RoutedAnswered(RequestIndex request) { Respond(request); }

void S3StreamCluster::RespondThrough(RequestIndex index, BrokerId from) {
  router_->Answer(index, from, RequestAt(index).broker);
}

// --- Reads ---

bool S3StreamCluster::ServesSnapshots(PartitionId id, BrokerId at) const {
  const BrokerId leader = partitions_[id].leader;
  return router_ != nullptr && leader != kNoBroker &&
         network_->ZoneOf(HostOf(leader)) != network_->ZoneOf(HostOf(at));
}

bool S3StreamCluster::PrepareSnapshot(const FetchSession& session, BrokerId id, Callback serve) {
  std::vector<StreamReader::Wanted> cold;
  absl::btree_map<BrokerId, Bytes> tail;  // By whose write-ahead log has it.
  for (const FetchedRange& range : session.response) {
    const BrokerId leader = partitions_[range.partition].leader;
    const Offset uploaded = objects_.EndOf(range.partition);
    Offset to = std::min(range.to, uploaded);
    if (leader == id) {
      to = std::min(to, broker(id).log_cache().MemoryFrom(range.partition));
    } else if (range.to > uploaded) {
      Offset& held = snapshots_[static_cast<size_t>(id)][range.partition];
      const Offset from = std::max({range.from, uploaded, held});
      if (from < range.to) {
        tail[placements_[range.partition].home] +=
            partitions_[range.partition].log.BytesBetween(from, range.to);
      }
      held = std::max(held, range.to);
    }
    if (range.from < to) cold.push_back({range.partition, range.from, to});
  }
  std::vector<S3StreamBroker::Snapshot> reads;
  for (const auto& [home, bytes] : tail) {
    const auto& wal = static_cast<const S3Wal&>(broker(home).wal());
    // Which of its objects are read hardly matters: the latest, as often as the bytes ask for.
    Bytes left = bytes;
    while (left > Bytes(0) && wal.trimmed() < wal.durable()) {
      const S3Wal::Piece piece = wal.PieceEndingAt(wal.durable());
      reads.push_back({piece.object, std::min(left, piece.size)});
      left -= reads.back().bytes;
    }
  }
  return broker(id).PrepareSnapshot(reads, cold, session.response_bytes, serve);
}

}  // namespace freshet
