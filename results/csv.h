// Comma-separated values as RFC 4180 has them: quotes where needed, lines end in CR LF.
#ifndef FRESHET_RESULTS_CSV_H_
#define FRESHET_RESULTS_CSV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace freshet {

void AppendCsvLine(const std::vector<std::string>& cells, std::string* out);

struct CsvLine {
  int number;  // Of the file, from 1, where the record begins.
  std::vector<std::string> cells;
};

// Reads CR LF and LF, quoted cells with line breaks, a byte-order mark. Leaves out empty lines and
// lines that begin with '#'. An error begins with "<line>: ".
absl::StatusOr<std::vector<CsvLine>> ParseCsv(absl::string_view text);

}  // namespace freshet

#endif  // FRESHET_RESULTS_CSV_H_
