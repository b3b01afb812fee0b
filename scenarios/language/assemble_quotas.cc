#include "scenarios/language/assemble_quotas.h"

#include "scenarios/language/quantity.h"

namespace freshet {
namespace {

// Of a `Quotas`, one of its clients or an alter_quota: they call them alike.
template <class Text>
ClientQuotas::Limits LimitsOf(const Text& text) {
  ClientQuotas::Limits limits;
  if (!text.producer_byte_rate().empty()) {
    limits[QuotaType::kProduce] = BytesPerSecondOf(text.producer_byte_rate()).count();
  }
  if (!text.consumer_byte_rate().empty()) {
    limits[QuotaType::kFetch] = BytesPerSecondOf(text.consumer_byte_rate()).count();
  }
  if (!text.request_percentage().empty()) {
    // Billionths of a thread are its nanoseconds in a second.
    limits[QuotaType::kRequest] = RatioOf(text.request_percentage()).billionths();
  }
  return limits;
}

}  // namespace

std::optional<ClientQuotas::Config> QuotasOf(const v1::Scenario& scenario, bool has_quotas,
                                             const v1::Quotas& quotas) {
  ClientQuotas::Config config;
  if (has_quotas) {
    config.rate = {static_cast<int64_t>(quotas.window_num()), DurationOf(quotas.window_size())};
    config.by_default = LimitsOf(quotas);
    for (const v1::Quotas::Client& client : quotas.client()) {
      config.of_client.emplace_back(client.client(), LimitsOf(client));
    }
  }
  bool altered = false;
  for (const v1::Operation& operation : scenario.operation()) {
    if (!operation.has_alter_quota()) continue;
    altered = true;
    const ClientQuotas::Limits limits = LimitsOf(operation.alter_quota());
    for (const QuotaType type : {QuotaType::kProduce, QuotaType::kFetch, QuotaType::kRequest}) {
      if (limits[type]) config.altered_later.push_back(type);
    }
  }
  if (!has_quotas && !altered) return std::nullopt;
  return config;
}

void SetQuotaChange(const v1::Operation::AlterQuota& text, OperationPlan* plan) {
  plan->client = text.client();
  const ClientQuotas::Limits limits = LimitsOf(text);
  for (const QuotaType type : {QuotaType::kProduce, QuotaType::kFetch, QuotaType::kRequest}) {
    if (limits[type]) plan->quotas.push_back({type, limits[type]});
  }
  for (const int removed : text.remove()) {
    switch (removed) {
      case v1::Operation::AlterQuota::PRODUCER_BYTE_RATE:
        plan->quotas.push_back({QuotaType::kProduce, std::nullopt});
        break;
      case v1::Operation::AlterQuota::CONSUMER_BYTE_RATE:
        plan->quotas.push_back({QuotaType::kFetch, std::nullopt});
        break;
      case v1::Operation::AlterQuota::REQUEST_PERCENTAGE:
        plan->quotas.push_back({QuotaType::kRequest, std::nullopt});
        break;
      default:
        break;
    }
  }
}

}  // namespace freshet
