// A price book in text: read, checked, its prices made integers.
//
// The checks are those of a scenario: every mistake at once, with its place and a remedy. Beyond
// the facts of the fields (results/price_book.proto): each day exists, each price has a unit that
// can divide its thing, no thing is priced twice.
#ifndef FRESHET_SCENARIOS_LANGUAGE_PRICE_BOOK_H_
#define FRESHET_SCENARIOS_LANGUAGE_PRICE_BOOK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "results/bill.h"
#include "scenarios/language/problem.h"

namespace freshet {

struct PriceBookResult {
  std::vector<Problem> problems;  // Sorted.
  ResolvedPriceBook book;         // Whole when ok().
  bool ok() const { return !HasError(problems); }
};

// A status is the world's error (missing, forbidden, a failed read); the author's are problems.
absl::StatusOr<PriceBookResult> LoadPriceBook(const std::string& path);

// The same for text in memory, under the name that problems shall give it.
PriceBookResult LoadPriceBookText(absl::string_view text, const std::string& name);

// The file that a scenario means by `price_book`: a path below `root`, the directory of the
// scenario (empty: the current one). kInvalidArgument with the text of a problem when it leads
// elsewhere.
absl::StatusOr<std::string> PriceBookPath(const std::string& root, const std::string& written);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_PRICE_BOOK_H_
