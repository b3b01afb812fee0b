// A bill: what a run's record metered, times the prices of a book.
//
//   absl::StatusOr<Bill> bill = BuildBill(book, results, Window::kAfterWarmUp);
//
// The models know no money. A record holds physical quantities: metrics, and the meters of hosts,
// volumes and zones (record.proto). A line of a bill is one quantity times one price; so a record
// can be priced again with another book, and a window of a run (the faults, say) has a price.
//
// Each line has two amounts: what the window cost, and what a month at the window's average would
// cost. Amounts are computed from unrounded quantities and rounded once, to the nearest billionth
// of a dollar (money.h); totals are sums of lines. docs/cost.md has the rules.
#ifndef FRESHET_RESULTS_BILL_H_
#define FRESHET_RESULTS_BILL_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "results/bill.pb.h"
#include "results/metric_window.h"
#include "results/price_book.pb.h"
#include "results/record_writer.h"
#include "sim/metric.h"

namespace freshet {

// A price with its texts read, since only the scenario language knows how quantities are written.
struct ResolvedPrice {
  PriceLine text;  // As written.
  int64_t nanodollars = 0;
  // What each volume has without paying: bytes a second, or operations a second. 0 for others.
  int64_t included = 0;
};

// REQUIRES of a reader: checked (scenarios/language/price_book.h); no thing has two prices.
struct ResolvedPriceBook {
  PriceBook text;
  std::vector<ResolvedPrice> prices;
};

// Every meter of the record is in the bill: as a line, or in `not_priced` with the reason. Metrics
// are in it when the book has a price for them, or when they say that they are billable.
//
// kInvalidArgument, the author's error: a price whose unit does not fit its metric, a bill of more
// than nine thousand million dollars. kFailedPrecondition: the record is from before there were
// meters. kDataLoss: it has quantities that cannot be.
absl::StatusOr<Bill> BuildBill(const ResolvedPriceBook& book, const RunResults& results,
                               Window window);

// Whether each price of a metric has a unit that fits, as far as `metrics` are known: to be asked
// before a long run. kInvalidArgument as from BuildBill().
absl::Status CheckUnits(const ResolvedPriceBook& book, absl::Span<const MetricDef* const> metrics);

// "produce": a cause in reports.
const char* NameOf(TrafficRow::Cause cause);

}  // namespace freshet

#endif  // FRESHET_RESULTS_BILL_H_
