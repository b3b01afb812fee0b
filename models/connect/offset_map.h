// Which offset of a copy is which of its source, for one partition of a mirrored topic.
//
// Two answers. The exact one, for whoever counts what a move did: every copy, also of what was
// copied twice. And the one that MirrorMaker 2 has: offset syncs, of which a task emits one when
// the copy has run offset.lag.max records ahead of the last one, and at the start, at a gap and
// after going back. Behind a sync nothing is known but that it comes later; so a group's offset is
// translated to the sync's, or to one behind it (KAFKA-12468, KAFKA-14666).
//
// Of old syncs fewer and fewer are kept, so that a group that lags is translated to no further than
// about twice its distance from the newest one; a source that goes back voids them all.
//
// Approximated: the checkpoint task's store holds the same row by a rule of powers of two, in 64
// places. docs/models/mirror.md has the sources.
#ifndef FRESHET_MODELS_CONNECT_OFFSET_MAP_H_
#define FRESHET_MODELS_CONNECT_OFFSET_MAP_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "models/log/segments.h"
#include "sim/interval_map.h"

namespace freshet {

class OffsetMap {
 public:
  explicit OffsetMap(int64_t lag_max) : lag_max_(lag_max) {}

  // The target has acknowledged the source's records [from, to), which it has from `base` on.
  void Acknowledged(Offset from, Offset to, Offset base);
  // They are there, and nobody was told: a copy without a sync.
  void Appended(Offset from, Offset to, Offset base);
  // A new task goes on: it knows no sync of its predecessor's.
  void Restart() { last_sync_.reset(); }
  // The target's log was cut.
  void CutTarget(Offset end) { copies_.Erase(end, INT64_MAX); }

  // Where a group that has committed `source` goes on in the copy; none as long as no sync is that
  // old.
  std::optional<Offset> Translate(Offset source) const;
  int64_t syncs() const { return emitted_; }
  size_t kept_syncs() const { return kept_.size(); }

  // By the copy's offsets; the value is the source's offset less the copy's.
  const IntervalMap<int64_t>& copies() const { return copies_; }
  // How many of the source's records [from, to) have a copy at `at` or behind it, each once.
  int64_t CopiedIn(Offset from, Offset to, Offset at) const;

 private:
  struct Sync {
    Offset source;
    Offset copy;
  };

  void Emit(const Sync& sync);

  int64_t lag_max_;
  IntervalMap<int64_t> copies_;
  std::optional<Sync> last_sync_;  // Of this task.
  Sync previous_ = {-1, -1};       // The last record.
  std::vector<Sync> kept_;         // The newest last.
  int64_t emitted_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_OFFSET_MAP_H_
