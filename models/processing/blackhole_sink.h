// A sink that takes all and keeps nothing, at once: Flink's blackhole connector, to measure a job
// without its store.
#ifndef FRESHET_MODELS_PROCESSING_BLACKHOLE_SINK_H_
#define FRESHET_MODELS_PROCESSING_BLACKHOLE_SINK_H_

#include "models/sink/sink.h"
#include "sim/pool.h"

namespace freshet {

class BlackholeSink final : public Sink {
 public:
  static constexpr MetricDef kRecords = {"blackhole.records", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Records whose effects it was given, also again."};
  static constexpr MetricDef kBytesTaken = {"blackhole.bytes", MetricKind::kCounter,
                                            MetricUnit::kBytes, "Bytes that it was given."};

  BlackholeSink(Simulation& sim, absl::string_view name)
      : Sink(sim, name), records_(AddCounter(kRecords)), bytes_(AddCounter(kBytesTaken)) {}

  SinkPromise promise() const override { return SinkPromise::kPlain; }
  WriterId AddWriter(absl::string_view /*name*/, HostId /*host*/) override {
    lives_.push_back(0);
    return static_cast<WriterId>(lives_.size()) - 1;
  }
  void Write(WriterId writer, const RecordRange& records, Completion<bool> done) override {
    records_.Add(records.record_count());
    bytes_.Add(records.bytes.count());
    const uint32_t answer = answers_.Add({writer, lives_[static_cast<size_t>(writer)], done});
    After<"blackhole.taken">(Duration::Zero(), [this, answer] {
      Answer taken = answers_.Take(answer);
      if (taken.life == lives_[static_cast<size_t>(taken.writer)]) taken.done(true);
    });
  }
  void Reset(WriterId writer) override { ++lives_[static_cast<size_t>(writer)]; }
  // Without transactions.
  void Prepare(WriterId /*writer*/, Epoch /*epoch*/, Completion<bool> /*done*/) override {
    SIM_REQUIRE(promise() == SinkPromise::kTransactional);
  }
  void Commit(Epoch /*epoch*/, Completion<bool> /*done*/) override {
    SIM_REQUIRE(promise() == SinkPromise::kTransactional);
  }
  void Rollback(Epoch /*epoch*/) override { SIM_REQUIRE(promise() == SinkPromise::kTransactional); }

 private:
  struct Answer {
    WriterId writer = 0;
    uint32_t life = 0;
    Completion<bool> done;
  };
  std::vector<uint32_t> lives_;  // By writer.
  Pool<Answer> answers_;
  Counter& records_;
  Counter& bytes_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_BLACKHOLE_SINK_H_
