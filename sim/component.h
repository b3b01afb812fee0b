// The base of everything that lives in a run: a name, and shorthands for what is done with it.
//
// The name is the identity: random streams, digests and reports hang on it, so a component of the
// same name sees the same draws whatever else the run contains.
#ifndef FRESHET_SIM_COMPONENT_H_
#define FRESHET_SIM_COMPONENT_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "sim/random.h"
#include "sim/simulation.h"

namespace freshet {

class Component {
 public:
  Component(Simulation& sim, absl::string_view name)
      : sim_(sim), component_id_(sim.AddComponent(name)) {}
  virtual ~Component() = default;
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;

  const std::string& name() const { return sim_.NameOf(component_id_); }
  ComponentId component_id() const { return component_id_; }

 protected:
  Simulation& sim() const { return sim_; }
  Time Now() const { return sim_.Now(); }

  template <EventName kName, class Handler>
  EventId After(Duration delay, Handler&& handler, Priority priority = Priority::kNormal) {
    return sim_.At<kName>(sim_.Now() + delay, component_id_, std::forward<Handler>(handler),
                          priority);
  }
  template <EventName kName, class Handler>
  EventId At(Time at, Handler&& handler, Priority priority = Priority::kNormal) {
    return sim_.At<kName>(at, component_id_, std::forward<Handler>(handler), priority);
  }

  // This component's stream for one purpose ("arrivals"); see random.h.
  RandomStream NewStream(absl::string_view purpose) const {
    return RandomStream(sim_.seed(), name(), purpose);
  }

  Counter& AddCounter(const MetricDef& def) {
    return sim_.metrics().AddCounter(def, component_id_);
  }
  Gauge& AddGauge(const MetricDef& def) { return sim_.metrics().AddGauge(def, component_id_); }
  Distribution& AddDistribution(const MetricDef& def) {
    return sim_.metrics().AddDistribution(def, component_id_);
  }

 private:
  Simulation& sim_;
  const ComponentId component_id_;
};

}  // namespace freshet

#endif  // FRESHET_SIM_COMPONENT_H_
