// What a price is asked for, and which quantities it can divide.
#ifndef FRESHET_RESULTS_BILLING_UNIT_H_
#define FRESHET_RESULTS_BILLING_UNIT_H_

#include <cstdint>
#include <string>

#include "results/price_book.pb.h"

namespace freshet {

// What a metered quantity is an integer of.
enum class QuantityKind {
  kCount,
  kBytes,
  kCountTime,  // Count x nanoseconds: hosts, provisioned operations a second.
  kBytesTime,  // Bytes x nanoseconds; bytes a second x nanoseconds where bandwidth is held.
};

struct BillingUnitFacts {
  const char* name;  // "GiB-month"
  QuantityKind kind;
  int64_t size;    // How much of the quantity is one unit;
  bool per_month;  // times the nanoseconds of a month, where that is part of the unit.
};

// REQUIRES: `unit` is one of the named values.
BillingUnitFacts FactsOf(PriceLine::BillingUnit unit);

// Which unit a quantity is shown in where no price names one.
PriceLine::BillingUnit PlainUnitOf(QuantityKind kind);

// Whether a price for this thing can be per `unit`. For a metric any will do: which ones fit hangs
// on the metric, and BuildBill() says so. `instead` receives the names of those that fit.
bool FitsItem(const PriceLine& line, std::string* instead);

}  // namespace freshet

#endif  // FRESHET_RESULTS_BILLING_UNIT_H_
