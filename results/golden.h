// Goldens: what a scenario's run must come out as, in text that a review can read.
//
//   results/golden/<scenario>.<variant>.txt    ("<scenario>.txt" without variants)
//
// A golden holds the result digest, the verdict and the headline numbers, sorted. The result digest
// gates; order and full digests move with any refactoring and are not kept here.
#ifndef FRESHET_RESULTS_GOLDEN_H_
#define FRESHET_RESULTS_GOLDEN_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "results/record.pb.h"

namespace freshet {

std::string GoldenFileName(const RunSummary& summary);

// The golden that this run would have.
std::string GoldenText(const RunSummary& summary);

// Lines that only the golden has ("- ...") and that only the run has ("+ ..."), in order of text;
// empty when they are equal. Comments are left out.
std::string DiffGolden(const std::string& golden, const std::string& run);

// kFailedPrecondition with the diff and the way to accept it when `directory` holds another golden;
// kNotFound when it holds none.
absl::Status CompareWithGolden(const std::string& directory, const RunSummary& summary);

// Returns the diff that was accepted; empty when nothing changed (the file is then not touched).
absl::StatusOr<std::string> UpdateGolden(const std::string& directory, const RunSummary& summary);

}  // namespace freshet

#endif  // FRESHET_RESULTS_GOLDEN_H_
