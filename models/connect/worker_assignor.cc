#include "models/connect/worker_assignor.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace freshet {
namespace {

bool Any(const std::vector<bool>& tasks) {
  return std::find(tasks.begin(), tasks.end(), true) != tasks.end();
}

// Of the first ones with the fewest tasks.
size_t LeastLoaded(const std::vector<std::vector<int>>& shares) {
  const auto least = std::min_element(
      shares.begin(), shares.end(),
      [](const auto& one, const auto& other) { return one.size() < other.size(); });
  return static_cast<size_t>(least - shares.begin());
}

bool Contains(const std::vector<MemberId>& all, MemberId id) {
  return std::find(all.begin(), all.end(), id) != all.end();
}

}  // namespace

WorkerAssignor::WorkerAssignor(int tasks, Duration max_delay)
    : tasks_(tasks),
      max_delay_(max_delay),
      previous_(static_cast<size_t>(tasks)),
      revoked_(static_cast<size_t>(tasks)) {}

WorkerAssignor::Round WorkerAssignor::Deal(const std::vector<Worker>& workers, int32_t generation,
                                           int32_t completed, Time now) {
  SIM_REQUIRE(!workers.empty());
  const auto count = static_cast<size_t>(tasks_);
  if (previous_generation_ != completed) previous_.assign(count, false);
  std::vector<int> owners(count);
  for (const Worker& worker : workers) {
    for (const int task : worker.owned) ++owners[static_cast<size_t>(task)];
  }
  // What was to be given up and was not: it is taken away once more.
  for (size_t task = 0; task < count; ++task) {
    if (!revoked_[task] || owners[task] == 0) continue;
    for (size_t each = 0; each < count; ++each) previous_[each] = owners[each] > 0;
    break;
  }
  TaskSet lost(count);
  TaskSet fresh(count);
  for (size_t task = 0; task < count; ++task) {
    lost[task] = previous_[task] && owners[task] == 0;
    fresh[task] = !previous_[task] && owners[task] == 0;
  }

  // Two that run the same task both stop it.
  revoked_.assign(count, false);
  Round round;
  for (const Worker& worker : workers) {
    round.shares.emplace_back();
    for (const int task : worker.owned) {
      if (owners[static_cast<size_t>(task)] > 1) {
        revoked_[static_cast<size_t>(task)] = true;
      } else {
        round.shares.back().push_back(task);
      }
    }
  }
  HandleLost(workers, lost, now, &round.shares, &fresh);
  if (delay_ == Duration::Zero()) {
    const TaskSet moving = ForBalance(round.shares);
    for (std::vector<int>& share : round.shares) {
      const auto goes = [&](int task) { return moving[static_cast<size_t>(task)]; };
      share.erase(std::remove_if(share.begin(), share.end(), goes), share.end());
    }
    for (size_t task = 0; task < count; ++task) revoked_[task] = revoked_[task] || moving[task];
  }
  for (int task = 0; task < tasks_; ++task) {
    if (fresh[static_cast<size_t>(task)]) round.shares[LeastLoaded(round.shares)].push_back(task);
  }

  previous_ = lost;
  round.unassigned = tasks_;
  for (std::vector<int>& share : round.shares) {
    std::stable_sort(share.begin(), share.end());
    for (const int task : share) previous_[static_cast<size_t>(task)] = true;
    round.unassigned -= static_cast<int>(share.size());
  }
  previous_generation_ = generation;
  previous_members_.clear();
  for (const Worker& worker : workers) previous_members_.push_back(worker.id);
  round.rejoin_after = delay_;
  return round;
}

bool WorkerAssignor::AllStillHere(const std::vector<Worker>& workers) const {
  return std::all_of(previous_members_.begin(), previous_members_.end(), [&](MemberId id) {
    return std::any_of(workers.begin(), workers.end(),
                       [id](const Worker& worker) { return worker.id == id; });
  });
}

void WorkerAssignor::HandleLost(const std::vector<Worker>& workers, const TaskSet& lost, Time now,
                                std::vector<std::vector<int>>* shares, TaskSet* fresh) {
  if (!Any(lost)) {
    ResetDelay();
    return;
  }
  const auto deal_as_new = [&] {
    for (size_t task = 0; task < lost.size(); ++task) {
      if (lost[task]) (*fresh)[task] = true;
    }
  };
  if (max_delay_ == Duration::Zero() || (!scheduled_ && AllStillHere(workers))) {
    deal_as_new();  // Nobody has left: a share has got lost on its way.
    return;
  }
  if (scheduled_ && now >= *scheduled_) {
    std::vector<size_t> receivers;
    for (size_t i = 0; i < workers.size(); ++i) {
      if (Contains(candidates_, workers[i].id)) receivers.push_back(i);
    }
    if (receivers.empty()) {
      deal_as_new();
    } else {
      size_t next = 0;
      for (size_t task = 0; task < lost.size(); ++task) {
        if (!lost[task]) continue;
        (*shares)[receivers[next]].push_back(static_cast<int>(task));
        next = (next + 1) % receivers.size();
      }
    }
    ResetDelay();
    return;
  }
  for (size_t i = 0; i < workers.size(); ++i) {
    if ((*shares)[i].empty() && !Contains(candidates_, workers[i].id)) {
      candidates_.push_back(workers[i].id);
    }
  }
  delay_ = scheduled_ ? *scheduled_ - now : max_delay_;
  scheduled_ = now + delay_;
}

void WorkerAssignor::ResetDelay() {
  candidates_.clear();
  scheduled_.reset();
  delay_ = Duration::Zero();
}

WorkerAssignor::TaskSet WorkerAssignor::ForBalance(
    const std::vector<std::vector<int>>& shares) const {
  TaskSet moving(static_cast<size_t>(tasks_));
  const auto all_empty = [](const auto& share) { return share.empty(); };
  if (std::all_of(shares.begin(), shares.end(), all_empty)) return moving;
  const size_t least = static_cast<size_t>(tasks_) / shares.size();
  size_t extras = static_cast<size_t>(tasks_) % shares.size();
  for (const std::vector<int>& share : shares) {
    if (share.size() <= least) continue;
    const size_t most = extras > 0 ? least + 1 : least;
    extras -= extras > 0;
    for (size_t i = most; i < share.size(); ++i) moving[static_cast<size_t>(share[i])] = true;
  }
  return moving;
}

}  // namespace freshet
