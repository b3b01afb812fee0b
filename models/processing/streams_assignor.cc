// Who is given which task of a sub-topology with state: the assignor of KIP-441, at the leader of
// the group.
//
// Tasks are shared out evenly, and everybody keeps what he has as far as that allows. A task whose
// new place has not got its state (acceptable.recovery.lag) stays, or goes, where the state is; the
// new place is given a warm-up replica, of which there are max.warmup.replicas at a time, and the
// group meets again after probing.rebalance.interval.ms to see how far that has come.
#include <algorithm>
#include <map>

#include "models/processing/stream_thread.h"
#include "models/processing/streams_app.h"

namespace freshet {

std::vector<Bytes> StreamsApp::StateSizes(const Stage& stage) const {
  std::vector<Bytes> sizes;
  for (const Task& task : stage.tasks) {
    sizes.push_back(task.kept.empty() ? Bytes(0) : task.kept.back().size);
  }
  return sizes;
}

Assignment StreamsApp::DealOutTasks(Stage& stage, const std::vector<int>& members,
                                    const Assignment& owned, Duration* again) {
  const int tasks = stage.topic.count;
  const Assignment even = Assign(Assignor::kCooperativeSticky, {tasks}, owned);
  std::vector<size_t> place(static_cast<size_t>(tasks));
  std::vector<size_t> before(static_cast<size_t>(tasks), members.size());
  std::vector<int64_t> load(members.size());
  for (size_t at = 0; at < even.size(); ++at) {
    for (const int task : even[at]) place[static_cast<size_t>(task)] = at;
    for (const int task : owned[at]) before[static_cast<size_t>(task)] = at;
    load[at] = static_cast<int64_t>(even[at].size());
  }
  const auto lag_at = [&](size_t at, int task) {
    const int64_t lag = stage.copies->LagOf(InstanceOf(members[at]), task);
    return lag <= config_.acceptable_lag ? 0 : lag;
  };
  std::vector<std::pair<int, int>> warm_ups;  // Instance and task.
  bool moves_later = false;
  for (int task = 0; task < tasks; ++task) {
    size_t& here = place[static_cast<size_t>(task)];
    const int64_t lag = lag_at(here, task);
    size_t best = here;
    int64_t best_lag = lag;
    for (size_t at = 0; at < members.size(); ++at) {
      const int64_t its = lag_at(at, task);
      const bool stays = at == before[static_cast<size_t>(task)];
      const bool better = its < best_lag || (its == best_lag && best != here &&
                                             best != before[static_cast<size_t>(task)] &&
                                             (stays || load[at] < load[best]));
      if (!better) continue;
      best = at;
      best_lag = its;
    }
    if (best == here) continue;
    moves_later = true;
    if (static_cast<int>(warm_ups.size()) < config_.max_warmups) {
      warm_ups.emplace_back(InstanceOf(members[here]), task);
    }
    --load[here];
    ++load[best];
    here = best;
  }
  Assignment assignment(members.size());
  std::vector<int> instance_of_task(static_cast<size_t>(tasks));
  for (int task = 0; task < tasks; ++task) {
    const size_t at = place[static_cast<size_t>(task)];
    assignment[at].push_back(task);
    instance_of_task[static_cast<size_t>(task)] = InstanceOf(members[at]);
  }
  PlaceReplicas(stage, instance_of_task, members, warm_ups);
  *again = moves_later ? config_.probing_interval : Duration::Zero();
  return assignment;
}

void StreamsApp::PlaceReplicas(Stage& stage, const std::vector<int>& instance_of_task,
                               const std::vector<int>& members,
                               const std::vector<std::pair<int, int>>& warm_ups) {
  std::map<int, std::vector<int>> follow;  // By live instance.
  for (const int member : members) follow[InstanceOf(member)];
  for (const auto& [instance, task] : warm_ups) follow[instance].push_back(task);
  for (int task = 0; task < stage.topic.count; ++task) {
    // Where it warmed up it follows until it is there: its owner has to give it up first.
    const int instance = instance_of_task[static_cast<size_t>(task)];
    if (stage.copies->Follows(instance, task)) follow[instance].push_back(task);
  }
  for (int task = 0; task < stage.topic.count; ++task) {
    for (int replica = 0; replica < config_.standbys; ++replica) {
      int best = kNobody;
      for (const auto& [instance, tasks] : follow) {
        if (instance == instance_of_task[static_cast<size_t>(task)] ||
            std::find(tasks.begin(), tasks.end(), task) != tasks.end()) {
          continue;
        }
        const bool has = stage.copies->Follows(instance, task);
        const bool best_has = best != kNobody && stage.copies->Follows(best, task);
        if (best == kNobody || (has && !best_has) ||
            (has == best_has && tasks.size() < follow[best].size())) {
          best = instance;
        }
      }
      if (best != kNobody) follow[best].push_back(task);
    }
  }
  const std::vector<Bytes> sizes = StateSizes(stage);
  for (const auto& [instance, tasks] : follow) {
    if (!InstanceAt(instance).down) stage.copies->Follow(instance, tasks, sizes);
  }
}

}  // namespace freshet
