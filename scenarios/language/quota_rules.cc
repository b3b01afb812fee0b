#include "scenarios/language/quota_rules.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Operation;
using v1::Quotas;
using v1::Scenario;
namespace {

using AlterQuota = Operation::AlterQuota;

// num.network.threads.
constexpr int64_t kNetworkThreads = 3;

class QuotaCheck {
 public:
  QuotaCheck(const Scenario& scenario, const Places& places, const std::vector<Place>& blanked,
             Findings* findings)
      : scenario_(scenario), places_(places), blanked_(blanked), findings_(findings) {}

  void Run() {
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      const Places& here = places_.In("component", i);
      if (component.has_kafka()) {
        const v1::Kafka& kafka = component.kafka();
        threads_ = kafka.num_io_threads() + kafka.num_network_threads();
        if (kafka.has_quotas()) Check(kafka.quotas(), here.In("kafka").In("quotas"));
      } else if (component.has_s3stream()) {
        threads_ = component.s3stream().num_io_threads() + kNetworkThreads;
        const Places& quotas = here.In("s3stream").In("quotas");
        if (component.s3stream().has_quotas()) Check(component.s3stream().quotas(), quotas);
      } else if (component.has_leaderless()) {
        threads_ = component.leaderless().num_io_threads() + kNetworkThreads;
        const Places& quotas = here.In("leaderless").In("quotas");
        if (component.leaderless().has_quotas()) Check(component.leaderless().quotas(), quotas);
        if (component.leaderless().has_quotas()) {
          CheckWarpStream(component.leaderless(), quotas);
        }
      }
    }
    for (int i = 0; i < scenario_.operation_size(); ++i) {
      if (!scenario_.operation(i).has_alter_quota()) continue;
      CheckAlter(scenario_.operation(i).alter_quota(),
                 places_.In("operation", i).In("alter_quota"));
    }
  }

 private:
  const Component* Find(const std::string& name) const {
    for (const Component& component : scenario_.component()) {
      if (component.name() == name) return &component;
    }
    return nullptr;
  }

  void Check(const Quotas& quotas, const Places& here) {
    if (quotas.client().empty() && StatesNone(quotas) && !AnyWithin(blanked_, here)) {
      findings_->Warning(here.place,
                         "quotas limits nobody; state producer_byte_rate, consumer_byte_rate, "
                         "request_percentage or a client's own");
    }
    CheckThreads(quotas, here);
    for (const Component& component : scenario_.component()) {
      CheckRates(component, quotas, here);
    }
    std::set<std::string> known;
    for (int i = 0; i < quotas.client_size(); ++i) {
      const Quotas::Client& client = quotas.client(i);
      const Places& place = here.In("client", i);
      if (!known.insert(client.client()).second) {
        findings_->Error(
            place.In("client").place,
            absl::StrCat("the quotas of ", Quoted(client.client()), " are stated twice; keep one"));
      }
      if (StatesNone(client) && !AnyWithin(blanked_, place)) {
        findings_->Error(place.place, absl::StrCat("a quota of ", Quoted(client.client()),
                                                   " without a limit; state one, or remove it"));
      }
      CheckThreads(client, place);
      CheckClient(client.client(), client, place);
    }
  }

  void CheckWarpStream(const v1::Leaderless& leaderless, const Places& here) {
    if (leaderless.kind() != v1::Leaderless::WARPSTREAM) return;
    findings_->Warning(here.place,
                       "we know no documentation of quotas of WarpStream's agents: these are "
                       "Kafka's; is that meant?");
  }

  void CheckAlter(const AlterQuota& alter, const Places& here) {
    if (StatesNone(alter) && alter.remove().empty() && !AnyWithin(blanked_, here)) {
      findings_->Error(here.place, "alter_quota changes nothing; state a quota, or one to remove");
    }
    std::set<int> removed;
    for (int i = 0; i < alter.remove_size(); ++i) {
      const int which = alter.remove(i);
      const bool both =
          (which == AlterQuota::PRODUCER_BYTE_RATE && !alter.producer_byte_rate().empty()) ||
          (which == AlterQuota::CONSUMER_BYTE_RATE && !alter.consumer_byte_rate().empty()) ||
          (which == AlterQuota::REQUEST_PERCENTAGE && !alter.request_percentage().empty());
      if (both || which == AlterQuota::QUOTA_UNSPECIFIED || !removed.insert(which).second) {
        findings_->Error(
            here.In("remove", i).place,
            absl::StrCat("remove ", AlterQuota::Quota_Name(static_cast<AlterQuota::Quota>(which)),
                         both ? ": it is stated, too; keep one of them"
                              : " is no quota or comes twice; write each quota that ends once"));
      }
    }
    CheckThreads(alter, here);
    if (!alter.client().empty()) CheckClient(alter.client(), alter, here);
  }

  template <class Text>
  static bool StatesNone(const Text& text) {
    return text.producer_byte_rate().empty() && text.consumer_byte_rate().empty() &&
           text.request_percentage().empty();
  }

  template <class Text>
  void CheckClient(const std::string& name, const Text& text, const Places& here) {
    const Component* client = Find(name);
    if (client == nullptr) return;  // Told with the references.
    if (!client->has_producers() && !client->has_consumers()) {
      findings_->Error(here.In("client").place,
                       absl::StrCat(Quoted(name),
                                    " is no client; name a component of producers "
                                    "or consumers"));
      return;
    }
    const char* idle = client->has_producers() ? "consumer_byte_rate" : "producer_byte_rate";
    const std::string& rate =
        client->has_producers() ? text.consumer_byte_rate() : text.producer_byte_rate();
    if (!rate.empty()) {
      findings_->Warning(here.In(idle).place,
                         absl::StrCat(idle, " has no effect on ", Quoted(name), ", which ",
                                      client->has_producers() ? "reads nothing" : "writes nothing",
                                      "; remove it"));
    }
    CheckRates(*client, text, here);
  }

  template <class Text>
  void CheckThreads(const Text& text, const Places& here) {
    const auto share = AmountOf(UNIT_RATIO, text.request_percentage());
    if (!share || Wide{*share} < Wide{threads_} * 1'000'000'000) return;
    findings_->Warning(
        here.In("request_percentage").place,
        absl::StrCat("request_percentage ", text.request_percentage(), " is all that the ",
                     threads_, " threads of a broker have: it limits nobody; lower it"));
  }

  // What a client cannot live with: a batch that takes longer than its producer waits for it, a
  // fetch that waits for more than it may have.
  template <class Text>
  void CheckRates(const Component& component, const Text& text, const Places& here) {
    if (component.has_producers()) {
      const v1::Producers& producers = component.producers();
      const auto rate = AmountOf(UNIT_BYTES_PER_SECOND, text.producer_byte_rate());
      const auto batch = AmountOf(UNIT_BYTES, producers.batch_size());
      const auto delivery = AmountOf(UNIT_DURATION, producers.delivery_timeout());
      if (!rate || !batch || !delivery || *rate == 0) return;
      if (Wide{*batch} * 1'000'000'000 <= Wide{*delivery} * *rate) return;
      findings_->Warning(
          here.In("producer_byte_rate").place,
          absl::StrCat("at producer_byte_rate ", text.producer_byte_rate(), " a batch of ",
                       producers.batch_size(), " of ", Quoted(component.name()),
                       " takes longer than its delivery_timeout ", producers.delivery_timeout(),
                       ": batches will fail; raise it"));
    }
    if (component.has_consumers()) {
      const v1::Consumers& consumers = component.consumers();
      const auto rate = AmountOf(UNIT_BYTES_PER_SECOND, text.consumer_byte_rate());
      const auto least = AmountOf(UNIT_BYTES, consumers.fetch_min_bytes());
      // Ten windows of a second; those of other sizes are rare.
      if (!rate || !least || Wide{*least} <= Wide{*rate} * 10) return;
      findings_->Warning(
          here.In("consumer_byte_rate").place,
          absl::StrCat("fetch_min_bytes ", consumers.fetch_min_bytes(), " of ",
                       Quoted(component.name()), " is more than ten windows of consumer_byte_rate ",
                       text.consumer_byte_rate(), ": no fetch may have so much; lower it"));
    }
  }

  const Scenario& scenario_;
  const Places& places_;
  const std::vector<Place>& blanked_;
  Findings* const findings_;
  int64_t threads_ = INT64_MAX;  // Of a broker.
};

}  // namespace

void CheckQuotas(const Scenario& scenario, const Places& places, const std::vector<Place>& blanked,
                 Findings* findings) {
  QuotaCheck(scenario, places, blanked, findings).Run();
}

}  // namespace freshet
