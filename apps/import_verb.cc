// `freshet import`: foreign files into a scenario that the user edits.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "apps/flags.h"
#include "apps/verbs.h"
#include "results/output_file.h"
#include "scenarios/import/omb.h"

namespace freshet {

int ImportVerb(const std::vector<std::string>& operands) {
  if (operands.size() != 3 || operands[0] != "omb") {
    return Complain(absl::InvalidArgumentError(
        "`freshet import` takes: omb WORKLOAD.yaml DRIVER.yaml [--brokers=FILE] [--out=FILE]"));
  }
  ImportOmbOptions options;
  if (!absl::GetFlag(FLAGS_kafka_version).empty()) {
    options.kafka_version = absl::GetFlag(FLAGS_kafka_version);
  }
  absl::StatusOr<ImportResult> imported =
      ImportOmb(operands[1], operands[2], absl::GetFlag(FLAGS_brokers), options);
  if (!imported.ok()) return Complain(imported.status());
  std::fputs(Report(imported->problems).c_str(), stderr);
  if (HasError(imported->problems)) return kExitAuthor;
  for (const ImportNote& note : imported->notes) {
    if (note.kind == ImportNote::kNotModelled) {
      std::fprintf(stderr, "not modelled: %s\n", ToText(note).c_str());
    }
  }
  std::fprintf(stderr, "%s\n", Coverage(*imported).c_str());
  if (absl::GetFlag(FLAGS_out).empty()) return Print(imported->scenario_text, 0);
  const absl::Status written =
      WriteWholeFile(absl::GetFlag(FLAGS_out), imported->scenario_text,
                     absl::GetFlag(FLAGS_force) ? Overwrite::kYes : Overwrite::kNo);
  return written.ok() ? 0 : Complain(absl::UnavailableError(written.message()));
}

}  // namespace freshet
