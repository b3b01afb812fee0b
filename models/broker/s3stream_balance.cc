// What S3StreamCluster tells its balancer.
#include "absl/strings/str_cat.h"
#include "models/broker/s3stream_cluster.h"

namespace freshet {

void S3StreamCluster::StartBalancer() {
  if (!config_.balancer) return;
  std::vector<AutoBalancer::Meters> meters;
  for (const auto& broker : brokers_) {
    meters.push_back({&broker->bytes_in(), &broker->bytes_out()});
  }
  sent_.assign(partitions_.size(), 0);
  AutoBalancer::Owner* const owner = this;
  balancer_ = std::make_unique<AutoBalancer>(sim(), absl::StrCat(name(), "/balancer"), meters,
                                             partitions_.size(), owner, *config_.balancer);
}

void S3StreamCluster::CountSent(const FetchSession& session) {
  for (const FetchedRange& range : session.response) sent_[range.partition] += range.bytes.count();
}

bool S3StreamCluster::CanServe(BrokerId id) const {
  return IsReady(id) && !fenced_[static_cast<size_t>(id)];
}

BrokerId S3StreamCluster::ServedBy(PartitionId id) const {
  return placements_[id].state == State::kServed ? placements_[id].home : kNoBroker;
}

NetworkLoad S3StreamCluster::BytesOf(PartitionId id) const {
  return {partitions_[id].log.end_position(), sent_[id]};
}

}  // namespace freshet
