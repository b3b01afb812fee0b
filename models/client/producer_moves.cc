// A fleet of producers that leaves its cluster, or comes to it: an operator moves it.
#include "models/client/producer.h"
#include "models/client/producers.h"

namespace freshet {

void Producers::Stop() {
  SIM_REQUIRE(!config_.transactions && config_.batches_per_parcel == 1);
  for (const auto& client : clients_) client->Stop();
}

void Producers::StartFrom(Time since) {
  SIM_REQUIRE(!config_.transactions && config_.batches_per_parcel == 1);
  for (const auto& client : clients_) client->StartFrom(since);
}

void Producer::Stop() {
  stopped_ = true;
  std::vector<size_t> held;
  CloseAll(&held);
  for (Lane& lane : lanes_) {
    if (lane.timer) fleet_->sim().Cancel(lane.timer);
    lane.timer = EventId();
  }
  if (blocked_lanes_.empty()) return;
  fleet_->blocked_.Add(-1);
  for (const size_t lane : blocked_lanes_) {
    fleet_->refused_.Add(lanes_[lane].accumulator->Refuse(Now()));
  }
  blocked_lanes_.clear();
}

void Producer::StartFrom(Time since) {
  stopped_ = false;
  if (fleet_->config_.schema && version_ == 0) UseVersion(fleet_->config_.schema->version);
  for (size_t lane = 0; lane < lanes_.size(); ++lane) {
    Accumulator& accumulator = *lanes_[lane].accumulator;
    accumulator.Refuse(since);  // Those were another cluster's.
    if (Now() - since > fleet_->config_.max_block) {
      fleet_->refused_.Add(accumulator.Refuse(Now() - fleet_->config_.max_block));
    }
    OpenNext(lane);
  }
}

}  // namespace freshet
