#include "scenarios/language/suggest.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// Names are short; what is longer is not a typing mistake, and the table below is quadratic.
constexpr size_t kLongestName = 200;
constexpr size_t kLongestQuote = 60;
constexpr size_t kLongestList = 12;

}  // namespace

int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<int>> cost(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = static_cast<int>(i);
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const int substitute = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, substitute});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

std::string Closest(absl::string_view name, const std::vector<std::string>& candidates) {
  if (name.size() < 2 || name.size() > kLongestName) return "";
  const std::string lower = absl::AsciiStrToLower(name);
  int best = std::max<int>(1, static_cast<int>(name.size()) / 3) + 1;
  std::string closest;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestName) continue;
    const int distance = EditDistance(lower, absl::AsciiStrToLower(candidate));
    if (distance >= best) continue;
    best = distance;
    closest = candidate;
  }
  return closest;
}

std::string Quoted(absl::string_view text) {
  const bool cut = text.size() > kLongestQuote;
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, kLongestQuote)), cut ? "..." : "",
                      "\"");
}

std::string Listed(const std::vector<std::string>& names) {
  std::string list;
  const size_t shown = std::min(names.size(), kLongestList);
  for (size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == names.size();
    absl::StrAppend(&list, i == 0 ? "" : last ? " and " : ", ", Quoted(names[i]));
  }
  if (shown < names.size()) absl::StrAppend(&list, " and ", names.size() - shown, " more");
  return list;
}

}  // namespace freshet
