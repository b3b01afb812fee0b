#include "models/storage/page_cache.h"

#include <algorithm>

namespace freshet {

PageCache::PageCache(Simulation& sim, absl::string_view name, Volume* volume, const Config& config)
    : Component(sim, name),
      config_(config),
      written_above_(config.background_ratio * config.memory),
      held_above_(config.dirty_ratio * config.memory),
      volume_(volume),
      dirty_gauge_(AddGauge(kDirty)),
      held_appends_(AddCounter(kHeld)) {}

bool PageCache::Append(Bytes size, const Callback& done, Writer writer) {
  if (!AnyHeld() && HasRoomFor(size)) {
    Dirty(size);
    return true;
  }
  held_appends_.Add(1);
  held_[static_cast<size_t>(writer)].push_back({size, done});
  WakeFlusher();
  return false;
}

void PageCache::AppendDurably(Bytes size, const Callback& done) { volume_->Flush(size, done); }

void PageCache::Dirty(Bytes size) {
  dirty_ += size;
  dirty_gauge_.Set(dirty_.count());
  if (!ages_.empty() && Now() - ages_.back().since < config_.writeback_interval) {
    ages_.back().size += size;
  } else {
    ages_.push_back({Now(), size});
  }
  WakeFlusher();
}

bool PageCache::FlusherHasWork() const {
  if (dirty_ == Bytes(0)) return false;
  return AnyHeld() || dirty_ > written_above_ ||
         Now() - ages_.front().since >= config_.dirty_expire;
}

void PageCache::WakeFlusher() {
  if (writing_) return;
  if (FlusherHasWork()) {
    WritePiece();
    return;
  }
  if (flusher_scheduled_ || dirty_ == Bytes(0)) return;
  flusher_scheduled_ = true;
  // The flusher's period, unless nothing can expire before.
  const Time expiry = ages_.front().since + config_.dirty_expire;
  const Time next = std::max(Now() + config_.writeback_interval, expiry);
  At<"page_cache.flusher_wakes">(next, [this, generation = generation_] {
    if (generation != generation_) return;
    flusher_scheduled_ = false;
    WakeFlusher();
  });
}

void PageCache::WritePiece() {
  writing_ = true;
  const Bytes size = std::min(kPiece, dirty_);
  volume_->Write(size, [this, size, generation = generation_] {
    if (generation != generation_) return;
    writing_ = false;
    dirty_ -= size;
    dirty_gauge_.Set(dirty_.count());
    Bytes left = size;
    while (left > Bytes(0)) {
      const Bytes from_oldest = std::min(left, ages_.front().size);
      ages_.front().size -= from_oldest;
      left -= from_oldest;
      if (ages_.front().size == Bytes(0)) ages_.pop_front();
    }
    ReleaseHeld();
    WakeFlusher();
  });
}

Ring<PageCache::Held>& PageCache::NextHeld() {
  if (held_[0].empty() || held_[1].empty()) {
    released_[0] = released_[1] = Bytes(0);
    return held_[held_[0].empty() ? 1 : 0];
  }
  return held_[released_[0] <= released_[1] ? 0 : 1];
}

void PageCache::ReleaseHeld() {
  while (AnyHeld()) {
    Ring<Held>& next = NextHeld();
    if (!HasRoomFor(next.front().size)) return;
    Held released = next.pop_front();
    released_[&next == &held_[0] ? 0 : 1] += released.size;
    Dirty(released.size);
    released.done();
  }
}

Bytes PageCache::DropDirty() {
  const Bytes lost = dirty_;
  ++generation_;
  dirty_ = Bytes(0);
  dirty_gauge_.Set(0);
  ages_.clear();
  for (Ring<Held>& held : held_) held.clear();
  flusher_scheduled_ = false;
  writing_ = false;
  return lost;
}

}  // namespace freshet
