#include "models/processing/spark_state.h"

namespace freshet {

SparkStateFiles::Files::const_iterator SparkStateFiles::SnapshotFor(int64_t version) const {
  auto next = snapshots_.upper_bound(version);
  return next == snapshots_.begin() ? snapshots_.end() : --next;
}

std::vector<SparkStateFiles::File> SparkStateFiles::FilesOf(int64_t version) const {
  std::vector<File> files;
  const auto snapshot = SnapshotFor(version);
  auto delta = deltas_.begin();
  if (snapshot != snapshots_.end()) {
    files.push_back(snapshot->second);
    delta = deltas_.upper_bound(snapshot->first);
  }
  for (; delta != deltas_.end() && delta->first <= version; ++delta) {
    files.push_back(delta->second);
  }
  return files;
}

int64_t SparkStateFiles::DeltasBehindSnapshot(int64_t version) const {
  const auto snapshot = SnapshotFor(version);
  auto delta =
      snapshot == snapshots_.end() ? deltas_.begin() : deltas_.upper_bound(snapshot->first);
  int64_t count = 0;
  for (; delta != deltas_.end() && delta->first <= version; ++delta) ++count;
  return count;
}

std::vector<ObjectId> SparkStateFiles::TakeOld(int64_t oldest) {
  std::vector<ObjectId> old;
  const auto snapshot = SnapshotFor(oldest);
  if (snapshot == snapshots_.end()) return old;
  const int64_t kept = snapshot->first;
  while (!deltas_.empty() && deltas_.begin()->first <= kept) {
    old.push_back(deltas_.begin()->second.object);
    deltas_.erase(deltas_.begin());
  }
  while (snapshots_.begin()->first < kept) {
    old.push_back(snapshots_.begin()->second.object);
    snapshots_.erase(snapshots_.begin());
  }
  return old;
}

}  // namespace freshet
