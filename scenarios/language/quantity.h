// Quantities as a scenario writes them: a decimal number and its unit in one string.
//
//   durations   "5ms" "90min" "7d"           ns us ms s min h d w
//   sizes       "16KiB" "10MB"               B, KB MB GB TB PB (powers of 1000), KiB ... PiB (of
//   1024) bandwidths  "250MiB/s" "8.4Gbit/s"       a size per second, or bit kbit Mbit Gbit Tbit
//   per second rates       "50k/s" "3/min"              nothing, k, M or G, per s, min, h or d
//   ratios      "0.5" "50%"
//   timestamps  "2026-03-02T00:00:00Z"       RFC 3339 in UTC
//   money       "0.023 USD"                  dollars, to a billionth
//
// Numbers are read exactly, in 128-bit integers, never through a double. A unit is mandatory (a
// ratio's may be absent), there is no sign, no exponent and no space but the one before USD. What
// cannot be represented is an error, with one exception: a rate per minute, hour or day rounds to
// the nearest millionth of a hertz.
//
// Errors are kInvalidArgument, and their message is the text of a Problem: what is wrong with the
// quantity, a semicolon, and the remedy.
#ifndef FRESHET_SCENARIOS_LANGUAGE_QUANTITY_H_
#define FRESHET_SCENARIOS_LANGUAGE_QUANTITY_H_

#include <compare>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "results/annotations.pb.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

// A point of the calendar, in nanoseconds since 1970 in UTC. Simulated time is counted from the
// start of the run instead; starts_at ties the two together.
struct Timestamp {
  int64_t unix_nanos = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// A quantity of any unit. `amount` counts the smallest step of the unit: nanoseconds, bytes, bytes
// per second, millionths of a hertz, billionths (of one, or of a dollar), nanoseconds since 1970,
// or a bare count.
struct Quantity {
  Unit unit = UNIT_UNSPECIFIED;
  int64_t amount = 0;
  friend bool operator==(const Quantity&, const Quantity&) = default;
};

absl::StatusOr<Duration> ParseDuration(absl::string_view text);
absl::StatusOr<Bytes> ParseBytes(absl::string_view text);
absl::StatusOr<BytesPerSecond> ParseBytesPerSecond(absl::string_view text);
absl::StatusOr<Rate> ParseRate(absl::string_view text);
absl::StatusOr<Ratio> ParseRatio(absl::string_view text);
absl::StatusOr<Timestamp> ParseTimestamp(absl::string_view text);

// The same by the unit of a field. For UNIT_VALUE any unit will do and the answer tells which: a
// bare integer is a UNIT_COUNT, a bare decimal a UNIT_RATIO. For UNIT_COUNT a bare integer.
// REQUIRES: IsQuantity(unit).
absl::StatusOr<Quantity> ParseQuantity(Unit unit, absl::string_view text);

// Whether a string field of this unit holds a quantity (and not a name, a path or free text).
bool IsQuantity(Unit unit);

// The shortest text that reads back as the same amount: "90min", "1.5h" stays "90min", "7d".
std::string ToText(Duration value);
std::string ToText(Bytes value);
std::string ToText(BytesPerSecond value);
std::string ToText(Rate value);
std::string ToText(Ratio value);
std::string ToText(Timestamp value);
std::string ToText(const Quantity& value);

// What a unit is called in a sentence: "a duration"; and an example of it: "\"5ms\"".
absl::string_view NounOf(Unit unit);
absl::string_view ExampleOf(Unit unit);

// For assembly: the value of text that the validator has accepted. REQUIRES: it parses.
Duration DurationOf(absl::string_view text);
Bytes BytesOf(absl::string_view text);
BytesPerSecond BytesPerSecondOf(absl::string_view text);
Rate RateOf(absl::string_view text);
Ratio RatioOf(absl::string_view text);
Timestamp TimestampOf(absl::string_view text);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_QUANTITY_H_
