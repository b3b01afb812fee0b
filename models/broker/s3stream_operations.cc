// What an operator does to S3StreamCluster: shutting a broker down, and moving partitions.
#include <algorithm>

#include "models/broker/s3stream_cluster.h"

namespace freshet {
namespace {

// How often a move is ordered again whose partition, or whose new broker, is not there.
constexpr Duration kOrderAgain = Seconds(1);

}  // namespace

std::vector<BrokerId> S3StreamCluster::BrokersOf(PartitionId id) const {
  const Placement& placement = placements_[id];
  return {placement.to == kNoBroker ? placement.home : placement.to};
}

void S3StreamCluster::Reassign(PartitionId id, const std::vector<BrokerId>& to, Callback done) {
  orders_[id] = {to[0], done};
  FollowOrder(id);
}

void S3StreamCluster::FollowOrder(PartitionId id) {
  const auto order = orders_.find(id);
  if (order == orders_.end()) return;
  const Placement& placement = placements_[id];
  if (placement.state == State::kServed && placement.home == order->second.broker) {
    Callback done = order->second.done;
    orders_.erase(order);
    done();
    return;
  }
  const bool on_its_way = placement.to == order->second.broker;
  if (on_its_way || MovePartition(id, order->second.broker)) return;
  After<"log.move_again">(kOrderAgain, [this, id] { FollowOrder(id); });
}

void S3StreamCluster::ShutDown(BrokerId id, Callback stopped) {
  leaving_[static_cast<size_t>(id)] = true;
  shutdowns_.push_back({id, stopped});
  LeaveFurther(id);
}

void S3StreamCluster::LeaveFurther(BrokerId id) {
  const auto index = static_cast<size_t>(id);
  const auto shutdown = std::find_if(shutdowns_.begin(), shutdowns_.end(),
                                     [id](const Order& order) { return order.broker == id; });
  if (shutdown == shutdowns_.end()) return;
  bool waits = false;
  for (PartitionId partition = 0; partition < placements_.size(); ++partition) {
    const Placement& placement = placements_[partition];
    if (placement.home != id || placement.state == State::kLost) continue;
    const BrokerId to = LeastLoaded();
    if (placement.state == State::kServed && to != kNoBroker) MovePartition(partition, to);
    waits = waits || to != kNoBroker;
  }
  if (waits && broker(id).up()) return;  // A partition that opens elsewhere calls again.
  Callback stopped = shutdown->done;
  shutdowns_.erase(shutdown);
  leaving_[index] = false;
  if (broker(id).up()) {
    stopped_cleanly_[index] = PartitionsOn(id) == 0;
    EndProcess(id);
    if (!stopped_cleanly_[index]) AwaitSessionEnd(id);
    TellListeners(id);
  }
  stopped();
}

void S3StreamCluster::LookAtOrders() {
  std::vector<PartitionId> moved;
  for (const auto& [partition, order] : orders_) {
    if (placements_[partition].state == State::kServed) moved.push_back(partition);
  }
  for (const PartitionId partition : moved) FollowOrder(partition);
  std::vector<BrokerId> leaving;
  for (const Order& order : shutdowns_) leaving.push_back(order.broker);
  for (const BrokerId id : leaving) LeaveFurther(id);
}

}  // namespace freshet
