#include "sim/station.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

constexpr int64_t kBillion = 1'000'000'000;

}  // namespace

Station::Station(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name), config_(config) {
  SIM_REQUIRE(config.workers > 0 && config.room > 0 && config.classes > 0 && config.batch > 0);
  SIM_REQUIRE(!config.preemptive || config.batch == 1);
  counted_until_ = Now().nanos();
  jobs_.resize(LineOf(config.classes));
  places_.resize(jobs_.size());
  for (Slot ring = kRunning; ring < places_.size(); ++ring) {
    places_[ring].next = ring;
    places_[ring].previous = ring;
  }
  if (config.metrics) {
    wait_metric_ = &AddDistribution(kWait);
    present_metric_ = &AddGauge(kPresent);
    busy_metric_ = &AddGauge(kBusy);
    refused_metric_ = &AddCounter(kRefused);
  }
  sim.AddAudit([this] { Audit(); });
}

inline void Station::InsertBefore(Slot position, Slot slot) {
  Place& after = places_[position];
  Place& place = places_[slot];
  place.next = position;
  place.previous = after.previous;
  places_[after.previous].next = slot;
  after.previous = slot;
}

inline void Station::Unlink(Slot slot) {
  const Place& place = places_[slot];
  places_[place.previous].next = place.next;
  places_[place.next].previous = place.previous;
}

inline Station::Slot Station::NewSlot() {
  if (__builtin_expect(free_ == kNone, 0)) return GrowSlots();
  const Slot slot = free_;
  free_ = places_[slot].next;
  return slot;
}

Station::Slot Station::GrowSlots() {
  SIM_CHECK(jobs_.size() < kNone, "contract", "more than 4e9 jobs at one station");
  jobs_.emplace_back();
  places_.emplace_back();
  return static_cast<Slot>(jobs_.size() - 1);
}

inline void Station::FreeSlot(Slot slot) {
  places_[slot].next = free_;
  free_ = slot;
}

// Before any change of present_, busy_ or down_.
inline void Station::CountUntilNow() {
  const int64_t now = Now().nanos();
  const int64_t span = now - counted_until_;
  if (span == 0) return;
  present_integral_ += static_cast<__int128>(present_) * span;
  if (!down_) busy_integral_ += static_cast<__int128>(busy_) * span;
  counted_until_ = now;
}

inline void Station::ShowLevels() {
  if (present_metric_ == nullptr) return;
  present_metric_->Set(present_);
  const int64_t busy = down_ ? 0 : busy_;
  if (busy_metric_->Value() != busy) busy_metric_->Set(busy);
}

inline void Station::CheckConservation() const {
  if (__builtin_expect(waiting_ != 0 && busy_ != config_.workers && !down_, 0)) ReportIdleness();
}

void Station::ReportIdleness() const {
  SIM_CHECK(false, "inv.I5",
            absl::StrCat(name(), ": ", waiting_, " jobs wait while ", config_.workers - busy_,
                         " workers are idle"));
}

Callback* Station::Offer(Duration service, int job_class) {
  SIM_REQUIRE(service >= Duration::Zero() && job_class >= 0 && job_class < config_.classes);
  ++offered_;
  if (present_ >= config_.room) {
    ++refused_;
    if (refused_metric_ != nullptr) refused_metric_->Add(1);
    return nullptr;
  }
  CountUntilNow();
  const Slot slot = NewSlot();
  Job& job = jobs_[slot];
  job.arrived = Now().nanos();
  job.left = service.nanos();
  Place& place = places_[slot];
  place.mate = kNone;
  place.left_fraction = 0;
  place.job_class = job_class;
  place.has_started = false;
  ++present_;
  arrivals_present_ += job.arrived;
  if (!down_ && (busy_ < config_.workers || (config_.preemptive && Preempt(job_class)))) {
    Start(slot);
  } else {
    InsertBefore(LineOf(job_class), slot);
    ++waiting_;
  }
  ShowLevels();
  CheckConservation();
  return &jobs_[slot].done;
}

// Gives a worker to `slot`, with its mates. REQUIRES: a worker is free, the station is up.
inline void Station::Start(Slot slot) {
  ++busy_;
  InsertBefore(kRunning, slot);
  if (wait_metric_ != nullptr) {
    const int64_t now = Now().nanos();
    Slot mate = slot;
    do {
      if (!places_[mate].has_started) wait_metric_->Record(now - jobs_[mate].arrived);
      mate = places_[mate].mate;
    } while (mate != kNone);
  }
  places_[slot].has_started = true;
  ScheduleFinish(slot);
}

[[gnu::always_inline]] inline void Station::ScheduleFinish(Slot slot) {
  Job& job = jobs_[slot];
  job.resumed = Now().nanos();
  int64_t span = job.left;
  const uint32_t left_fraction = places_[slot].left_fraction;
  if (left_fraction != 0 || speed_ != Ratio::One()) {
    const __int128 work = static_cast<__int128>(job.left) * kBillion + left_fraction;
    const __int128 needed = (work + speed_.billionths() - 1) / speed_.billionths();
    SIM_CHECK(needed <= INT64_MAX, "inv.D1", "a service overflows int64 nanoseconds");
    span = static_cast<int64_t>(needed);
  }
  job.finish = After<"station.done">(Nanoseconds(span), [this, slot] { Finish(slot); });
}

// Settles what a running job has done so far. It is then not served until ScheduleFinish().
void Station::StopWork(Slot slot) {
  Job& job = jobs_[slot];
  const int64_t span = Now().nanos() - job.resumed;
  spans_ += span;
  __int128 work = static_cast<__int128>(job.left) * kBillion + places_[slot].left_fraction;
  work -= static_cast<__int128>(span) * speed_.billionths();
  if (work < 0) work = 0;  // Its end had been rounded up.
  job.left = static_cast<int64_t>(work / kBillion);
  places_[slot].left_fraction = static_cast<uint32_t>(work % kBillion);
  sim().Cancel(job.finish);
  job.finish = EventId();
}

void Station::StopAll() {
  for (Slot slot = places_[kRunning].next; slot != kRunning; slot = places_[slot].next)
    StopWork(slot);
}

void Station::ResumeAll() {
  for (Slot slot = places_[kRunning].next; slot != kRunning; slot = places_[slot].next) {
    ScheduleFinish(slot);
  }
}

inline void Station::LeaveRunning(Slot slot) {
  Unlink(slot);
  --busy_;
}

// Frees the worker whose job has the lowest class below `job_class`, and among these the one that
// started last, which has had least of its service.
bool Station::Preempt(int job_class) {
  int lowest = job_class;
  Slot slot = kRunning;
  for (Slot running = places_[kRunning].previous; running != kRunning;
       running = places_[running].previous) {
    if (places_[running].job_class <= lowest) continue;
    lowest = places_[running].job_class;
    slot = running;
  }
  if (slot == kRunning) return false;
  StopWork(slot);
  LeaveRunning(slot);
  InsertBefore(places_[LineOf(lowest)].next, slot);
  ++waiting_;
  return true;
}

// Gives free workers to those who wait.
void Station::StartWaiting() {
  Slot line = LineOf(0);
  while (busy_ < config_.workers && waiting_ > 0) {
    while (IsEmpty(line)) ++line;
    const Slot slot = places_[line].next;
    Unlink(slot);
    --waiting_;
    Slot last = slot;
    for (int64_t mates = 1; mates < config_.batch && !IsEmpty(line); ++mates) {
      const Slot mate = places_[line].next;
      Unlink(mate);
      --waiting_;
      places_[last].mate = mate;
      last = mate;
      if (config_.batch_service == BatchService::kLongest) {
        jobs_[slot].left = std::max(jobs_[slot].left, jobs_[mate].left);
      }
    }
    Start(slot);
  }
}

void Station::Finish(Slot slot) {
  CountUntilNow();
  const int64_t now = Now().nanos();
  spans_ += now - jobs_[slot].resumed;
  LeaveRunning(slot);
  int64_t count = 0;
  Slot mate = slot;
  do {
    const int64_t arrived = jobs_[mate].arrived;
    sojourns_ += now - arrived;
    arrivals_present_ -= arrived;
    ++count;
    mate = places_[mate].mate;
  } while (mate != kNone);
  present_ -= count;
  served_ += count;
  if (waiting_ > 0) StartWaiting();
  ShowLevels();
  CheckConservation();
  // By index and copy: a callback may offer jobs, and the pool may move.
  firing_ = slot;
  while (firing_ != kNone) {
    const Slot served = firing_;
    Callback done = jobs_[served].done;
    firing_ = places_[served].mate;
    FreeSlot(served);
    if (done) done();
  }
}

void Station::SetSpeed(Ratio speed) {
  SIM_REQUIRE(speed > Ratio());
  if (speed == speed_) return;
  if (!down_) StopAll();
  speed_ = speed;
  if (!down_) ResumeAll();
}

void Station::SetDown(bool down) {
  if (down == down_) return;
  CountUntilNow();
  if (down) {
    StopAll();
  } else {
    ResumeAll();
  }
  down_ = down;
  if (!down) StartWaiting();
  ShowLevels();
  CheckConservation();
}

int64_t Station::DropAll() {
  CountUntilNow();
  const int64_t now = Now().nanos();
  const auto drop = [&](Slot slot) {
    sojourns_ += now - jobs_[slot].arrived;
    arrivals_present_ -= jobs_[slot].arrived;
    FreeSlot(slot);
  };
  while (!IsEmpty(kRunning)) {
    Slot slot = places_[kRunning].next;
    if (!down_) StopWork(slot);
    LeaveRunning(slot);
    while (slot != kNone) {
      const Slot mate = places_[slot].mate;
      drop(slot);
      slot = mate;
    }
  }
  for (int job_class = 0; job_class < config_.classes; ++job_class) {
    while (!IsEmpty(LineOf(job_class))) {
      const Slot slot = places_[LineOf(job_class)].next;
      Unlink(slot);
      drop(slot);
    }
  }
  for (Slot slot = firing_; slot != kNone; slot = places_[slot].mate) jobs_[slot].done = Callback();
  const int64_t count = present_;
  dropped_ += count;
  present_ = 0;
  waiting_ = 0;
  ShowLevels();
  return count;
}

Duration Station::BusyTime() const {
  __int128 busy = busy_integral_;
  if (!down_) busy += static_cast<__int128>(busy_) * (Now().nanos() - counted_until_);
  SIM_CHECK(busy <= INT64_MAX, "inv.D1", "busy time overflows int64 nanoseconds");
  return Nanoseconds(static_cast<int64_t>(busy));
}

__int128 Station::PresentIntegral() const {
  return present_integral_ + static_cast<__int128>(present_) * (Now().nanos() - counted_until_);
}

__int128 Station::SojournSum() const {
  return sojourns_ + static_cast<__int128>(present_) * Now().nanos() - arrivals_present_;
}

void Station::Audit() {
  CountUntilNow();
  CheckConservation();
  SIM_CHECK(offered_ == served_ + present_ + refused_ + dropped_ && present_ <= config_.room,
            "inv.I3",
            absl::StrCat(name(), ": offered ", offered_, ", served ", served_, ", present ",
                         present_, ", refused ", refused_, ", dropped ", dropped_));
  SIM_CHECK(PresentIntegral() == SojournSum(), "inv.I4",
            absl::StrCat(name(), ": the integral of the number present is off the sojourns by ",
                         static_cast<int64_t>(PresentIntegral() - SojournSum()), " ns"));
  SIM_CHECK(busy_ <= config_.workers &&
                busy_integral_ <= static_cast<__int128>(config_.workers) * Now().nanos(),
            "inv.I6", absl::StrCat(name(), ": busy for longer than its workers had"));
  // The lists themselves: as often as there have been arrivals enough to pay for the walk.
  if (offered_ - offered_at_scan_ < present_) return;
  offered_at_scan_ = offered_;
  const int64_t now = Now().nanos();
  __int128 arrivals = 0;
  __int128 spans = spans_;
  int64_t waiting = 0;
  int64_t in_service = 0;
  int64_t busy = 0;
  for (Slot slot = places_[kRunning].next; slot != kRunning; slot = places_[slot].next) {
    ++busy;
    if (!down_) spans += now - jobs_[slot].resumed;
    for (Slot mate = slot; mate != kNone; mate = places_[mate].mate) {
      ++in_service;
      arrivals += jobs_[mate].arrived;
    }
  }
  for (int job_class = 0; job_class < config_.classes; ++job_class) {
    const Slot line = LineOf(job_class);
    for (Slot slot = places_[line].next; slot != line; slot = places_[slot].next) {
      ++waiting;
      arrivals += jobs_[slot].arrived;
    }
  }
  SIM_CHECK(waiting == waiting_ && in_service == present_ - waiting_ && busy == busy_, "inv.I3",
            absl::StrCat(name(), ": counted ", waiting, " waiting and ", in_service,
                         " in service, believed ", waiting_, " and ", present_ - waiting_));
  SIM_CHECK(arrivals == arrivals_present_, "inv.I4",
            absl::StrCat(name(), ": the arrival times of those present do not add up"));
  SIM_CHECK(spans == busy_integral_, "inv.I6",
            absl::StrCat(name(), ": busy time is off the spans of service by ",
                         static_cast<int64_t>(busy_integral_ - spans), " ns"));
}

}  // namespace freshet
