// What an importer hands back: a scenario as text for its new owner to edit, and an account of
// every setting of the source. An importer is a pure function of its files: same files, same text.
#ifndef FRESHET_SCENARIOS_IMPORT_IMPORT_RESULT_H_
#define FRESHET_SCENARIOS_IMPORT_IMPORT_RESULT_H_

#include <string>
#include <vector>

#include "scenarios/language/problem.h"

namespace freshet {

// What became of one setting, or what was supposed where there was none.
struct ImportNote {
  enum Kind {
    kTaken,    // The scenario says the same.
    kAssumed,  // The source is silent; the text says what was supposed, and where it comes from.
    kNotModelled,  // The source says something that the scenario does not; the text says why.
  };
  Kind kind = kTaken;
  std::string key;   // As the source spells it: "linger.ms".
  std::string text;  // One sentence without a full stop.
  std::string file;  // As the author named it; empty when no file says it.
  int line = 0;      // From 1; 0 without a file.
  int column = 0;    // From 1.
};

// "driver.yaml:25:3: max.poll.interval.ms: ...", or without a place where there is none.
std::string ToText(const ImportNote& note);

struct ImportResult {
  // Sorted. With an error among them there is no scenario. A warning marks what the scenario needs
  // from its author before it can run.
  std::vector<Problem> problems;
  std::string scenario_text;
  // In the order of the files; assumptions last.
  std::vector<ImportNote> notes;
  int settings = 0;       // Of the source, those with no meaning here included.
  int settings_used = 0;  // Of these, the ones that are taken.

  bool ok() const { return !HasError(problems); }
};

// "41 of 57 settings used"
std::string Coverage(const ImportResult& result);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_IMPORT_IMPORT_RESULT_H_
