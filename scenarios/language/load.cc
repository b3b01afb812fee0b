#include "scenarios/language/load.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "scenarios/language/bursts.h"
#include "scenarios/language/catalogue.h"
#include "scenarios/language/defaults.h"
#include "scenarios/language/fields.h"
#include "scenarios/language/price_book.h"
#include "scenarios/language/references.h"
#include "scenarios/language/rules.h"
#include "scenarios/language/source_tree.h"
#include "scenarios/language/suggest.h"
#include "scenarios/language/topology.h"

namespace freshet {

using v1::Scenario;
namespace {

// Caps on what is checked at all. They keep the cost of a check proportional to the text: variants
// copy the scenario, and references compare names pairwise. "ours": far above any study.
constexpr int kMostTopics = 2'000;
constexpr int kMostComponents = 500;
constexpr int kMostFaults = 2'000;
constexpr int kMostObjectives = 2'000;
constexpr int kMostRows = 2'000;
constexpr int kMostZones = 100;
constexpr int kMostVariants = 64;
constexpr size_t kMostFields = 2'000'000;
constexpr size_t kMostProblems = 1'000;

constexpr const char* kSetFile = "--set ";

class Loader {
 public:
  explicit Loader(const LoadOptions& options) : options_(options) {}

  Findings* findings() { return &findings_; }

  LoadResult Finish(MergedSource source) {
    source_ = std::move(source);
    CheckFields(source_.scenario, source_.places, &findings_);
    CheckDuplicates(source_.scenario, source_.places, &findings_);
    std::vector<ExpandedVariant> variants;
    if (IsSmallEnough()) variants = ExpandVariants(source_.scenario, source_.places);
    SetValues(&variants);
    CheckVariants(&variants);

    LoadResult result;
    result.variants = std::move(variants);
    ApplyDefaults(&source_.scenario);
    result.scenario = std::move(source_.scenario);
    result.places = std::move(source_.places);
    result.problems = std::move(*findings_.mutable_problems());
    SortProblems(&result.problems);
    Shorten(&result.problems);
    result.files = findings_.files();
    return result;
  }

 private:
  // Keeps the first thousand, and an error if there was one.
  static void Shorten(std::vector<Problem>* problems) {
    if (problems->size() <= kMostProblems) return;
    const size_t more = problems->size() - kMostProblems;
    const bool has_error = HasError(*problems);
    problems->resize(kMostProblems);
    Problem last = problems->back();
    last.text = absl::StrCat("and ", more, " more behind this place; mend these first");
    last.severity = has_error ? ProblemSeverity::kError : ProblemSeverity::kWarning;
    problems->push_back(last);
  }

  bool IsSmallEnough() {
    const Scenario& s = source_.scenario;
    bool small = true;
    const auto check = [&](const char* field, int count, int most) {
      if (count <= most) return;
      small = false;
      findings_.Error(
          source_.places.In(field, most).place,
          absl::StrCat(count, " entries of ", field, "; at most ", most, " are accepted"));
    };
    check("topic", s.topic_size(), kMostTopics);
    check("component", s.component_size(), kMostComponents);
    check("fault", s.fault_size(), kMostFaults);
    check("operation", s.operation_size(), kMostFaults);
    check("objective", s.objective_size(), kMostObjectives);
    check("instance_type", s.instance_type_size(), kMostRows);
    check("volume_type", s.volume_type_size(), kMostRows);
    check("zones", s.zones_size(), kMostZones);
    check("variant", s.variant_size(), kMostVariants);
    for (int i = 0; i < s.variant_size(); ++i) {
      const bool fits = s.variant(i).topic_size() <= kMostTopics &&
                        s.variant(i).component_size() <= kMostComponents &&
                        s.variant(i).fault_size() <= kMostFaults &&
                        s.variant(i).operation_size() <= kMostFaults;
      if (fits) continue;
      small = false;
      findings_.Error(source_.places.In("variant", i).place,
                      "the variant has too many entries; the limits of the scenario hold for it");
    }
    const size_t copies = s.variant_size() + 1;
    if (small && CountPlaces(source_.places) * copies > kMostFields) {
      small = false;
      findings_.Error(source_.places.place,
                      absl::StrCat("the scenario states more than ", kMostFields,
                                   " fields over all variants; it is too large to be checked"));
    }
    return small;
  }

  void SetValues(std::vector<ExpandedVariant>* variants) {
    for (size_t i = 0; i < options_.sets.size(); ++i) {
      const std::string& assignment = options_.sets[i];
      const Place place{findings_.AddFile(absl::StrCat(kSetFile, i + 1)), 0, 0};
      bool matched = false, any = false;
      std::string wrong = SetValue(assignment, place, &source_.scenario, &source_.places, &any);
      for (ExpandedVariant& variant : *variants) {
        if (!wrong.empty()) break;
        wrong = SetValue(assignment, place, &variant.scenario, &variant.places, &matched);
        any = any || matched;
      }
      if (wrong.empty() && !any && !variants->empty())
        wrong = NothingMatched(assignment, *variants);
      if (!wrong.empty()) findings_.Error(place, wrong);
    }
    if (options_.sets.empty()) return;
    // The rest of the fields has been checked already, under the name it has in the text.
    for (const ExpandedVariant& variant : *variants) {
      Findings set = findings_;
      set.mutable_problems()->clear();
      CheckFields(variant.scenario, variant.places, &set);
      for (const Problem& problem : set.problems()) {
        if (absl::StartsWith(problem.file, kSetFile)) {
          findings_.mutable_problems()->push_back(problem);
        }
      }
    }
  }

  static std::string NothingMatched(const std::string& assignment,
                                    const std::vector<ExpandedVariant>& variants) {
    const std::string path = assignment.substr(0, assignment.find('='));
    const std::string list = path.substr(0, path.find('['));
    std::vector<std::string> names;
    for (const ExpandedVariant& variant : variants) {
      const auto add = [&](const auto& elements) {
        for (const auto& element : elements) {
          if (std::find(names.begin(), names.end(), element.name()) == names.end()) {
            names.push_back(element.name());
          }
        }
      };
      if (list == "component") add(variant.scenario.component());
      if (list == "topic") add(variant.scenario.topic());
      if (list == "fault") add(variant.scenario.fault());
      if (list == "operation") add(variant.scenario.operation());
    }
    const size_t open = path.find('[');
    const size_t close = path.find(']');
    const std::string key = open == std::string::npos || close == std::string::npos
                                ? ""
                                : path.substr(open + 1, close - open - 1);
    const bool has_key = std::find(names.begin(), names.end(), key) != names.end();
    const std::string closest = has_key ? "" : Closest(key, names);
    const std::string remedy = has_key            ? absl::StrCat(Quoted(key), " is of another kind")
                               : !closest.empty() ? absl::StrCat("closest: ", Quoted(closest))
                               : names.empty()    ? absl::StrCat("there is no ", list)
                                                  : absl::StrCat("there is ", Listed(names));
    return absl::StrCat(Quoted(path), " matches nothing in the scenario; ", remedy);
  }

  // Checks each variant by itself. What is found in all of them is told once and for all; what only
  // some have is told with their names.
  void CheckVariants(std::vector<ExpandedVariant>* variants) {
    using Key = std::tuple<std::string, int, int, std::string, ProblemSeverity>;
    std::map<Key, std::vector<std::string>> found;
    for (ExpandedVariant& variant : *variants) {
      Findings local = findings_;
      local.mutable_problems()->clear();
      CheckOne(&variant, &local);
      SortProblems(local.mutable_problems());
      for (const Problem& p : local.problems()) {
        found[{p.file, p.line, p.column, p.text, p.severity}].push_back(variant.name);
      }
    }
    for (const auto& [key, names] : found) {
      const auto& [file, line, column, text, severity] = key;
      const bool in_all = names.size() == variants->size();
      findings_.mutable_problems()->push_back(
          {file, line, column,
           in_all ? text
                  : absl::StrCat(text, names.size() == 1 ? " (variant " : " (variants ",
                                 Listed(names), ")"),
           severity});
    }
  }

  void CheckOne(ExpandedVariant* variant, Findings* findings) {
    ApplyCatalogue(&variant->scenario, variant->places, findings);
    CheckRequired(variant->scenario, variant->places, source_.blanked, findings);
    CheckBurstsOfRows(variant->scenario, variant->places, findings);
    // The run, its record and its address hang on what was taken from the rows, not on the others.
    variant->scenario.clear_instance_type();
    variant->scenario.clear_volume_type();
    ApplyDefaults(&variant->scenario);
    if (source_.names_are_missing) return;
    CheckReferences(variant->scenario, variant->places, options_.metrics, findings);
    CheckRules(variant->scenario, variant->places, source_.blanked, findings);
    CheckBurstsOfComponents(variant->scenario, variant->places, findings);
    CheckTopology(FlowOf(variant->scenario, variant->places), findings);
  }

  const LoadOptions& options_;
  Findings findings_;
  MergedSource source_;
};

// Adds what is wrong with the price book that the scenario names.
absl::Status CheckPriceBook(const std::string& root, LoadResult* result) {
  const std::string& written = result->scenario.price_book();
  if (written.empty()) return absl::OkStatus();
  const Place place = result->places.In("price_book").place;
  const auto refuse = [&](absl::string_view text) {
    result->problems.push_back({place.file < 0 ? std::string() : result->files[place.file],
                                place.line, place.column, absl::StrCat("price_book: ", text)});
  };
  const absl::StatusOr<std::string> path = PriceBookPath(root, written);
  if (!path.ok()) {
    refuse(std::string(path.status().message()));
  } else if (absl::StatusOr<PriceBookResult> book = LoadPriceBook(*path); book.ok()) {
    result->problems.insert(result->problems.end(), book->problems.begin(), book->problems.end());
  } else if (absl::IsNotFound(book.status())) {
    refuse(absl::StrCat("the file ", Quoted(written), " does not exist; correct the path"));
  } else {
    return book.status();
  }
  SortProblems(&result->problems);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoadResult> Load(const std::string& path, const LoadOptions& options) {
  Loader loader(options);
  MergedSource source;
  const absl::Status status =
      ReadSource(path, options.root, options.library, loader.findings(), &source);
  if (!status.ok()) return status;
  LoadResult result = loader.Finish(std::move(source));
  const std::string root =
      options.root.empty() ? std::filesystem::path(path).parent_path().string() : options.root;
  const absl::Status book = CheckPriceBook(root, &result);
  if (!book.ok()) return book;
  return result;
}

LoadResult LoadText(absl::string_view text, const std::string& name, const LoadOptions& options) {
  Loader loader(options);
  MergedSource source;
  ReadText(text, name, loader.findings(), &source);
  return loader.Finish(std::move(source));
}

}  // namespace freshet
