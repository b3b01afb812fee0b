// The handle that a schema registry offers to faults.
#ifndef FRESHET_MODELS_FAULT_REGISTRY_TARGET_H_
#define FRESHET_MODELS_FAULT_REGISTRY_TARGET_H_

#include "models/fault/targets.h"
#include "models/schema/schema_registry.h"

namespace freshet {

// "registry": down, it answers nobody; who has his versions goes on. Slow.
class RegistryTarget : public FaultTarget {
 public:
  explicit RegistryTarget(SchemaRegistry* registry) : registry_(registry) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { registry_->SetDown(down); }
  void SetSlow(Ratio factor) override { registry_->SetLatencyFactor(factor); }
  int64_t WorkTouched() const override { return registry_->requests(); }

 private:
  SchemaRegistry* registry_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_REGISTRY_TARGET_H_
