#include "scenarios/language/operation_rules.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Operation;
using v1::Scenario;
using v1::Topic;
namespace {

constexpr int64_t kMostBrokers = 1000;

class OperationCheck {
 public:
  OperationCheck(const Scenario& scenario, const Places& places, const std::vector<Place>& blanked,
                 Findings* findings)
      : scenario_(scenario), places_(places), blanked_(blanked), findings_(findings) {
    for (const Component& component : scenario.component()) {
      if (component.has_kafka()) {
        brokers_ = component.kafka().brokers();
        is_kafka_ = true;
      } else if (component.has_s3stream()) {
        brokers_ = component.s3stream().brokers();
      } else if (component.has_leaderless()) {
        brokers_ = component.leaderless().brokers();
        is_leaderless_ = true;
      }
    }
    all_ = brokers_ + AddedBrokers(scenario);
    for (const Topic& topic : scenario.topic()) {
      if (is_kafka_) replicas_ = std::max<int64_t>(replicas_, topic.replication_factor());
    }
  }

  void Run() {
    // In the order of time: what there is hangs on what was done before.
    std::vector<int> order;
    for (int i = 0; i < scenario_.operation_size(); ++i) order.push_back(i);
    const auto at = [this](int i) {
      return AmountOf(UNIT_DURATION, scenario_.operation(i).at()).value_or(0);
    };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return at(a) < at(b); });
    for (const int i : order) Check(scenario_.operation(i), places_.In("operation", i));
    if (AddedBrokers(scenario_) > 0 && brokers_ > kMostBrokers) {
      findings_->Error(places_.In("operation").place,
                       absl::StrCat("operations bring the cluster to ", brokers_,
                                    " brokers; at most ", kMostBrokers, " are simulated"));
    }
  }

 private:
  void Check(const Operation& operation, const Places& here) {
    const auto at = AmountOf(UNIT_DURATION, operation.at());
    const auto run_for = AmountOf(UNIT_DURATION, scenario_.run_for());
    if (at && run_for && *at >= *run_for) {
      findings_->Warning(
          here.In("at").place,
          absl::StrCat("the operation begins at ", operation.at(), ", after run_for ",
                       scenario_.run_for(), ": it never happens; move it"));
    }
    switch (operation.kind_case()) {
      case Operation::kAddBroker:
        brokers_ += operation.add_broker().count();
        break;
      case Operation::kRemoveBroker:
        CheckRemove(operation.remove_broker(), here.In("remove_broker"));
        break;
      case Operation::kReplaceBroker:
        CheckReplace(operation.replace_broker(), here.In("replace_broker"));
        break;
      case Operation::kReassign:
        CheckReassign(operation.reassign(), here.In("reassign"));
        break;
      case Operation::kRollingRestart:
        CheckRestart(here.In("rolling_restart"));
        break;
      case Operation::kChangeRetention:
        CheckRetention(operation.change_retention(), here.In("change_retention"));
        break;
      case Operation::kStartConsumer:
        CheckStart(operation.start_consumer(), here.In("start_consumer"));
        break;
      case Operation::kAlterQuota:  // quota_rules.cc
      case Operation::kRestartConsumers:
      case Operation::kAddConsumers:
      case Operation::kRemoveConsumers:  // group_rules.cc
      case Operation::kDeployProducers:  // workload_rules.cc
      case Operation::kRestartTasks:
      case Operation::kAddWorkers:
      case Operation::kRemoveWorkers:
      case Operation::kRenewCredentials:  // connect_rules.cc
      case Operation::kRescale:           // rescale_rules.cc
      case Operation::KIND_NOT_SET:
        break;
    }
  }

  // A broker that is there when its time comes; others have been told of as bad references.
  bool CheckBroker(const std::string& target, const Places& here) {
    const uint32_t number = BrokerNumberOf(target);
    if (number == 0 || number > all_) return false;
    if (number > brokers_) {
      findings_->Error(here.place, absl::StrCat(Quoted(target),
                                                " is added by a later operation; move that one "
                                                "before, or name another broker"));
      return false;
    }
    if (removed_.count(number) > 0) {
      findings_->Error(here.place, absl::StrCat(Quoted(target),
                                                " was removed by an earlier operation; name "
                                                "another broker"));
      return false;
    }
    return true;
  }

  void CheckRemove(const Operation::RemoveBroker& remove, const Places& here) {
    if (!CheckBroker(remove.target(), here.In("target"))) return;
    const int64_t left = brokers_ - static_cast<int64_t>(removed_.size()) - 1;
    if (left < replicas_) {
      findings_->Error(here.In("target").place,
                       absl::StrCat("without ", Quoted(remove.target()), " there are ", left,
                                    left == 1 ? " broker" : " brokers", " for ", replicas_,
                                    replicas_ == 1 ? " replica" : " replicas",
                                    " of a partition; add a broker before"));
      return;
    }
    removed_.insert(BrokerNumberOf(remove.target()));
  }

  void CheckReplace(const Operation::ReplaceBroker& replace, const Places& here) {
    if (!CheckBroker(replace.target(), here.In("target")) || !is_kafka_) return;
    for (const Topic& topic : scenario_.topic()) {
      if (topic.replication_factor() != 1) continue;
      findings_->Error(here.In("target").place,
                       absl::StrCat("topic ", Quoted(topic.name()),
                                    " has one replica: what the broker holds of it would be gone; "
                                    "raise replication_factor, or add a broker and remove this "
                                    "one"));
    }
  }

  void CheckReassign(const Operation::Reassign& reassign, const Places& here) {
    const Topic* topic = FindTopic(scenario_, reassign.topic());
    if (topic == nullptr) return;
    if (is_leaderless_) {
      findings_->Error(here.place,
                       "partitions of leaderless brokers are at none of them, so nothing can be "
                       "reassigned; remove the operation");
      return;
    }
    std::set<uint32_t> partitions;
    for (int i = 0; i < reassign.partition_size(); ++i) {
      const uint32_t partition = reassign.partition(i);
      if (partition >= topic->partitions()) {
        findings_->Error(
            here.In("partition", i).place,
            absl::StrCat("topic ", Quoted(topic->name()), " has no partition ", partition,
                         "; they go from 0 to ", std::max(topic->partitions(), 1u) - 1));
      } else if (!partitions.insert(partition).second) {
        findings_->Error(here.In("partition", i).place,
                         absl::StrCat("partition ", partition, " is listed twice; keep one"));
      }
    }
    std::set<uint32_t> targets;
    for (int i = 0; i < reassign.target_size(); ++i) {
      const Places& place = here.In("target", i);
      if (!CheckBroker(reassign.target(i), place)) return;
      if (!targets.insert(BrokerNumberOf(reassign.target(i))).second) {
        findings_->Error(place.place,
                         absl::StrCat(Quoted(reassign.target(i)), " is listed twice; keep one"));
        return;
      }
    }
    const uint32_t wanted = is_kafka_ ? topic->replication_factor() : 1;
    if (reassign.target_size() > 0 && targets.size() < wanted) {
      findings_->Error(
          here.In("target").place,
          absl::StrCat("topic ", Quoted(topic->name()), " has ", wanted,
                       " replicas of a partition for ", targets.size(),
                       targets.size() == 1 ? " broker" : " brokers", "; name more targets"));
      return;
    }
    CheckThrottle(reassign, *topic, partitions.empty() ? topic->partitions() : partitions.size(),
                  here);
  }

  // What comes in to the moving replicas of a target has to be below the throttle.
  void CheckThrottle(const Operation::Reassign& reassign, const Topic& topic, size_t moving,
                     const Places& here) {
    const auto throttle = AmountOf(UNIT_BYTES_PER_SECOND, reassign.throttle());
    if (!is_kafka_ || !throttle || reassign.has_max_moves() || topic.partitions() == 0 ||
        reassign.target_size() == 0) {
      return;
    }
    Wide ingress = 0;
    for (const Component& component : scenario_.component()) {
      if (component.has_producers() && component.producers().topic() == topic.name()) {
        ingress += BytesPerSecondOf(component.producers());
      }
    }
    const Wide to_each = ingress * static_cast<int64_t>(moving) * topic.replication_factor() /
                         topic.partitions() / reassign.target_size();
    if (Wide{*throttle} > to_each) return;
    findings_->Warning(
        here.In("throttle").place,
        absl::StrCat("throttle ", reassign.throttle(), " is not above the ",
                     static_cast<int64_t>(to_each),
                     " B/s that come in to the moving replicas of a broker: they may never be in "
                     "sync; raise it, or move fewer at a time (max_moves)"));
  }

  void CheckRestart(const Places& here) {
    if (brokers_ - static_cast<int64_t>(removed_.size()) == 1) {
      findings_->Warning(here.place,
                         "the only broker restarts: everything is offline meanwhile; is that "
                         "meant?");
      return;
    }
    for (const Topic& topic : scenario_.topic()) {
      if (!is_kafka_ || topic.replication_factor() != 1) continue;
      findings_->Warning(here.place, absl::StrCat("topic ", Quoted(topic.name()),
                                                  " has one replica: its partitions are offline "
                                                  "while their brokers restart; is that meant?"));
    }
  }

  void CheckRetention(const Operation::ChangeRetention& change, const Places& here) {
    if (change.retention().empty() && change.retention_bytes().empty() &&
        !AnyWithin(blanked_, here)) {
      findings_->Error(here.place,
                       "change_retention changes nothing; state retention or retention_bytes");
    }
  }

  void CheckStart(const Operation::StartConsumer& start, const Places& here) {
    const std::string& name = start.consumers();
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      if (component.name() != name) continue;
      if (!component.has_consumers()) {
        findings_->Error(
            here.In("consumers").place,
            absl::StrCat(Quoted(name), " is no group of consumers; name a component of that kind"));
        return;
      }
      const Places& text = places_.In("component", i).In("consumers");
      for (const char* field : {"start_at", "start_from_age"}) {
        if (!text.Has(field)) continue;
        findings_->Error(text.In(field).place,
                         absl::StrCat(field, " of ", Quoted(name),
                                      ": an operation says when and where it starts; remove one "
                                      "of them"));
      }
    }
    if (!started_.insert(name).second) {
      findings_->Error(
          here.In("consumers").place,
          absl::StrCat(Quoted(name), " is started by another operation already; keep one"));
    }
    const int points = (start.from() != v1::Consumers::START_FROM_UNSPECIFIED) +
                       !start.from_age().empty() + start.has_from_offset();
    if (points != 1 && !AnyWithin(blanked_, here)) {
      findings_->Error(here.place, absl::StrCat("start_consumer states ", points,
                                                " places to begin at; state one of from, "
                                                "from_age, from_offset"));
    }
  }

  const Scenario& scenario_;
  const Places& places_;
  const std::vector<Place>& blanked_;
  Findings* const findings_;
  bool is_kafka_ = false;
  bool is_leaderless_ = false;
  int64_t brokers_ = 0;  // Added ones included, up to the operation at hand.
  int64_t all_ = 0;      // With those of all operations.
  int64_t replicas_ = 1;
  std::set<uint32_t> removed_;
  std::set<std::string> started_;
};

}  // namespace

int64_t AddedBrokers(const Scenario& scenario) {
  int64_t added = 0;
  for (const Operation& operation : scenario.operation()) {
    if (operation.has_add_broker()) {
      added += operation.add_broker().has_count() ? operation.add_broker().count() : 1;
    }
  }
  return added;
}

uint32_t BrokerNumberOf(const std::string& handle) {
  const size_t slash = handle.find('/');
  if (slash == std::string::npos) return 0;
  absl::string_view part = absl::string_view(handle).substr(slash + 1);
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&part, "broker-") || part.empty() || !absl::ascii_isdigit(part[0]) ||
      part[0] == '0' || !absl::SimpleAtoi(part, &number)) {
    return 0;
  }
  return number;
}

bool IsStartedByOperation(const Scenario& scenario, const std::string& consumers) {
  return std::any_of(scenario.operation().begin(), scenario.operation().end(),
                     [&](const Operation& operation) {
                       return operation.has_start_consumer() &&
                              operation.start_consumer().consumers() == consumers;
                     });
}

void CheckOperations(const Scenario& scenario, const Places& places,
                     const std::vector<Place>& blanked, Findings* findings) {
  OperationCheck(scenario, places, blanked, findings).Run();
}

}  // namespace freshet
