#include "scenarios/language/quantity.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "scenarios/language/suggest.h"
#include "sim/check.h"

namespace freshet {
namespace {

using Wide = __int128;

constexpr int64_t kKilo = 1'000;
constexpr int64_t kMega = 1'000'000;
constexpr int64_t kGiga = 1'000'000'000;
constexpr int64_t kTera = 1'000'000'000'000;
constexpr int64_t kPeta = 1'000'000'000'000'000;
constexpr int64_t kSecond = kGiga;

// A unit symbol: one of it is numerator / denominator of the unit's smallest step.
struct Symbol {
  const char* text;
  Unit unit;
  int64_t numerator;
  int64_t denominator = 1;
};

// Within a unit the longer steps come last.
constexpr Symbol kSymbols[] = {
    {"ns", UNIT_DURATION, 1},
    {"us", UNIT_DURATION, kKilo},
    {"ms", UNIT_DURATION, kMega},
    {"s", UNIT_DURATION, kSecond},
    {"min", UNIT_DURATION, 60 * kSecond},
    {"h", UNIT_DURATION, 3'600 * kSecond},
    {"d", UNIT_DURATION, 86'400 * kSecond},
    {"w", UNIT_DURATION, 604'800 * kSecond},
    {"B", UNIT_BYTES, 1},
    {"KB", UNIT_BYTES, kKilo},
    {"KiB", UNIT_BYTES, int64_t{1} << 10},
    {"MB", UNIT_BYTES, kMega},
    {"MiB", UNIT_BYTES, int64_t{1} << 20},
    {"GB", UNIT_BYTES, kGiga},
    {"GiB", UNIT_BYTES, int64_t{1} << 30},
    {"TB", UNIT_BYTES, kTera},
    {"TiB", UNIT_BYTES, int64_t{1} << 40},
    {"PB", UNIT_BYTES, kPeta},
    {"PiB", UNIT_BYTES, int64_t{1} << 50},
    {"B/s", UNIT_BYTES_PER_SECOND, 1},
    {"KB/s", UNIT_BYTES_PER_SECOND, kKilo},
    {"KiB/s", UNIT_BYTES_PER_SECOND, int64_t{1} << 10},
    {"MB/s", UNIT_BYTES_PER_SECOND, kMega},
    {"MiB/s", UNIT_BYTES_PER_SECOND, int64_t{1} << 20},
    {"GB/s", UNIT_BYTES_PER_SECOND, kGiga},
    {"GiB/s", UNIT_BYTES_PER_SECOND, int64_t{1} << 30},
    {"TB/s", UNIT_BYTES_PER_SECOND, kTera},
    {"TiB/s", UNIT_BYTES_PER_SECOND, int64_t{1} << 40},
    {"bit/s", UNIT_BYTES_PER_SECOND, 1, 8},
    {"kbit/s", UNIT_BYTES_PER_SECOND, kKilo, 8},
    {"Mbit/s", UNIT_BYTES_PER_SECOND, kMega, 8},
    {"Gbit/s", UNIT_BYTES_PER_SECOND, kGiga, 8},
    {"Tbit/s", UNIT_BYTES_PER_SECOND, kTera, 8},
    {"/s", UNIT_RATE, kMega},
    {"k/s", UNIT_RATE, kKilo* kMega},
    {"M/s", UNIT_RATE, kMega* kMega},
    {"G/s", UNIT_RATE, kGiga* kMega},
    {"/min", UNIT_RATE, kMega, 60},
    {"k/min", UNIT_RATE, kKilo* kMega, 60},
    {"M/min", UNIT_RATE, kMega* kMega, 60},
    {"G/min", UNIT_RATE, kGiga* kMega, 60},
    {"/h", UNIT_RATE, kMega, 3'600},
    {"k/h", UNIT_RATE, kKilo* kMega, 3'600},
    {"M/h", UNIT_RATE, kMega* kMega, 3'600},
    {"G/h", UNIT_RATE, kGiga* kMega, 3'600},
    {"/d", UNIT_RATE, kMega, 86'400},
    {"k/d", UNIT_RATE, kKilo* kMega, 86'400},
    {"M/d", UNIT_RATE, kMega* kMega, 86'400},
    {"G/d", UNIT_RATE, kGiga* kMega, 86'400},
    {"", UNIT_RATIO, kGiga},
    {"%", UNIT_RATIO, kGiga / 100},
    {" USD", UNIT_MONEY, kGiga},
};

// Whether a value of `unit` may carry the symbol. No metric is money, so no bound of one is.
bool MayHave(Unit unit, const Symbol& symbol) {
  return symbol.unit == unit || (unit == UNIT_VALUE && symbol.unit != UNIT_MONEY);
}

absl::Status Wrong(absl::string_view problem, absl::string_view remedy) {
  return absl::InvalidArgumentError(absl::StrCat(problem, "; ", remedy));
}

absl::Status NotA(Unit unit, absl::string_view text) {
  return Wrong(absl::StrCat(Quoted(text), " is not ", NounOf(unit)),
               absl::StrCat("write ", NounOf(unit), " such as ", ExampleOf(unit)));
}

// A decimal number without sign or exponent: digits / 10^places.
struct Decimal {
  Wide digits = 0;
  int places = 0;
};

// Splits `text` into a number and the unit behind it.
absl::Status SplitNumber(Unit unit, absl::string_view text, Decimal* number,
                         absl::string_view* symbol) {
  if (text.empty()) {
    return Wrong("the value is empty",
                 absl::StrCat("write ", NounOf(unit), " such as ", ExampleOf(unit)));
  }
  if (text.front() == '-') {
    return Wrong(absl::StrCat(Quoted(text), " is negative"),
                 absl::StrCat(NounOf(unit), " is zero or more"));
  }
  size_t at = 0;
  const auto at_digit = [&] { return at < text.size() && absl::ascii_isdigit(text[at]); };
  if (!at_digit()) return NotA(unit, text);

  const size_t first = at;
  size_t point = absl::string_view::npos;
  while (at_digit() || (at < text.size() && text[at] == '.' && point == absl::string_view::npos)) {
    if (text[at] == '.') point = at;
    ++at;
  }
  if (point == at - 1) return NotA(unit, text);  // "5." and "5.ms".
  if (text[first] == '0' && first + 1 < at && absl::ascii_isdigit(text[first + 1])) {
    return Wrong(absl::StrCat(Quoted(text), " has a leading zero"), "write the number without it");
  }

  absl::string_view digits = text.substr(first, at - first);
  *symbol = text.substr(at);
  // Zeros at the end say nothing, and they must not make the number "too fine" or too long.
  if (point != absl::string_view::npos) {
    while (digits.back() == '0') digits.remove_suffix(1);
    if (digits.back() == '.') digits.remove_suffix(1);
  }
  bool after_point = false;
  for (const char c : digits) {
    if (c == '.') {
      after_point = true;
      continue;
    }
    if (__builtin_mul_overflow(number->digits, Wide{10}, &number->digits) ||
        __builtin_add_overflow(number->digits, Wide{c - '0'}, &number->digits) ||
        number->places > 30) {
      return Wrong(absl::StrCat(Quoted(text), " has too many digits"),
                   "write fewer digits, or another unit");
    }
    if (after_point) ++number->places;
  }

  const bool exponent =
      symbol->size() > 1 && absl::ascii_tolower(symbol->front()) == 'e' &&
      ((*symbol)[1] == '-' || (*symbol)[1] == '+' || absl::ascii_isdigit((*symbol)[1]));
  if (exponent) {
    return Wrong(absl::StrCat(Quoted(text), " has an exponent"),
                 "write the number out, with a unit of the right size");
  }
  return absl::OkStatus();
}

const Symbol* FindSymbol(Unit unit, absl::string_view text) {
  for (const Symbol& symbol : kSymbols) {
    if (MayHave(unit, symbol) && text == symbol.text) return &symbol;
  }
  return nullptr;
}

// Why `symbol` is not a unit of `unit`, and what was probably meant.
absl::Status UnknownSymbol(Unit unit, absl::string_view text, absl::string_view symbol) {
  const absl::string_view number = text.substr(0, text.size() - symbol.size());
  const auto did_you_mean = [&](absl::string_view suggestion) {
    return Wrong(absl::StrCat(Quoted(text), " is not ", NounOf(unit)),
                 absl::StrCat("did you mean \"", number, suggestion, "\"?"));
  };
  if (symbol.empty()) {
    return Wrong(absl::StrCat(Quoted(text), " has no unit"),
                 absl::StrCat("write ", NounOf(unit), " such as ", ExampleOf(unit)));
  }
  if (symbol == "m" && unit == UNIT_DURATION) {
    return Wrong(absl::StrCat(Quoted(text), " may be minutes or milliseconds"),
                 absl::StrCat("write \"", number, "min\" or \"", number, "ms\""));
  }
  const absl::string_view stripped = absl::StripAsciiWhitespace(symbol);
  if (stripped != symbol && FindSymbol(unit, stripped) != nullptr) return did_you_mean(stripped);
  if (const Symbol* other = FindSymbol(UNIT_VALUE, symbol); other != nullptr) {
    return Wrong(absl::StrCat(Quoted(text), " is ", NounOf(other->unit), ", not ", NounOf(unit)),
                 absl::StrCat("write ", NounOf(unit), " such as ", ExampleOf(unit)));
  }
  if (std::any_of(symbol.begin(), symbol.end(), [](char c) { return absl::ascii_isdigit(c); })) {
    return Wrong(absl::StrCat(Quoted(text), " is not one number and one unit"),
                 absl::StrCat("write ", NounOf(unit), " such as ", ExampleOf(unit)));
  }
  std::vector<std::string> known;
  for (const Symbol& each : kSymbols) {
    if (MayHave(unit, each)) known.push_back(each.text);
  }
  for (const std::string& each : known) {
    if (absl::EqualsIgnoreCase(each, symbol)) return did_you_mean(each);
  }
  for (const Symbol& other : kSymbols) {
    if (symbol.size() > 1 && absl::EqualsIgnoreCase(other.text, symbol)) {
      return Wrong(
          absl::StrCat(Quoted(text), " looks like ", NounOf(other.unit), ", not ", NounOf(unit)),
          absl::StrCat("write ", NounOf(unit), " such as ", ExampleOf(unit)));
    }
  }
  for (const std::string& each : known) {
    // "16K" and "250M/s": the B was forgotten. Powers of 1024 are the likelier wish.
    if (each.size() > 2 && each.substr(1, 2) == "iB" &&
        absl::EqualsIgnoreCase(absl::StrCat(each.substr(0, 1), each.substr(3)), symbol)) {
      return did_you_mean(each);
    }
  }
  // Symbols are so short that one edit is all that can be believed.
  for (const std::string& each : known) {
    if (!each.empty() && symbol.size() > 1 && symbol.size() < 8 &&
        EditDistance(absl::AsciiStrToLower(each), absl::AsciiStrToLower(symbol)) == 1) {
      return did_you_mean(each);
    }
  }
  return Wrong(absl::StrCat(Quoted(text), " has an unknown unit ", Quoted(symbol)),
               absl::StrCat("write ", NounOf(unit), " such as ", ExampleOf(unit)));
}

absl::StatusOr<Quantity> Scale(absl::string_view text, const Decimal& number,
                               const Symbol& symbol) {
  const absl::Status too_large = Wrong(absl::StrCat(Quoted(text), " is too large"),
                                       "64-bit integers hold every quantity of a run");
  Wide numerator;
  if (__builtin_mul_overflow(number.digits, Wide{symbol.numerator}, &numerator)) return too_large;
  Wide denominator = symbol.denominator;
  for (int i = 0; i < number.places; ++i) denominator *= 10;  // At most 10^31 * 86 400.

  Wide amount = numerator / denominator;
  const Wide rest = numerator % denominator;
  const bool may_round = symbol.unit == UNIT_RATE && symbol.denominator > 1;
  if (rest != 0 && may_round && rest >= denominator - rest) ++amount;
  if (rest != 0 && (!may_round || amount == 0)) {
    absl::string_view step = "a billionth";
    if (symbol.unit == UNIT_DURATION) step = "a nanosecond";
    if (symbol.unit == UNIT_BYTES) step = "a byte";
    if (symbol.unit == UNIT_BYTES_PER_SECOND) step = "a byte per second";
    if (symbol.unit == UNIT_RATE) step = "a millionth per second";
    if (symbol.unit == UNIT_MONEY) step = "a billionth of a dollar";
    return Wrong(absl::StrCat(Quoted(text), " is finer than ", step), "round it");
  }
  if (amount > std::numeric_limits<int64_t>::max()) return too_large;
  return Quantity{symbol.unit, static_cast<int64_t>(amount)};
}

absl::StatusOr<Quantity> ParseCount(absl::string_view text) {
  int64_t amount;
  const bool digits_only = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(c);
  });
  if (!digits_only) return NotA(UNIT_COUNT, text);
  if (!absl::SimpleAtoi(text, &amount)) {
    return Wrong(absl::StrCat(Quoted(text), " is too large"), "a count has at most 63 bits");
  }
  return Quantity{UNIT_COUNT, amount};
}

// The amount as number and symbol, exactly, with the largest step that divides it; of two equal
// counts the earlier symbol of the table wins.
std::string InLargestStep(Unit unit, int64_t amount) {
  if (unit == UNIT_DURATION && amount == 0) return "0s";
  const Symbol* best = nullptr;
  for (const Symbol& symbol : kSymbols) {
    // Weeks are read but not written: "7d" is what people say.
    if (symbol.unit != unit || symbol.denominator != 1 || absl::string_view(symbol.text) == "w") {
      continue;
    }
    if (best == nullptr ||
        (amount != 0 && amount % symbol.numerator == 0 && symbol.numerator > best->numerator)) {
      best = &symbol;
    }
  }
  return absl::StrCat(amount / best->numerator, best->text);
}

// amount / 10^places without zeros at the end.
std::string AsDecimal(int64_t amount, int places) {
  std::string digits = absl::StrCat(amount);
  if (digits.size() <= static_cast<size_t>(places)) {
    digits.insert(0, places + 1 - digits.size(), '0');
  }
  digits.insert(digits.size() - places, ".");
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

template <typename T>
T Accepted(absl::StatusOr<T> value) {
  SIM_CHECK(value.ok(), "contract", std::string(value.status().message()));
  return *std::move(value);
}

absl::StatusOr<int64_t> AmountOf(Unit unit, absl::string_view text) {
  const absl::StatusOr<Quantity> quantity = ParseQuantity(unit, text);
  if (!quantity.ok()) return quantity.status();
  return quantity->amount;
}

}  // namespace

bool IsQuantity(Unit unit) {
  switch (unit) {
    case UNIT_DURATION:
    case UNIT_BYTES:
    case UNIT_BYTES_PER_SECOND:
    case UNIT_RATE:
    case UNIT_RATIO:
    case UNIT_TIMESTAMP:
    case UNIT_MONEY:
    case UNIT_VALUE:
    case UNIT_COUNT:
      return true;
    default:
      return false;
  }
}

absl::string_view NounOf(Unit unit) {
  switch (unit) {
    case UNIT_DURATION:
      return "a duration";
    case UNIT_BYTES:
      return "a size in bytes";
    case UNIT_BYTES_PER_SECOND:
      return "a rate of bytes";
    case UNIT_RATE:
      return "a rate";
    case UNIT_RATIO:
      return "a ratio";
    case UNIT_TIMESTAMP:
      return "a timestamp";
    case UNIT_NAME:
      return "a name";
    case UNIT_PATH:
      return "a path";
    case UNIT_MONEY:
      return "an amount of money";
    case UNIT_COUNT:
      return "a count";
    case UNIT_VALUE:
      return "a quantity";
    default:
      return "a text";
  }
}

absl::string_view ExampleOf(Unit unit) {
  switch (unit) {
    case UNIT_DURATION:
      return "\"5ms\"";
    case UNIT_BYTES:
      return "\"16KiB\"";
    case UNIT_BYTES_PER_SECOND:
      return "\"250MiB/s\"";
    case UNIT_RATE:
      return "\"50k/s\"";
    case UNIT_RATIO:
      return "\"0.5\"";
    case UNIT_TIMESTAMP:
      return "\"2026-03-02T00:00:00Z\"";
    case UNIT_NAME:
      return "\"orders\"";
    case UNIT_PATH:
      return "\"library/brokers.textproto\"";
    case UNIT_MONEY:
      return "\"0.023 USD\"";
    case UNIT_COUNT:
      return "12";
    case UNIT_VALUE:
      return "\"5ms\" or \"50k/s\"";
    default:
      return "\"text\"";
  }
}

absl::StatusOr<Quantity> ParseQuantity(Unit unit, absl::string_view text) {
  SIM_REQUIRE(IsQuantity(unit));
  if (unit == UNIT_COUNT) return ParseCount(text);
  if (unit == UNIT_TIMESTAMP) {
    const absl::StatusOr<Timestamp> timestamp = ParseTimestamp(text);
    if (!timestamp.ok()) return timestamp.status();
    return Quantity{UNIT_TIMESTAMP, timestamp->unix_nanos};
  }
  Decimal number;
  absl::string_view rest;
  if (absl::Status status = SplitNumber(unit, text, &number, &rest); !status.ok()) return status;
  const bool integer = text.find('.') == absl::string_view::npos;
  if (unit == UNIT_VALUE && rest.empty() && integer) return ParseCount(text);
  const Symbol* symbol = FindSymbol(unit, rest);
  if (symbol == nullptr) return UnknownSymbol(unit, text, rest);
  return Scale(text, number, *symbol);
}

absl::StatusOr<Duration> ParseDuration(absl::string_view text) {
  const absl::StatusOr<int64_t> amount = AmountOf(UNIT_DURATION, text);
  if (!amount.ok()) return amount.status();
  return Duration::FromNanos(*amount);
}

absl::StatusOr<Bytes> ParseBytes(absl::string_view text) {
  const absl::StatusOr<int64_t> amount = AmountOf(UNIT_BYTES, text);
  if (!amount.ok()) return amount.status();
  return Bytes(*amount);
}

absl::StatusOr<BytesPerSecond> ParseBytesPerSecond(absl::string_view text) {
  const absl::StatusOr<int64_t> amount = AmountOf(UNIT_BYTES_PER_SECOND, text);
  if (!amount.ok()) return amount.status();
  return BytesPerSecond(*amount);
}

absl::StatusOr<Rate> ParseRate(absl::string_view text) {
  const absl::StatusOr<int64_t> amount = AmountOf(UNIT_RATE, text);
  if (!amount.ok()) return amount.status();
  return Rate::FromMicroHertz(*amount);
}

absl::StatusOr<Ratio> ParseRatio(absl::string_view text) {
  const absl::StatusOr<int64_t> amount = AmountOf(UNIT_RATIO, text);
  if (!amount.ok()) return amount.status();
  return Ratio::FromBillionths(*amount);
}

absl::StatusOr<Timestamp> ParseTimestamp(absl::string_view text) {
  // Fixed columns: 2026-03-02T00:00:00Z. absl::ParseTime would take leap seconds, offsets and
  // spaces.
  constexpr absl::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
  bool fits = text.size() == kShape.size();
  for (size_t i = 0; fits && i < kShape.size(); ++i) {
    fits = kShape[i] == 'd' ? absl::ascii_isdigit(text[i]) : text[i] == kShape[i];
  }
  if (!fits) {
    return Wrong(absl::StrCat(Quoted(text), " is not a timestamp"),
                 "write it in UTC, such as \"2026-03-02T00:00:00Z\"");
  }
  const auto number = [&](size_t at, size_t length) {
    int value = 0;
    for (const char c : text.substr(at, length)) value = value * 10 + (c - '0');
    return value;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  // Civil times normalise what does not exist (30 February) into what does.
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  if (civil.month() != month || civil.day() != day || civil.hour() != hour ||
      civil.minute() != minute || civil.second() != second) {
    return Wrong(absl::StrCat(Quoted(text), " does not exist in the calendar"),
                 "write it in UTC, such as \"2026-03-02T00:00:00Z\"");
  }
  if (year < 1970 || year > 2200) {
    return Wrong(absl::StrCat(Quoted(text), " is out of range"), "years are from 1970 to 2200");
  }
  return Timestamp{absl::ToUnixSeconds(absl::FromCivil(civil, absl::UTCTimeZone())) * kSecond};
}

std::string ToText(Duration value) { return InLargestStep(UNIT_DURATION, value.nanos()); }
std::string ToText(Bytes value) { return InLargestStep(UNIT_BYTES, value.count()); }
std::string ToText(BytesPerSecond value) {
  return InLargestStep(UNIT_BYTES_PER_SECOND, value.count());
}
std::string ToText(Rate value) {
  const int64_t amount = value.micro_hertz();
  if (amount % kMega == 0) return InLargestStep(UNIT_RATE, amount);
  return absl::StrCat(AsDecimal(amount, 6), "/s");
}
std::string ToText(Ratio value) { return AsDecimal(value.billionths(), 9); }
std::string ToText(Timestamp value) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixNanos(value.unix_nanos),
                          absl::UTCTimeZone());
}

std::string ToText(const Quantity& value) {
  switch (value.unit) {
    case UNIT_DURATION:
      return ToText(Duration::FromNanos(value.amount));
    case UNIT_BYTES:
      return ToText(Bytes(value.amount));
    case UNIT_BYTES_PER_SECOND:
      return ToText(BytesPerSecond(value.amount));
    case UNIT_RATE:
      return ToText(Rate::FromMicroHertz(value.amount));
    case UNIT_RATIO:
      return ToText(Ratio::FromBillionths(value.amount));
    case UNIT_TIMESTAMP:
      return ToText(Timestamp{value.amount});
    case UNIT_MONEY:
      return absl::StrCat(AsDecimal(value.amount, 9), " USD");
    default:
      return absl::StrCat(value.amount);
  }
}

Duration DurationOf(absl::string_view text) { return Accepted(ParseDuration(text)); }
Bytes BytesOf(absl::string_view text) { return Accepted(ParseBytes(text)); }
BytesPerSecond BytesPerSecondOf(absl::string_view text) {
  return Accepted(ParseBytesPerSecond(text));
}
Rate RateOf(absl::string_view text) { return Accepted(ParseRate(text)); }
Ratio RatioOf(absl::string_view text) { return Accepted(ParseRatio(text)); }
Timestamp TimestampOf(absl::string_view text) { return Accepted(ParseTimestamp(text)); }

}  // namespace freshet
