// Three designs at full resolution, and with 4 and 16 batches a parcel: what is counted is the same
// to the last record, byte, request and nanodollar; what a latency loses is printed.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "results/bill.h"
#include "results/compare.h"
#include "tests/scenarios/library/library_run.h"

namespace freshet {
namespace {

constexpr int64_t kBatches[] = {1, 4, 16};

// Counters that say how a thing was done and not what: small messages that skip a card, and what
// the kernel has written back of the page cache by the end of the run.
bool TellsHow(const std::string& metric) {
  return metric == "bandwidth.bytes" || metric == "volume.written_bytes" ||
         metric == "volume.io_operations";
}

using Counts = std::map<std::pair<std::string, std::string>, int64_t>;

// Every counter of every part, and how many records every distribution of a client has.
Counts CountsOf(const RunOutcome& run) {
  Counts counts;
  for (const MetricRow& row : run.results.metrics.metric()) {
    const bool of_part = row.owner().find('/') != std::string::npos;
    const MetricWindow window(row, Window::kAfterWarmUp);
    if (row.kind() == MetricRow::COUNTER && !TellsHow(row.name())) {
      counts[{row.owner(), row.name()}] = window.total();
    } else if (row.kind() == MetricRow::DISTRIBUTION && !of_part) {
      counts[{row.owner(), row.name()}] = window.count();
    }
  }
  return counts;
}

const MetricRow& RowOf(const RunOutcome& run, const std::string& metric) {
  for (const MetricRow& row : run.results.metrics.metric()) {
    if (row.owner() == "shop" && row.name() == metric) return row;
  }
  ADD_FAILURE() << metric;
  static const MetricRow kNone;
  return kNone;
}

const BillLine* LineOf(const Bill& bill, const std::string& item) {
  for (const BillLine& line : bill.line()) {
    if (line.item() == item) return &line;
  }
  return nullptr;
}

class ResolutionTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    for (const int64_t batches : kBatches) {
      runs_.push_back(OutcomeOf(VariantOf(GetParam(), absl::StrCat("x", batches))));
    }
  }
  std::vector<RunOutcome> runs_;
};

TEST_P(ResolutionTest, WhatIsCountedAndBilledIsTheSame) {
  const RunOutcome& fine = runs_[0];
  const Counts counts = CountsOf(fine);
  // The run is not empty, and everything is drained at its end.
  const int64_t sent = counts.at({"shop", "producer.records_sent"});
  EXPECT_GT(sent, 16'000);
  EXPECT_EQ(counts.at({"shop", "producer.records_acked"}), sent);
  EXPECT_EQ(counts.at({"audit", "consumer.records"}), sent);
  for (size_t i = 1; i < runs_.size(); ++i) {
    SCOPED_TRACE(absl::StrCat("x", kBatches[i]));
    const RunOutcome& coarse = runs_[i];
    EXPECT_EQ(CountsOf(coarse), counts);
    // Batches are the same batches, one by one.
    for (const char* metric : {"producer.batch_records", "producer.batch_wait"}) {
      EXPECT_EQ(RowOf(coarse, metric).SerializeAsString(), RowOf(fine, metric).SerializeAsString())
          << metric;
    }
    const Bill& bill = coarse.summary.bill();
    ASSERT_EQ(bill.line_size(), fine.summary.bill().line_size());
    for (int line = 0; line < bill.line_size(); ++line) {
      const BillLine& now = bill.line(line);
      const BillLine& was = fine.summary.bill().line(line);
      EXPECT_EQ(now.item(), was.item());
      if (now.item() == "object_store.stored_bytes") continue;
      EXPECT_EQ(now.quantity(), was.quantity()) << now.item();
      EXPECT_EQ(now.amount_nanodollars(), was.amount_nanodollars()) << now.item();
      EXPECT_EQ(now.month_amount_nanodollars(), was.month_amount_nanodollars()) << now.item();
    }
  }
}

// Bytes x time is the one quantity that moves: a parcel's bytes are stored when its last batch has
// come, up to 250 ms times its batches later, and a task that copies closed segments may find one
// at its next look only.
TEST_P(ResolutionTest, StoredBytesLackNoMoreThanTheGathering) {
  const BillLine* fine = LineOf(runs_[0].summary.bill(), "object_store.stored_bytes");
  if (fine == nullptr) return;  // No object store.
  const auto integral = [](const RunOutcome& run) {
    for (const MetricRow& row : run.results.metrics.metric()) {
      if (row.owner() != "storage" || row.name() != "object_store.stored_bytes") continue;
      return MetricWindow(row, Window::kAfterWarmUp).Mean() *
             static_cast<double>(run.summary.simulated_ns()) * 1e-9;
    }
    return 0.0;
  };
  double put = 0;
  for (const auto& [name, total] : CountsOf(runs_[0])) {
    if (name.second == "object_store.wal_bytes_in" ||
        name.second == "object_store.tiering_bytes_in") {
      put += static_cast<double>(total);
    }
  }
  EXPECT_GT(put, 1e8);
  const double task_interval = GetParam() == std::string("resolution_tiered") ? 2 : 0;
  for (size_t i = 1; i < runs_.size(); ++i) {
    const double lacks = integral(runs_[0]) - integral(runs_[i]);
    const double gathering = 0.25 * static_cast<double>(kBatches[i]);
    EXPECT_GE(lacks, 0) << kBatches[i];
    EXPECT_LE(lacks, put * (gathering + task_interval)) << kBatches[i];
  }
}

TEST_P(ResolutionTest, ComparePrintsTheErrorOfLatencies) {
  std::vector<RunSummary> summaries;
  for (const RunOutcome& run : runs_) summaries.push_back(run.summary);
  const Comparison comparison = Compare(summaries);
  const auto number = [&](const std::string& name, size_t run) {
    for (const ComparisonRow& row : comparison.rows) {
      if (row.machine_name == name) return row.cells[run].number;
    }
    ADD_FAILURE() << name;
    return std::string();
  };
  for (const std::string metric : {"producer.latency_ms", "consumer.end_to_end_latency_ms"}) {
    for (const std::string statistic : {"_p50", "_p99", "_max"}) {
      SCOPED_TRACE(metric + statistic);
      EXPECT_EQ(number(metric + statistic + "_error", 0), "");
      for (size_t i = 1; i < runs_.size(); ++i) {
        EXPECT_NE(number(metric + statistic + "_error", i), "");
      }
    }
    // What is printed above it is what the error is of.
    for (size_t i = 1; i < runs_.size(); ++i) {
      EXPECT_NEAR(std::stod(number(metric + "_p99_error", i)),
                  std::stod(number(metric + "_p99", i)) - std::stod(number(metric + "_p99", 0)),
                  1e-9);
    }
  }
}

TEST_P(ResolutionTest, CoarserRunsAreCheaper) {
  const uint64_t fine = runs_[0].summary.events_fired();
  EXPECT_LT(2 * runs_[1].summary.events_fired(), fine);
  EXPECT_LT(3 * runs_[2].summary.events_fired(), fine);
}

INSTANTIATE_TEST_SUITE_P(Designs, ResolutionTest,
                         ::testing::Values("resolution_kafka", "resolution_tiered",
                                           "resolution_s3stream"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace freshet
