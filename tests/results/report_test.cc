#include "results/report.h"

#include <map>

#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "results/csv.h"
#include "results/json_writer.h"
#include "results/record_reader.h"
#include "results/verdict.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

RunSummary JudgedSummary() {
  SampleRun run(nullptr, 100);
  run.Run();
  RunResults results = run.Results();
  ResolvedObjective met, missed;
  met.text.set_metric("producer.records_acked");
  met.text.set_at_most("600k");
  met.bound = 600'000;
  missed.text.set_metric("producer.latency");
  missed.text.set_percentile("99");
  missed.text.set_at_most("500ms");
  missed.bound = Milliseconds(500).nanos();
  results.verdict = *Judge({met, missed}, results);
  return Summarise(SampleHeader(), results);
}

std::string Report(const std::string& format, bool colour = false) {
  std::string text;
  const absl::Status written = WriteReport(format, JudgedSummary(), {colour}, &text);
  EXPECT_TRUE(written.ok()) << written;
  return text;
}

TEST(ReportTest, TextBeginsWithTheVerdictAndTheWorstObjective) {
  const std::string text = Report("text");
  EXPECT_THAT(text, StartsWith("sample, calm, seed 92: MISSED: 1 of 2 objectives\n"
                               "  MISSED  producer.latency p99, at most 500ms: "));
  EXPECT_THAT(text, HasSubstr("  met     producer.records_acked, at most 600k: 540 k; room 60000"));
  EXPECT_THAT(text, HasSubstr("Distributions, after warm up\n"));
  EXPECT_THAT(text, HasSubstr("Levels, during faults\n"));
  EXPECT_THAT(text, HasSubstr("\ndigest order="));
  EXPECT_THAT(text, HasSubstr("bound 0.39 %"));
}

// As kafka-transactions.sh find-hanging tells it: whose it is, where, for how long, and who waits.
TEST(ReportTest, HangingTransactionsAreABlockOfEachReport) {
  RunSummary summary = JudgedSummary();
  for (const char* format : {"text", "md"}) {
    std::string without;
    ASSERT_TRUE(WriteReport(format, summary, {false}, &without).ok());
    EXPECT_THAT(without, Not(HasSubstr("Hanging transactions"))) << format;
  }
  HangingTransaction* aborted = summary.add_hanging_transaction();
  aborted->set_transactional_id("shop-1");
  aborted->set_producer(7);
  aborted->set_topic("orders");
  aborted->set_partition(3);
  aborted->set_since_ns(Seconds(2).nanos());
  aborted->set_ended(true);
  aborted->set_ended_ns(Seconds(3).nanos());
  aborted->add_waits("billing");
  HangingTransaction* open = summary.add_hanging_transaction();
  open->set_producer(8);
  open->set_topic("orders");
  open->set_since_ns(Seconds(1).nanos());
  std::string text;
  ASSERT_TRUE(WriteReport("text", summary, {false}, &text).ok());
  const size_t block = text.find("Hanging transactions\n");
  ASSERT_NE(block, std::string::npos);
  const std::string below = text.substr(block, 1'000);
  EXPECT_THAT(below, HasSubstr("transactional id"));
  EXPECT_THAT(below, HasSubstr("who waits"));
  EXPECT_THAT(below, ContainsRegex("shop-1 +7 +orders-3 +0m02s +0m01s +billing"));
  EXPECT_THAT(below, ContainsRegex("unknown to its coordinator +8 +orders-0 +0m01s +[0-9a-z.]+, "
                                   "still open +nobody"));
  std::string json;
  ASSERT_TRUE(WriteReport("json", summary, {false}, &json).ok());
  const auto parsed = nlohmann::json::parse(json);
  ASSERT_EQ(parsed["hanging_transactions"].size(), 2U);
  EXPECT_EQ(parsed["hanging_transactions"][0]["transactional_id"], "shop-1");
  EXPECT_EQ(parsed["hanging_transactions"][0]["waits"], "billing");
  EXPECT_EQ(parsed["hanging_transactions"][1]["ended"], false);
}

TEST(ReportTest, ColourOnlyWhenAsked) {
  EXPECT_THAT(Report("text"), Not(HasSubstr("\x1b")));
  EXPECT_THAT(Report("text", true), HasSubstr("\x1b[31mMISSED: 1 of 2 objectives\x1b[0m"));
  EXPECT_THAT(Report("md", true), Not(HasSubstr("\x1b")));
}

TEST(ReportTest, MarkdownHasTables) {
  const std::string text = Report("md");
  EXPECT_THAT(text, StartsWith("# sample, calm, seed 92\n\n**MISSED: 1 of 2 objectives**\n"));
  EXPECT_THAT(text, HasSubstr("| component | metric | total | rate |\n|---|---|---:|---:|\n"
                              "| shop | producer.records\\_acked | 540 k | 1.00 k/s |\n"));
}

TEST(ReportTest, CsvNamesItsUnits) {
  absl::StatusOr<std::vector<CsvLine>> lines = ParseCsv(Report("csv"));
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 6u);  // Headings and five windows.
  const std::vector<std::string>& names = lines->front().cells;
  EXPECT_THAT(names, Contains("shop.producer.latency_ms_p99"));
  EXPECT_THAT(names, Contains("shop.producer.queued_bytes_max"));
  EXPECT_THAT(names, Contains("shop.producer.records_acked_per_s"));
  ASSERT_EQ((*lines)[1].cells.size(), names.size());
  std::map<std::string, std::string> values;
  for (size_t i = 0; i < names.size(); ++i) values[names[i]] = (*lines)[1].cells[i];
  EXPECT_EQ(values["window"], "after_warm_up");
  EXPECT_EQ(values["window_s"], "540");
  EXPECT_EQ(values["shop.producer.latency_ms_max"], "1000");
  EXPECT_EQ(values["shop.producer.records_acked_total"], "540000");
  // 540 000 samples: 5400 lie beyond p99, but only 54 beyond p99.99.
  EXPECT_NE(values["shop.producer.latency_ms_p99"], "");
  EXPECT_EQ(values["shop.producer.latency_ms_p99_99"], "");
}

TEST(ReportTest, JsonReadsBack) {
  const nlohmann::json json = nlohmann::json::parse(Report("json"));
  EXPECT_EQ(json["scenario"], "sample");
  EXPECT_EQ(json["seed"], 92);
  EXPECT_EQ(json["verdict"]["exit_code"], 1);
  EXPECT_EQ(json["verdict"]["objectives"][1]["outcome"], "missed");
  EXPECT_EQ(json["verdict"]["objectives"][0]["margin"], 60'000);
  EXPECT_EQ(json["digest"]["result"].get<std::string>().size(), 16u);
  std::map<std::string, nlohmann::json> values;
  for (const auto& metric : json["metrics"]) {
    if (metric["metric"] != "producer.latency") continue;
    EXPECT_EQ(metric["unit"], "ns");
    for (const auto& value : metric["windows"][0]["values"]) values[value["statistic"]] = value;
  }
  EXPECT_EQ(values["max"]["value"], 1e9);
  EXPECT_EQ(values["max"]["label"], "exact");
  EXPECT_EQ(values["p99"]["label"], "approximate");
  EXPECT_EQ(values["p99_99"]["label"], "not_converged");
  EXPECT_FALSE(values["p99_99"].contains("value"));
}

TEST(ReportTest, EveryFormatIsKnownByNameAndAWrongOneNamesThem) {
  for (const ReportFormat& format : ReportFormats()) EXPECT_FALSE(Report(format.name).empty());
  std::string text;
  const absl::Status wrong = WriteReport("xlsx", JudgedSummary(), {}, &text);
  EXPECT_EQ(wrong.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("known: text, md, csv, json"));
}

TEST(ReportTest, AFileGivesTheReportOfTheRun) {
  TemporaryDirectory directory;
  const std::string path = directory / "sample.frun";
  auto writer = RunRecordWriter::Create(path, SampleHeader(), Overwrite::kNo);
  ASSERT_TRUE(writer.ok());
  SampleRun run(writer->get());
  run.Run();
  const RunResults results = run.Results();
  ASSERT_TRUE((*writer)->Finish(results).ok());
  absl::StatusOr<RunRecord> record = ReadRunRecord(path);
  ASSERT_TRUE(record.ok());
  absl::StatusOr<RunSummary> summary = Summarise(*record);
  ASSERT_TRUE(summary.ok()) << summary.status();
  for (const ReportFormat& format : ReportFormats()) {
    std::string of_file, of_run;
    format.write(*summary, {}, &of_file);
    format.write(Summarise(SampleHeader(), results), {}, &of_run);
    EXPECT_EQ(of_file, of_run) << format.name;
  }
}

TEST(JsonWriterTest, EscapesAndKeepsLargeIntegersWhole) {
  std::string text;
  JsonWriter json(&text);
  json.BeginArray();
  json.Text("a\"b\\c\n\x01\xff\xc3\xa9");
  json.Integer(int64_t{1} << 53);
  json.Integer((int64_t{1} << 53) - 1);
  json.Unsigned(UINT64_MAX);
  json.Real(0.1);
  json.Real(1.0 / 0.0);
  json.Bool(true);
  json.BeginObject();
  json.EndObject();
  json.EndArray();
  const nlohmann::json read = nlohmann::json::parse(text);
  EXPECT_EQ(read[0], "a\"b\\c\n\x01\xef\xbf\xbd\xc3\xa9");
  EXPECT_EQ(read[1], "9007199254740992");
  EXPECT_EQ(read[2], 9007199254740991);
  EXPECT_EQ(read[3], "18446744073709551615");
  EXPECT_EQ(read[4], 0.1);
  EXPECT_TRUE(read[5].is_null());
  EXPECT_TRUE(read[7].empty());
}

}  // namespace
}  // namespace freshet
