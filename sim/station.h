// A service station: c workers, one queue, an optional finite room. Request threads, a disk's command
// queue, a lock are stations.
//
// Jobs are served first come first served within a class, lower class number first; a running job is
// not interrupted unless the station is preemptive (then it resumes where it was). When all workers
// are busy a job waits; when the room (waiting and in service) is full it is refused.
//
// Held to by audits, exactly and at any instant (docs/determinism.md): inv.I3 in = out + waiting + in
// service + refused; inv.I4 the integral of the number present equals the sum of sojourns, in
// nanoseconds; inv.I5 no worker idle while a job waits, unless the station is down; inv.I6 busy time
// <= workers x time.
#ifndef FRESHET_SIM_STATION_H_
#define FRESHET_SIM_STATION_H_

#include <cstdint>
#include <vector>

#include "sim/callback.h"
#include "sim/component.h"
#include "sim/metric.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class Station : public Component {
 public:
  struct Config {
    int64_t workers = 1;
    int64_t room = INT64_MAX;  // Waiting and in service together.
    int classes = 1;
    bool preemptive = false;   // Higher class interrupts a lower one; the rest is served later.
    // Up to `batch` waiting jobs of a class are served as one, for the longest of their services
    // ("take what is there"); each fires its own callback, in order.
    int64_t batch = 1;
  };

  static constexpr MetricDef kWait = {"station.wait", MetricKind::kDistribution,
                                      MetricUnit::kDuration, "From arrival to the start of service."};
  static constexpr MetricDef kPresent = {"station.present", MetricKind::kGauge, MetricUnit::kCount,
                                         "Jobs waiting or in service."};
  static constexpr MetricDef kBusy = {"station.busy", MetricKind::kGauge, MetricUnit::kCount,
                                      "Workers that serve a job."};
  static constexpr MetricDef kRefused = {"station.refused", MetricKind::kCounter,
                                         MetricUnit::kCount, "Jobs refused because the room was full."};

  Station(Simulation& sim, absl::string_view name, const Config& config);

  // Offers a job of length `service` (at full speed). `done` fires when it has been served, after the
  // station has taken its next job. Returns false, and forgets the job, when the room is full.
  // REQUIRES: service >= 0, 0 <= job_class < classes.
  bool Serve(Duration service, Callback done, int job_class = 0);

  // Work proceeds at `speed` of full speed from now on, also on jobs in service (fault verb slow:
  // speed = 1 / factor). REQUIRES: speed > 0.
  void SetSpeed(Ratio speed);
  // No job is served while down; those in service stand still (fault verb down).
  void SetDown(bool down);
  // Drops all waiting and running jobs without firing them: a crash. Returns how many.
  int64_t DropAll();

  int64_t waiting() const { return waiting_; }
  int64_t in_service() const { return in_service_; }
  bool down() const { return down_; }

  // What a long-horizon approximation asks of it.
  int64_t workers() const { return config_.workers; }
  Duration BusyTime() const;  // Summed over workers, until now.

  // PRIVATE_TO_IMPLEMENTATION: the implementer fills in.
 private:
  const Config config_;
  int64_t waiting_ = 0;
  int64_t in_service_ = 0;
  bool down_ = false;
};

}  // namespace freshet

#endif  // FRESHET_SIM_STATION_H_
