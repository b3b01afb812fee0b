// Transactions as the scenario states them: the topic of their state, its coordinators, and what
// producers are told.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TRANSACTIONS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TRANSACTIONS_H_

#include <memory>
#include <optional>

#include "models/broker/broker_cluster.h"
#include "models/client/producers.h"
#include "models/group/transaction_coordinator.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// __transaction_state; nothing where nobody has transactions. REQUIRES: the scenario is
// checked and has its defaults, here and below.
std::optional<TopicConfig> TransactionTopicOf(const v1::Scenario& scenario);

// Null where there is no such topic. REQUIRES: `log` has it otherwise.
std::unique_ptr<TransactionCoordinator> BuildTransactionCoordinator(const v1::Scenario& scenario,
                                                                    Simulation& sim,
                                                                    Network* network,
                                                                    LogService* log);

// Nothing for producers without transactions.
std::optional<Producers::Transactions> TransactionsOf(const v1::Producers& text,
                                                      TransactionCoordinator* coordinator);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_TRANSACTIONS_H_
