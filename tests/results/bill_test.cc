// Bills of records made by hand, with amounts that a reader checks in the head or against a
// published bill.
#include "results/bill.h"

#include <initializer_list>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "results/money.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kHour = 3'600'000'000'000;
constexpr int64_t kGib = int64_t{1} << 30;
// The month of AMQTCO, which counts bytes over thirty days and hosts over 730 hours.
constexpr uint32_t kThirtyDays = 720;
constexpr uint32_t kHoursOfAws = 730;

// A run of `hours` in one phase.
RunResults RunOf(int64_t hours) {
  RunResults results;
  PhaseSpan* span = results.metrics.add_span();
  span->set_phase(MetricPhase::BEFORE_FAULTS);
  span->set_until_ns(hours * kHour);
  results.metrics.set_ended_at_ns(hours * kHour);
  results.metrics.mutable_meters()->set_network("network");
  return results;
}

void AddHosts(RunResults& results, const std::string& instance, int64_t count,
              const std::string& zone = "a") {
  HostRow* row = results.metrics.mutable_meters()->add_host();
  row->set_owner("log");
  row->set_role("broker");
  row->set_zone(zone);
  row->set_instance(instance);
  row->set_count(count);
}

VolumeRow* AddVolumes(RunResults& results, const std::string& kind, int64_t count,
                      int64_t size_bytes) {
  VolumeRow* row = results.metrics.mutable_meters()->add_volume();
  row->set_owner("log");
  row->set_role("broker");
  row->set_zone("a");
  row->set_kind(kind);
  row->set_count(count);
  row->set_size_bytes(size_bytes);
  return row;
}

void AddTraffic(RunResults& results, TrafficRow::Cause cause, const std::string& from,
                const std::string& to, int64_t bytes,
                MetricPhase::Phase phase = MetricPhase::BEFORE_FAULTS) {
  TrafficRow* row = results.metrics.mutable_meters()->add_traffic();
  row->set_from_zone(from);
  row->set_to_zone(to);
  row->set_cause(cause);
  TrafficPhase* part = row->add_phase();
  part->set_phase(phase);
  part->set_bytes(bytes);
}

// A gauge that held `level` all along, or a counter that reached `level`.
MetricRow* AddMetric(RunResults& results, const std::string& name, MetricRow::Kind kind,
                     MetricRow::Measure measure, int64_t level, const std::string& owner = "s3") {
  MetricRow* row = results.metrics.add_metric();
  row->set_name(name);
  row->set_owner(owner);
  row->set_kind(kind);
  row->set_measure(measure);
  MetricPhase* phase = row->add_phase();
  phase->set_phase(MetricPhase::BEFORE_FAULTS);
  if (kind == MetricRow::GAUGE) {
    phase->set_nanos(results.metrics.ended_at_ns());
    *phase->mutable_sum() = ToMessage(Wide{level} * results.metrics.ended_at_ns());
  } else {
    phase->set_total(level);
  }
  return row;
}

ResolvedPriceBook Book(uint32_t hours_in_month) {
  ResolvedPriceBook book;
  book.text.set_name("test");
  book.text.set_region("nowhere");
  book.text.set_as_of("2026-07-20");
  book.text.set_hours_in_month(hours_in_month);
  return book;
}

ResolvedPrice& AddPrice(ResolvedPriceBook& book, int64_t nanodollars, PriceLine::BillingUnit per) {
  ResolvedPrice price;
  price.nanodollars = nanodollars;
  price.text.set_per(per);
  price.text.set_source("the test");
  book.prices.push_back(price);
  return book.prices.back();
}

void PriceHost(ResolvedPriceBook& book, const std::string& instance, int64_t nanodollars) {
  AddPrice(book, nanodollars, PriceLine::HOUR).text.mutable_host()->set_instance(instance);
}

ResolvedPrice& PriceVolume(ResolvedPriceBook& book, const std::string& kind,
                           VolumePrice::Measure measure, int64_t nanodollars,
                           PriceLine::BillingUnit per) {
  ResolvedPrice& price = AddPrice(book, nanodollars, per);
  price.text.mutable_volume()->set_kind(kind);
  price.text.mutable_volume()->set_measure(measure);
  return price;
}

void PriceTraffic(ResolvedPriceBook& book, int64_t nanodollars,
                  TrafficRow::Cause cause = TrafficRow::CAUSE_UNSPECIFIED) {
  AddPrice(book, nanodollars, PriceLine::GIB).text.mutable_traffic()->set_cause(cause);
}

ResolvedPrice& PriceMetric(ResolvedPriceBook& book, const std::string& name, int64_t nanodollars,
                           PriceLine::BillingUnit per) {
  ResolvedPrice& price = AddPrice(book, nanodollars, per);
  price.text.mutable_metric()->set_name(name);
  price.text.mutable_metric()->set_category(MetricPrice::OBJECT_STORAGE_CAPACITY);
  return price;
}

Bill BillOf(const ResolvedPriceBook& book, const RunResults& results) {
  absl::StatusOr<Bill> bill = BuildBill(book, results, Window::kAfterWarmUp);
  EXPECT_TRUE(bill.ok()) << bill.status();
  return bill.ok() ? *bill : Bill();
}

// "broker compute log m7g: 6 h 0.6528 -> 3.9168, a month 2859.26"
std::vector<std::string> LinesOf(const Bill& bill) {
  std::vector<std::string> lines;
  for (const BillLine& line : bill.line()) {
    lines.push_back(absl::StrCat(line.category(), ", ", line.component(), ", ", line.item(), ": ",
                                 line.quantity(), " ", line.unit(), " x ",
                                 BillionthsText(line.price_nanodollars()), " = ",
                                 BillionthsText(line.amount_nanodollars()), ", a month ",
                                 BillionthsText(line.month_amount_nanodollars())));
  }
  return lines;
}

std::vector<std::string> GapsOf(const Bill& bill) {
  std::vector<std::string> gaps;
  for (const BillGap& gap : bill.not_priced()) {
    gaps.push_back(absl::StrCat(gap.category(), ", ", gap.component(), ", ", gap.item(), ": ",
                                gap.quantity(), " ", gap.unit(), ", ", gap.reason()));
  }
  return gaps;
}

// The published bill of AMQTCO: 1 GiB/s for thirty days, kept for three, three replicas in three
// zones. It counts bytes over 30 days = 720 h and hosts over 730 h.
TEST(BillTest, ThePublishedTrafficBetweenZones) {
  RunResults month = RunOf(kThirtyDays);
  const int64_t written = 2'592'000 * kGib;
  AddTraffic(month, TrafficRow::PRODUCE, "a", "b", written / 3);
  AddTraffic(month, TrafficRow::PRODUCE, "a", "c", written / 3);
  AddTraffic(month, TrafficRow::PRODUCE, "a", "a", written / 3);  // Stays, and costs nothing.
  AddTraffic(month, TrafficRow::REPLICATE, "b", "a", written);
  AddTraffic(month, TrafficRow::REPLICATE, "b", "c", written);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceTraffic(book, 20'000'000);
  const Bill bill = BillOf(book, month);
  EXPECT_THAT(LinesOf(bill),
              ElementsAre("cross-zone traffic, network, produce: 1728000 GiB x 0.02 = 34560, "
                          "a month 34560",
                          "cross-zone traffic, network, replicate: 5184000 GiB x 0.02 = 103680, "
                          "a month 103680"));
  EXPECT_EQ(bill.amount_nanodollars(), 138'240 * kNanodollars);
}

TEST(BillTest, AnHourAtTheSameRateHasTheSameMonth) {
  RunResults hour = RunOf(1);
  AddTraffic(hour, TrafficRow::REPLICATE, "a", "b", 2 * 3600 * kGib);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceTraffic(book, 20'000'000);
  const Bill bill = BillOf(book, hour);
  EXPECT_EQ(bill.amount_nanodollars(), 144 * kNanodollars);
  EXPECT_EQ(bill.month_amount_nanodollars(), 103'680 * kNanodollars);
}

TEST(BillTest, ThePublishedObjectStorage) {
  // 259 200 GiB, held; the month is that of the unit, so its length cancels out of the month.
  for (const uint32_t hours : {kThirtyDays, kHoursOfAws}) {
    RunResults day = RunOf(24);
    AddMetric(day, "object_store.stored_bytes", MetricRow::GAUGE, MetricRow::BYTES, 259'200 * kGib);
    ResolvedPriceBook book = Book(hours);
    PriceMetric(book, "object_store.stored_bytes", 23'000'000, PriceLine::GIB_MONTH);
    const Bill bill = BillOf(book, day);
    EXPECT_EQ(bill.month_amount_nanodollars(), 5'961'600'000'000) << hours;
    if (hours == kThirtyDays) {
      EXPECT_EQ(bill.amount_nanodollars(), 5'961'600'000'000 / 30);
    }
  }
}

TEST(BillTest, ThePublishedHosts) {
  RunResults hour = RunOf(1);
  for (const char* zone : {"a", "b", "c"}) AddHosts(hour, "m7g.4xlarge", 2, zone);
  ResolvedPriceBook book = Book(kHoursOfAws);
  PriceHost(book, "m7g.4xlarge", 652'800'000);
  // 6 x $476.544, which the page rounds to $2 859. Hosts of three zones are one line.
  EXPECT_THAT(LinesOf(BillOf(book, hour)),
              ElementsAre("broker compute, log, m7g.4xlarge: 6 h x 0.6528 = 3.9168, "
                          "a month 2859.264"));
}

TEST(BillTest, ThePublishedDisksOfKafka) {
  RunResults month = RunOf(kThirtyDays);
  AddVolumes(month, "gp3", 6, 129'600 * kGib);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceVolume(book, "gp3", VolumePrice::CAPACITY, 90'000'000, PriceLine::GIB_MONTH);
  EXPECT_THAT(LinesOf(BillOf(book, month)),
              ElementsAre("broker storage, log, gp3 capacity: 777600 GiB-month x 0.09 = 69984, "
                          "a month 69984"));
}

TEST(BillTest, WhatAVolumeIncludesIsNotPaid) {
  RunResults month = RunOf(kThirtyDays);
  VolumeRow* plain = AddVolumes(month, "gp3", 3, kGib);
  plain->set_iops(3000);
  plain->set_bytes_per_second(125'000'000);
  VolumeRow* fast = AddVolumes(month, "gp3", 2, kGib);
  fast->set_iops(4000);
  fast->set_bytes_per_second(225'000'000);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceVolume(book, "gp3", VolumePrice::CAPACITY, 80'000'000, PriceLine::GIB_MONTH);
  PriceVolume(book, "gp3", VolumePrice::IOPS, 5'000'000, PriceLine::IOPS_MONTH).included = 3000;
  PriceVolume(book, "gp3", VolumePrice::THROUGHPUT, 40'000'000, PriceLine::MB_PER_SECOND_MONTH)
      .included = 125'000'000;
  EXPECT_THAT(
      LinesOf(BillOf(book, month)),
      ElementsAre("broker storage, log, gp3 capacity: 5 GiB-month x 0.08 = 0.4, a month 0.4",
                  "broker storage, log, gp3 IOPS: 2000 IOPS-month x 0.005 = 10, a month 10",
                  "broker storage, log, gp3 throughput: 200 MB/s-month x 0.04 = 8, a month 8"));
}

TEST(BillTest, RequestsAreBilledByTheThousandWithoutRoundingUp) {
  RunResults hour = RunOf(1);
  AddMetric(hour, "object_store.put_requests", MetricRow::COUNTER, MetricRow::COUNT, 1'500);
  ResolvedPriceBook book = Book(kHoursOfAws);
  PriceMetric(book, "object_store.put_requests", 5'000'000, PriceLine::THOUSAND);
  EXPECT_THAT(LinesOf(BillOf(book, hour)),
              ElementsAre("object storage capacity, s3, object_store.put_requests: "
                          "1.5 thousand x 0.005 = 0.0075, a month 5.475"));
}

TEST(BillTest, AMetricIsPricedWhereverItIsUnlessItsOwnerHasAPriceOfItsOwn) {
  RunResults hour = RunOf(1);
  AddMetric(hour, "store.requests", MetricRow::COUNTER, MetricRow::COUNT, 10, "near");
  AddMetric(hour, "store.requests", MetricRow::COUNTER, MetricRow::COUNT, 10, "far");
  AddMetric(hour, "store.other", MetricRow::COUNTER, MetricRow::COUNT, 10, "far");
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceMetric(book, "store.requests", 1 * kNanodollars, PriceLine::EACH);
  PriceMetric(book, "store.requests", 3 * kNanodollars, PriceLine::EACH)
      .text.mutable_metric()
      ->set_of("far");
  EXPECT_THAT(LinesOf(BillOf(book, hour)),
              ElementsAre(HasSubstr(", near, store.requests: 10 each x 1 = 10,"),
                          HasSubstr(", far, store.requests: 10 each x 3 = 30,")));
}

TEST(BillTest, ACauseMayHaveAPriceOfItsOwn) {
  RunResults hour = RunOf(1);
  AddTraffic(hour, TrafficRow::PRODUCE, "a", "b", kGib);
  AddTraffic(hour, TrafficRow::REPLICATE, "a", "b", kGib);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceTraffic(book, 20'000'000);
  PriceTraffic(book, 0, TrafficRow::REPLICATE);  // A managed service that does not bill it.
  EXPECT_THAT(LinesOf(BillOf(book, hour)), ElementsAre(HasSubstr("produce: 1 GiB x 0.02 = 0.02,"),
                                                       HasSubstr("replicate: 1 GiB x 0 = 0,")));
}

TEST(BillTest, WhatTheBookDoesNotPriceIsListed) {
  RunResults hour = RunOf(1);
  AddHosts(hour, "z9.metal", 3);
  AddHosts(hour, "", 2);
  AddVolumes(hour, "gp2", 1, 720 * kGib);
  AddVolumes(hour, "st1", 1, 0);
  AddTraffic(hour, TrafficRow::FETCH, "a", "b", kGib);
  AddMetric(hour, "object_store.get_requests", MetricRow::COUNTER, MetricRow::COUNT, 7)
      ->set_billable(true);
  AddMetric(hour, "object_store.in_flight", MetricRow::GAUGE, MetricRow::COUNT, 7);
  const Bill bill = BillOf(Book(kThirtyDays), hour);
  EXPECT_THAT(LinesOf(bill), IsEmpty());
  EXPECT_THAT(
      GapsOf(bill),
      ElementsAre("broker compute, log, z9.metal: 3 h, the book has no price for it",
                  "broker compute, log, hosts: 2 h, the scenario states no instance type",
                  "broker storage, log, gp2 capacity: 1 GiB-month, the book has no price for it",
                  "broker storage, log, st1 capacity:  GiB-month, the scenario states no size",
                  "cross-zone traffic, network, fetch: 1 GiB, the book has no price for it",
                  "not in the book, s3, object_store.get_requests: 7 each, "
                  "the book has no price for it"));
}

TEST(BillTest, AVolumeWithoutASizeCostsNothingWhereItIsFree) {
  RunResults hour = RunOf(1);
  AddVolumes(hour, "nvme", 2, 0);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceVolume(book, "nvme", VolumePrice::CAPACITY, 0, PriceLine::GIB_MONTH);
  const Bill bill = BillOf(book, hour);
  EXPECT_THAT(LinesOf(bill), ElementsAre("broker storage, log, nvme capacity:  GiB-month x 0 = 0, "
                                         "a month 0"));
  EXPECT_THAT(GapsOf(bill), IsEmpty());
}

TEST(BillTest, AWindowHasItsOwnBill) {
  RunResults results = RunOf(2);
  PhaseSpan* faults = results.metrics.add_span();
  faults->set_phase(MetricPhase::DURING_FAULTS);
  faults->set_from_ns(2 * kHour);
  faults->set_until_ns(3 * kHour);
  AddHosts(results, "m", 1);
  AddTraffic(results, TrafficRow::FETCH, "a", "b", 5 * kGib);
  AddTraffic(results, TrafficRow::FETCH, "a", "b", 7 * kGib, MetricPhase::DURING_FAULTS);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceHost(book, "m", kNanodollars);
  PriceTraffic(book, kNanodollars);
  const auto cost = [&](Window window) {
    return BuildBill(book, results, window)->amount_nanodollars() / kNanodollars;
  };
  EXPECT_EQ(cost(Window::kDuringFaults), 1 + 7);
  EXPECT_EQ(cost(Window::kWholeRun), 3 + 12);
  EXPECT_EQ(BuildBill(book, results, Window::kWarmUp).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(BillTest, TheTotalIsTheSumOfItsLines) {
  // A third of a nanodollar each: lines are rounded first, so the total has no other rounding.
  RunResults results = RunOf(3);
  for (const char* owner : {"x", "y", "z"}) {
    AddMetric(results, "m", MetricRow::COUNTER, MetricRow::COUNT, 1'333, owner);
  }
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceMetric(book, "m", 1, PriceLine::THOUSAND);
  const Bill bill = BillOf(book, results);
  ASSERT_EQ(bill.line_size(), 3);
  EXPECT_EQ(bill.line(0).amount_nanodollars(), 1);  // 1.333
  EXPECT_EQ(bill.amount_nanodollars(), 3);
  EXPECT_EQ(bill.line(0).month_amount_nanodollars(), 320);  // 319.92
  EXPECT_EQ(bill.month_amount_nanodollars(), 960);
}

TEST(BillTest, AUnitThatDoesNotFitItsMetricIsTheAuthorsError) {
  RunResults hour = RunOf(1);
  AddMetric(hour, "m", MetricRow::GAUGE, MetricRow::BYTES, 10);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceMetric(book, "m", 1, PriceLine::EACH);
  const absl::Status status = BuildBill(book, hour, Window::kAfterWarmUp).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("m cannot be billed per each; bill it per GiB-month"));
}

TEST(BillTest, UnitsAreCheckedBeforeARunAsFarAsMetricsAreKnown) {
  static constexpr MetricDef kStored = {"m", MetricKind::kGauge, MetricUnit::kBytes, "Held."};
  static constexpr MetricDef kLatency = {"l", MetricKind::kDistribution, MetricUnit::kDuration,
                                         "Took."};
  const auto checked = [](const char* metric, PriceLine::BillingUnit per) {
    ResolvedPriceBook book = Book(kThirtyDays);
    PriceMetric(book, metric, 1, per);
    return std::string(CheckUnits(book, {&kStored, &kLatency}).message());
  };
  EXPECT_EQ(checked("m", PriceLine::GIB_MONTH), "");
  EXPECT_EQ(checked("unknown", PriceLine::EACH), "");
  EXPECT_THAT(checked("m", PriceLine::GIB), HasSubstr("cannot be billed per GiB; "));
  EXPECT_THAT(checked("l", PriceLine::HOUR), HasSubstr("bill a counter or a gauge"));
}

TEST(BillTest, ARecordWithoutMetersIsNotBilledAsIfItCostNothing) {
  RunResults old = RunOf(1);
  old.metrics.clear_meters();
  EXPECT_TRUE(
      absl::IsFailedPrecondition(BuildBill(Book(kThirtyDays), old, Window::kAfterWarmUp).status()));
}

TEST(BillTest, ABillBeyondAllMeasureIsRefused) {
  RunResults hour = RunOf(1);
  AddHosts(hour, "m", 1'000'000'000);
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceHost(book, "m", 1'000 * kNanodollars);
  EXPECT_EQ(BuildBill(book, hour, Window::kAfterWarmUp).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(BillTest, ARecordWithQuantitiesThatCannotBeIsDamaged) {
  ResolvedPriceBook book = Book(kThirtyDays);
  PriceTraffic(book, 20'000'000);
  RunResults negative = RunOf(1);
  AddTraffic(negative, TrafficRow::FETCH, "a", "b", -1);
  EXPECT_TRUE(absl::IsDataLoss(BuildBill(book, negative, Window::kAfterWarmUp).status()));
  RunResults endless = RunOf(1);
  AddVolumes(endless, "gp3", INT64_MAX, INT64_MAX);
  EXPECT_TRUE(absl::IsDataLoss(BuildBill(book, endless, Window::kAfterWarmUp).status()));
}

}  // namespace
}  // namespace freshet
