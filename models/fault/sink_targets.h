// The handles that sinks and dashboards offer to faults.
#ifndef FRESHET_MODELS_FAULT_SINK_TARGETS_H_
#define FRESHET_MODELS_FAULT_SINK_TARGETS_H_

#include "models/fault/targets.h"
#include "models/sink/dashboard.h"
#include "models/sink/server_sink.h"

namespace freshet {

// "orders_db": its server is down, or slow.
class ServerSinkTarget : public FaultTarget {
 public:
  explicit ServerSinkTarget(ServerSink* sink) : sink_(sink) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { sink_->SetDown(down); }
  void SetSlow(Ratio factor) override { sink_->SetSpeed(BrokerTarget::InverseOf(factor)); }
  int64_t WorkTouched() const override { return sink_->WorkTouched(); }

 private:
  ServerSink* sink_;
};

// "board": nobody's query is answered.
class DashboardTarget : public FaultTarget {
 public:
  explicit DashboardTarget(Dashboard* dashboard) : dashboard_(dashboard) {}
  bool Understands(FaultVerb verb) const override { return verb == FaultVerb::kDown; }
  void SetDown(bool down) override { dashboard_->SetDown(down); }
  int64_t WorkTouched() const override { return dashboard_->WorkTouched(); }

 private:
  Dashboard* dashboard_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_SINK_TARGETS_H_
