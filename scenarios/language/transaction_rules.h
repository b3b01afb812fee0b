// Rules about transactions: what a transactional producer needs, and its brokers.
#ifndef FRESHET_SCENARIOS_LANGUAGE_TRANSACTION_RULES_H_
#define FRESHET_SCENARIOS_LANGUAGE_TRANSACTION_RULES_H_

#include <cstdint>
#include <string>

#include "scenarios/language/places.h"
#include "scenarios/language/problem.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// The owner of what is measured about transactions, beside the components of the scenario.
inline constexpr char kTransactionsName[] = "transactions";

bool HasTransactions(const v1::Scenario& scenario);
// Whether a job's step writes a topic in transactions.
bool IsExactlyOnce(const v1::StreamOperator& step);

// REQUIRES: defaults are filled in.
void CheckTransactions(const v1::Scenario& scenario, const Places& places, Findings* findings);

// Events that transactions cost beside those of their records, at the least.
int64_t PredictedTransactionEvents(const v1::Scenario& scenario);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_TRANSACTION_RULES_H_
