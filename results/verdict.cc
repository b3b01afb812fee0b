#include "results/verdict.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "results/number_format.h"

namespace freshet {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kNanosPerMinute = 60 * kNanosPerSecond;

int64_t Clamp(Wide value) {
  constexpr Wide kMost = std::numeric_limits<int64_t>::max();
  constexpr Wide kLeast = std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(std::clamp(value, kLeast, kMost));
}

// Half away from zero. REQUIRES: divisor > 0.
Wide DivideRounded(Wide value, Wide divisor) {
  const Wide half = divisor / 2;
  return (value >= 0 ? value + half : value - half) / divisor;
}

absl::StatusOr<const MetricRow*> FindMetric(const Objective& objective, const MetricTable& table) {
  const MetricRow* found = nullptr;
  for (const MetricRow& row : table.metric()) {
    if (row.name() != objective.metric()) continue;
    if (!objective.of().empty() && row.owner() != objective.of()) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "objective ", Describe(objective), ": several components have it, such as \"",
          found->owner(), "\" and \"", row.owner(), "\"; name one by `of`"));
    }
    found = &row;
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("objective ", Describe(objective), ": the run has no such metric"));
  }
  return found;
}

// The measured value as an exact fraction.
struct Measured {
  Wide numerator = 0;
  Wide denominator = 1;
  bool has_value = true;
  bool converged = true;
  int64_t least = 0;  // Bounds on every single sample, for a percentile that has not converged.
  int64_t most = 0;
};

absl::StatusOr<Measured> Measure(const ResolvedObjective& objective, const MetricRow& row,
                                 const MetricTable& table, Window window) {
  const MetricWindow data(row, window);
  Measured measured;
  Percentile percentile = {0, 0};
  const bool has_percentile = !objective.text.percentile().empty();
  if (has_percentile && !ParsePercentile(objective.text.percentile(), &percentile)) {
    return absl::InvalidArgumentError(absl::StrCat("objective ", Describe(objective.text),
                                                   ": the percentile is not one from 0 to 100"));
  }
  const bool is_highest = has_percentile && percentile.numerator == percentile.denominator;
  if (row.kind() != MetricRow::COUNTER && objective.per_second) {
    return absl::InvalidArgumentError(
        absl::StrCat("objective ", Describe(objective.text), ": only a counter has a rate"));
  }
  if (has_percentile &&
      (row.kind() == MetricRow::COUNTER || (row.kind() == MetricRow::GAUGE && !is_highest))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "objective ", Describe(objective.text),
        row.kind() == MetricRow::COUNTER ? ": a counter has no percentiles"
                                         : ": a level has an average and a percentile 100 only"));
  }
  measured.has_value = data.HasValue();
  if (row.kind() == MetricRow::COUNTER) {
    measured.numerator = data.total();
    if (objective.per_second) {
      const int64_t length = LengthOf(table, window);
      measured.has_value = length > 0;
      measured.numerator *= kNanosPerSecond;
      measured.denominator = std::max<int64_t>(length, 1);
    }
  } else if (is_highest) {
    measured.numerator = data.max();
  } else if (has_percentile) {
    measured.numerator = data.Quantile(percentile.numerator, percentile.denominator);
    measured.converged = data.Converged(percentile.numerator, percentile.denominator);
    measured.least = data.min();
    measured.most = data.max();
  } else {
    data.ExactMean(&measured.numerator, &measured.denominator);
  }
  return measured;
}

// The bucket in which the metric came closest to the bound, or went furthest beyond.
void FindWorst(const MetricRow& row, const RunResults& results, Window window, bool at_most,
               bool per_second, ObjectiveVerdict* verdict) {
  const SeriesTable* series = nullptr;
  for (const SeriesTable& candidate : results.series) {
    if (candidate.metric() == row.name() && candidate.owner() == row.owner()) series = &candidate;
  }
  if (series == nullptr) return;
  const std::vector<PhaseSpan> spans = SpansOf(results.metrics, window);
  const int64_t width = series->width_ns();
  for (int i = 0; i < series->max_size(); ++i) {
    const int64_t from = width * i;
    // A level or a rate of half a bucket would look low: only whole ones count as low.
    const int64_t until = from + width;
    const bool inside = std::any_of(spans.begin(), spans.end(), [&](const PhaseSpan& span) {
      return at_most ? from < span.until_ns() && until > span.from_ns()
                     : from >= span.from_ns() && until <= span.until_ns();
    });
    if (!inside) continue;
    const Wide sum = static_cast<Wide>(series->sum_high(i)) * (static_cast<Wide>(1) << 64) +
                     static_cast<Wide>(series->sum_low(i));
    int64_t value = 0;
    if (row.kind() == MetricRow::COUNTER) {
      value = Clamp(per_second ? DivideRounded(sum * kNanosPerSecond, width) : sum);
    } else if (at_most) {
      value = series->max(i);
    } else if (row.kind() == MetricRow::GAUGE) {
      value = Clamp(DivideRounded(sum, width));
    } else {
      if (series->count(i) == 0) continue;
      value = Clamp(DivideRounded(sum, series->count(i)));
    }
    const bool worse = at_most ? value > verdict->worst_value() : value < verdict->worst_value();
    if (verdict->has_worst() && !worse) continue;
    verdict->set_has_worst(true);
    verdict->set_worst_value(value);
    // The middle: a bucket that begins just before the minute turns mostly lies behind it.
    verdict->set_worst_minute((from + width / 2) / kNanosPerMinute);
  }
}

}  // namespace

absl::StatusOr<Verdict> Judge(absl::Span<const ResolvedObjective> objectives,
                              const RunResults& results) {
  Verdict verdict;
  verdict.set_exit_code(kExitMet);
  for (const ResolvedObjective& objective : objectives) {
    const bool at_most = !objective.text.at_most().empty();
    if (at_most == !objective.text.at_least().empty()) {
      return absl::InvalidArgumentError(absl::StrCat("objective ", Describe(objective.text),
                                                     ": give one of at_most and at_least"));
    }
    absl::StatusOr<const MetricRow*> row = FindMetric(objective.text, results.metrics);
    if (!row.ok()) return row.status();
    const Window window = WindowOf(objective.text.when());
    absl::StatusOr<Measured> measured = Measure(objective, **row, results.metrics, window);
    if (!measured.ok()) return measured.status();

    ObjectiveVerdict* judged = verdict.add_objective();
    *judged->mutable_objective() = objective.text;
    judged->set_measure((*row)->measure());
    judged->set_per_second(objective.per_second);
    judged->set_owner((*row)->owner());
    judged->set_bound(objective.bound);
    if (!measured->has_value) {
      judged->set_outcome(ObjectiveVerdict::NOT_CONVERGED);
      judged->set_note("nothing was recorded in this window");
      verdict.set_exit_code(kExitMissed);
      continue;
    }
    const Wide bound = static_cast<Wide>(objective.bound) * measured->denominator;
    bool met = at_most ? measured->numerator <= bound : measured->numerator >= bound;
    judged->set_value(Clamp(DivideRounded(measured->numerator, measured->denominator)));
    judged->set_outcome(met ? ObjectiveVerdict::MET : ObjectiveVerdict::MISSED);
    if (!measured->converged) {
      met = at_most ? measured->most <= objective.bound : measured->least >= objective.bound;
      judged->set_outcome(met ? ObjectiveVerdict::MET : ObjectiveVerdict::NOT_CONVERGED);
      judged->set_note(met ? "few samples, none of which breaks the bound"
                           : "too few samples for this percentile");
    }
    const Wide margin = at_most ? static_cast<Wide>(objective.bound) - judged->value()
                                : static_cast<Wide>(judged->value()) - objective.bound;
    judged->set_margin(Clamp(margin));
    if (objective.bound != 0) {
      judged->set_margin_percent(static_cast<double>(margin) * 100 /
                                 std::fabs(static_cast<double>(objective.bound)));
    }
    FindWorst(**row, results, window, at_most, objective.per_second, judged);
    if (!met) verdict.set_exit_code(kExitMissed);
  }
  return verdict;
}

std::string Describe(const Objective& objective) {
  std::string text;
  if (objective.has_feed_contract()) {
    const FeedContract& clause = objective.feed_contract();
    absl::StrAppend(&text, "feed contract, ",
                    clause.has_lost()             ? "offsets"
                    : clause.has_duplicated()     ? "duplicates"
                    : clause.has_schema_version() ? "schema version"
                    : !clause.lateness().empty()  ? "lateness"
                    : !clause.freshness().empty() ? "freshness"
                    : !clause.staleness().empty() ? "staleness"
                                                  : "",
                    ": ");
  }
  absl::StrAppend(&text, objective.metric());
  if (!objective.percentile().empty()) absl::StrAppend(&text, " p", objective.percentile());
  if (!objective.of().empty()) absl::StrAppend(&text, " of ", objective.of());
  const Window window = WindowOf(objective.when());
  if (window != Window::kAfterWarmUp) {
    absl::StrAppend(&text, ", ", absl::StrReplaceAll(NameOf(window), {{"_", " "}}));
  }
  if (!objective.at_most().empty()) absl::StrAppend(&text, ", at most ", objective.at_most());
  if (!objective.at_least().empty()) absl::StrAppend(&text, ", at least ", objective.at_least());
  return text;
}

std::string Describe(const ObjectiveVerdict& verdict) {
  const auto human = [&verdict](double value) {
    return HumanValue(value, verdict.measure(), verdict.per_second());
  };
  const bool met = verdict.outcome() == ObjectiveVerdict::MET;
  // A percentile that has not converged is not shown, not even beside a warning.
  const bool has_value = verdict.outcome() != ObjectiveVerdict::NOT_CONVERGED;
  std::string text = met                                             ? "met     "
                     : verdict.outcome() == ObjectiveVerdict::MISSED ? "MISSED  "
                                                                     : "NOT CONVERGED  ";
  absl::StrAppend(&text, Describe(verdict.objective()), ":");
  if (has_value) {
    absl::StrAppend(&text, " ", human(static_cast<double>(verdict.value())));
    const bool at_most = !verdict.objective().at_most().empty();
    const char* side = verdict.margin() >= 0 ? "; room " : at_most ? "; over by " : "; short by ";
    absl::StrAppend(&text, side, human(std::fabs(static_cast<double>(verdict.margin()))));
    if (verdict.margin_percent() != 0) {
      absl::StrAppend(&text, " (", SignificantText(std::fabs(verdict.margin_percent()), 3), " %)");
    }
  }
  if (!met && verdict.has_worst()) {
    absl::StrAppend(&text, "; worst ", human(static_cast<double>(verdict.worst_value())), " at ",
                    HumanMoment(verdict.worst_minute() * kNanosPerMinute));
  }
  if (!verdict.note().empty()) absl::StrAppend(&text, "; ", verdict.note());
  return text;
}

}  // namespace freshet
