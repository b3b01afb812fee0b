// Reading metrics of a run in tests.
#ifndef FRESHET_TESTS_MODELS_METRICS_H_
#define FRESHET_TESTS_MODELS_METRICS_H_

#include <cstdint>

#include "sim/component.h"
#include "sim/metric.h"
#include "sim/simulation.h"

namespace freshet {

// A counter's total, a gauge's level, a distribution's count.
inline int64_t ValueOf(const Simulation& sim, const Component& owner, const MetricDef& def) {
  return sim.metrics().Find(def.name, owner.component_id())->Value();
}

// A distribution over all phases but the warm-up.
inline Histogram HistogramOf(const Simulation& sim, const Component& owner, const MetricDef& def) {
  const Metric* metric = sim.metrics().Find(def.name, owner.component_id());
  return static_cast<const Distribution*>(metric)->AfterWarmUp();
}

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_METRICS_H_
