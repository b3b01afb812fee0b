#include "scenarios/language/include.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "scenarios/language/suggest.h"

namespace freshet {

namespace fs = std::filesystem;

absl::StatusOr<std::string> ResolveInside(const std::string& root, const std::string& from,
                                          const std::string& path) {
  const auto refused = [&](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("the path ", Quoted(path), " ", why, "; name a file below the scenario root"));
  };
  const fs::path wish(path);
  if (path.empty() || path.find('\0') != std::string::npos) return refused("is not a path");
  if (wish.is_absolute()) return refused("is absolute");
  if (std::any_of(wish.begin(), wish.end(), [](const fs::path& part) { return part == ".."; })) {
    return refused("has \"..\"");
  }
  std::error_code error;
  const fs::path real_root = fs::weakly_canonical(fs::absolute(root, error), error);
  if (error) return refused(absl::StrCat("cannot be followed (", error.message(), ")"));
  // The lexical parent of `from`: it was itself resolved, so it holds no links.
  const fs::path directory = fs::absolute(from, error).parent_path();
  const fs::path real = fs::weakly_canonical(directory / wish, error);
  if (error) return refused(absl::StrCat("cannot be followed (", error.message(), ")"));
  const auto [in_root, in_real] =
      std::mismatch(real_root.begin(), real_root.end(), real.begin(), real.end());
  (void)in_real;
  if (in_root != real_root.end()) return refused("leads out of the scenario root");
  return real.string();
}

}  // namespace freshet
