// How far what a reader could not read has reached: of all of a run, by component.
#include "results/blast_radius.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;

struct Of {
  const char* metric;
  const char* statistic;
  double warm_up;
  double after;
};

RunSummary Summary(const std::string& reader, const std::vector<Of>& figures) {
  RunSummary summary;
  for (const Of& of : figures) {
    SummaryMetric* metric = summary.add_metric();
    metric->set_owner(reader);
    metric->set_name(of.metric);
    metric->set_measure(MetricRow::COUNT);
    for (const auto& [name, amount] :
         {std::pair("after_warm_up", of.after), std::pair("warm_up", of.warm_up)}) {
      SummaryWindow* window = metric->add_window();
      window->set_window(name);
      SummaryValue* value = window->add_value();
      value->set_statistic(of.statistic);
      value->set_value(amount);
    }
  }
  return summary;
}

TEST(BlastRadiusTest, CountsSumAndLevelsAreTheHighestOfAllOfARun) {
  const RunSummary summary =
      Summary("loader/reading", {{"schema.unreadable_records", "total", 7, 900},
                                 {"schema.stops", "total", 0, 0},
                                 {"schema.blast_files", "max", 3, 39},
                                 {"schema.blast_windows", "max", 5, 2}});
  std::vector<ReportTable> tables;
  AddBlastRadius(summary, &tables);
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_THAT(tables[0].rows,
              ElementsAre(ElementsAre("loader", "907", "0", "-", "-", "-", "-", "5", "39")));
}

TEST(BlastRadiusTest, WhoCouldReadAllHasNone) {
  std::vector<ReportTable> tables;
  AddBlastRadius(Summary("loader/reading", {{"schema.unreadable_records", "total", 0, 0}}),
                 &tables);
  EXPECT_TRUE(tables.empty());
}

TEST(BlastRadiusTest, PoliciesStandSideBySide) {
  const std::vector<RunSummary> runs = {
      Summary("loader/reading", {{"schema.unreadable_records", "total", 0, 12}}),
      Summary("loader/reading", {{"schema.unreadable_records", "total", 0, 0}})};
  Comparison comparison;
  AddBlastRadius(runs, &comparison);
  ASSERT_EQ(comparison.rows.size(), 8u);
  EXPECT_EQ(comparison.rows[0].cells[0].text, "12");
  EXPECT_EQ(comparison.rows[0].cells[1].text, "0");
}

}  // namespace
}  // namespace freshet
