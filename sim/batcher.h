// Batches that records form on their own: the first record opens a batch, which closes when it is
// full or when its timer runs out. A producer's linger, a group commit, an upload of an object.
//
// Sampled from the exact law, one event a batch, whatever its size: with Poisson arrivals the
// number that come within the timer is drawn once; if it fills the batch, the moment it does so is
// an order statistic of that many uniforms (a beta variate), else the timer closes it. After a
// close the next batch opens a memoryless gap later. With even arrivals both follow by division.
//
// The rate may change under way: how many records the open batch holds by then is drawn from its
// exact conditional law (binomial), and the rest is drawn anew.
//
// Left out: sizes in bytes (divide the byte limit by the record size), several limits at once.
#ifndef FRESHET_SIM_BATCHER_H_
#define FRESHET_SIM_BATCHER_H_

#include <array>
#include <cstdint>

#include "sim/callback.h"
#include "sim/component.h"
#include "sim/metric.h"
#include "sim/random.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class Batcher : public Component {
 public:
  enum class Arrivals : uint8_t { kPoisson, kEven };

  struct Config {
    Rate rate;        // Of records; zero is legal.
    Duration linger;  // From the first record to the timer.
    int64_t most_records = 1;
    Arrivals arrivals = Arrivals::kPoisson;
  };

  // `records` records waited for the close, evenly spaced times from `shortest` to `longest`.
  struct Waits {
    Duration shortest;
    Duration longest;
    int64_t records = 0;
  };

  struct Batch {
    int64_t records = 0;
    Time opened;  // When the first record came.
    Time closed;
    bool full = false;  // Closed by size, not by the timer.
    // Who waited how long. The first and the last record have parts of their own where their waits
    // are atoms of the law. The others lie one in each of equally wide cells, at one random phase:
    // a record taken at random has the exact law, at the cost of a single draw a batch.
    std::array<Waits, 6> waits;
    int waits_count = 0;

    void RecordWaits(Distribution& distribution) const;
  };

  // `on_batch` is called at each close. Nothing arrives before Start().
  // REQUIRES: linger >= 0, most_records >= 1.
  Batcher(Simulation& sim, absl::string_view name, const Config& config,
          Completion<const Batch&> on_batch);

  void Start();
  // From now on. Records of the open batch stay, and so does its timer. A batch whose middle sees
  // more than three changes blurs the waits of what came before.
  void SetRate(Rate rate);
  // Ends the open batch now and returns it instead of calling `on_batch`; no records if none is
  // open. A flush, or a crash that loses what was not sent.
  Batch TakeOpen();

  Rate rate() const { return config_.rate; }
  int64_t batches() const { return batches_; }
  int64_t records() const { return records_; }  // In closed batches.

 private:
  static constexpr int kMostSpans = 4;

  // Records that came evenly or uniformly in a span of time.
  struct Span {
    Time from;
    Time to;
    int64_t records = 0;
  };

  void ScheduleOpening();
  void PlanClose(Time from);
  void CountUntil(Time now);
  void AddSpan(Time from, Time to, int64_t records);
  Time EvenArrival(int64_t index) const;
  Batch Finish(Time at, bool full);
  void OnClose();

  Config config_;
  Completion<const Batch&> on_batch_;
  RandomStream stream_;
  bool started_ = false;

  // The open batch, or the next one: it is known when it opens.
  Time opened_;
  int64_t have_ = 0;  // Records until `planned_from_`; the plan adds the rest.
  Time planned_from_;
  Time planned_close_;
  int64_t planned_records_ = 0;  // Of the plan, with the one that fills it.
  bool planned_full_ = false;
  std::array<Span, kMostSpans> spans_;
  int spans_count_ = 0;
  EventId close_;
  RandomStream draws_;  // Of the batch.

  Time even_anchor_;
  int64_t even_next_ = 0;  // Index of the next arrival after the plan.

  int64_t batches_ = 0;
  int64_t records_ = 0;
  uint64_t drawn_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_BATCHER_H_
