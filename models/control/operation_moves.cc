// Which partitions an operation moves where, and so many of them at a time.
#include <algorithm>
#include <set>
#include <utility>

#include "models/control/operations.h"

namespace freshet {

std::vector<int64_t> Operations::Load() const {
  std::vector<int64_t> load(static_cast<size_t>(cluster_->broker_count()));
  for (PartitionId id = 0; id < cluster_->partition_count(); ++id) {
    for (const BrokerId broker : cluster_->BrokersOf(id)) ++load[static_cast<size_t>(broker)];
  }
  return load;
}

BrokerId Operations::Instead(const std::vector<BrokerId>& brokers, BrokerId gone,
                             const std::vector<int64_t>& load) const {
  std::set<ZoneId> used;
  for (const BrokerId broker : brokers) {
    if (broker != gone) used.insert(cluster_->ZoneOf(broker));
  }
  // In a zone of its own before one with fewer partitions.
  BrokerId best = kNoBroker;
  const auto rank = [&](BrokerId id) {
    return std::make_pair(used.count(cluster_->ZoneOf(id)), load[static_cast<size_t>(id)]);
  };
  for (BrokerId id = 0; id < cluster_->broker_count(); ++id) {
    const bool has_it = std::find(brokers.begin(), brokers.end(), id) != brokers.end();
    if (has_it || !cluster_->IsServing(id)) continue;
    if (best == kNoBroker || rank(id) < rank(best)) best = id;
  }
  return best;
}

bool Operations::HoldsAny(BrokerId broker) const {
  for (PartitionId id = 0; id < cluster_->partition_count(); ++id) {
    const std::vector<BrokerId> brokers = cluster_->BrokersOf(id);
    if (std::find(brokers.begin(), brokers.end(), broker) != brokers.end()) return true;
  }
  return false;
}

std::vector<Operations::PartitionMove> Operations::MovesOff(BrokerId gone) const {
  std::vector<int64_t> load = Load();
  std::vector<PartitionMove> moves;
  for (PartitionId id = 0; id < cluster_->partition_count(); ++id) {
    std::vector<BrokerId> brokers = cluster_->BrokersOf(id);
    const auto place = std::find(brokers.begin(), brokers.end(), gone);
    if (place == brokers.end()) continue;
    const BrokerId to = Instead(brokers, gone, load);
    if (to == kNoBroker) continue;  // Nowhere to go until another broker is back.
    *place = to;
    ++load[static_cast<size_t>(to)];
    moves.push_back({id, std::move(brokers)});
  }
  return moves;
}

std::vector<Operations::PartitionMove> Operations::MovesTo(
    const std::vector<BrokerId>& added) const {
  std::vector<int64_t> load = Load();
  std::vector<std::vector<BrokerId>> at;
  int64_t all = 0;
  for (PartitionId id = 0; id < cluster_->partition_count(); ++id) {
    at.push_back(cluster_->BrokersOf(id));
    all += static_cast<int64_t>(at.back().size());
  }
  int64_t serving = 0;
  for (BrokerId id = 0; id < cluster_->broker_count(); ++id) serving += cluster_->IsServing(id);
  std::set<PartitionId> moved;
  for (const BrokerId to : added) {
    int64_t leads = 0;
    const auto index = static_cast<size_t>(to);
    while (load[index] < all / serving) {
      // From the fullest broker, a leader when the new one has fewer than its share of them; in
      // another's zone if that leaves as many zones as before.
      PartitionId best = 0;
      size_t best_place = 0;
      auto best_rank = std::make_pair(int64_t{-1}, false);
      for (PartitionId id = 0; id < at.size(); ++id) {
        if (moved.count(id) > 0 || std::find(at[id].begin(), at[id].end(), to) != at[id].end()) {
          continue;
        }
        for (size_t place = 0; place < at[id].size(); ++place) {
          const BrokerId from = at[id][place];
          if (std::find(added.begin(), added.end(), from) != added.end()) continue;
          bool doubles_zone = false;
          for (const BrokerId other : at[id]) {
            doubles_zone = doubles_zone ||
                           (other != from && cluster_->ZoneOf(other) != cluster_->ZoneOf(from) &&
                            cluster_->ZoneOf(other) == cluster_->ZoneOf(to));
          }
          if (doubles_zone) continue;
          const bool wants_leader = leads * static_cast<int64_t>(at[id].size()) <= load[index];
          const auto rank =
              std::make_pair(load[static_cast<size_t>(from)], (place == 0) == wants_leader);
          if (rank > best_rank) {
            best_rank = rank;
            best = id;
            best_place = place;
          }
        }
      }
      if (best_rank.first < 0) break;
      --load[static_cast<size_t>(at[best][best_place])];
      ++load[index];
      leads += best_place == 0;
      at[best][best_place] = to;
      moved.insert(best);
    }
  }
  std::vector<PartitionMove> moves;
  for (const PartitionId id : moved) moves.push_back({id, at[id]});
  return moves;
}

void Operations::Run(std::vector<PartitionMove> moves) {
  moves_ = std::move(moves);
  std::reverse(moves_.begin(), moves_.end());
  Current().moves += static_cast<int64_t>(moves_.size());
  moves_left_.Set(static_cast<int64_t>(moves_.size()));
  if (moves_.empty()) {
    MovesDone();
    return;
  }
  cluster_->ThrottleMoves(Plan().throttle);
  MoveMore();
}

void Operations::MoveMore() {
  const int most = Plan().most_moves;
  while (!moves_.empty() && (most == 0 || moving_ < most)) {
    const PartitionMove move = std::move(moves_.back());
    moves_.pop_back();
    ++moving_;
    cluster_->Reassign(move.partition, move.to, [this] {
      // The design is in the middle of it: what follows is ordered afterwards.
      After<"operation.moved">(Duration::Zero(), [this] { MoveDone(); });
    });
  }
}

void Operations::MoveDone() {
  --moving_;
  ++Current().moves_done;
  moves_done_.Add(1);
  moves_left_.Set(static_cast<int64_t>(moves_.size()) + moving_);
  moved_bytes_counter_.Add(cluster_->moved_bytes() - moved_bytes_);
  moved_bytes_ = cluster_->moved_bytes();
  if (moves_.empty() && moving_ == 0) {
    cluster_->ThrottleMoves(std::nullopt);
    MovesDone();
    return;
  }
  MoveMore();
}

void Operations::MovesDone() {
  if (Plan().kind != OperationKind::kRemoveBroker) {
    End(*current_);
    return;
  }
  const BrokerId gone = Plan().brokers[0];
  if (HoldsAny(gone)) {
    After<"operation.look">(kLookAgain, [this] { Run(MovesOff(Plan().brokers[0])); });
  } else if (cluster_->IsUp(gone)) {
    cluster_->ShutDown(gone, [this] { End(*current_); });
  } else {
    End(*current_);
  }
}

}  // namespace freshet
