#include "results/error_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "results/csv.h"
#include "results/metric_window.h"
#include "results/number_format.h"
#include "results/run_summary.h"

namespace freshet {
namespace {

constexpr const char* kColumns[] = {"id",        "quantity_kind", "metric",    "owner", "variant",
                                    "statistic", "unit",          "published", "pass",  "note"};
constexpr size_t kColumnCount = std::size(kColumns);

struct KindRule {
  const char* name;
  Tolerance tolerance;
};
constexpr Tolerance::Kind kPercent = Tolerance::Kind::kPercent;
constexpr Tolerance::Kind kFactor = Tolerance::Kind::kFactor;
constexpr Tolerance::Kind kNotScored = Tolerance::Kind::kNotScored;
constexpr KindRule kKinds[] = {
    {"throughput", {kPercent, 15, 7}},
    {"duration", {kPercent, 15, 7}},
    {"bytes", {kPercent, 15, 7}},
    {"mean", {kPercent, 30, 15}},
    {"p50", {kPercent, 30, 15}},
    {"p99", {kFactor, 2, 1.4}},
    {"ratio", {kFactor, 1.5, 1.2}},
    {"incident", {kFactor, 2, 1.5}},
    // "Exact" to the digits in which bills are printed.
    {"money", {kPercent, 2, 0.01}},
    {"percentile", {kNotScored, 0, 0}},
    {"tail", {kNotScored, 0, 0}},
};

struct UnitRule {
  const char* name;
  MetricRow::Measure measure;
  bool per_second;
  double size;  // Of one such unit in the metric's measure.
};
constexpr UnitRule kUnits[] = {
    {"ns", MetricRow::NANOSECONDS, false, 1},
    {"us", MetricRow::NANOSECONDS, false, 1e3},
    {"ms", MetricRow::NANOSECONDS, false, 1e6},
    {"s", MetricRow::NANOSECONDS, false, 1e9},
    {"min", MetricRow::NANOSECONDS, false, 60e9},
    {"h", MetricRow::NANOSECONDS, false, 3600e9},
    {"B", MetricRow::BYTES, false, 1},
    {"KiB", MetricRow::BYTES, false, 1024},
    {"MiB", MetricRow::BYTES, false, 1048576},
    {"GiB", MetricRow::BYTES, false, 1073741824},
    {"TiB", MetricRow::BYTES, false, 1099511627776},
    {"MB", MetricRow::BYTES, false, 1e6},
    {"GB", MetricRow::BYTES, false, 1e9},
    {"TB", MetricRow::BYTES, false, 1e12},
    {"B/s", MetricRow::BYTES, true, 1},
    {"MiB/s", MetricRow::BYTES, true, 1048576},
    {"GiB/s", MetricRow::BYTES, true, 1073741824},
    {"MB/s", MetricRow::BYTES, true, 1e6},
    {"GB/s", MetricRow::BYTES, true, 1e9},
    {"records", MetricRow::COUNT, false, 1},
    {"count", MetricRow::COUNT, false, 1},
    {"records/s", MetricRow::COUNT, true, 1},
    {"1/s", MetricRow::COUNT, true, 1},
    // Money is kept in billionths of a unit of currency, as ratios are.
    {"USD", MetricRow::BILLIONTHS, false, 1e9},
    {"%", MetricRow::BILLIONTHS, false, 1e7},
};

const UnitRule* FindUnit(const std::string& name) {
  for (const UnitRule& unit : kUnits) {
    if (name == unit.name) return &unit;
  }
  return nullptr;
}

bool ParseNumber(absl::string_view text, double* number) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *number);
  return !text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() &&
         std::isfinite(*number);
}

bool ParseBand(absl::string_view text, double* low, double* high) {
  const size_t dots = text.find("..");
  if (dots == absl::string_view::npos) {
    if (!ParseNumber(text, low)) return false;
    *high = *low;
    return true;
  }
  return ParseNumber(text.substr(0, dots), low) && ParseNumber(text.substr(dots + 2), high) &&
         *low <= *high;
}

// "15%" or "x2"; good is then half the percentage or the factor's square root, as in the rules.
bool ParseTolerance(absl::string_view text, Tolerance* tolerance) {
  if (absl::ConsumeSuffix(&text, "%")) {
    tolerance->kind = kPercent;
    if (!ParseNumber(text, &tolerance->pass) || tolerance->pass <= 0) return false;
    tolerance->good = tolerance->pass / 2;
    return true;
  }
  if (!absl::ConsumePrefix(&text, "x")) return false;
  tolerance->kind = kFactor;
  if (!ParseNumber(text, &tolerance->pass) || tolerance->pass <= 1) return false;
  tolerance->good = std::sqrt(tolerance->pass);
  return true;
}

std::string KindNames() {
  return absl::StrJoin(kKinds, ", ",
                       [](std::string* out, const KindRule& kind) { out->append(kind.name); });
}

std::string UnitNames() {
  return absl::StrJoin(kUnits, ", ",
                       [](std::string* out, const UnitRule& unit) { out->append(unit.name); });
}

// The problem of a line, or nothing.
std::string ParseRow(const CsvLine& line, PublishedRow* row) {
  if (line.cells.size() != kColumnCount) {
    return absl::StrCat("has ", line.cells.size(), " columns; expected ", kColumnCount,
                        ", a text with a comma needs quotes");
  }
  row->line = line.number;
  row->id = line.cells[0];
  row->quantity_kind = line.cells[1];
  row->metric = line.cells[2];
  row->owner = line.cells[3];
  row->variant = line.cells[4];
  row->statistic = line.cells[5];
  row->unit = line.cells[6];
  row->note = line.cells[9];
  const KindRule* kind = nullptr;
  for (const KindRule& candidate : kKinds) {
    if (row->quantity_kind == candidate.name) kind = &candidate;
  }
  if (kind == nullptr) {
    return absl::StrCat("quantity_kind \"", row->quantity_kind, "\" is unknown; one of ",
                        KindNames());
  }
  row->tolerance = kind->tolerance;
  if (row->id.empty() || row->metric.empty() || row->statistic.empty()) {
    return "id, metric and statistic may not be empty";
  }
  if (row->quantity_kind == "ratio" ? !row->unit.empty() : FindUnit(row->unit) == nullptr) {
    return row->quantity_kind == "ratio"
               ? std::string("a ratio has no unit; leave the column empty")
               : absl::StrCat("unit \"", row->unit, "\" is unknown; one of ", UnitNames());
  }
  if (!ParseBand(line.cells[7], &row->published_low, &row->published_high)) {
    return absl::StrCat("published \"", line.cells[7],
                        "\" is not a number or a band such as 19..20");
  }
  if (!line.cells[8].empty() && !ParseTolerance(line.cells[8], &row->tolerance)) {
    return absl::StrCat("pass \"", line.cells[8],
                        "\" is not a tolerance; write 15% or x2, or nothing for the kind's own");
  }
  if (row->tolerance.kind != kNotScored && row->published_low <= 0) {
    return "a scored row needs a published value above 0: the error is relative";
  }
  return "";
}

// One side of a row, ratio or not.
struct Lookup {
  std::string metric, owner, variant, statistic;
};

std::string SideOf(const std::string& text, size_t side) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  return parts.size() == 2 ? parts[side] : text;
}

// The value in the metric's measure; `why` is filled when there is none.
bool FindSimulated(const Lookup& lookup, const UnitRule* unit,
                   absl::Span<const RunSummary> summaries, double* value, std::string* why) {
  const RunSummary* run = nullptr;
  for (const RunSummary& summary : summaries) {
    if (lookup.variant.empty() || summary.variant() == lookup.variant) {
      if (run != nullptr) {
        *why = lookup.variant.empty() ? "several records, and the row names no variant"
                                      : "two records of this variant";
        return false;
      }
      run = &summary;
    }
  }
  if (run == nullptr) {
    *why = absl::StrCat("no record of variant ", lookup.variant);
    return false;
  }
  const SummaryMetric* metric = nullptr;
  for (const SummaryMetric& candidate : run->metric()) {
    if (candidate.name() != lookup.metric) continue;
    if (!lookup.owner.empty() && candidate.owner() != lookup.owner) continue;
    if (metric != nullptr) {
      *why = absl::StrCat("several components have ", lookup.metric, ": name the owner");
      return false;
    }
    metric = &candidate;
  }
  if (metric == nullptr) {
    *why = absl::StrCat("the run has no ", lookup.metric);
    return false;
  }
  if (unit != nullptr &&
      (unit->measure != metric->measure() || unit->per_second != (lookup.statistic == "rate"))) {
    *why = absl::StrCat("the ", lookup.statistic, " of ", lookup.metric, " is not in ", unit->name);
    return false;
  }
  const SummaryWindow* window = FindWindow(*metric, NameOf(Window::kAfterWarmUp));
  const SummaryValue* found = window == nullptr ? nullptr : FindValue(*window, lookup.statistic);
  if (found == nullptr) {
    *why = absl::StrCat(lookup.metric, " has no ", lookup.statistic);
    return false;
  }
  if (found->exactness() == SummaryValue::NOT_CONVERGED) {
    *why = "not converged";
    return false;
  }
  *value = found->value();
  return true;
}

double SeverityOf(const PublishedRow& row, double simulated, double nearest) {
  const double quotient = simulated / nearest;
  if (row.tolerance.kind == kPercent) return std::fabs(quotient - 1) * 100 / row.tolerance.pass;
  // A factor's distance from 1 is what grows: exactly the bound is severity 1.
  if (quotient <= 0) return HUGE_VAL;
  return (std::max(quotient, 1 / quotient) - 1) / (row.tolerance.pass - 1);
}

bool IsGood(const PublishedRow& row, double severity) {
  const double good = row.tolerance.kind == kPercent
                          ? row.tolerance.good / row.tolerance.pass
                          : (row.tolerance.good - 1) / (row.tolerance.pass - 1);
  return severity <= good * (1 + 1e-9);
}

ErrorRow ScoreRow(const PublishedRow& published, absl::Span<const RunSummary> summaries) {
  ErrorRow row;
  row.published = published;
  const bool scored = published.tolerance.kind != kNotScored;
  const bool is_ratio = published.quantity_kind == "ratio";
  const UnitRule* unit = is_ratio ? nullptr : FindUnit(published.unit);
  double sides[2] = {0, 1};
  row.has_value = true;
  for (size_t side = 0; side < (is_ratio ? 2u : 1u) && row.has_value; ++side) {
    Lookup lookup = {published.metric, published.owner, published.variant, published.statistic};
    if (is_ratio) {
      lookup = {SideOf(published.metric, side), SideOf(published.owner, side),
                SideOf(published.variant, side), SideOf(published.statistic, side)};
    }
    row.has_value = FindSimulated(lookup, unit, summaries, &sides[side], &row.why);
  }
  if (row.has_value && is_ratio && sides[1] == 0) {
    row.has_value = false;
    row.why = "the denominator is 0";
  }
  if (!row.has_value) {
    row.score = scored ? ErrorRow::Score::kNoValue : ErrorRow::Score::kNotScored;
    return row;
  }
  row.simulated = is_ratio ? sides[0] / sides[1] : sides[0] / unit->size;
  const double nearest =
      std::clamp(row.simulated, published.published_low, published.published_high);
  if (nearest != 0) row.error = row.simulated / nearest - 1;
  if (!scored) return row;
  row.severity = SeverityOf(published, row.simulated, nearest);
  row.score = row.severity > 1 + 1e-9           ? ErrorRow::Score::kMiss
              : IsGood(published, row.severity) ? ErrorRow::Score::kGood
                                                : ErrorRow::Score::kPass;
  // Close is not enough for a ratio: which of the two is larger must come out right.
  if (is_ratio && ((published.published_low > 1 && row.simulated <= 1) ||
                   (published.published_high < 1 && row.simulated >= 1))) {
    row.score = ErrorRow::Score::kMiss;
    row.severity = std::max(row.severity, 1.0);
    row.why = "wrong order";
  }
  return row;
}

const char* NameOf(ErrorRow::Score score) {
  switch (score) {
    case ErrorRow::Score::kGood:
      return "good";
    case ErrorRow::Score::kPass:
      return "pass";
    case ErrorRow::Score::kMiss:
      return "MISS";
    case ErrorRow::Score::kNoValue:
      return "NO VALUE";
    default:
      return "not scored";
  }
}

std::string PublishedText(const PublishedRow& row) {
  const std::string low = ShortestText(row.published_low);
  const std::string text = row.published_low == row.published_high
                               ? low
                               : absl::StrCat(low, "..", ShortestText(row.published_high));
  return row.unit.empty() ? text : absl::StrCat(text, " ", row.unit);
}

std::string ErrorText(const ErrorRow& row) {
  if (!row.has_value) return "-";
  if (row.published.tolerance.kind == kFactor && row.error > -1) {
    const double quotient = 1 + row.error;
    return absl::StrCat(quotient >= 1 ? "x" : "/",
                        SignificantText(std::max(quotient, 1 / quotient), 3));
  }
  const double percent = row.error * 100;
  return absl::StrCat(percent > 0 ? "+" : "", SignificantText(percent, 3), " %");
}

std::string ToleranceText(const Tolerance& tolerance) {
  switch (tolerance.kind) {
    case Tolerance::Kind::kPercent:
      return absl::StrCat("+-", ShortestText(tolerance.pass), " %");
    case Tolerance::Kind::kFactor:
      return absl::StrCat("x/ ", ShortestText(tolerance.pass));
    default:
      return "-";
  }
}

std::string SimulatedText(const ErrorRow& row) {
  if (!row.has_value) return "-";
  const std::string number = SignificantText(row.simulated, 3);
  return row.published.unit.empty() ? number : absl::StrCat(number, " ", row.published.unit);
}

std::string VerdictText(const ErrorRow& row) {
  return row.why.empty() ? NameOf(row.score) : absl::StrCat(NameOf(row.score), ": ", row.why);
}

std::string ClosingLine(const ErrorTable& table) {
  const int scored = table.good + table.pass + table.miss + table.no_value;
  std::string text = absl::StrCat(scored, " scored: ", table.good, " good, ", table.pass, " pass, ",
                                  table.miss, " MISS");
  if (table.no_value > 0) absl::StrAppend(&text, ", ", table.no_value, " without a value");
  return absl::StrCat(text, "; ", table.not_scored, " not scored");
}

const std::vector<std::string>& Headings() {
  static const auto& headings = *new std::vector<std::string>{"row",   "published",     "simulated",
                                                              "error", "passes within", "verdict"};
  return headings;
}

std::vector<std::string> CellsOf(const ErrorRow& row) {
  return {row.published.id, PublishedText(row.published),           SimulatedText(row),
          ErrorText(row),   ToleranceText(row.published.tolerance), VerdictText(row)};
}

}  // namespace

absl::StatusOr<std::vector<PublishedRow>> ParsePublished(absl::string_view name,
                                                         absl::string_view csv_text) {
  absl::StatusOr<std::vector<CsvLine>> lines = ParseCsv(csv_text);
  if (!lines.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ":", lines.status().message()));
  }
  const std::vector<std::string> expected(std::begin(kColumns), std::end(kColumns));
  if (lines->empty() || lines->front().cells != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ":", lines->empty() ? 1 : lines->front().number,
                     ": the first line must be ", absl::StrJoin(expected, ",")));
  }
  std::vector<PublishedRow> rows;
  std::vector<std::string> problems;
  std::map<std::string, int> line_of_id;
  for (size_t i = 1; i < lines->size(); ++i) {
    PublishedRow row;
    std::string problem = ParseRow((*lines)[i], &row);
    if (problem.empty()) {
      const auto [first, fresh] = line_of_id.try_emplace(row.id, row.line);
      if (!fresh) problem = absl::StrCat("id \"", row.id, "\" is that of line ", first->second);
    }
    if (!problem.empty()) {
      problems.push_back(absl::StrCat(name, ":", (*lines)[i].number, ": ", problem));
    }
    rows.push_back(std::move(row));
  }
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  return rows;
}

ErrorTable BuildErrorTable(const std::vector<PublishedRow>& published,
                           absl::Span<const RunSummary> summaries) {
  ErrorTable table;
  for (const PublishedRow& row : published) {
    table.rows.push_back(ScoreRow(row, summaries));
    switch (table.rows.back().score) {
      case ErrorRow::Score::kGood:
        ++table.good;
        break;
      case ErrorRow::Score::kPass:
        ++table.pass;
        break;
      case ErrorRow::Score::kMiss:
        ++table.miss;
        break;
      case ErrorRow::Score::kNoValue:
        ++table.no_value;
        break;
      case ErrorRow::Score::kNotScored:
        ++table.not_scored;
        break;
    }
  }
  // A miss comes before all that has a value, whatever its distance: a wrong order may be a near
  // one.
  const auto rank = [](const ErrorRow& row) {
    switch (row.score) {
      case ErrorRow::Score::kNoValue:
        return 0;
      case ErrorRow::Score::kMiss:
        return 1;
      case ErrorRow::Score::kNotScored:
        return 3;
      default:
        return 2;
    }
  };
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const ErrorRow& a, const ErrorRow& b) {
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    return a.severity > b.severity;
  });
  return table;
}

void WriteErrorTableText(const ErrorTable& table, const ReportOptions& options, std::string* out) {
  ReportTable cells = {"", Headings(), {}, 1};
  for (const ErrorRow& row : table.rows) cells.rows.push_back(CellsOf(row));
  std::string text;
  LayOutTable(cells, &text);
  if (options.colour) {
    text = absl::StrJoin(
        absl::StrSplit(text, '\n'), "\n", [](std::string* joined, absl::string_view line) {
          const bool bad = line.find("MISS") != absl::string_view::npos ||
                           line.find("NO VALUE") != absl::string_view::npos;
          absl::StrAppend(joined, bad ? "\x1b[31m" : "", line, bad ? "\x1b[0m" : "");
        });
  }
  absl::StrAppend(out, text, "\n", ClosingLine(table), "\n");
}

void WriteErrorTableMarkdown(const ErrorTable& table, std::string* out) {
  ReportTable cells = {"", Headings(), {}, 1};
  for (const ErrorRow& row : table.rows) cells.rows.push_back(CellsOf(row));
  WriteMarkdownTable(cells, out);
  absl::StrAppend(out, "\n", ClosingLine(table), "\n");
}

void WriteErrorTableCsv(const ErrorTable& table, std::string* out) {
  AppendCsvLine({"id", "quantity_kind", "unit", "published_low", "published_high", "simulated",
                 "error_percent", "verdict", "why", "note"},
                out);
  for (const ErrorRow& row : table.rows) {
    AppendCsvLine(
        {row.published.id, row.published.quantity_kind, row.published.unit,
         ShortestText(row.published.published_low), ShortestText(row.published.published_high),
         row.has_value ? ShortestText(row.simulated) : "",
         row.has_value ? ShortestText(row.error * 100) : "", NameOf(row.score), row.why,
         row.published.note},
        out);
  }
}

}  // namespace freshet
