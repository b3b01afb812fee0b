// Client quotas of a cluster, as Kafka's brokers keep them (KIP-13, KIP-124, KIP-219). A client is
// a whole fleet of producers or group of consumers: they are one user and client-id. Each broker
// measures what it has done for each client, and knows of no other broker's.
//
//   producer_byte_rate   bytes of produce requests
//   consumer_byte_rate   bytes of fetch answers
//   request_percentage   time of request handler and network threads; 100 % is one thread's
//
// A broker looks when it answers. If the rate is above the quota, the answer leaves at once and
// says for how long: the time after which the rate would be the quota's, for request_percentage one
// window at the most. For that time the broker reads nothing from the connection, and the client
// sends nothing to the broker (clients since 2.0). A fetch that is over its quota is answered
// without records, and its bytes do not count; it is asked for no more bytes than ten windows of
// the quota. Of acks=0 the threads' time is not counted.
//
// docs/models/quotas.md has the rest and the sources.
#ifndef FRESHET_MODELS_BROKER_CLIENT_QUOTAS_H_
#define FRESHET_MODELS_BROKER_CLIENT_QUOTAS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/broker/sampled_rate.h"
#include "models/log/log_service.h"
#include "sim/simulation.h"
#include "sim/units.h"

namespace freshet {

class ClientQuotas {
 public:
  // By QuotaType: bytes a second, or for kRequest nanoseconds of a thread a second. Absent: none.
  struct Limits {
    std::optional<int64_t>& operator[](QuotaType type) { return per_second[size_t(type)]; }
    const std::optional<int64_t>& operator[](QuotaType type) const {
      return per_second[size_t(type)];
    }
    std::array<std::optional<int64_t>, kQuotaTypes> per_second;
  };
  struct Config {
    SampledRate::Config rate;
    Limits by_default;  // Of clients that have none of their own, each type for itself.
    std::vector<std::pair<std::string, Limits>> of_client;
    // Types of which there will be a quota later: they are measured from the start.
    std::vector<QuotaType> altered_later;
  };

  // The client's: an answer that is not throttled counts with 0, as in Kafka's metrics of clients.
  static constexpr MetricDef kProduceThrottle = {
      "quota.produce_throttle_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "For how long answers to produce requests told the client to wait because of its "
      "producer_byte_rate; 0 where they did not."};
  static constexpr MetricDef kFetchThrottle = {
      "quota.fetch_throttle_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "For how long answers to fetches told the client to wait because of its "
      "consumer_byte_rate; 0 where they did not."};
  static constexpr MetricDef kRequestThrottle = {
      "quota.request_throttle_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "For how long answers told the client to wait because of its request_percentage; 0 where "
      "they did not."};

  ClientQuotas(Simulation& sim, const Config& config);

  // `traffic`: kProduce or kFetch, what it does.
  ClientId AddClient(absl::string_view name, ComponentId component, QuotaType traffic);
  // From now on; "" is the default of clients without one of their own. REQUIRES: there was one of
  // its type at the start, or config.altered_later has it.
  void Alter(absl::string_view client, QuotaType type, std::optional<int64_t> per_second);

  // A produce request of `bytes` is about to be answered, or a fetch with `bytes`; a handler had it
  // for `handler`. Returns the throttle_time_ms of the answer.
  Duration AnswerProduce(ClientId client, BrokerId broker, Bytes bytes,
                         std::optional<Duration> handler);
  Duration AnswerFetch(ClientId client, BrokerId broker, Bytes bytes, Duration handler);
  // Counts without a look: network threads' time, requests that are not throttled.
  void CountFetched(ClientId client, BrokerId broker, Bytes bytes) {
    Count(client, broker, QuotaType::kFetch, bytes.count());
  }
  void CountThreadTime(ClientId client, BrokerId broker, Duration spent) {
    Count(client, broker, QuotaType::kRequest, spent.nanos());
  }
  // More than that in one fetch would be throttled whatever came before.
  Bytes MostInFetch(ClientId client) const;

  // What a broker has measured is gone with its process.
  void Forget(BrokerId broker);

 private:
  struct Client {
    std::string name;
    Limits own;
    std::array<Distribution*, kQuotaTypes> throttle = {};
    std::vector<std::array<SampledRate, kQuotaTypes>> measured;  // By BrokerId.
  };

  const std::optional<int64_t>& LimitOf(const Client& client, QuotaType type) const {
    return client.own[type] ? client.own[type] : by_default_[type];
  }
  bool IsMeasured(QuotaType type) const { return is_measured_[size_t(type)]; }
  SampledRate& RateOf(Client& client, BrokerId broker, QuotaType type);
  void Count(ClientId client, BrokerId broker, QuotaType type, int64_t value);
  // Counts `value` and looks: how long it takes until the rate is the quota's.
  Duration Look(Client& client, BrokerId broker, QuotaType type, int64_t value);

  Simulation& sim_;
  const SampledRate::Config rate_;
  Limits by_default_;
  std::vector<std::pair<std::string, Limits>> of_client_;
  // A type is measured once there is a quota of it, for all clients.
  std::array<bool, kQuotaTypes> is_measured_ = {};
  std::vector<Client> clients_;  // By ClientId.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_CLIENT_QUOTAS_H_
