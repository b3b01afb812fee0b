#include "scenarios/language/assemble_transactions.h"

#include "scenarios/language/quantity.h"
#include "scenarios/language/transaction_rules.h"

namespace freshet {
namespace {

// No topic of a scenario can have this name: theirs begin with a letter.
constexpr char kStateTopic[] = "__transaction_state";
// The name that what is measured about coordinators has for its owner.
constexpr char kComponent[] = "transactions";
// TransactionMarkerChannelManager: retry.backoff.ms of the requests between brokers.
constexpr Duration kMarkerBackoff = Milliseconds(100);

}  // namespace

std::optional<TopicConfig> TransactionTopicOf(const v1::Scenario& scenario) {
  if (!HasTransactions(scenario)) return std::nullopt;
  const v1::TransactionCoordinator& text = scenario.transaction_coordinator();
  TopicConfig topic;
  topic.name = kStateTopic;
  topic.partitions = static_cast<int>(text.state_topic_partitions());
  topic.replication_factor = static_cast<int>(text.state_topic_replication_factor());
  topic.min_in_sync_replicas = static_cast<int>(text.state_topic_min_insync_replicas());
  topic.segments = {BytesOf(text.state_topic_segment_bytes()), Duration::Max()};
  return topic;
}

std::unique_ptr<TransactionCoordinator> BuildTransactionCoordinator(const v1::Scenario& scenario,
                                                                    Simulation& sim,
                                                                    Network* network,
                                                                    LogService* log) {
  const std::optional<TopicConfig> topic = TransactionTopicOf(scenario);
  if (!topic) return nullptr;
  const v1::TransactionCoordinator& text = scenario.transaction_coordinator();
  TransactionCoordinator::Config config;
  config.state_first = log->PartitionsOf(topic->name).first;
  config.state_partitions = topic->partitions;
  config.state_segment = topic->segments.bytes;
  if (!text.state_load_rate().empty()) config.load_rate = BytesPerSecondOf(text.state_load_rate());
  config.abort_interval = DurationOf(text.abort_timed_out_interval());
  config.raises_epochs = text.version() == v1::TransactionCoordinator::V2;
  config.verifies = text.partition_verification();
  config.retry_backoff = kMarkerBackoff;
  return std::make_unique<TransactionCoordinator>(sim, kComponent, network, log, config);
}

std::optional<Producers::Transactions> TransactionsOf(const v1::Producers& text,
                                                      TransactionCoordinator* coordinator) {
  if (!text.has_transactions()) return std::nullopt;
  Producers::Transactions transactions;
  transactions.coordinator = coordinator;
  transactions.timeout = DurationOf(text.transactions().transaction_timeout());
  transactions.commit_interval = DurationOf(text.transactions().commit_interval());
  transactions.abort_share = RatioOf(text.transactions().abort_share());
  return transactions;
}

}  // namespace freshet
