// The outline of a text in Protobuf's text format: which statement stands where, and inside what.
//
// The library's parser stops at the first error. To find the others, the loader blanks the one
// statement that failed and parses again; this scanner says what that statement is. It understands
// strings, comments and brackets, knows no schema, and accepts any bytes.
#ifndef FRESHET_SCENARIOS_LANGUAGE_STATEMENTS_H_
#define FRESHET_SCENARIOS_LANGUAGE_STATEMENTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace freshet {

// `name: value`, `name { ... }`, or a token that is neither.
struct Statement {
  size_t begin = 0;
  size_t end = 0;                 // One behind the last byte.
  std::vector<std::string> path;  // Field names from the outermost block to this statement.
  bool is_block = false;
};

// The innermost statement around `offset`; of a statement without a value it is enough to stand
// directly behind. Nothing is found at the end of a text whose blocks are all closed.
// `unclosed` receives the offsets of the statements whose block is open there, outermost first.
bool FindStatement(absl::string_view text, size_t offset, Statement* statement,
                   std::vector<size_t>* unclosed);

// Where the last token before `offset` begins; `offset` itself when there is none.
size_t TokenBefore(absl::string_view text, size_t offset);

// The offset of a 0-based line and column as Protobuf's tokenizer counts them: a tab advances to
// the next multiple of eight. And back, 1-based, for places.
size_t OffsetOf(absl::string_view text, int line, int column);
void LineAndColumn(absl::string_view text, size_t offset, int* line, int* column);

// The deepest nesting of brackets, strings and comments left out.
int NestingDepth(absl::string_view text);

// Offsets of the first twenty integers with a leading zero, which the parser reads as octal: 010
// is 8.
std::vector<size_t> LeadingZeros(absl::string_view text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_STATEMENTS_H_
