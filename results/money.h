// Money as integers, and the one place where it is rounded.
//
// An amount is a whole number of billionths of a dollar ("nanodollars"): fine enough for the price
// of one request, and 64 bits hold nine thousand million dollars. Quantities and prices are
// multiplied and divided exactly; MulDivNearest() is the only rounding on the way to an amount.
// Sums are sums of such integers, so that the lines of a bill add up to its total.
#ifndef FRESHET_RESULTS_MONEY_H_
#define FRESHET_RESULTS_MONEY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "results/metric_window.h"

namespace freshet {

inline constexpr int64_t kNanodollars = 1'000'000'000;  // One dollar.

// a * b / c, rounded to the nearest integer, halves upwards; the product may exceed 128 bits.
// Nothing when the quotient exceeds 2^126. REQUIRES: a >= 0, b >= 0, 0 < c < 2^126.
std::optional<Wide> MulDivNearest(Wide a, Wide b, Wide c);

// value / 10^9 as a decimal without zeros at the end, and with at least `decimals` decimals:
// "0.023", "138240.00". A record from elsewhere may hold a negative one: "-0.5".
std::string BillionthsText(Wide value, int decimals = 0);

// An amount in dollars, rounded to `decimals` places for a table: "2859.26".
std::string DollarText(int64_t nanodollars, int decimals);

}  // namespace freshet

#endif  // FRESHET_RESULTS_MONEY_H_
