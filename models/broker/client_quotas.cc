#include "models/broker/client_quotas.h"

#include <algorithm>

namespace freshet {
namespace {

constexpr QuotaType kAllTypes[] = {QuotaType::kProduce, QuotaType::kFetch, QuotaType::kRequest};

}  // namespace

ClientQuotas::ClientQuotas(Simulation& sim, const Config& config)
    : sim_(sim), rate_(config.rate), by_default_(config.by_default), of_client_(config.of_client) {
  for (const QuotaType type : kAllTypes) {
    bool& measured = is_measured_[size_t(type)];
    measured = by_default_[type].has_value();
    for (const auto& [name, limits] : of_client_) measured = measured || limits[type].has_value();
  }
  for (const QuotaType type : config.altered_later) is_measured_[size_t(type)] = true;
}

ClientId ClientQuotas::AddClient(absl::string_view name, ComponentId component, QuotaType traffic) {
  Client& client = clients_.emplace_back();
  client.name = std::string(name);
  for (const auto& [of, limits] : of_client_) {
    if (of == name) client.own = limits;
  }
  MetricRegistry& metrics = sim_.metrics();
  if (IsMeasured(traffic)) {
    client.throttle[size_t(traffic)] = &metrics.AddDistribution(
        traffic == QuotaType::kProduce ? kProduceThrottle : kFetchThrottle, component);
  }
  if (IsMeasured(QuotaType::kRequest)) {
    client.throttle[size_t(QuotaType::kRequest)] =
        &metrics.AddDistribution(kRequestThrottle, component);
  }
  return static_cast<ClientId>(clients_.size()) - 1;
}

void ClientQuotas::Alter(absl::string_view client, QuotaType type,
                         std::optional<int64_t> per_second) {
  SIM_REQUIRE(IsMeasured(type) || !per_second);
  if (client.empty()) {
    by_default_[type] = per_second;
    return;
  }
  for (Client& known : clients_) {
    if (known.name == client) known.own[type] = per_second;
  }
}

SampledRate& ClientQuotas::RateOf(Client& client, BrokerId broker, QuotaType type) {
  const auto index = static_cast<size_t>(broker);
  if (client.measured.size() <= index) client.measured.resize(index + 1);
  return client.measured[index][size_t(type)];
}

void ClientQuotas::Count(ClientId client, BrokerId broker, QuotaType type, int64_t value) {
  if (!IsMeasured(type)) return;
  RateOf(clients_[static_cast<size_t>(client)], broker, type).Record(rate_, value, sim_.Now());
}

Duration ClientQuotas::Look(Client& client, BrokerId broker, QuotaType type, int64_t value) {
  if (!IsMeasured(type)) return Duration::Zero();
  SampledRate& rate = RateOf(client, broker, type);
  rate.Record(rate_, value, sim_.Now());
  const std::optional<int64_t>& limit = LimitOf(client, type);
  Duration throttle;
  if (limit) throttle = rate.At(rate_, sim_.Now()).ThrottleFor(*limit);
  if (type == QuotaType::kRequest) throttle = std::min(throttle, rate_.window);
  if (Distribution* told = client.throttle[size_t(type)]) told->Record(throttle);
  return throttle;
}

Duration ClientQuotas::AnswerProduce(ClientId id, BrokerId broker, Bytes bytes,
                                     std::optional<Duration> handler) {
  Client& client = clients_[static_cast<size_t>(id)];
  Duration throttle = Look(client, broker, QuotaType::kProduce, bytes.count());
  if (handler) {
    throttle = std::max(throttle, Look(client, broker, QuotaType::kRequest, handler->nanos()));
  }
  return throttle;
}

Duration ClientQuotas::AnswerFetch(ClientId id, BrokerId broker, Bytes bytes, Duration handler) {
  Client& client = clients_[static_cast<size_t>(id)];
  const Duration by_requests = Look(client, broker, QuotaType::kRequest, handler.nanos());
  const Duration by_bytes = Look(client, broker, QuotaType::kFetch, bytes.count());
  const Duration throttle = std::max(by_requests, by_bytes);
  if (throttle > Duration::Zero()) Count(id, broker, QuotaType::kFetch, -bytes.count());
  return throttle;
}

Bytes ClientQuotas::MostInFetch(ClientId client) const {
  const std::optional<int64_t>& limit =
      LimitOf(clients_[static_cast<size_t>(client)], QuotaType::kFetch);
  if (!limit) return Bytes(INT64_MAX);
  return BytesPerSecond(*limit).InTime(rate_.window * (rate_.samples - 1));
}

void ClientQuotas::Forget(BrokerId broker) {
  const auto index = static_cast<size_t>(broker);
  for (Client& client : clients_) {
    if (index < client.measured.size()) client.measured[index] = {};
  }
}

}  // namespace freshet
