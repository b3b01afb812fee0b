#include "scenarios/language/price_book.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "results/billing_unit.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/fields.h"
#include "scenarios/language/include.h"
#include "scenarios/language/parse.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/read_file.h"
#include "scenarios/language/scenario.pb.h"
#include "scenarios/language/suggest.h"

namespace freshet {
namespace {

constexpr TextKind kPriceBook = {"a price book", "name, region, as_of, hours_in_month and a line"};
// "ours": far above any provider's list for a pipeline; a bill searches the lines one by one.
constexpr int kMostLines = 5'000;

std::vector<std::string> VolumeKinds() {
  std::vector<std::string> kinds = ChoicesOf(*v1::Volume::Kind_descriptor());
  for (std::string& kind : kinds) absl::AsciiStrToLower(&kind);
  return kinds;
}

// What a line prices, in words; equal for two lines that price the same.
std::string ItemOf(const PriceLine& line) {
  switch (line.item_case()) {
    case PriceLine::kHost:
      return absl::StrCat("host ", line.host().instance());
    case PriceLine::kVolume:
      return absl::StrCat("volume ", line.volume().kind(), " ",
                          VolumePrice::Measure_Name(line.volume().measure()));
    case PriceLine::kTraffic:
      return absl::StrCat("traffic ", line.traffic().cause() == TrafficRow::CAUSE_UNSPECIFIED
                                          ? "of every cause"
                                          : TrafficRow::Cause_Name(line.traffic().cause()));
    case PriceLine::kMetric:
      return absl::StrCat("metric ", line.metric().name(), line.metric().of().empty() ? "" : " of ",
                          line.metric().of());
    case PriceLine::ITEM_NOT_SET:
      break;
  }
  return "";
}

class BookCheck {
 public:
  BookCheck(const PriceBook& book, const Places& places, Findings* findings)
      : book_(book), places_(places), findings_(findings) {}

  void Run() {
    CheckDay(book_.as_of(), places_.In("as_of").place);
    if (book_.line_size() > kMostLines) {
      findings_->Error(
          places_.In("line", kMostLines).place,
          absl::StrCat(book_.line_size(), " lines; at most ", kMostLines, " are accepted"));
      return;
    }
    for (int i = 0; i < book_.line_size(); ++i) CheckLine(book_.line(i), places_.In("line", i));
  }

 private:
  void CheckDay(const std::string& day, Place place) {
    if (day.empty()) return;
    if (ParseTimestamp(absl::StrCat(day, "T00:00:00Z")).ok()) return;
    findings_->Error(place, absl::StrCat("as_of: ", Quoted(day),
                                         " is no day of the calendar; write it such as "
                                         "\"2026-07-20\""));
  }

  void CheckLine(const PriceLine& line, const Places& here) {
    CheckDay(line.as_of(), here.In("as_of").place);
    std::string fitting;
    if (line.per() != PriceLine::PER_UNSPECIFIED && !FitsItem(line, &fitting)) {
      findings_->Error(here.In("per").place,
                       absl::StrCat("per: ", PriceLine::BillingUnit_Name(line.per()),
                                    " cannot be the unit of ", ItemOf(line), "; write ", fitting));
    }
    if (line.has_volume()) CheckVolume(line.volume(), here.In("volume"));
    const std::string item = ItemOf(line);
    if (item.empty()) return;
    const auto [first, is_new] = first_.emplace(item, here.place.line);
    if (is_new) return;
    findings_->Error(here.place, absl::StrCat(item, " was already priced at line ", first->second,
                                              "; keep one of the two"));
  }

  void CheckVolume(const VolumePrice& volume, const Places& here) {
    const std::vector<std::string> kinds = VolumeKinds();
    if (!volume.kind().empty() &&
        std::find(kinds.begin(), kinds.end(), volume.kind()) == kinds.end()) {
      const std::string closest = Closest(volume.kind(), kinds);
      findings_->Error(
          here.In("kind").place,
          absl::StrCat("kind ", Quoted(volume.kind()), " is no kind of volume; ",
                       closest.empty() ? "" : absl::StrCat("did you mean ", Quoted(closest), "? "),
                       "there is ", Listed(kinds)));
    }
    const auto belongs = [&](const char* field, bool given, VolumePrice::Measure measure) {
      if (!given || volume.measure() == measure) return;
      findings_->Error(here.In(field).place,
                       absl::StrCat(field, " belongs to a line with measure: ",
                                    VolumePrice::Measure_Name(measure), "; move it there"));
    };
    belongs("included_throughput", !volume.included_throughput().empty(), VolumePrice::THROUGHPUT);
    belongs("included_iops", volume.has_included_iops(), VolumePrice::IOPS);
  }

  const PriceBook& book_;
  const Places& places_;
  Findings* const findings_;
  std::map<std::string, int> first_;  // The line of the text that prices it.
};

ResolvedPrice Resolve(const PriceLine& line) {
  ResolvedPrice price;
  price.text = line;
  price.nanodollars = AmountOf(UNIT_MONEY, line.price()).value_or(0);
  if (line.volume().measure() == VolumePrice::IOPS) {
    price.included = line.volume().included_iops();
  } else {
    price.included =
        AmountOf(UNIT_BYTES_PER_SECOND, line.volume().included_throughput()).value_or(0);
  }
  return price;
}

}  // namespace

PriceBookResult LoadPriceBookText(absl::string_view text, const std::string& name) {
  Findings findings;
  PriceBookResult result;
  PriceBook& book = result.book.text;
  const ParsedForm form = ParseMessage(text, findings.AddFile(name), kPriceBook, &findings, &book);
  CheckFields(book, form.places, &findings);
  CheckRequired(book, form.places, form.blanked, &findings, "the price book");
  BookCheck(book, form.places, &findings).Run();
  result.problems = std::move(*findings.mutable_problems());
  SortProblems(&result.problems);
  if (!result.ok()) return result;
  for (const PriceLine& line : book.line()) result.book.prices.push_back(Resolve(line));
  return result;
}

absl::StatusOr<PriceBookResult> LoadPriceBook(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadRegularFile(path);
  if (text.ok()) return LoadPriceBookText(*text, path);
  if (!absl::IsInvalidArgument(text.status())) return text.status();
  PriceBookResult result;
  result.problems.push_back({path, 1, 1, std::string(text.status().message())});
  return result;
}

absl::StatusOr<std::string> PriceBookPath(const std::string& root, const std::string& written) {
  const std::filesystem::path directory = root.empty() ? "." : root;
  return ResolveInside(directory.string(), (directory / "scenario").string(), written);
}

}  // namespace freshet
