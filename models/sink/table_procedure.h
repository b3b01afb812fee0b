// A procedure over an Iceberg table that a schedule runs: expire_snapshots, rewrite_manifests and
// their like. One run at a time; one that is late is followed at once.
//
// A run is steps, each of some requests side by side, the next when all are answered: StepOver().
// It ends with End(), which counts it and sets the next.
#ifndef FRESHET_MODELS_SINK_TABLE_PROCEDURE_H_
#define FRESHET_MODELS_SINK_TABLE_PROCEDURE_H_

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "models/network/network.h"
#include "models/sink/iceberg_table.h"
#include "models/storage/object_client.h"
#include "sim/component.h"

namespace freshet {

template <EventName kBegin>
class TableProcedure : public Component {
 public:
  virtual ~TableProcedure() = default;

 protected:
  // The first run is an interval from now. REQUIRES: `table` and `network` outlive it; the
  // constructor of the derived class sets time_, after its own metrics: a run's digest has them all
  // in the order of their registration.
  TableProcedure(Simulation& sim, absl::string_view name, IcebergTable* table, Network* network,
                 HostId host, Duration every, const ObjectClient::Config& object_client,
                 const MetricDef& runs, const MetricDef& failed_runs)
      : Component(sim, name),
        table_(table),
        client_(sim, absl::StrCat(name, "/object-client"), &table->warehouse(), network, host,
                object_client),
        every_(every),
        runs_(AddCounter(runs)),
        failed_(AddCounter(failed_runs)) {
    After<kBegin>(every, [this] { Run(); });
  }

  // What a run does.
  virtual void Begin() = 0;
  // What one that failed leaves to be tidied up.
  virtual void ThrowAway() {}

  // A step of `requests` begins. Returns whether there are any.
  bool BeginStep(size_t requests) {
    left_ = static_cast<int64_t>(requests);
    return left_ > 0;
  }
  // One of its requests is over: after the last, if all were well, `then`, and else the end.
  template <class Procedure>
  void StepOver(bool ok, void (Procedure::*then)()) {
    all_ok_ = all_ok_ && ok;
    if (--left_ > 0) return;
    if (all_ok_) {
      (static_cast<Procedure*>(this)->*then)();
    } else {
      End(false);
    }
  }

  // Whether it did what it was to do, if only nothing.
  void End(bool ok) {
    runs_.Add(1);
    if (ok) {
      time_->Record(Now() - began_);
    } else {
      failed_.Add(1);
      ThrowAway();
    }
    At<kBegin>(std::max(Now() + Nanoseconds(1), began_ + every_), [this] { Run(); });
  }

  Time began() const { return began_; }

  IcebergTable* const table_;
  ObjectClient client_;
  Distribution* time_ = nullptr;  // Of runs that did not fail.

 private:
  void Run() {
    began_ = Now();
    all_ok_ = true;
    Begin();
  }

  const Duration every_;
  int64_t left_ = 0;  // Requests of the step that are not over.
  bool all_ok_ = true;
  Time began_;
  Counter& runs_;
  Counter& failed_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_TABLE_PROCEDURE_H_
