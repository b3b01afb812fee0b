#include "results/number_format.h"

#include <charconv>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

std::string FixedText(double value, int decimals) {
  char text[512];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals);
  return std::string(text, end.ptr);
}

struct Step {
  double size;
  const char* name;
};

// The largest step that `value` reaches once it is rounded to three digits: 999.7 ms is 1.00 s.
template <size_t kSteps>
std::string Stepped(double value, const Step (&steps)[kSteps], const char* suffix) {
  const double magnitude = std::fabs(value);
  size_t chosen = 0;
  for (size_t i = 1; i < kSteps; ++i) {
    if (magnitude >= 0.9995 * steps[i].size) chosen = i;
  }
  const std::string digits = SignificantText(value / steps[chosen].size, 3);
  const absl::string_view unit = steps[chosen].name;
  if (unit.empty() && suffix[0] == '\0') return digits;
  return absl::StrCat(digits, unit.empty() && suffix[0] == '/' ? "" : " ", unit, suffix);
}

constexpr Step kTimes[] = {{1, "ns"},      {1e3, "us"},    {1e6, "ms"},    {1e9, "s"},
                           {600e9, "min"}, {36000e9, "h"}, {259200e9, "d"}};
constexpr double kTimeUnits[] = {1, 1e3, 1e6, 1e9, 60e9, 3600e9, 86400e9};
constexpr Step kBytes[] = {{1, "B"},
                           {1024, "KiB"},
                           {1048576, "MiB"},
                           {1073741824, "GiB"},
                           {1099511627776, "TiB"},
                           {1125899906842624, "PiB"}};
constexpr Step kCounts[] = {{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}, {1e12, "T"}};

// Minutes begin at ten, hours at ten, days at three: "120 s" says more than "2.00 min".
std::string HumanDuration(double nanos) {
  const double magnitude = std::fabs(nanos);
  size_t chosen = 0;
  for (size_t i = 1; i < std::size(kTimes); ++i) {
    if (magnitude >= 0.9995 * kTimes[i].size) chosen = i;
  }
  return absl::StrCat(SignificantText(nanos / kTimeUnits[chosen], 3), " ", kTimes[chosen].name);
}

}  // namespace

std::string ShortestText(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

std::string SignificantText(double value, int digits) {
  if (value == 0) return "0";
  if (!std::isfinite(value)) return ShortestText(value);
  // The exponent after rounding: 9.996 has three digits as 10.0, not as 10.00.
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, digits - 1);
  int exponent = 0;
  const char* e = end.ptr;
  while (e[-1] != 'e') --e;
  if (*e == '+') ++e;
  std::from_chars(e, end.ptr, exponent);
  const int decimals = digits - 1 - exponent;
  return FixedText(value, decimals > 0 ? decimals : 0);
}

std::string HumanValue(double value, MetricRow::Measure measure, bool per_second) {
  const char* suffix = per_second ? "/s" : "";
  switch (measure) {
    case MetricRow::NANOSECONDS:
      return absl::StrCat(HumanDuration(value), suffix);
    case MetricRow::BYTES:
      return Stepped(value, kBytes, suffix);
    case MetricRow::BILLIONTHS:
      return absl::StrCat(value == 0 ? "0" : SignificantText(value / 1e7, 3), " %", suffix);
    default:
      break;
  }
  if (!per_second && value == std::trunc(value) && std::fabs(value) < 100000) {
    return FixedText(value, 0);
  }
  return Stepped(value, kCounts, suffix);
}

std::string HumanMoment(int64_t nanos) {
  const int64_t minutes = nanos / 60'000'000'000;
  const int64_t rest = nanos % 60'000'000'000;
  std::string text;
  if (minutes >= 60) {
    absl::StrAppend(&text, minutes / 60, "h", minutes % 60 < 10 ? "0" : "", minutes % 60, "m");
  } else {
    absl::StrAppend(&text, minutes, "m");
  }
  if (rest == 0) return text;
  const int64_t milliseconds = rest / 1'000'000;
  const std::string seconds = ShortestText(static_cast<double>(milliseconds) / 1e3);
  return absl::StrCat(text, rest < 10'000'000'000 ? "0" : "", seconds, "s");
}

MachineUnit MachineUnitOf(MetricRow::Measure measure) {
  switch (measure) {
    case MetricRow::NANOSECONDS:
      return {"_ms", 1e6};
    case MetricRow::BYTES:
      return {"_bytes", 1};
    case MetricRow::BILLIONTHS:
      return {"_ratio", 1e9};
    default:
      return {"", 1};
  }
}

}  // namespace freshet
