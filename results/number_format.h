// Numbers as text: short for people, exact for machines, the same in every locale.
#ifndef FRESHET_RESULTS_NUMBER_FORMAT_H_
#define FRESHET_RESULTS_NUMBER_FORMAT_H_

#include <cstdint>
#include <string>

#include "results/record.pb.h"

namespace freshet {

// The shortest decimal that reads back as `value`.
std::string ShortestText(double value);

// `digits` significant digits, never an exponent: 0.00123, 4.35, 43.5, 435, 4350.
std::string SignificantText(double value, int digits);

// For people, three significant digits and a unit: "4.35 ms", "1.20 GiB", "200 k/s", "12.5 %".
// Whole counts below 100 000 keep all their digits.
std::string HumanValue(double value, MetricRow::Measure measure, bool per_second = false);

// A moment of the run: "1h02m13.5s"; whole minutes as "1h02m".
std::string HumanMoment(int64_t nanos);

// How machines are told the unit: a suffix for a name, and what the value is divided by for it.
struct MachineUnit {
  const char* suffix;  // "_ms", "_bytes", "_ratio", ""
  double divisor;
};
MachineUnit MachineUnitOf(MetricRow::Measure measure);

}  // namespace freshet

#endif  // FRESHET_RESULTS_NUMBER_FORMAT_H_
