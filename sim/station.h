// A service station: c workers, one queue, an optional finite room. Request threads, a disk's
// command queue, a lock are stations.
//
// Jobs are served first come first served within a class, lower class number first; a running job
// is not interrupted unless the station is preemptive (then it resumes where it was). When all
// workers are busy a job waits; when the room (waiting and in service) is full it is refused.
//
// Held to by audits, exactly and at any instant (docs/determinism.md): inv.I3 in = out + waiting +
// in service + refused + dropped; inv.I4 the integral of the number present equals the sum of
// sojourns, in nanoseconds; inv.I5 no worker idle while a job waits, unless the station is down;
// inv.I6 busy time <= workers x time, and equal to the sum of the spans in which jobs were served.
//
// A job costs one event and no allocation once the pool has grown to the largest number present.
// Left out: queueing disciplines other than these (processor sharing is Bandwidth), workers that
// differ, jobs that give up waiting.
#ifndef FRESHET_SIM_STATION_H_
#define FRESHET_SIM_STATION_H_

#include <cstdint>
#include <new>
#include <vector>

#include "sim/callback.h"
#include "sim/component.h"
#include "sim/metric.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class alignas(64) Station : public Component {
 public:
  // How long a batch is served.
  enum class BatchService : uint8_t {
    kLongest,  // As its longest job: parts done side by side.
    kFirst,    // As its oldest job: one flush, whatever is in it.
  };
  struct Config {
    int64_t workers = 1;
    int64_t room = INT64_MAX;  // Waiting and in service together.
    int classes = 1;
    bool preemptive = false;  // Higher class interrupts a lower one; the rest is served later.
    // Up to `batch` waiting jobs of a class are served as one ("take what is there"); each fires
    // its own callback, in order. REQUIRES: 1 when preemptive.
    int64_t batch = 1;
    BatchService batch_service = BatchService::kLongest;
    // Without, the station registers none of the metrics below; the audits stay.
    bool metrics = true;
  };

  static constexpr MetricDef kWait = {"station.wait", MetricKind::kDistribution,
                                      MetricUnit::kDuration,
                                      "From arrival to the start of service."};
  static constexpr MetricDef kPresent = {"station.present", MetricKind::kGauge, MetricUnit::kCount,
                                         "Jobs waiting or in service."};
  static constexpr MetricDef kBusy = {"station.busy", MetricKind::kGauge, MetricUnit::kCount,
                                      "Workers that serve a job; none while the station is down."};
  static constexpr MetricDef kRefused = {"station.refused", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Jobs refused because the room was full."};

  Station(Simulation& sim, absl::string_view name, const Config& config);

  // Offers a job of length `service` (at full speed). `done` fires when it has been served, after
  // the station has taken its next job. Returns false, and forgets the job, when the room is full.
  // REQUIRES: service >= 0, 0 <= job_class < classes.
  template <class Done>
  bool Serve(Duration service, const Done& done, int job_class = 0) {
    Callback* const kept = Offer(service, job_class);
    if (kept == nullptr) return false;
    new (kept) Callback(done);  // Where it stands: to move one costs more than to make it.
    return true;
  }

  // Work proceeds at `speed` of full speed from now on, also on jobs in service (fault verb slow:
  // speed = 1 / factor). What is left of a job is kept in billionths of a nanosecond, so that any
  // sequence of speeds loses nothing; only its end is rounded, up to a nanosecond.
  // REQUIRES: speed > 0.
  void SetSpeed(Ratio speed);
  // No job is served while down; those in service stand still (fault verb down). Jobs may arrive.
  void SetDown(bool down);
  // Drops all waiting and running jobs without firing them: a crash. Returns how many. Mates of the
  // running callback, served in the same batch, do not fire either.
  int64_t DropAll();

  int64_t waiting() const { return waiting_; }
  int64_t in_service() const { return present_ - waiting_; }  // Also when they stand still.
  int64_t present() const { return present_; }
  bool down() const { return down_; }
  Ratio speed() const { return speed_; }

  // What a long-horizon approximation asks of it.
  int64_t workers() const { return config_.workers; }
  Duration BusyTime() const;  // Summed over workers, until now.

  // The terms of inv.I3 and inv.I4, for tests and reports.
  int64_t offered() const { return offered_; }
  int64_t served() const { return served_; }
  int64_t refused() const { return refused_; }
  int64_t dropped() const { return dropped_; }
  // Integral of the number present, in jobs x nanoseconds, until now.
  __int128 PresentIntegral() const;
  // Sojourns in nanoseconds, so far for those present.
  __int128 SojournSum() const;

 private:
  friend class StationTestPeer;  // Breaks what the audits must notice.

  using Slot = uint32_t;
  static constexpr Slot kNone = UINT32_MAX;
  static constexpr Slot kRunning = 0;

  // A cache line each.
  struct alignas(64) Job {
    Callback done;
    int64_t arrived;
    int64_t left;     // Work left in nanoseconds at full speed.
    int64_t resumed;  // Since when it is being served.
    EventId finish;   // None while it stands still.
  };
  // Where a job stands: apart, since those of a few neighbours share a cache line.
  struct Place {
    Slot next;               // In its ring, or in the free list.
    Slot previous;           // In its ring.
    Slot mate;               // The next job of the same batch.
    uint32_t left_fraction;  // Of work left, in billionths of a nanosecond.
    int32_t job_class;
    bool has_started;  // Interrupted jobs wait twice; the first wait counts.
  };
  // Slots before the jobs' own close the rings: joining and leaving one takes no decision that a
  // processor could mispredict.
  static constexpr Slot LineOf(int job_class) { return 1 + static_cast<Slot>(job_class); }
  bool IsEmpty(Slot ring) const { return places_[ring].next == ring; }
  // Serve() but for what is to fire, which goes where it says. Null when the room is full.
  Callback* Offer(Duration service, int job_class);
  void InsertBefore(Slot position, Slot slot);
  void Unlink(Slot slot);
  Slot NewSlot();
  Slot GrowSlots();
  void FreeSlot(Slot slot);
  void CountUntilNow();
  void Start(Slot slot);
  void StartWaiting();
  void ScheduleFinish(Slot slot);
  void StopWork(Slot slot);
  void StopAll();
  void ResumeAll();
  void Finish(Slot slot);
  bool Preempt(int job_class);
  void LeaveRunning(Slot slot);
  void CheckConservation() const;
  void ReportIdleness() const;
  void ShowLevels();
  void Audit();

  const Config config_;
  bool down_ = false;
  Ratio speed_ = Ratio::One();
  int64_t waiting_ = 0;
  int64_t present_ = 0;
  int64_t busy_ = 0;  // Workers that hold a job or a batch.

  // Running jobs form a ring in the order they started, closed by places_[kRunning], and the
  // waiting ones of a class another, closed by places_[LineOf(class)].
  std::vector<Job> jobs_;
  std::vector<Place> places_;
  Slot free_ = kNone;
  Slot firing_ = kNone;  // The rest of a batch whose callbacks fire in the running event.

  int64_t offered_ = 0;
  int64_t served_ = 0;
  int64_t refused_ = 0;
  int64_t dropped_ = 0;
  int64_t counted_until_ = 0;
  __int128 present_integral_ = 0;
  __int128 busy_integral_ = 0;
  __int128 sojourns_ = 0;          // Of those that left.
  __int128 arrivals_present_ = 0;  // Sum of the arrival times of those present.
  __int128 spans_ = 0;             // In which jobs were served, of those that stopped.
  int64_t offered_at_scan_ = 0;

  Distribution* wait_metric_ = nullptr;
  Gauge* present_metric_ = nullptr;
  Gauge* busy_metric_ = nullptr;
  Counter* refused_metric_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_SIM_STATION_H_
