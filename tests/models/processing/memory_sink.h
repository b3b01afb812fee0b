// A store in memory that takes no time, or a constant one, and knows of each offset how often it is
// visible.
#ifndef FRESHET_TESTS_MODELS_PROCESSING_MEMORY_SINK_H_
#define FRESHET_TESTS_MODELS_PROCESSING_MEMORY_SINK_H_

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/sink/sink.h"
#include "sim/pool.h"
#include "sim/station.h"

namespace freshet {

class MemorySink final : public Sink {
 public:
  MemorySink(Simulation& sim, absl::string_view name, SinkPromise promise,
             Duration write_time = Duration::Zero(), int64_t workers = 1)
      : Sink(sim, name), promise_(promise), write_time_(write_time) {
    Station::Config config;
    config.workers = workers;
    config.metrics = false;
    station_ = std::make_unique<Station>(sim, absl::StrCat(name, "/server"), config);
  }

  SinkPromise promise() const override { return promise_; }
  WriterId AddWriter(absl::string_view /*name*/, HostId /*host*/) override {
    writers_.emplace_back();
    return static_cast<WriterId>(writers_.size()) - 1;
  }
  void Write(WriterId writer, const RecordRange& records, Completion<bool> done) override {
    Pending pending = {writer, writers_[static_cast<size_t>(writer)].life, records, done};
    const uint32_t slot = pending_.Add(pending);
    station_->Serve(write_time_, [this, slot] { Written(slot); });
  }
  void Prepare(WriterId writer, Epoch epoch, Completion<bool> done) override {
    Writer& from = writers_[static_cast<size_t>(writer)];
    auto& prepared = prepared_[epoch];
    prepared.insert(prepared.end(), from.staged.begin(), from.staged.end());
    from.staged.clear();
    After<"memory_sink.prepared">(prepare_time,
                                  [this, writer, life = from.life, slot = Keep(done)] {
                                    Completion<bool> answer = answers_.Take(slot);
                                    if (writers_[static_cast<size_t>(writer)].life == life)
                                      answer(true);
                                  });
  }
  bool WritesWhilePreparing() const override { return true; }
  void Commit(Epoch epoch, Completion<bool> done) override {
    ++commits;
    while (!prepared_.empty() && prepared_.begin()->first <= epoch) {
      for (const RecordRange& records : prepared_.begin()->second) Show(records);
      prepared_.erase(prepared_.begin());
    }
    After<"memory_sink.committed">(Duration::Zero(),
                                   [this, slot = Keep(done)] { answers_.Take(slot)(true); });
  }
  void Reset(WriterId writer) override {
    Writer& gone = writers_[static_cast<size_t>(writer)];
    ++gone.life;
    gone.staged.clear();
  }
  void Rollback(Epoch epoch) override {
    prepared_.erase(prepared_.upper_bound(epoch), prepared_.end());
  }

  // Records that are visible, each as often as it is there; the same, each once.
  int64_t visible() const { return visible_; }
  int64_t distinct() const {
    int64_t count = 0;
    for (const auto& [key, times] : times_) count += times > 0;
    return count;
  }
  int64_t doubled() const { return visible_ - distinct(); }
  Bytes bytes() const { return bytes_; }
  // From creation to visible, summed over the records of whole batches.
  __int128 waited() const { return waited_; }

  int64_t commits = 0;
  Duration prepare_time;

 private:
  struct Pending {
    WriterId writer;
    uint32_t life;
    RecordRange records;
    Completion<bool> done;
  };
  struct Writer {
    uint32_t life = 0;
    std::vector<RecordRange> staged;
  };
  uint32_t Keep(Completion<bool> done) { return answers_.Add(done); }
  void Written(uint32_t slot) {
    Pending pending = pending_.Take(slot);
    Writer& writer = writers_[static_cast<size_t>(pending.writer)];
    const bool gone = writer.life != pending.life;
    // What a plain store has taken it shows, whoever asked.
    if (promise_ == SinkPromise::kTransactional) {
      if (!gone) writer.staged.push_back(pending.records);
    } else if (!gone) {
      Show(pending.records);
    }
    if (!gone) pending.done(true);
  }
  void Show(const RecordRange& records) {
    bytes_ += records.bytes;
    if (!records.interpolated && records.record_count() == records.whole) {
      waited_ += records.created.SumUntil(Now(), records.whole);
    }
    for (Offset at = records.from; at < records.to; ++at) {
      const int64_t count = records.CountIn(at, at + 1);
      if (count == 0) continue;
      int64_t& times = times_[{records.partition, at}];
      if (promise_ == SinkPromise::kIdempotent && times > 0) continue;
      times += count;
      visible_ += count;
    }
  }

  const SinkPromise promise_;
  const Duration write_time_;
  std::unique_ptr<Station> station_;
  std::vector<Writer> writers_;
  Pool<Pending> pending_;
  Pool<Completion<bool>> answers_;
  absl::btree_map<Epoch, std::vector<RecordRange>> prepared_;
  absl::btree_map<std::pair<PartitionId, Offset>, int64_t> times_;
  int64_t visible_ = 0;
  Bytes bytes_;
  __int128 waited_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_PROCESSING_MEMORY_SINK_H_
