#include "results/bill.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "results/billing_unit.h"
#include "results/money.h"
#include "results/run_summary.h"

namespace freshet {
namespace {

constexpr int64_t kHourNanos = 3'600'000'000'000;

// One quantity of the record on its way into the bill.
struct Metered {
  std::string category;
  std::string component;
  std::string item;
  std::optional<Wide> quantity;  // Nothing: the scenario does not say.
  const ResolvedPrice* price;    // Null: the book has none,
  PriceLine::BillingUnit plain;  // and it is shown in this unit.
  std::string unknown;           // Why there is no quantity or no price; empty: the book has none.
};

const char* NameOf(MetricPrice::Category category) {
  switch (category) {
    case MetricPrice::OBJECT_STORAGE_CAPACITY:
      return "object storage capacity";
    case MetricPrice::OBJECT_STORAGE_REQUESTS:
      return "object storage requests";
    case MetricPrice::OBJECT_STORAGE_RETRIEVAL:
      return "object storage retrieval";
    case MetricPrice::PRIVATE_LINK:
      return "private link";
    case MetricPrice::CONNECTOR_WORKERS:
      return "connector workers";
    case MetricPrice::PROCESSING_STATE:
      return "processing state";
    case MetricPrice::DOWNSTREAM_QUERY:
      return "downstream query";
    default:
      return "other";
  }
}

// What a metric is an integer of; nothing when it is no quantity that can be billed.
std::optional<QuantityKind> KindOf(MetricRow::Kind kind, MetricRow::Measure measure) {
  const bool counter = kind == MetricRow::COUNTER;
  if (!counter && kind != MetricRow::GAUGE) return std::nullopt;
  switch (measure) {
    case MetricRow::COUNT:
      return counter ? QuantityKind::kCount : QuantityKind::kCountTime;
    case MetricRow::BYTES:
      return counter ? QuantityKind::kBytes : QuantityKind::kBytesTime;
    case MetricRow::NANOSECONDS:
      if (counter) return QuantityKind::kCountTime;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

absl::Status CheckUnit(const PriceBook& book, const PriceLine& line,
                       std::optional<QuantityKind> kind) {
  const BillingUnitFacts unit = FactsOf(line.per());
  if (kind == unit.kind) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "price book ", book.name(), ": ", line.metric().name(), " cannot be billed per ", unit.name,
      "; ",
      kind.has_value() ? absl::StrCat("bill it per ", FactsOf(PlainUnitOf(*kind)).name)
                       : std::string("bill a counter or a gauge of things, bytes or time")));
}

Wide QuantityOf(const MetricRow& row, Window window) {
  const MetricWindow data(row, window);
  if (row.kind() == MetricRow::COUNTER) return data.total();
  Wide integral = 0, nanos = 1;
  data.ExactMean(&integral, &nanos);
  return integral;
}

class BillBuilder {
 public:
  BillBuilder(const ResolvedPriceBook& book, const RunResults& results, Window window)
      : book_(book),
        table_(results.metrics),
        window_(window),
        window_nanos_(LengthOf(results.metrics, window)),
        month_nanos_(static_cast<int64_t>(book.text.hours_in_month()) * kHourNanos) {}

  absl::StatusOr<Bill> Build() {
    bill_.set_book(book_.text.name());
    bill_.set_region(book_.text.region());
    bill_.set_as_of(book_.text.as_of());
    bill_.set_window(NameOf(window_));
    bill_.set_window_ns(window_nanos_);
    bill_.set_hours_in_month(book_.text.hours_in_month());
    if (!table_.has_meters()) {
      return absl::FailedPreconditionError(
          "the record is from before there were meters and cannot be billed; run its scenario "
          "again");
    }
    if (window_nanos_ <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("the run has no time ", NameOf(window_), ", so there is nothing to bill"));
    }
    for (const HostRow& row : table_.meters().host()) AddHost(row);
    for (const VolumeRow& row : table_.meters().volume()) AddVolume(row);
    AddTraffic();
    if (absl::Status added = AddMetrics(); !added.ok()) return added;
    if (damaged_) return Damage("a meter");
    for (const Metered& metered : metered_) {
      if (absl::Status billed = Charge(metered); !billed.ok()) return billed;
    }
    return std::move(bill_);
  }

 private:
  // The price for which `matches` says true.
  template <class Matches>
  const ResolvedPrice* Find(const Matches& matches) const {
    for (const ResolvedPrice& price : book_.prices) {
      if (matches(price.text)) return &price;
    }
    return nullptr;
  }

  // Rows of several zones are one line.
  void Add(Metered added) {
    for (Metered& known : metered_) {
      if (known.category != added.category || known.component != added.component ||
          known.item != added.item || known.price != added.price ||
          known.quantity.has_value() != added.quantity.has_value()) {
        continue;
      }
      Wide sum = 0;
      if (added.quantity.has_value()) {
        damaged_ = damaged_ || __builtin_add_overflow(*known.quantity, *added.quantity, &sum);
        known.quantity = sum;
      }
      return;
    }
    metered_.push_back(std::move(added));
  }

  // count x level x the length of the window; a record from elsewhere may hold anything.
  Wide Held(int64_t count, int64_t level) {
    Wide held = 0;
    if (count < 0 || level < 0 ||
        __builtin_mul_overflow(static_cast<Wide>(count) * level, static_cast<Wide>(window_nanos_),
                               &held)) {
      damaged_ = true;
    }
    return held;
  }

  void AddHost(const HostRow& row) {
    const std::string category = absl::StrCat(row.role(), " compute");
    const Wide hours = Held(row.count(), 1);
    if (row.instance().empty()) {
      Add({category, row.owner(), "hosts", hours, nullptr, PriceLine::HOUR,
           "the scenario states no instance type"});
      return;
    }
    const ResolvedPrice* price = Find([&](const PriceLine& line) {
      return line.has_host() && line.host().instance() == row.instance();
    });
    Add({category, row.owner(), row.instance(), hours, price, PriceLine::HOUR, ""});
  }

  void AddVolume(const VolumeRow& row) {
    const auto add = [&](VolumePrice::Measure measure, const char* name, int64_t level,
                         PriceLine::BillingUnit plain, const char* unknown) {
      const ResolvedPrice* price = Find([&](const PriceLine& line) {
        return line.has_volume() && line.volume().kind() == row.kind() &&
               line.volume().measure() == measure;
      });
      const int64_t included = price == nullptr ? 0 : price->included;
      if (level < 0) damaged_ = true;
      std::optional<Wide> quantity;
      if (level != 0) quantity = Held(row.count(), level > included ? level - included : 0);
      if (quantity == static_cast<Wide>(0)) return;
      Add({absl::StrCat(row.role(), " storage"), row.owner(), absl::StrCat(row.kind(), " ", name),
           quantity, price, plain, level == 0 ? unknown : ""});
    };
    add(VolumePrice::CAPACITY, "capacity", row.size_bytes(), PriceLine::GIB_MONTH,
        "the scenario states no size");
    if (row.iops() != 0) {
      add(VolumePrice::IOPS, "IOPS", row.iops(), PriceLine::IOPS_MONTH, "");
    }
    if (row.bytes_per_second() != 0) {
      add(VolumePrice::THROUGHPUT, "throughput", row.bytes_per_second(),
          PriceLine::MB_PER_SECOND_MONTH, "");
    }
  }

  void AddTraffic() {
    for (const TrafficRow& row : table_.meters().traffic()) {
      if (row.from_zone() == row.to_zone()) continue;
      Wide bytes = 0;
      for (const TrafficPhase& phase : row.phase()) {
        if (phase.bytes() < 0) damaged_ = true;
        if (Covers(window_, phase.phase())) bytes += phase.bytes();
      }
      if (bytes == 0) continue;
      const auto of_cause = [&](TrafficRow::Cause cause) {
        return Find([cause](const PriceLine& line) {
          return line.has_traffic() && line.traffic().cause() == cause;
        });
      };
      const ResolvedPrice* price = of_cause(row.cause());
      if (price == nullptr) price = of_cause(TrafficRow::CAUSE_UNSPECIFIED);
      Add({"cross-zone traffic", table_.meters().network(), freshet::NameOf(row.cause()), bytes,
           price, PriceLine::GIB, ""});
    }
  }

  absl::Status AddMetrics() {
    for (const ResolvedPrice& price : book_.prices) {
      if (!price.text.has_metric()) continue;
      const MetricPrice& wanted = price.text.metric();
      for (const MetricRow& row : table_.metric()) {
        if (row.name() != wanted.name()) continue;
        if (!wanted.of().empty() && row.owner() != wanted.of()) continue;
        if (wanted.of().empty() && HasOwnPrice(row)) continue;
        const absl::Status fits =
            CheckUnit(book_.text, price.text, KindOf(row.kind(), row.measure()));
        if (!fits.ok()) return fits;
        Add({NameOf(wanted.category()), row.owner(), row.name(), QuantityOf(row, window_), &price,
             price.text.per(), ""});
      }
    }
    for (const MetricRow& row : table_.metric()) {
      const std::optional<QuantityKind> kind = KindOf(row.kind(), row.measure());
      if (!row.billable() || !kind.has_value() || HasPrice(row)) continue;
      Add({"not in the book", row.owner(), row.name(), QuantityOf(row, window_), nullptr,
           PlainUnitOf(*kind), ""});
    }
    return absl::OkStatus();
  }

  bool HasPrice(const MetricRow& row) const {
    return nullptr != Find([&](const PriceLine& line) {
             return line.has_metric() && line.metric().name() == row.name() &&
                    (line.metric().of().empty() || line.metric().of() == row.owner());
           });
  }

  bool HasOwnPrice(const MetricRow& row) const {
    return nullptr != Find([&](const PriceLine& line) {
             return line.has_metric() && line.metric().name() == row.name() &&
                    line.metric().of() == row.owner();
           });
  }

  static absl::Status Damage(absl::string_view what) {
    return absl::DataLossError(
        absl::StrCat("the record cannot be billed: ", what, " is negative or too large"));
  }

  // quantity / unit, times 10^9 for the decimals and times `factor` / `divisor`.
  static std::optional<std::string> InUnits(Wide quantity, Wide factor, Wide divisor) {
    const std::optional<Wide> billionths = MulDivNearest(quantity, factor * kNanodollars, divisor);
    if (!billionths.has_value()) return std::nullopt;
    return BillionthsText(*billionths);
  }

  absl::Status Charge(const Metered& metered) {
    if (metered.quantity.value_or(0) < 0) return Damage(metered.item);
    const bool priced = metered.price != nullptr &&
                        (metered.quantity.has_value() || metered.price->nanodollars == 0);
    const BillingUnitFacts unit =
        FactsOf(metered.price != nullptr ? metered.price->text.per() : metered.plain);
    // A month's quantity is the window's times month / window. Where the unit is itself "for a
    // month", the two months cancel: a level is paid by its average.
    const Wide size = static_cast<Wide>(unit.size) * (unit.per_month ? month_nanos_ : 1);
    const Wide month = unit.per_month ? 1 : month_nanos_;
    const Wide month_size = static_cast<Wide>(unit.size) * window_nanos_;
    std::string quantity, month_quantity;
    if (metered.quantity.has_value()) {
      const auto in_window = InUnits(*metered.quantity, 1, size);
      const auto in_month = InUnits(*metered.quantity, month, month_size);
      if (!in_window.has_value() || !in_month.has_value()) return Damage(metered.item);
      quantity = *in_window;
      month_quantity = *in_month;
    }
    if (!priced) {
      BillGap* gap = bill_.add_not_priced();
      gap->set_category(metered.category);
      gap->set_component(metered.component);
      gap->set_item(metered.item);
      gap->set_quantity(quantity);
      gap->set_unit(unit.name);
      gap->set_reason(metered.unknown.empty() ? "the book has no price for it" : metered.unknown);
      return absl::OkStatus();
    }
    const int64_t price = metered.price->nanodollars;
    const Wide units = metered.quantity.value_or(0);
    const std::optional<Wide> amount = MulDivNearest(units, price, size);
    const std::optional<Wide> month_amount =
        MulDivNearest(units, static_cast<Wide>(price) * month, month_size);
    int64_t total = 0, month_total = 0;
    if (!amount.has_value() || !month_amount.has_value() || *amount > INT64_MAX ||
        *month_amount > INT64_MAX ||
        __builtin_add_overflow(bill_.amount_nanodollars(), static_cast<int64_t>(*amount), &total) ||
        __builtin_add_overflow(bill_.month_amount_nanodollars(),
                               static_cast<int64_t>(*month_amount), &month_total)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "price book ", book_.text.name(), ": with ", metered.item, " of ", metered.component,
          " the bill exceeds 9.2e9 dollars; check the price and its unit"));
    }
    bill_.set_amount_nanodollars(total);
    bill_.set_month_amount_nanodollars(month_total);
    BillLine* line = bill_.add_line();
    line->set_category(metered.category);
    line->set_component(metered.component);
    line->set_item(metered.item);
    line->set_quantity(quantity);
    line->set_month_quantity(month_quantity);
    line->set_unit(unit.name);
    line->set_price_nanodollars(price);
    line->set_amount_nanodollars(static_cast<int64_t>(*amount));
    line->set_month_amount_nanodollars(static_cast<int64_t>(*month_amount));
    line->set_source(metered.price->text.source());
    line->set_as_of(metered.price->text.as_of().empty() ? book_.text.as_of()
                                                        : metered.price->text.as_of());
    return absl::OkStatus();
  }

  const ResolvedPriceBook& book_;
  const MetricTable& table_;
  const Window window_;
  const int64_t window_nanos_;
  const int64_t month_nanos_;
  std::vector<Metered> metered_;
  bool damaged_ = false;  // Some quantity of the record cannot be.
  Bill bill_;
};

}  // namespace

absl::Status CheckUnits(const ResolvedPriceBook& book, absl::Span<const MetricDef* const> metrics) {
  for (const ResolvedPrice& price : book.prices) {
    if (!price.text.has_metric()) continue;
    for (const MetricDef* metric : metrics) {
      if (price.text.metric().name() != metric->name) continue;
      const absl::Status fits = CheckUnit(book.text, price.text,
                                          KindOf(MessageOf(metric->kind), MessageOf(metric->unit)));
      if (!fits.ok()) return fits;
    }
  }
  return absl::OkStatus();
}

const char* NameOf(TrafficRow::Cause cause) {
  switch (cause) {
    case TrafficRow::PRODUCE:
      return "produce";
    case TrafficRow::REPLICATE:
      return "replicate";
    case TrafficRow::FETCH:
      return "fetch";
    case TrafficRow::CONTROL:
      return "control";
    case TrafficRow::MIRROR:
      return "mirror";
    default:
      return "other";
  }
}

absl::StatusOr<Bill> BuildBill(const ResolvedPriceBook& book, const RunResults& results,
                               Window window) {
  return BillBuilder(book, results, window).Build();
}

}  // namespace freshet
