#include "models/group/assignor.h"

#include <algorithm>
#include <numeric>

#include "sim/check.h"

namespace freshet {
namespace {

constexpr int kNobody = -1;

int Total(const std::vector<int>& topic_partitions) {
  return std::accumulate(topic_partitions.begin(), topic_partitions.end(), 0);
}

std::vector<int> OwnersOf(const Assignment& owned, int partitions) {
  std::vector<int> owner(static_cast<size_t>(partitions), kNobody);
  for (size_t member = 0; member < owned.size(); ++member) {
    for (const int partition : owned[member]) {
      SIM_REQUIRE(owner[static_cast<size_t>(partition)] == kNobody);
      owner[static_cast<size_t>(partition)] = static_cast<int>(member);
    }
  }
  return owner;
}

Assignment ByRange(const std::vector<int>& topic_partitions, size_t members) {
  Assignment assignment(members);
  int first = 0;
  for (const int count : topic_partitions) {
    const int base = count / static_cast<int>(members);
    const int longer = count % static_cast<int>(members);
    int next = first;
    for (size_t member = 0; member < members; ++member) {
      const int share = base + (static_cast<int>(member) < longer ? 1 : 0);
      for (int i = 0; i < share; ++i) assignment[member].push_back(next++);
    }
    first += count;
  }
  return assignment;
}

// AbstractStickyAssignor's case of equal subscriptions. Everybody keeps up to his quota; then those
// below the smaller quota are filled in turn, and what is left goes to those that have exactly it.
Assignment Sticky(int partitions, const Assignment& owned) {
  const size_t members = owned.size();
  const size_t smaller = static_cast<size_t>(partitions) / members;
  const size_t above = static_cast<size_t>(partitions) % members;  // Members with one more.
  const size_t larger = smaller + (above > 0 ? 1 : 0);
  Assignment assignment(members);
  std::vector<size_t> below;    // Below the smaller quota.
  std::vector<size_t> exactly;  // Just at it, and one more may come.
  size_t full = 0;
  for (size_t member = 0; member < members; ++member) {
    const std::vector<int>& has = owned[member];
    size_t keeps = has.size();
    if (has.size() < smaller) {
      below.push_back(member);
    } else if (has.size() >= larger && full < above) {
      keeps = larger;
      ++full;
    } else {
      keeps = smaller;
      exactly.push_back(member);
    }
    assignment[member].assign(has.begin(), has.begin() + static_cast<std::ptrdiff_t>(keeps));
  }
  const std::vector<int> owner = OwnersOf(assignment, partitions);
  size_t turn = 0;
  for (int partition = 0; partition < partitions; ++partition) {
    if (owner[static_cast<size_t>(partition)] != kNobody) continue;
    if (below.empty()) {
      const size_t member = exactly.front();
      exactly.erase(exactly.begin());
      assignment[member].push_back(partition);
      continue;
    }
    if (turn >= below.size()) turn = 0;
    const size_t member = below[turn];
    assignment[member].push_back(partition);
    if (assignment[member].size() < smaller) {
      ++turn;
      continue;
    }
    below.erase(below.begin() + static_cast<std::ptrdiff_t>(turn));
    exactly.push_back(member);
  }
  return assignment;
}

// UniformHomogeneousAssignmentBuilder: the first members get one more; who has too much gives up
// its last ones, which are dealt out behind those that nobody had.
Assignment Uniform(int partitions, const Assignment& owned) {
  const size_t members = owned.size();
  const size_t smaller = static_cast<size_t>(partitions) / members;
  const size_t above = static_cast<size_t>(partitions) % members;
  Assignment assignment = owned;
  const std::vector<int> owner = OwnersOf(owned, partitions);
  std::vector<int> free;
  for (int partition = 0; partition < partitions; ++partition) {
    if (owner[static_cast<size_t>(partition)] == kNobody) free.push_back(partition);
  }
  for (size_t member = 0; member < members; ++member) {
    std::vector<int>& has = assignment[member];
    const size_t quota = smaller + (member < above ? 1 : 0);
    if (has.size() <= quota) continue;
    const auto end = has.begin() + static_cast<std::ptrdiff_t>(quota);
    free.insert(free.end(), end, has.end());
    has.erase(end, has.end());
  }
  size_t next = 0;
  for (size_t member = 0; member < members; ++member) {
    const size_t quota = smaller + (member < above ? 1 : 0);
    while (assignment[member].size() < quota) assignment[member].push_back(free[next++]);
  }
  return assignment;
}

}  // namespace

Assignment Assign(Assignor assignor, const std::vector<int>& topic_partitions,
                  const Assignment& owned) {
  SIM_REQUIRE(!owned.empty());
  const int partitions = Total(topic_partitions);
  Assignment assignment;
  switch (assignor) {
    case Assignor::kRange:
      assignment = ByRange(topic_partitions, owned.size());
      break;
    case Assignor::kRoundRobin:
      assignment.resize(owned.size());
      for (int partition = 0; partition < partitions; ++partition) {
        assignment[static_cast<size_t>(partition) % owned.size()].push_back(partition);
      }
      break;
    case Assignor::kSticky:
    case Assignor::kCooperativeSticky:
      assignment = Sticky(partitions, owned);
      break;
    case Assignor::kUniform:
      assignment = Uniform(partitions, owned);
      break;
  }
  for (std::vector<int>& of_member : assignment)
    std::stable_sort(of_member.begin(), of_member.end());
  return assignment;
}

int Withhold(const Assignment& owned, Assignment* assignment) {
  int largest = 0;
  for (const Assignment* each : {&owned, static_cast<const Assignment*>(assignment)}) {
    for (const std::vector<int>& of_member : *each) {
      for (const int partition : of_member) largest = std::max(largest, partition);
    }
  }
  const std::vector<int> owner = OwnersOf(owned, largest + 1);
  int withheld = 0;
  for (size_t member = 0; member < assignment->size(); ++member) {
    std::vector<int>& given = (*assignment)[member];
    const auto moving = std::remove_if(given.begin(), given.end(), [&](int partition) {
      const int has = owner[static_cast<size_t>(partition)];
      return has != kNobody && has != static_cast<int>(member);
    });
    withheld += static_cast<int>(given.end() - moving);
    given.erase(moving, given.end());
  }
  return withheld;
}

}  // namespace freshet
