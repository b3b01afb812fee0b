#include "sim/batcher.h"

#include <algorithm>

#include "sim/floating_point.h"
#include "sim/math.h"
#include "sim/sampler.h"

namespace freshet {
namespace {

constexpr int64_t kMicroHertzNanos = 1'000'000'000'000'000;

double PerNano(Rate rate) { return static_cast<double>(rate.micro_hertz()) * 1e-15; }

}  // namespace

void Batcher::Batch::RecordWaits(Distribution& distribution) const {
  for (int i = 0; i < waits_count; ++i) {
    const Waits& part = waits[static_cast<size_t>(i)];
    distribution.RecordEvenly(part.shortest.nanos(), part.longest.nanos(), part.records);
  }
}

Batcher::Batcher(Simulation& sim, absl::string_view name, const Config& config,
                 Completion<const Batch&> on_batch)
    : Component(sim, name),
      config_(config),
      on_batch_(on_batch),
      stream_(NewStream("batches")),
      draws_(stream_) {
  SIM_REQUIRE(config.rate >= Rate() && config.linger >= Duration::Zero() &&
              config.most_records >= 1);
}

void Batcher::Start() {
  SIM_REQUIRE(!started_);
  started_ = true;
  even_anchor_ = Now();
  even_next_ = 0;
  ScheduleOpening();
}

// Arrival `index` of an even stream: its rate may not divide a second, so it is taken from the
// anchor.
Time Batcher::EvenArrival(int64_t index) const {
  const __int128 span =
      (static_cast<__int128>(index) + 1) * kMicroHertzNanos / config_.rate.micro_hertz();
  if (span > INT64_MAX - even_anchor_.nanos()) return Time::Max();
  return even_anchor_ + Nanoseconds(static_cast<int64_t>(span));
}

// Draws when the next batch opens and, from there, when it closes: one event for both.
void Batcher::ScheduleOpening() {
  close_ = EventId();
  spans_count_ = 0;
  have_ = 0;
  if (config_.rate == Rate()) return;
  draws_ = stream_.Substream(drawn_++);
  if (config_.arrivals == Arrivals::kEven) {
    opened_ = EvenArrival(even_next_);
    if (opened_ == Time::Max()) return;
    ++even_next_;
  } else {
    const double gap = DrawExponential(draws_) / PerNano(config_.rate);
    if (gap >= static_cast<double>(INT64_MAX - Now().nanos())) return;
    opened_ = Now() + Duration::FromDouble(gap);
  }
  have_ = 1;
  PlanClose(opened_);
}

// Draws the close of a batch that holds `have_` records at `from`.
void Batcher::PlanClose(Time from) {
  planned_from_ = from;
  const int64_t room = config_.most_records - have_;
  const bool forever = config_.linger.nanos() > INT64_MAX - opened_.nanos();
  const Time deadline = forever ? Time::Max() : opened_ + config_.linger;
  planned_full_ = true;
  planned_records_ = room;
  planned_close_ = deadline;
  if (room == 0) {
    planned_close_ = from;
  } else if (config_.rate == Rate()) {
    planned_full_ = false;
    planned_records_ = 0;
  } else if (config_.arrivals == Arrivals::kEven) {
    const Time filled = EvenArrival(even_next_ + room - 1);
    if (filled <= deadline && filled != Time::Max()) {
      planned_close_ = filled;
    } else {
      planned_full_ = false;
      planned_records_ = config_.rate.InTime(deadline - even_anchor_) - even_next_;
      // The division may fall on either side of an arrival at the very deadline.
      while (EvenArrival(even_next_ + planned_records_) <= deadline) ++planned_records_;
      while (planned_records_ > 0 && EvenArrival(even_next_ + planned_records_ - 1) > deadline) {
        --planned_records_;
      }
    }
    even_next_ += planned_records_;
  } else {
    const double span = static_cast<double>((deadline - from).nanos());
    const double mean = span * PerNano(config_.rate);
    const auto wanted = static_cast<double>(room);
    if (mean > 4 * wanted + 200) {
      // The timer wins with a chance below 1e-40 (Chernoff), so the time to fill is drawn alone.
      const double filled = DrawGamma(draws_, wanted) / PerNano(config_.rate);
      planned_close_ = from + Duration::FromDouble(std::min(filled, span));
    } else {
      const int64_t come = DrawPoisson(draws_, mean);
      if (come >= room) {
        const double before = DrawGamma(draws_, wanted);
        const double after = DrawGamma(draws_, static_cast<double>(come - room + 1));
        planned_close_ = from + Duration::FromDouble(span * (before / (before + after)));
      } else {
        planned_full_ = false;
        planned_records_ = come;
      }
    }
  }
  if (planned_close_ == Time::Max()) return;
  close_ = At<"batcher.close">(planned_close_, [this] { OnClose(); });
}

void Batcher::AddSpan(Time from, Time to, int64_t records) {
  if (records == 0) return;
  if (spans_count_ == kMostSpans) {
    Span& last = spans_[kMostSpans - 1];
    last.to = to;
    last.records += records;
    return;
  }
  spans_[static_cast<size_t>(spans_count_++)] = {from, to, records};
}

// Moves the records of the plan that have come by `now` into the batch. REQUIRES: opened_ <= now.
void Batcher::CountUntil(Time now) {
  int64_t come = 0;
  if (config_.arrivals == Arrivals::kEven && config_.rate > Rate()) {
    even_next_ -= planned_records_;
    while (come < planned_records_ && EvenArrival(even_next_ + come) <= now) ++come;
    if (come > 0) AddSpan(EvenArrival(even_next_), EvenArrival(even_next_ + come - 1), come);
    even_next_ += come;
  } else {
    // The one that fills it comes last of all; the others are uniform in between.
    const int64_t others = planned_records_ - (planned_full_ && planned_records_ > 0 ? 1 : 0);
    if (others > 0 && now > planned_from_) {
      const double part = static_cast<double>((now - planned_from_).nanos()) /
                          static_cast<double>((planned_close_ - planned_from_).nanos());
      come = part >= 1 ? others : DrawBinomial(draws_, others, part);
    }
    AddSpan(planned_from_, now, come);
  }
  have_ += come;
}

void Batcher::SetRate(Rate rate) {
  SIM_REQUIRE(rate >= Rate());
  if (rate == config_.rate) return;
  if (!started_) {
    config_.rate = rate;
    return;
  }
  const bool open = have_ > 0 && opened_ <= Now();
  if (open) CountUntil(Now());
  config_.rate = rate;
  even_anchor_ = Now();
  even_next_ = 0;
  sim().Cancel(close_);
  if (open) {
    PlanClose(Now());
  } else {
    ScheduleOpening();
  }
}

Batcher::Batch Batcher::Finish(Time at, bool full) {
  Batch batch;
  batch.records = have_;
  batch.opened = opened_;
  batch.closed = at;
  batch.full = full;
  const auto add = [&batch](Duration shortest, Duration longest, int64_t records) {
    batch.waits[static_cast<size_t>(batch.waits_count++)] = {shortest, longest, records};
  };
  add(at - opened_, at - opened_, 1);
  const bool even = config_.arrivals == Arrivals::kEven;
  for (int i = 0; i < spans_count_; ++i) {
    const Span& span = spans_[static_cast<size_t>(i)];
    if (even) {
      add(at - span.to, at - span.from, span.records);
      continue;
    }
    const int64_t width = (span.to - span.from).nanos();
    const double cell = static_cast<double>(width) / static_cast<double>(span.records);
    const double phase = draws_.NextUniform() * cell;
    const Duration shortest = Duration::FromDouble(phase);
    const Duration longest =
        Duration::FromDouble(phase + cell * static_cast<double>(span.records - 1));
    add(at - span.to + shortest, at - span.to + longest, span.records);
  }
  ++batches_;
  records_ += batch.records;
  return batch;
}

void Batcher::OnClose() {
  const int64_t others = planned_records_ - (planned_full_ && planned_records_ > 0 ? 1 : 0);
  const bool even = config_.arrivals == Arrivals::kEven;
  if (even) {
    if (planned_records_ > 0) {
      AddSpan(EvenArrival(even_next_ - planned_records_), EvenArrival(even_next_ - 1),
              planned_records_);
    }
    have_ += planned_records_;
  } else {
    AddSpan(planned_from_, planned_close_, others);
    have_ += others;
  }
  Batch batch = Finish(Now(), planned_full_);
  if (!even && planned_records_ > others) {  // The one that filled it.
    batch.waits[static_cast<size_t>(batch.waits_count++)] = {Duration(), Duration(), 1};
    ++batch.records;
    ++records_;
  }
  ScheduleOpening();
  on_batch_(batch);
}

Batcher::Batch Batcher::TakeOpen() {
  if (have_ == 0 || opened_ > Now()) return Batch();
  CountUntil(Now());
  sim().Cancel(close_);
  const Batch batch = Finish(Now(), false);
  ScheduleOpening();
  return batch;
}

}  // namespace freshet
