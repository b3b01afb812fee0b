#include "results/billing_unit.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {
namespace {

constexpr int64_t kHourNanos = 3'600'000'000'000;

}  // namespace

BillingUnitFacts FactsOf(PriceLine::BillingUnit unit) {
  switch (unit) {
    case PriceLine::HOUR:
      return {"h", QuantityKind::kCountTime, kHourNanos, false};
    case PriceLine::GIB_MONTH:
      return {"GiB-month", QuantityKind::kBytesTime, int64_t{1} << 30, true};
    case PriceLine::GB_MONTH:
      return {"GB-month", QuantityKind::kBytesTime, 1'000'000'000, true};
    case PriceLine::GIB:
      return {"GiB", QuantityKind::kBytes, int64_t{1} << 30, false};
    case PriceLine::GB:
      return {"GB", QuantityKind::kBytes, 1'000'000'000, false};
    case PriceLine::EACH:
      return {"each", QuantityKind::kCount, 1, false};
    case PriceLine::THOUSAND:
      return {"thousand", QuantityKind::kCount, 1'000, false};
    case PriceLine::MILLION:
      return {"million", QuantityKind::kCount, 1'000'000, false};
    case PriceLine::IOPS_MONTH:
      return {"IOPS-month", QuantityKind::kCountTime, 1, true};
    case PriceLine::MB_PER_SECOND_MONTH:
      return {"MB/s-month", QuantityKind::kBytesTime, 1'000'000, true};
    case PriceLine::MIB_PER_SECOND_MONTH:
      return {"MiB/s-month", QuantityKind::kBytesTime, int64_t{1} << 20, true};
    default:
      break;
  }
  SIM_REQUIRE(false);
  return {};
}

PriceLine::BillingUnit PlainUnitOf(QuantityKind kind) {
  switch (kind) {
    case QuantityKind::kCount:
      return PriceLine::EACH;
    case QuantityKind::kBytes:
      return PriceLine::GIB;
    case QuantityKind::kCountTime:
      return PriceLine::HOUR;
    case QuantityKind::kBytesTime:
      return PriceLine::GIB_MONTH;
  }
  return PriceLine::EACH;
}

bool FitsItem(const PriceLine& line, std::string* instead) {
  std::vector<PriceLine::BillingUnit> fitting;
  switch (line.item_case()) {
    case PriceLine::kHost:
      fitting = {PriceLine::HOUR};
      break;
    case PriceLine::kVolume:
      if (line.volume().measure() == VolumePrice::IOPS) {
        fitting = {PriceLine::IOPS_MONTH};
      } else if (line.volume().measure() == VolumePrice::THROUGHPUT) {
        fitting = {PriceLine::MB_PER_SECOND_MONTH, PriceLine::MIB_PER_SECOND_MONTH};
      } else {
        fitting = {PriceLine::GIB_MONTH, PriceLine::GB_MONTH};
      }
      break;
    case PriceLine::kTraffic:
      fitting = {PriceLine::GIB, PriceLine::GB};
      break;
    default:
      return true;
  }
  for (const PriceLine::BillingUnit unit : fitting) {
    absl::StrAppend(instead, instead->empty() ? "" : " or ", PriceLine::BillingUnit_Name(unit));
  }
  return std::find(fitting.begin(), fitting.end(), line.per()) != fitting.end();
}

}  // namespace freshet
