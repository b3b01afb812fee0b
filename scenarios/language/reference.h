// docs/reference/scenario.md, written from the schema.
#ifndef FRESHET_SCENARIOS_LANGUAGE_REFERENCE_H_
#define FRESHET_SCENARIOS_LANGUAGE_REFERENCE_H_

#include <string>

namespace freshet {

// The whole page in Markdown: quantities, then a table of fields for each block.
std::string ReferencePage();

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_REFERENCE_H_
