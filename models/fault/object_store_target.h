// The handle that an object store offers to faults.
#ifndef FRESHET_MODELS_FAULT_OBJECT_STORE_TARGET_H_
#define FRESHET_MODELS_FAULT_OBJECT_STORE_TARGET_H_

#include "models/fault/fault.h"
#include "models/storage/object_store.h"

namespace freshet {

// "s3": down is an outage, slow a brown-out.
class ObjectStoreTarget : public FaultTarget {
 public:
  explicit ObjectStoreTarget(ObjectStore* store) : store_(store) {}
  bool Understands(FaultVerb verb) const override { return verb != FaultVerb::kThrottle; }
  void SetDown(bool down) override { store_->SetDown(down); }
  void SetSlow(Ratio factor) override { store_->SetLatencyFactor(factor); }
  // Requests that came, also while nobody answered them.
  int64_t WorkTouched() const override { return store_->requests(); }

 private:
  ObjectStore* store_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_OBJECT_STORE_TARGET_H_
