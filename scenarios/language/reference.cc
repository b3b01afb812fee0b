#include "scenarios/language/reference.h"

#include <google/protobuf/descriptor.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "scenarios/language/explain.h"
#include "scenarios/language/facts.h"

namespace freshet {
namespace {

using google::protobuf::Descriptor;

constexpr const char* kPreface = R"(# The scenario language

This page is printed by `freshet_reference_tool` from `scenarios/language/scenario.proto`; a test
holds them together. `freshet explain <field>` says the same for one field.

A scenario is Protobuf text: `name: value`, and blocks in braces; `#` begins a comment. Quantities
are strings that carry their unit, read exactly:

| quantity | written | units |
|---|---|---|
| duration | `"5ms"` `"90min"` `"7d"` | `ns us ms s min h d w` |
| size | `"16KiB"` `"10MB"` | `B`, `KB MB GB TB PB` (powers of 1000), `KiB MiB GiB TiB PiB` (of 1024) |
| rate of bytes | `"250MiB/s"` `"8.4Gbit/s"` | a size per second, or `bit kbit Mbit Gbit Tbit` per second |
| rate | `"50k/s"` `"3/min"` | nothing, `k`, `M` or `G`, per `s`, `min`, `h` or `d` |
| ratio | `"0.5"` `"50%"` | nothing, or `%` |
| timestamp | `"2026-03-02T00:00:00Z"` | UTC |

There is no sign, no exponent and no space in a quantity. Names have 1 to 63 of `a-z 0-9 _ . -`
and begin with a letter. Sources are listed in `docs/sources.md`; "ours" gives this project's own
reason. A field without a default has no effect when it is absent, unless it is required.
)";

// Text inside a table's cell.
std::string Cell(const std::string& text) {
  return absl::StrReplaceAll(text, {{"|", "\\|"}, {"\n", " "}});
}

std::string Code(const std::string& text) {
  return text.empty() ? "" : absl::StrCat("`", Cell(text), "`");
}

}  // namespace

std::string ReferencePage() {
  std::string page = kPreface;
  const Descriptor* block = nullptr;
  for (const FieldEntry& entry : AllFields()) {
    const FieldFacts& stated = FactsOf(*entry.field);
    if (entry.field->containing_type() != block) {
      block = entry.field->containing_type();
      const size_t dot = entry.path.rfind('.');
      const std::string path = dot == std::string::npos ? "the file" : entry.path.substr(0, dot);
      absl::StrAppend(&page, "\n## ", path, "\n\n",
                      "| field | what | default | range | key | source | about |\n",
                      "|---|---|---|---|---|---|---|\n");
    }
    absl::StrAppend(&page, "| `", entry.field->name(), "` | ", Cell(DescribeUnit(*entry.field)),
                    " | ", Cell(DescribeDefault(*entry.field)), " | ",
                    Cell(DescribeRange(*entry.field)), " | ", Code(stated.key()), " | ",
                    Cell(stated.source()), " | ", Cell(stated.help()),
                    stated.not_yet().empty()
                        ? ""
                        : absl::StrCat(" **No effect yet:** ", Cell(stated.not_yet()), "."),
                    " |\n");
  }
  return page;
}

}  // namespace freshet
