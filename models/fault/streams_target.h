// The handle that the instances of an application of Kafka Streams' kind offer to faults.
#ifndef FRESHET_MODELS_FAULT_STREAMS_TARGET_H_
#define FRESHET_MODELS_FAULT_STREAMS_TARGET_H_

#include "models/fault/targets.h"
#include "models/processing/streams_app.h"

namespace freshet {

// "orders_app/instance-1": down, its process dies with its threads, and another one starts at the
// end; slow, its cores.
class InstanceTarget : public FaultTarget {
 public:
  InstanceTarget(StreamsApp* app, int number) : app_(app), number_(number) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { app_->SetInstanceDown(number_, down); }
  void SetSlow(Ratio factor) override {
    app_->CpuOf(number_).SetSpeed(BrokerTarget::InverseOf(factor));
  }
  // Records that it has processed, and for each death the tasks that it had.
  int64_t WorkTouched() const override { return app_->WorkOf(number_); }

 private:
  StreamsApp* app_;
  int number_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_STREAMS_TARGET_H_
