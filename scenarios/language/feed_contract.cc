#include "scenarios/language/feed_contract.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/sink_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {
namespace {

Objective Clause(const Objective& objective, const char* metric, const char* percentile,
                 const std::string& at_most) {
  Objective clause = objective;
  clause.clear_feed_contract();
  clause.set_metric(metric);
  clause.set_percentile(percentile);
  clause.set_at_most(at_most);
  return clause;
}

}  // namespace

std::vector<Objective> ClausesOf(const Objective& objective) {
  if (!objective.has_feed_contract()) return {objective};
  const FeedContract& contract = objective.feed_contract();
  std::vector<Objective> clauses;
  clauses.push_back(Clause(objective, "effects.lost", "100", absl::StrCat(contract.lost())));
  clauses.back().mutable_feed_contract()->set_lost(contract.lost());
  clauses.push_back(Clause(objective, "effects.not_tracked", "", "0"));
  clauses.back().mutable_feed_contract()->set_lost(contract.lost());
  if (contract.has_duplicated()) {
    clauses.push_back(
        Clause(objective, "effects.duplicated", "", absl::StrCat(contract.duplicated())));
    clauses.back().mutable_feed_contract()->set_duplicated(contract.duplicated());
  }
  if (contract.has_schema_version()) {
    clauses.push_back(Clause(objective, "contract.other_version_records", "", "0"));
    clauses.back().mutable_feed_contract()->set_schema_version(contract.schema_version());
  }
  if (!contract.lateness().empty()) {
    clauses.push_back(Clause(objective, "contract.late_records", "", "0"));
    clauses.back().mutable_feed_contract()->set_lateness(contract.lateness());
  }
  if (!contract.freshness().empty()) {
    clauses.push_back(Clause(objective, "sink.freshness", "99", contract.freshness()));
    clauses.back().mutable_feed_contract()->set_freshness(contract.freshness());
  }
  if (!contract.staleness().empty()) {
    clauses.push_back(Clause(objective, "freshness.staleness", "100", contract.staleness()));
    clauses.back().mutable_feed_contract()->set_staleness(contract.staleness());
  }
  return clauses;
}

void CheckFeedContracts(const v1::Scenario& scenario, const Places& places, Findings* findings) {
  std::map<std::string, int> contracts;  // By sink.
  for (int i = 0; i < scenario.objective_size(); ++i) {
    const Objective& objective = scenario.objective(i);
    const Places& here = places.In("objective", static_cast<size_t>(i));
    if (!objective.has_feed_contract()) continue;
    for (const char* field : {"metric", "percentile", "at_most", "at_least"}) {
      if (!here.Has(field)) continue;
      findings->Error(here.In(field).place,
                      absl::StrCat(field, " beside feed_contract, whose clauses say that; remove ",
                                   field, ", or write another objective"));
    }
    if (objective.of().empty()) {
      findings->Error(here.place,
                      "the contract is of no feed; name the sink that it goes to: of: \"...\"");
      continue;
    }
    const v1::Component* feed = FindComponent(scenario, objective.of());
    if (feed != nullptr && !IsSink(*feed)) {
      findings->Error(
          here.In("of").place,
          absl::StrCat(Quoted(objective.of()), " is no sink; name one that somebody writes to"));
    }
    if (++contracts[objective.of()] == 2) {
      findings->Error(here.place, absl::StrCat(Quoted(objective.of()),
                                               " has a contract already; merge the two"));
    }
  }
}

}  // namespace freshet
