#include "scenarios/language/transaction_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/job_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Producers;
using v1::Scenario;
using v1::Topic;
namespace {

class TransactionCheck {
 public:
  TransactionCheck(const Scenario& scenario, const Places& places, Findings* findings)
      : scenario_(scenario), places_(places), findings_(findings) {}

  void Run() {
    if (!HasTransactions(scenario_)) return;
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      const Places& here = places_.In("component", i);
      if (component.name() == kTransactionsName) {
        findings_->Error(here.In("name").place,
                         "\"transactions\" is the name of the coordinators of transactions; give "
                         "the component another one");
      }
      if (component.has_producers() && component.producers().has_transactions()) {
        CheckProducers(component.producers(), here.In("producers"));
      }
      if (component.has_kafka()) CheckBrokers(component.kafka().brokers(), here.In("kafka"));
    }
    CheckStateTopic();
  }

 private:
  void CheckProducers(const Producers& producers, const Places& here) {
    if (producers.acks() != Producers::ALL) {
      findings_->Error(here.In(here.Has("acks") ? "acks" : "transactions").place,
                       "transactions need acks ALL; write acks: ALL");
    }
    if (!producers.idempotence()) {
      findings_->Error(here.In(here.Has("idempotence") ? "idempotence" : "transactions").place,
                       "transactions need idempotence; write idempotence: true");
    }
    if (scenario_.resolution().batches_per_parcel() > 1) {
      findings_->Error(places_.In("resolution").In("batches_per_parcel").place,
                       "a parcel of several batches cannot be cut at the end of a transaction; "
                       "write batches_per_parcel: 1, or remove transactions");
    }
    CheckTimes(producers.transactions(), here.In("transactions"));
    for (const Topic& topic : scenario_.topic()) {
      if (topic.name() != producers.topic() || !topic.has_table_topic()) continue;
      findings_->Error(here.In("transactions").place,
                       absl::StrCat("topic ", Quoted(topic.name()),
                                    " goes into a table, which takes markers and aborted records "
                                    "for records; remove transactions, or table_topic"));
    }
  }

  void CheckTimes(const v1::Transactions& text, const Places& here) {
    const auto timeout = AmountOf(UNIT_DURATION, text.transaction_timeout());
    const auto most = AmountOf(UNIT_DURATION, scenario_.transaction_coordinator().max_timeout());
    const auto interval = AmountOf(UNIT_DURATION, text.commit_interval());
    if (timeout && most && *timeout > *most) {
      findings_->Error(
          here.In("transaction_timeout").place,
          absl::StrCat("transaction_timeout ", text.transaction_timeout(),
                       " is above what brokers grant, ",
                       scenario_.transaction_coordinator().max_timeout(),
                       "; lower it, or state transaction_coordinator { max_timeout }"));
    }
    if (timeout && interval && *interval >= *timeout) {
      findings_->Error(
          here.In("commit_interval").place,
          absl::StrCat("commit_interval ", text.commit_interval(),
                       " is not below transaction_timeout ", text.transaction_timeout(),
                       ": transactions are aborted before they are committed; raise the timeout"));
    }
  }

  void CheckBrokers(uint32_t brokers, const Places& here) {
    const v1::TransactionCoordinator& text = scenario_.transaction_coordinator();
    if (brokers == 0 || text.state_topic_replication_factor() <= brokers) return;
    const Places& stated = places_.In("transaction_coordinator");
    findings_->Error(
        (stated.Has("state_topic_replication_factor") ? stated.In("state_topic_replication_factor")
                                                      : here.In("brokers"))
            .place,
        absl::StrCat("__transaction_state wants ", text.state_topic_replication_factor(),
                     " replicas of ", brokers, brokers == 1 ? " broker" : " brokers",
                     "; state transaction_coordinator { state_topic_replication_factor: ", brokers,
                     " }"));
  }

  void CheckStateTopic() {
    const v1::TransactionCoordinator& text = scenario_.transaction_coordinator();
    if (text.state_topic_min_insync_replicas() <= text.state_topic_replication_factor()) return;
    const Places& here = places_.In("transaction_coordinator");
    findings_->Error(
        here.In(here.Has("state_topic_replication_factor") ? "state_topic_replication_factor"
                                                           : "state_topic_min_insync_replicas")
            .place,
        absl::StrCat("__transaction_state has ", text.state_topic_replication_factor(),
                     " replicas and wants ", text.state_topic_min_insync_replicas(),
                     " in sync; state state_topic_min_insync_replicas: ",
                     text.state_topic_replication_factor()));
  }

  const Scenario& scenario_;
  const Places& places_;
  Findings* const findings_;
};

}  // namespace

bool HasTransactions(const Scenario& scenario) {
  return std::any_of(scenario.component().begin(), scenario.component().end(),
                     [](const Component& component) {
                       if (component.has_producers())
                         return component.producers().has_transactions();
                       const auto& steps = component.stream_job().step();
                       return std::any_of(steps.begin(), steps.end(), IsExactlyOnce);
                     });
}

bool IsExactlyOnce(const v1::StreamOperator& step) {
  return step.topic().delivery_guarantee() == v1::StreamTopic::EXACTLY_ONCE;
}

void CheckTransactions(const Scenario& scenario, const Places& places, Findings* findings) {
  TransactionCheck(scenario, places, findings).Run();
}

int64_t PredictedTransactionEvents(const Scenario& scenario) {
  const auto run_for = AmountOf(UNIT_DURATION, scenario.run_for());
  if (!run_for) return 0;
  // To add the partitions, to decide and to complete: a request and its record in the log each,
  // of some twenty events, and for a marker about as many.
  constexpr int64_t kOfOne = 100;
  constexpr int64_t kMost = int64_t{1} << 60;
  Wide events = 0;
  for (const Component& component : scenario.component()) {
    const v1::StreamJob& job = component.stream_job();
    const auto checkpoint = AmountOf(UNIT_DURATION, job.checkpoints().interval());
    for (const v1::StreamOperator& step : job.step()) {
      if (!IsExactlyOnce(step) || !checkpoint) continue;
      events += Wide{ParallelismOf(job, step)} *
                (*run_for / std::max<int64_t>(*checkpoint, 10'000'000)) * kOfOne;
    }
    if (!component.has_producers() || !component.producers().has_transactions()) continue;
    const Producers& producers = component.producers();
    const auto interval =
        AmountOf(UNIT_DURATION, producers.transactions().commit_interval()).value_or(0);
    events +=
        Wide{producers.clients()} * (*run_for / std::max<int64_t>(interval, 1'000'000)) * kOfOne;
  }
  return static_cast<int64_t>(std::min<Wide>(events, kMost));
}

}  // namespace freshet
