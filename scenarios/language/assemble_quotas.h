// Client quotas from checked text: what brokers are told of them, at the start and by operations.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_QUOTAS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_QUOTAS_H_

#include <optional>

#include "models/broker/client_quotas.h"
#include "models/control/operations.h"
#include "scenarios/language/scenario.pb.h"

namespace freshet {

// Nothing where the brokers have none and no operation gives them any. REQUIRES: the scenario is
// checked, and has its defaults; `has_quotas` says whether the brokers' text has `quotas`.
std::optional<ClientQuotas::Config> QuotasOf(const v1::Scenario& scenario, bool has_quotas,
                                             const v1::Quotas& quotas);

void SetQuotaChange(const v1::Operation::AlterQuota& text, OperationPlan* plan);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_QUOTAS_H_
