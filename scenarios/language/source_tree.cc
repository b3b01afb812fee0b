#include "scenarios/language/source_tree.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "scenarios/language/include.h"
#include "scenarios/language/parse.h"
#include "scenarios/language/read_file.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Scenario;
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

constexpr absl::string_view kLibraryPrefix = "library:";

// Appends the lists of `over` and lays the rest over `merged`.
void MergeFile(const Scenario& over, const Places& over_places, Scenario* merged,
               Places* merged_places) {
  const Reflection* reflection = over.GetReflection();
  Scenario single = over;
  Places single_places = over_places;
  std::vector<const FieldDescriptor*> given;
  reflection->ListFields(over, &given);
  for (const FieldDescriptor* field : given) {
    const bool is_list =
        field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_list) continue;
    std::vector<Places>& list = merged_places->fields[field->name()];
    for (int i = 0; i < reflection->FieldSize(over, field); ++i) {
      reflection->AddMessage(merged, field)
          ->CopyFrom(reflection->GetRepeatedMessage(over, field, i));
      list.push_back(over_places.In(field->name(), i));
    }
    reflection->ClearField(&single, field);
    single_places.fields.erase(field->name());
  }
  single.clear_include();
  single_places.fields.erase("include");
  Overlay(single, single_places, merged, merged_places);
  // `name: ""` is not set, but written: the checks must see its place.
  for (const auto& [name, list] : single_places.fields) {
    merged_places->fields.try_emplace(name, list);
  }
}

class Reader {
 public:
  Reader(std::string library, Findings* findings, MergedSource* source)
      : library_(std::move(library)), findings_(findings), source_(source) {}

  // `shown` is the name for problems, `real` the file itself, `root` the directory that its
  // includes may not leave, `asked` the include that named it.
  absl::Status Read(const std::string& shown, const std::string& real, const std::string& root,
                    Place asked) {
    const absl::StatusOr<std::string> text = ReadRegularFile(real);
    if (!text.ok()) {
      const bool is_include = !open_.empty();
      if (absl::IsInvalidArgument(text.status()) ||
          (is_include && absl::IsNotFound(text.status()))) {
        const std::string what = absl::IsNotFound(text.status())
                                     ? "the file does not exist; correct the path"
                                     : std::string(text.status().message());
        if (is_include) {
          findings_->Error(asked, absl::StrCat("include ", Quoted(shown), ": ", what));
        } else {
          findings_->Error({findings_->AddFile(shown), 1, 1}, what);
        }
        source_->names_are_missing = true;
        source_->blanked.push_back(asked);
        return absl::OkStatus();
      }
      return text.status();
    }
    ParsedText parsed = ParseScenario(*text, findings_->AddFile(shown), findings_);
    open_.push_back(real);
    absl::Status status = ReadIncludes(parsed, shown, real, root);
    open_.pop_back();
    if (status.ok()) Take(std::move(parsed));
    return status;
  }

  void Take(ParsedText parsed) {
    MergeFile(parsed.scenario, parsed.places, &source_->scenario, &source_->places);
    source_->places.place = parsed.places.place;
    source_->blanked.insert(source_->blanked.end(), parsed.blanked.begin(), parsed.blanked.end());
    source_->names_are_missing = source_->names_are_missing || parsed.names_are_missing;
  }

 private:
  absl::Status ReadIncludes(const ParsedText& parsed, const std::string& shown,
                            const std::string& real, const std::string& root) {
    for (int i = 0; i < parsed.scenario.include_size(); ++i) {
      const std::string& path = parsed.scenario.include(i);
      const Place place = parsed.places.In("include", i).place;
      const auto refuse = [&](absl::string_view text) {
        findings_->Error(place, absl::StrCat("include: ", text));
        source_->names_are_missing = true;
        source_->blanked.push_back(place);
      };
      const bool of_library = absl::StartsWith(path, kLibraryPrefix);
      if (of_library && library_.empty()) {
        refuse(absl::StrCat(Quoted(path),
                            " is in the library that comes with the program, and none "
                            "was found; run at the root of the source tree, or "
                            "install the package"));
        continue;
      }
      const std::string inside = of_library ? library_ : root;
      const absl::StatusOr<std::string> target =
          of_library ? ResolveInside(inside, library_ + "/any", path.substr(kLibraryPrefix.size()))
                     : ResolveInside(inside, real, path);
      if (!target.ok()) {
        refuse(std::string(target.status().message()));
        continue;
      }
      if (std::find(open_.begin(), open_.end(), *target) != open_.end()) {
        refuse(absl::StrCat(Quoted(path), " includes itself, by way of ", open_.size(),
                            open_.size() == 1 ? " file" : " files", "; break the circle"));
        continue;
      }
      if (!seen_.insert(*target).second) continue;
      if (static_cast<int>(open_.size()) > kDeepestInclude) {
        refuse(absl::StrCat("files include files ", kDeepestInclude, " deep; flatten them"));
        continue;
      }
      if (static_cast<int>(seen_.size()) > kMostIncludes) {
        if (!too_many_) refuse(absl::StrCat("more than ", kMostIncludes, " files; merge some"));
        too_many_ = true;
        continue;
      }
      const std::string name =
          of_library
              ? path
              : (std::filesystem::path(shown).parent_path() / path).lexically_normal().string();
      if (absl::Status status = Read(name, *target, inside, place); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  const std::string library_;
  Findings* const findings_;
  MergedSource* const source_;
  std::vector<std::string> open_;  // The real paths from the first file to the one being read.
  std::set<std::string> seen_;
  bool too_many_ = false;
};

}  // namespace

absl::Status ReadSource(const std::string& path, const std::string& root,
                        const std::string& library, Findings* findings, MergedSource* source) {
  std::error_code error;
  const std::filesystem::path given(path);
  std::string directory = root.empty() ? given.parent_path().string() : root;
  if (directory.empty()) directory = ".";
  // A link may stand for the first file, which the user has named himself; its includes are looked
  // up beside the link.
  const std::filesystem::path parent = std::filesystem::weakly_canonical(
      std::filesystem::absolute(given, error).parent_path(), error);
  const std::string real = error ? path : (parent / given.filename()).string();
  Reader reader(library, findings, source);
  return reader.Read(path, given.filename().empty() ? path : real, directory, {});
}

void ReadText(absl::string_view text, const std::string& name, Findings* findings,
              MergedSource* source) {
  ParsedText parsed = ParseScenario(text, findings->AddFile(name), findings);
  for (int i = 0; i < parsed.scenario.include_size(); ++i) {
    findings->Error(parsed.places.In("include", i).place,
                    "include: this text is no file, so nothing stands beside it; write it out");
    parsed.names_are_missing = true;
  }
  Reader("", findings, source).Take(std::move(parsed));
}

}  // namespace freshet
