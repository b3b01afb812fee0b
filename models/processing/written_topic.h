// A topic of the cluster that an application of Kafka Streams' kind writes to, as its sinks see
// theirs: which records of the application's source are in it, once or twice, and how old they were
// then. What is aborted never is; what a transaction writes is there when it is committed.
//
// It writes nothing itself: who writes (topic_writer.h) tells it what has been acknowledged.
#ifndef FRESHET_MODELS_PROCESSING_WRITTEN_TOPIC_H_
#define FRESHET_MODELS_PROCESSING_WRITTEN_TOPIC_H_

#include "models/sink/metered_sink.h"

namespace freshet {

class WrittenTopic final : public MeteredSink {
 public:
  using MeteredSink::MeteredSink;

  void Show(const RecordRange& records) {
    WriteEnded(true);
    BecomeVisible(records, EffectLedger::Again::kAdds, WaitFor::kAck);
    if (shown_) shown_(records);
  }
  void OnShown(Completion<const RecordRange&> shown) { shown_ = shown; }

  SinkPromise promise() const override { return SinkPromise::kPlain; }
  WriterId AddWriter(absl::string_view /*name*/, HostId /*host*/) override { return 0; }
  void Write(WriterId /*writer*/, const RecordRange& /*records*/,
             Completion<bool> /*done*/) override {
    SIM_REQUIRE(false);
  }
  void Reset(WriterId /*writer*/) override {}
  void Prepare(WriterId /*writer*/, Epoch /*epoch*/, Completion<bool> /*done*/) override {
    SIM_REQUIRE(promise() == SinkPromise::kTransactional);
  }
  void Commit(Epoch /*epoch*/, Completion<bool> /*done*/) override {
    SIM_REQUIRE(promise() == SinkPromise::kTransactional);
  }
  void Rollback(Epoch /*epoch*/) override { SIM_REQUIRE(promise() == SinkPromise::kTransactional); }

 private:
  Completion<const RecordRange&> shown_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_WRITTEN_TOPIC_H_
