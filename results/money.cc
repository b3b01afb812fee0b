#include "results/money.h"

#include <algorithm>

#include "sim/check.h"

namespace freshet {
namespace {

__extension__ using UnsignedWide = unsigned __int128;

constexpr UnsignedWide kMostQuotient = UnsignedWide{1} << 126;

}  // namespace

std::optional<Wide> MulDivNearest(Wide a, Wide b, Wide c) {
  SIM_REQUIRE(a >= 0 && b >= 0 && c > 0 && c < static_cast<Wide>(kMostQuotient));
  const auto divisor = static_cast<UnsignedWide>(c);
  const UnsignedWide whole = static_cast<UnsignedWide>(a) / divisor;
  const UnsignedWide part = static_cast<UnsignedWide>(a) % divisor;
  if (whole >= kMostQuotient && b > 0) return std::nullopt;
  // Long multiplication, one bit of b at a time: a * (bits so far) = quotient * c + rest.
  UnsignedWide quotient = 0, rest = 0;
  for (int bit = 126; bit >= 0; --bit) {
    quotient *= 2;
    rest *= 2;
    if (rest >= divisor) rest -= divisor, ++quotient;
    if (((static_cast<UnsignedWide>(b) >> bit) & 1) != 0) {
      quotient += whole;
      rest += part;
      if (rest >= divisor) rest -= divisor, ++quotient;
    }
    if (quotient >= kMostQuotient) return std::nullopt;
  }
  if (rest >= divisor - rest) ++quotient;
  return static_cast<Wide>(quotient);
}

std::string BillionthsText(Wide value, int decimals) {
  SIM_REQUIRE(decimals >= 0 && decimals <= 9);
  if (value < 0) return "-" + BillionthsText(-value, decimals);
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value > 0 || digits.size() < 10);
  std::reverse(digits.begin(), digits.end());
  digits.insert(digits.size() - 9, ".");
  const size_t shortest = digits.size() - 9 + static_cast<size_t>(decimals);
  while (digits.size() > shortest && digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

std::string DollarText(int64_t nanodollars, int decimals) {
  int64_t step = kNanodollars;
  for (int i = 0; i < decimals; ++i) step /= 10;
  const Wide half = nanodollars < 0 ? -(step / 2) : step / 2;
  return BillionthsText((nanodollars + half) / step * step, decimals);
}

}  // namespace freshet
