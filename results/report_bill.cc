#include "results/report_bill.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "results/csv.h"
#include "results/money.h"
#include "results/number_format.h"
#include "sim/check.h"

namespace freshet {
namespace {

std::string Words(const std::string& window) { return absl::StrReplaceAll(window, {{"_", " "}}); }

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

// A quantity for people: three decimals say enough; what is smaller keeps three digits.
std::string ShortQuantity(const std::string& quantity) {
  const size_t point = quantity.find('.');
  if (point == std::string::npos) return OrDash(quantity);
  size_t end = point + 4;
  if (quantity[0] == '0') {
    const size_t first = quantity.find_first_not_of("0.");
    if (first != std::string::npos && first + 3 > end) end = first + 3;
  }
  return quantity.substr(0, end);  // Cut, not rounded: the exact digits are in CSV and JSON.
}

void WriteText(const RunSummary& summary, std::string* out) {
  absl::StrAppend(out, ReportTitle(summary), "\n");
  for (const ReportTable& table : BillTables(summary.bill())) {
    absl::StrAppend(out, "\n", table.title, "\n");
    LayOutTable(table, out);
  }
  absl::StrAppend(out, "\n", BillNote(summary.bill()), "\n");
}

void WriteMarkdown(const RunSummary& summary, std::string* out) {
  absl::StrAppend(out, "# ", MarkdownText(ReportTitle(summary)), "\n");
  for (const ReportTable& table : BillTables(summary.bill())) {
    absl::StrAppend(out, "\n## ", MarkdownText(table.title), "\n\n");
    WriteMarkdownTable(table, out);
  }
  absl::StrAppend(out, "\n- ", MarkdownText(BillNote(summary.bill())), "\n");
}

void WriteCsv(const RunSummary& summary, std::string* out) {
  const Bill& bill = summary.bill();
  const std::string window_s = ShortestText(static_cast<double>(bill.window_ns()) / 1e9);
  AppendCsvLine({"scenario", "variant", "seed", "book", "window", "window_s", "hours_in_month",
                 "category", "component", "item", "quantity", "month_quantity", "unit", "price_usd",
                 "amount_usd", "month_amount_usd", "as_of", "source_or_reason"},
                out);
  const auto line = [&](const std::vector<std::string>& cells) {
    std::vector<std::string> all = {
        summary.scenario(), summary.variant(), absl::StrCat(summary.seed()),       bill.book(),
        bill.window(),      window_s,          absl::StrCat(bill.hours_in_month())};
    all.insert(all.end(), cells.begin(), cells.end());
    AppendCsvLine(all, out);
  };
  for (const BillLine& row : bill.line()) {
    line({row.category(), row.component(), row.item(), row.quantity(), row.month_quantity(),
          row.unit(), BillionthsText(row.price_nanodollars()),
          BillionthsText(row.amount_nanodollars()), BillionthsText(row.month_amount_nanodollars()),
          row.as_of(), row.source()});
  }
  for (const BillGap& row : bill.not_priced()) {
    line({row.category(), row.component(), row.item(), row.quantity(), "", row.unit(), "", "", "",
          "", row.reason()});
  }
}

void WriteJson(const RunSummary& summary, std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Field("scenario", summary.scenario());
  json.Field("variant", summary.variant());
  json.Field("seed", static_cast<uint64_t>(summary.seed()));
  json.Key("bill");
  WriteBill(summary.bill(), json);
  json.EndObject();
  out->push_back('\n');
}

}  // namespace

std::vector<ReportTable> BillTables(const Bill& bill) {
  std::vector<ReportTable> tables;
  ReportTable lines = {
      absl::StrCat("Bill, ", Words(bill.window()), ", in dollars"),
      {"category", "component", "item", "unit", "quantity", "price", "amount", "a month"},
      {},
      4};
  for (const BillLine& line : bill.line()) {
    lines.rows.push_back({line.category(), line.component(), line.item(), line.unit(),
                          ShortQuantity(line.quantity()), BillionthsText(line.price_nanodollars()),
                          DollarText(line.amount_nanodollars(), 6),
                          DollarText(line.month_amount_nanodollars(), 2)});
  }
  lines.rows.push_back({"total", "", "", "", "", "", DollarText(bill.amount_nanodollars(), 6),
                        DollarText(bill.month_amount_nanodollars(), 2)});
  tables.push_back(std::move(lines));
  ReportTable gaps = {
      "Not priced", {"category", "component", "item", "reason", "unit", "quantity"}, {}, 5};
  for (const BillGap& gap : bill.not_priced()) {
    gaps.rows.push_back({gap.category(), gap.component(), gap.item(), gap.reason(), gap.unit(),
                         ShortQuantity(gap.quantity())});
  }
  if (!gaps.rows.empty()) tables.push_back(std::move(gaps));
  return tables;
}

std::string BillNote(const Bill& bill) {
  return absl::StrCat("bill: price book ", bill.book(), ", ", bill.region(), ", as of ",
                      bill.as_of(), "; exact for this seed over ", HumanMoment(bill.window_ns()),
                      "; a month is ", bill.hours_in_month(), " h at this average");
}

void WriteBill(const Bill& bill, JsonWriter& json) {
  json.BeginObject();
  json.Field("price_book", bill.book());
  json.Field("region", bill.region());
  json.Field("as_of", bill.as_of());
  json.Field("window", bill.window());
  json.Field("length_ns", static_cast<int64_t>(bill.window_ns()));
  json.Field("hours_in_month", static_cast<uint64_t>(bill.hours_in_month()));
  json.Field("label", "exact");
  json.Field("amount_usd", BillionthsText(bill.amount_nanodollars()));
  json.Field("month_amount_usd", BillionthsText(bill.month_amount_nanodollars()));
  json.Key("lines");
  json.BeginArray();
  for (const BillLine& line : bill.line()) {
    json.BeginObject();
    json.Field("category", line.category());
    json.Field("component", line.component());
    json.Field("item", line.item());
    json.Field("quantity", line.quantity());
    json.Field("month_quantity", line.month_quantity());
    json.Field("unit", line.unit());
    json.Field("price_usd", BillionthsText(line.price_nanodollars()));
    json.Field("amount_usd", BillionthsText(line.amount_nanodollars()));
    json.Field("month_amount_usd", BillionthsText(line.month_amount_nanodollars()));
    json.Field("as_of", line.as_of());
    json.Field("source", line.source());
    json.EndObject();
  }
  json.EndArray();
  json.Key("not_priced");
  json.BeginArray();
  for (const BillGap& gap : bill.not_priced()) {
    json.BeginObject();
    json.Field("category", gap.category());
    json.Field("component", gap.component());
    json.Field("item", gap.item());
    json.Field("quantity", gap.quantity());
    json.Field("unit", gap.unit());
    json.Field("reason", gap.reason());
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

absl::Status WriteBillReport(absl::string_view format, const RunSummary& summary,
                             std::string* out) {
  SIM_REQUIRE(summary.has_bill());
  struct BillFormat {
    const char* name;
    void (*write)(const RunSummary& summary, std::string* out);
  };
  constexpr BillFormat kFormats[] = {
      {"text", WriteText}, {"md", WriteMarkdown}, {"csv", WriteCsv}, {"json", WriteJson}};
  std::vector<std::string> known;
  for (const BillFormat& candidate : kFormats) {
    if (format == candidate.name) {
      candidate.write(summary, out);
      return absl::OkStatus();
    }
    known.push_back(candidate.name);
  }
  return absl::InvalidArgumentError(absl::StrCat("\"", format, "\" is not a format of a bill; ",
                                                 "known: ", absl::StrJoin(known, ", ")));
}

}  // namespace freshet
