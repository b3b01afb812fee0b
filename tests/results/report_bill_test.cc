#include "results/report_bill.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "results/bill.h"
#include "results/csv.h"
#include "results/record_reader.h"
#include "tests/results/sample_run.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The sample run with two hosts at a dollar an hour and one of a type without a price: nine minutes
// after its warm-up, so 0.3 host-hours.
RunResults MeteredResults() {
  SampleRun run;
  run.Run();
  RunResults results = run.Results();
  for (const char* instance : {"m7g.large", "z9.metal"}) {
    HostRow* row = results.metrics.mutable_meters()->add_host();
    row->set_owner("shop");
    row->set_role("broker");
    row->set_zone("a");
    row->set_instance(instance);
    row->set_count(2);
  }
  return results;
}

ResolvedPriceBook DollarBook() {
  ResolvedPriceBook book;
  book.text.set_name("test_book");
  book.text.set_region("nowhere");
  book.text.set_as_of("2026-07-20");
  book.text.set_hours_in_month(730);
  ResolvedPrice price;
  price.nanodollars = 1'000'000'001;
  price.text.mutable_host()->set_instance("m7g.large");
  price.text.set_per(PriceLine::HOUR);
  price.text.set_source("a contract");
  book.prices.push_back(price);
  return book;
}

RunSummary BilledSummary() {
  RunResults results = MeteredResults();
  *results.metrics.mutable_bill() = *BuildBill(DollarBook(), results, Window::kAfterWarmUp);
  return Summarise(SampleHeader(), results);
}

std::string BillAs(const std::string& format) {
  std::string text;
  const absl::Status written = WriteBillReport(format, BilledSummary(), &text);
  EXPECT_TRUE(written.ok()) << written;
  return text;
}

TEST(ReportBillTest, TextHasTheLinesTheirTotalAndWhatIsNotPriced) {
  EXPECT_EQ(
      BillAs("text"),
      "sample, calm, seed 92\n"
      "\n"
      "Bill, after warm up, in dollars\n"
      "  category        component  item       unit  quantity        price    amount  a month\n"
      "  broker compute  shop       m7g.large  h          0.3  1.000000001  0.300000  1460.00\n"
      "  total                                                              0.300000  1460.00\n"
      "\n"
      "Not priced\n"
      "  category        component  item      reason                        unit  quantity\n"
      "  broker compute  shop       z9.metal  the book has no price for it  h          0.3\n"
      "\n"
      "bill: price book test_book, nowhere, as of 2026-07-20; exact for this seed over 9m; a month "
      "is 730 h at this average\n");
}

TEST(ReportBillTest, MarkdownHasTables) {
  EXPECT_THAT(BillAs("md"),
              StartsWith("# sample, calm, seed 92\n\n## Bill, after warm up, in dollars"
                         "\n\n| category | component | item | unit | quantity | price"
                         " | amount | a month |\n|---|---|---|---|---:|---:|---:|---:|"
                         "\n| broker compute | shop | m7g.large | h | 0.3 |"));
  EXPECT_THAT(BillAs("md"), HasSubstr("price book test\\_book"));
}

TEST(ReportBillTest, CsvHasEveryDigit) {
  absl::StatusOr<std::vector<CsvLine>> lines = ParseCsv(BillAs("csv"));
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 3u);
  EXPECT_THAT((*lines)[1].cells,
              ElementsAre("sample", "calm", "92", "test_book", "after_warm_up", "540", "730",
                          "broker compute", "shop", "m7g.large", "0.3", "1460", "h", "1.000000001",
                          "0.3", "1460.00000146", "2026-07-20", "a contract"));
  EXPECT_EQ((*lines)[2].cells.size(), (*lines)[0].cells.size());
}

TEST(ReportBillTest, JsonHasEveryDigitAndItsLabel) {
  const nlohmann::json bill = nlohmann::json::parse(BillAs("json"))["bill"];
  EXPECT_EQ(bill["label"], "exact");
  EXPECT_EQ(bill["month_amount_usd"], "1460.00000146");
  EXPECT_EQ(bill["lines"][0]["price_usd"], "1.000000001");
  EXPECT_EQ(bill["not_priced"][0]["item"], "z9.metal");
}

TEST(ReportBillTest, AnUnknownFormatIsAnsweredWithTheKnownOnes) {
  std::string text;
  EXPECT_THAT(std::string(WriteBillReport("xml", BilledSummary(), &text).message()),
              HasSubstr("known: text, md, csv, json"));
}

TEST(ReportBillTest, TheReportOfABilledRunHasTheBill) {
  std::string text, json, plain;
  ASSERT_TRUE(WriteReport("text", BilledSummary(), {}, &text).ok());
  ASSERT_TRUE(WriteReport("json", BilledSummary(), {}, &json).ok());
  EXPECT_THAT(text, HasSubstr("\nBill, after warm up, in dollars\n"));
  EXPECT_THAT(text, HasSubstr("\nbill: price book test_book"));
  EXPECT_EQ(nlohmann::json::parse(json)["bill"]["amount_usd"], "0.3");
  ASSERT_TRUE(WriteReport("text", Summarise(SampleHeader(), MeteredResults()), {}, &plain).ok());
  EXPECT_THAT(plain, Not(HasSubstr("Bill")));
}

TEST(ReportBillTest, ARecordKeepsItsMetersAndIsPricedAgain) {
  TemporaryDirectory directory;
  const std::string path = directory / "a.frun";
  auto writer = RunRecordWriter::Create(path, SampleHeader(), Overwrite::kNo);
  ASSERT_TRUE(writer.ok()) << writer.status();
  RunResults results = MeteredResults();
  const Bill first = *BuildBill(DollarBook(), results, Window::kAfterWarmUp);
  *results.metrics.mutable_bill() = first;
  ASSERT_TRUE((*writer)->Finish(results).ok());
  absl::StatusOr<RunRecord> record = ReadRunRecord(path);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(Summarise(*record)->bill().SerializeAsString(), first.SerializeAsString());
  ResolvedPriceBook dearer = DollarBook();
  dearer.prices[0].nanodollars = 10'000'000'000;
  const Bill again = *BuildBill(dearer, record->results(), Window::kAfterWarmUp);
  EXPECT_EQ(again.amount_nanodollars(), 3'000'000'000);
}

}  // namespace
}  // namespace freshet
