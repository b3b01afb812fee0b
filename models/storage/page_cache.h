// The operating system's page cache as a log's writer feels it: an append is a memory copy until
// too much of it is dirty; then writers wait for the disk.
//
// Linux rules: a flusher wakes every dirty_writeback interval and writes what has been dirty for
// dirty_expire; it writes without waiting while more than dirty_background_ratio of memory is
// dirty; above dirty_ratio, writers are held until the disk has caught up. An fsync writes a file's
// bytes at once (Volume::Flush) and makes them clean.
//
// Reads of the tail come from memory here; what happens when a reader falls behind the cache
// arrives with the broker designs. docs/models/storage.md has the sources.
#ifndef FRESHET_MODELS_STORAGE_PAGE_CACHE_H_
#define FRESHET_MODELS_STORAGE_PAGE_CACHE_H_

#include "absl/strings/string_view.h"
#include "models/storage/volume.h"
#include "sim/component.h"
#include "sim/ring.h"
#include "sim/units.h"

namespace freshet {

class PageCache : public Component {
 public:
  struct Config {
    Bytes memory;                 // What is left to the cache after the heap.
    Ratio background_ratio;       // vm.dirty_background_ratio
    Ratio dirty_ratio;            // vm.dirty_ratio
    Duration writeback_interval;  // vm.dirty_writeback_centisecs
    Duration dirty_expire;        // vm.dirty_expire_centisecs
  };

  static constexpr MetricDef kDirty = {"page_cache.dirty", MetricKind::kGauge, MetricUnit::kBytes,
                                       "Bytes written by the broker and not yet by the disk."};
  static constexpr MetricDef kHeld = {"page_cache.held_appends", MetricKind::kCounter,
                                      MetricUnit::kCount,
                                      "Appends that waited because too much memory was dirty."};

  PageCache(Simulation& sim, absl::string_view name, Volume* volume, const Config& config);

  // Who writes. Above vm.dirty_ratio each gets its half of what the disk takes, or what the other
  // leaves, as Linux paces each task that writes; among themselves they are first come first
  // served.
  enum class Writer : uint8_t { kLog, kChunkCache };

  // Takes `size` bytes. Returns true when they are in memory at once, and then does not call
  // `done`; otherwise `done` fires when they are.
  bool Append(Bytes size, const Callback& done, Writer writer = Writer::kLog);
  // Appends and makes durable, as a broker with flush.messages=1 does. Always calls `done`.
  void AppendDurably(Bytes size, const Callback& done);
  // Dirty bytes are lost with the machine; returns how many.
  Bytes DropDirty();

  Bytes dirty() const { return dirty_; }

 private:
  struct Held {
    Bytes size;
    Callback done;
  };
  struct DirtySince {
    Time since;
    Bytes size;
  };
  // The flusher writes in pieces, so that a burst shares the disk with others.
  static constexpr Bytes kPiece = MiB(4);

  void Dirty(Bytes size);
  void WakeFlusher();
  void WritePiece();
  void ReleaseHeld();
  bool FlusherHasWork() const;
  bool AnyHeld() const { return !held_[0].empty() || !held_[1].empty(); }
  // Whose turn it is. REQUIRES: AnyHeld().
  Ring<Held>& NextHeld();
  bool HasRoomFor(Bytes size) const {
    // What is larger than the limit by itself is let in when all else is clean.
    return dirty_ == Bytes(0) || dirty_ + size <= held_above_;
  }

  const Config config_;
  const Bytes written_above_;  // Of dirty bytes: by the background ratio,
  const Bytes held_above_;     // and by the dirty ratio.
  Volume* volume_;
  Bytes dirty_;
  Ring<DirtySince> ages_;  // Oldest first; one entry a writeback interval at most.
  Ring<Held> held_[2];     // By Writer.
  Bytes released_[2];      // Since both were held.
  bool flusher_scheduled_ = false;
  bool writing_ = false;
  uint32_t generation_ = 0;
  Gauge& dirty_gauge_;
  Counter& held_appends_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_STORAGE_PAGE_CACHE_H_
