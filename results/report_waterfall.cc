#include "results/report_waterfall.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "results/metric_window.h"
#include "results/number_format.h"

namespace freshet {
namespace {

constexpr const char* kDash = "-";

// Segments of one kind: a line of the table.
struct Line {
  std::string until, spent, at;
  Wide total = 0;
  int64_t longest = 0;
  std::string blocker;             // Of the longest.
  std::vector<int64_t> exemplars;  // Nanoseconds, by column.
};

class Feed {
 public:
  Feed(const WaterfallTable& table, bool parts) : table_(table), parts_(parts) {
    for (const WaterfallRow& row : table.row()) {
      Line& line = LineOf(row.until(), row.wait(), row.why(), row.resource());
      line.total += FromMessage(row.total());
      if (row.max_ns() > line.longest) {
        line.longest = row.max_ns();
        line.blocker = NameFor(row.blocker());
      }
    }
    for (int column = 0; column < table.exemplar_size(); ++column) {
      for (const WaterfallSegment& segment : table.exemplar(column).segment()) {
        Line& line = LineOf(segment.until(), segment.wait(), segment.why(), segment.resource());
        line.exemplars[static_cast<size_t>(column)] += segment.length_ns();
      }
    }
  }

  ReportTable Table() const {
    ReportTable table = {"", {"until", "spent", "at", "held up by", "mean", "share"}, {}, 4};
    for (const WaterfallExemplar& each : table_.exemplar()) table.columns.push_back(each.name());
    AddRow({"created", "", "", 0, 0, "", Nothing()}, &table);
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (i == 0 || lines_[i].until != lines_[i - 1].until) {
        AddRow(Stage(lines_[i].until), &table);
      }
      if (lines_[i].longest == 0) continue;
      Line indented = lines_[i];
      indented.until.clear();
      AddRow(indented, &table);
    }
    Line sum = {"sum", "", "", FromMessage(table_.end_to_end()), 0, "", {}};
    for (const WaterfallExemplar& each : table_.exemplar()) {
      sum.exemplars.push_back(each.length_ns());
    }
    AddRow(sum, &table);
    return table;
  }

  // Whether every column sums, and the line that says so.
  bool Check(std::string* said) const {
    Wide rows = 0;
    for (const WaterfallRow& row : table_.row()) rows += FromMessage(row.total());
    const Wide all = FromMessage(table_.end_to_end());
    bool ok = rows == all;
    *said = absl::StrCat("mean ", Decimal(rows), ok ? " = " : " is not ", Decimal(all),
                         " ns x records");
    for (const WaterfallExemplar& each : table_.exemplar()) {
      int64_t sum = 0;
      for (const WaterfallSegment& segment : each.segment()) sum += segment.length_ns();
      const bool same = sum == each.length_ns();
      absl::StrAppend(said, "; ", each.name(), " ", sum, same ? " = " : " is not ",
                      each.length_ns(), " ns");
      ok = ok && same;
    }
    *said = absl::StrCat(ok ? "check: sums to the nanosecond: " : "CHECK FAILED: ", *said);
    return ok;
  }

 private:
  std::vector<int64_t> Nothing() const {
    return std::vector<int64_t>(static_cast<size_t>(table_.exemplar_size()), 0);
  }

  std::string NameFor(const std::string& component) const {
    return parts_ ? component : component.substr(0, component.find('/'));
  }

  Line& LineOf(const std::string& until, bool wait, const std::string& why,
               const std::string& resource) {
    const std::string spent = wait ? absl::StrCat("waiting: ", why) : "service";
    const std::string at = NameFor(resource);
    size_t behind = lines_.size();
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].until == until) behind = i + 1;
      if (lines_[i].until == until && lines_[i].spent == spent && lines_[i].at == at) {
        return lines_[i];
      }
    }
    // Behind those on the way to the same milestone.
    return *lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(behind),
                          Line{until, spent, at, 0, 0, "", Nothing()});
  }

  Line Stage(const std::string& until) const {
    Line stage = {until, "", "", 0, 0, "", Nothing()};
    for (const Line& line : lines_) {
      if (line.until != until) continue;
      stage.total += line.total;
      for (size_t i = 0; i < stage.exemplars.size(); ++i) stage.exemplars[i] += line.exemplars[i];
    }
    return stage;
  }

  void AddRow(const Line& line, ReportTable* table) const {
    const auto all = static_cast<double>(FromMessage(table_.end_to_end()));
    const auto total = static_cast<double>(line.total);
    std::vector<std::string> row = {
        line.until,
        line.spent,
        line.at,
        line.blocker,
        HumanValue(total / static_cast<double>(table_.records()), MetricRow::NANOSECONDS),
        absl::StrCat(SignificantText(all > 0 ? 100 * total / all : 0, 3), " %")};
    for (const int64_t each : line.exemplars) {
      row.push_back(each == 0 ? kDash
                              : HumanValue(static_cast<double>(each), MetricRow::NANOSECONDS));
    }
    table->rows.push_back(std::move(row));
  }

  static std::string Decimal(Wide value) {
    std::string digits;
    const bool negative = value < 0;
    do {
      const auto digit = static_cast<int>(value % 10);
      digits.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
      value /= 10;
    } while (value != 0);
    if (negative) digits.push_back('-');
    std::reverse(digits.begin(), digits.end());
    return digits;
  }

  const WaterfallTable& table_;
  const bool parts_;
  std::vector<Line> lines_;
};

}  // namespace

bool WriteWaterfallReport(const RunSummary& summary, const ReportOptions& options,
                          std::string* out) {
  absl::StrAppend(out, ReportTitle(summary), ": where a record's time goes, whole run\n");
  bool ok = true;
  int feeds = 0;
  for (const WaterfallTable& table : summary.waterfall()) {
    if (table.records() == 0) continue;
    ++feeds;
    const Feed feed(table, options.parts);
    std::string said;
    ok = feed.Check(&said) && ok;
    absl::StrAppend(out, "\n", table.owner(), ", ", table.records(), " records\n");
    LayOutTable(feed.Table(), out);
    absl::StrAppend(out, "  ", said, "\n");
    if (table.sampled() > 0) {
      absl::StrAppend(out, "  mean and max: of all; p50 and p99: from a sample of ",
                      table.sampled(), " batches, the first record of each\n");
    }
  }
  if (feeds == 0) absl::StrAppend(out, "\nno feed has a record that became visible\n");
  return ok;
}

}  // namespace freshet
