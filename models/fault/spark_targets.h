// The handles that a query of Spark's kind offers to faults.
#ifndef FRESHET_MODELS_FAULT_SPARK_TARGETS_H_
#define FRESHET_MODELS_FAULT_SPARK_TARGETS_H_

#include "models/fault/targets.h"
#include "models/processing/spark_query.h"

namespace freshet {

// "counts/driver": down, its process dies and the executors end with it, and the application starts
// at the end; slow, its cores.
class SparkDriverTarget : public FaultTarget {
 public:
  explicit SparkDriverTarget(SparkQuery* query) : query_(query) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override { query_->SetDriverDown(down); }
  void SetSlow(Ratio factor) override {
    query_->driver_cpu().SetSpeed(BrokerTarget::InverseOf(factor));
  }
  int64_t WorkTouched() const override { return query_->DriverWork(); }

 private:
  SparkQuery* query_;
};

// "counts/executor-1": down, its process dies with its tasks, and another one registers at the end;
// slow, its cores.
class SparkExecutorTarget : public FaultTarget {
 public:
  SparkExecutorTarget(SparkQuery* query, int number) : query_(query), number_(number) {}
  bool Understands(FaultVerb verb) const override {
    return verb == FaultVerb::kDown || verb == FaultVerb::kSlow;
  }
  void SetDown(bool down) override {
    if (down) lost_ += query_->TasksOn(number_);
    query_->SetExecutorDown(number_, down);
  }
  void SetSlow(Ratio factor) override {
    query_->CpuOf(number_).SetSpeed(BrokerTarget::InverseOf(factor));
  }
  // Tasks that it was given, and those that each death took.
  int64_t WorkTouched() const override { return query_->WorkOf(number_) + lost_; }

 private:
  SparkQuery* query_;
  int number_;
  int64_t lost_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_FAULT_SPARK_TARGETS_H_
