// The handle that a lakehouse table offers to faults.
#ifndef FRESHET_MODELS_FAULT_TABLE_TARGET_H_
#define FRESHET_MODELS_FAULT_TABLE_TARGET_H_

#include "models/fault/fault.h"
#include "models/sink/iceberg_table.h"

namespace freshet {

// "lake": its catalog is down, or slow. Nothing can be committed, and what is visible stays.
class TableTarget : public FaultTarget {
 public:
  explicit TableTarget(IcebergTable* table) : table_(table) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { table_->SetDown(down); }
  void SetSlow(Ratio factor) override { table_->SetLatencyFactor(factor); }
  int64_t WorkTouched() const override { return table_->catalog_requests(); }

 private:
  IcebergTable* table_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_TABLE_TARGET_H_
