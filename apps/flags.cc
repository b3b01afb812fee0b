#include "apps/flags.h"

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "apps/command_line.h"

ABSL_FLAG(uint32_t, jobs, 0, "Runs at a time; 0: as many as there are processors.");
ABSL_FLAG(std::string, variant, "", "Run only this variant.");
ABSL_FLAG(std::string, seed, "", "The seed, in place of the scenario's: short for --set seed=N.");
ABSL_FLAG(std::string, record, "",
          "Write the run record to this file, or into this directory; none without it.");
ABSL_FLAG(bool, force, false, "Overwrite an existing output file.");
ABSL_FLAG(
    std::string, recording, "",
    "How much the record holds (off, state, spans, requests): short for --set recording=LEVEL.");
ABSL_FLAG(std::string, format, "text", "Format of the report; `freshet list formats` names them.");
ABSL_FLAG(bool, json, false, "Print one JSON document: short for --format=json.");
ABSL_FLAG(bool, canonical, false, "Print the scenario with all defaults filled in.");
ABSL_FLAG(bool, parts, false, "Also show the parts of components, such as log/broker-1/cpu.");
ABSL_FLAG(uint64_t, until_event, 0, "Stop after this many events: the return to a failure.");
ABSL_FLAG(bool, trace, false, "Print the last events before the stop of --until-event.");
ABSL_FLAG(std::string, golden, "",
          "Compare with the goldens of this directory; exit 4 if they differ.");
ABSL_FLAG(std::string, update_goldens, "", "Write the goldens of this directory anew.");
ABSL_FLAG(std::string, root, "", "Directory that includes and replayed files may not leave.");
ABSL_FLAG(std::string, against, "", "A published table (CSV) to hold the records against.");
ABSL_FLAG(std::string, price_book, "",
          "Price the records anew with this book, and print their bills alone.");
ABSL_FLAG(bool, waterfall, false,
          "Print where each feed's time goes and nothing else; exit 4 if it does not sum.");
ABSL_FLAG(std::string, brokers, "",
          "A scenario fragment with the brokers: instances, disks, zones.");
ABSL_FLAG(std::string, out, "", "Write to this file instead of standard output.");
ABSL_FLAG(std::string, kafka_version, "",
          "The Kafka version whose defaults the scenario shall take.");

namespace freshet {

std::vector<std::string> AllSets() {
  std::vector<std::string> sets = Sets();
  if (!absl::GetFlag(FLAGS_seed).empty()) {
    sets.push_back(absl::StrCat("seed=", absl::GetFlag(FLAGS_seed)));
  }
  if (!absl::GetFlag(FLAGS_recording).empty()) {
    sets.push_back(
        absl::StrCat("recording=", absl::AsciiStrToUpper(absl::GetFlag(FLAGS_recording))));
  }
  return sets;
}

}  // namespace freshet
