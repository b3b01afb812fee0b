#include "scenarios/language/group_rules.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/operation_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Consumers;
using v1::Operation;
using v1::Scenario;
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

constexpr int64_t kMostMembers = 100'000;

// What only a group that subscribes heeds.
constexpr const char* kOfGroups[] = {
    "group_protocol",     "assignor",          "session_timeout",
    "heartbeat_interval", "max_poll_interval", "static_members",
    "leave_on_close",     "retry_backoff",     "application_commits"};

class GroupCheck {
 public:
  GroupCheck(const Scenario& scenario, const Places& places, Findings* findings)
      : scenario_(scenario), places_(places), findings_(findings) {}

  void Run() {
    for (int i = 0; i < scenario_.component_size(); ++i) {
      if (!scenario_.component(i).has_consumers()) continue;
      const Places& here = places_.In("component", i).In("consumers");
      const Consumers& consumers = scenario_.component(i).consumers();
      if (consumers.assignment() == Consumers::SUBSCRIBE) {
        CheckGroup(scenario_.component(i), here);
      } else {
        CheckManual(here, consumers);
      }
    }
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      const Places& here = places_.In("component", i);
      if (component.has_streams_app()) {
        CheckOwn(component.name(), component.name(), here);
        for (const v1::StreamOperator& step : component.streams_app().step()) {
          if (!step.by_key()) continue;
          CheckOwn(absl::StrCat(component.name(), "-", step.name()), component.name(), here);
        }
      }
      if (!component.has_connect()) continue;
      CheckOwn(absl::StrCat("connect-", component.name()), component.name(), here);
      CheckOwn(component.connect().group(), component.name(), here.In("connect").In("group"));
    }
    CheckBrokers();
    CheckOperationsOnMembers();
  }

 private:
  void CheckManual(const Places& here, const Consumers& consumers) {
    for (const char* field : kOfGroups) {
      if (!here.Has(field) || IsDefault(scenario_, consumers, field)) continue;
      findings_->Error(here.In(field).place,
                       absl::StrCat(field,
                                    " is for members that subscribe; state assignment: SUBSCRIBE, "
                                    "or remove it"));
    }
    if (consumers.start_from() == Consumers::NO_RESET) {
      findings_->Error(here.In("start_from").place,
                       "start_from NO_RESET is for members that subscribe; state assignment: "
                       "SUBSCRIBE, or write EARLIEST or LATEST");
    }
  }

  void CheckGroup(const Component& component, const Places& here) {
    const Consumers& consumers = component.consumers();
    const bool by_broker = consumers.group_protocol() == Consumers::CONSUMER;
    const auto [other, is_new] = groups_.emplace(consumers.group(), component.name());
    if (!is_new) {
      findings_->Error(here.In(here.Has("group") ? "group" : "assignment").place,
                       absl::StrCat(Quoted(component.name()), " and ", Quoted(other->second),
                                    " subscribe in the same group ", Quoted(consumers.group()),
                                    "; give one of them another group, or make them one component "
                                    "with more members"));
    }
    if (by_broker) {
      CheckBrokerSide(consumers, here);
    } else {
      if (consumers.assignor() == Consumers::UNIFORM) {
        findings_->Error(here.In("assignor").place,
                         "UNIFORM is an assignor of the brokers; state group_protocol: CONSUMER, "
                         "or write COOPERATIVE_STICKY");
      }
      CheckBelow(consumers.heartbeat_interval(), "heartbeat_interval", consumers.session_timeout(),
                 "session_timeout", here);
    }
    if (consumers.application_commits() > Consumers::NEVER && consumers.auto_commit()) {
      findings_->Error(here.In("application_commits").place,
                       "application_commits beside automatic commits: two commit the same "
                       "offsets; state auto_commit: false");
    }
    if (consumers.start_from() == Consumers::NO_RESET && consumers.start_from_age().empty() &&
        !IsStartedByOperation(scenario_, component.name())) {
      findings_->Error(here.In("start_from").place,
                       "start_from NO_RESET: the group has no offset to begin at, and all members "
                       "would stop; state start_from_age, or start it by an operation");
    }
    CheckPolls(consumers, here);
  }

  // A group of Connect, which nobody else may be in.
  void CheckOwn(const std::string& group, const std::string& name, const Places& here) {
    const auto [other, is_new] = groups_.emplace(group, name);
    if (is_new) return;
    findings_->Error(here.place, absl::StrCat(Quoted(name), " and ", Quoted(other->second),
                                              " are in the same group ", Quoted(group),
                                              "; give one of them another group"));
  }

  void CheckBrokerSide(const Consumers& consumers, const Places& here) {
    if (scenario_.kafka_version() < "4.0") {
      findings_->Error(
          here.In("group_protocol").place,
          absl::StrCat("group_protocol CONSUMER is not for production in Kafka ",
                       scenario_.kafka_version(), "; write CLASSIC, or kafka_version: \"4.0\""));
    }
    if (consumers.assignor() != Consumers::UNIFORM && consumers.assignor() != Consumers::RANGE &&
        consumers.assignor() != Consumers::ASSIGNOR_UNSPECIFIED) {
      findings_->Error(here.In("assignor").place,
                       "the brokers have the assignors UNIFORM and RANGE; write one of them, or "
                       "group_protocol: CLASSIC");
    }
    for (const char* field : {"session_timeout", "heartbeat_interval"}) {
      if (!here.Has(field) || IsDefault(scenario_, consumers, field)) continue;
      findings_->Error(here.In(field).place,
                       absl::StrCat(field,
                                    " is the brokers' with group_protocol CONSUMER; remove it, and "
                                    "state group_coordinator { consumer_",
                                    field, " } if you want to"));
    }
  }

  void CheckBelow(const std::string& small, const char* small_name, const std::string& large,
                  const char* large_name, const Places& here) {
    const auto low = AmountOf(UNIT_DURATION, small);
    const auto high = AmountOf(UNIT_DURATION, large);
    if (!low || !high || *low < *high) return;
    const char* field = here.Has(small_name) ? small_name : large_name;
    findings_->Error(here.In(field).place,
                     absl::StrCat(small_name, " ", small, " is not below ", large_name, " ", large,
                                  "; a third of it is usual"));
  }

  void CheckPolls(const Consumers& consumers, const Places& here) {
    const auto record = AmountOf(UNIT_DURATION, consumers.cpu_per_record());
    const auto poll = AmountOf(UNIT_DURATION, consumers.cpu_per_poll());
    const auto most = AmountOf(UNIT_DURATION, consumers.max_poll_interval());
    if (!record || !poll || !most ||
        Wide{*record} * consumers.max_poll_records() + *poll < Wide{*most}) {
      return;
    }
    findings_->Warning(
        here.In(here.Has("max_poll_interval") ? "max_poll_interval" : "cpu_per_record").place,
        absl::StrCat("a poll of ", consumers.max_poll_records(),
                     " records takes longer than max_poll_interval ", consumers.max_poll_interval(),
                     ": members leave the group while they work; is that meant?"));
  }

  void CheckBrokers() {
    const Places& here = places_.In("group_coordinator");
    const v1::GroupCoordinator& text = scenario_.group_coordinator();
    CheckBelow(text.consumer_heartbeat_interval(), "consumer_heartbeat_interval",
               text.consumer_session_timeout(), "consumer_session_timeout", here);
    const auto other = AmountOf(UNIT_BYTES, text.offsets_other_bytes());
    if (other && *other > 0 && text.offsets_load_rate().empty()) {
      findings_->Error(here.In("offsets_other_bytes").place,
                       "offsets_other_bytes without offsets_load_rate changes nothing; state how "
                       "fast a leader loads them");
    }
    if (groups_.empty()) return;
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      if (!component.has_kafka()) continue;
      const uint32_t brokers = component.kafka().brokers();
      if (brokers == 0 || text.offsets_topic_replication_factor() <= brokers) continue;
      const Places& place = here.Has("offsets_topic_replication_factor")
                                ? here.In("offsets_topic_replication_factor")
                                : places_.In("component", i).In("kafka").In("brokers");
      findings_->Error(
          place.place,
          absl::StrCat("__consumer_offsets wants ", text.offsets_topic_replication_factor(),
                       " replicas of ", brokers, brokers == 1 ? " broker" : " brokers",
                       "; state group_coordinator { offsets_topic_replication_factor: ", brokers,
                       " }"));
    }
  }

  void CheckOperationsOnMembers() {
    std::vector<int> order;
    for (int i = 0; i < scenario_.operation_size(); ++i) order.push_back(i);
    const auto at = [this](int i) {
      return AmountOf(UNIT_DURATION, scenario_.operation(i).at()).value_or(0);
    };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return at(a) < at(b); });
    for (const int i : order) {
      const Operation& operation = scenario_.operation(i);
      const Places& here = places_.In("operation", i);
      if (operation.has_restart_consumers()) {
        Members(operation.restart_consumers().consumers(), here.In("restart_consumers"));
      } else if (operation.has_add_consumers()) {
        const Operation::AddConsumers& add = operation.add_consumers();
        int64_t* members = Members(add.consumers(), here.In("add_consumers"));
        if (members == nullptr) continue;
        *members += add.count();
        if (*members > kMostMembers) {
          findings_->Error(
              here.In("add_consumers").In("count").place,
              absl::StrCat("operations bring ", Quoted(add.consumers()), " to ", *members,
                           " members; at most ", kMostMembers, " are simulated"));
        }
      } else if (operation.has_remove_consumers()) {
        const Operation::RemoveConsumers& remove = operation.remove_consumers();
        int64_t* members = Members(remove.consumers(), here.In("remove_consumers"));
        if (members == nullptr) continue;
        if (remove.count() > *members) {
          findings_->Error(
              here.In("remove_consumers").In("count").place,
              absl::StrCat(Quoted(remove.consumers()), " has ", *members,
                           *members == 1 ? " member" : " members", " then; remove fewer"));
        }
        *members = std::max<int64_t>(0, *members - remove.count());
      }
    }
  }

  // How many there are at the time of the operation; null if it is not for such a component.
  int64_t* Members(const std::string& name, const Places& here) {
    for (const Component& component : scenario_.component()) {
      if (component.name() != name) continue;
      if (!component.has_consumers() ||
          component.consumers().assignment() != Consumers::SUBSCRIBE) {
        findings_->Error(here.In("consumers").place,
                         absl::StrCat(Quoted(name),
                                      " has no members that come and go; name a component of kind "
                                      "consumers with assignment: SUBSCRIBE"));
        return nullptr;
      }
      return &members_.emplace(name, component.consumers().members()).first->second;
    }
    return nullptr;  // A dangling reference, told elsewhere.
  }

  const Scenario& scenario_;
  const Places& places_;
  Findings* const findings_;
  std::map<std::string, std::string> groups_;  // Who has it.
  std::map<std::string, int64_t> members_;     // By component.
};

}  // namespace

bool IsOfGroups(absl::string_view field) {
  return std::any_of(std::begin(kOfGroups), std::end(kOfGroups),
                     [field](const char* each) { return field == each; });
}

int64_t AddedMembers(const Scenario& scenario, const std::string& consumers) {
  int64_t added = 0;
  for (const Operation& operation : scenario.operation()) {
    const Operation::AddConsumers& add = operation.add_consumers();
    if (!operation.has_add_consumers() || add.consumers() != consumers) continue;
    added += add.has_count() ? add.count() : 1;
  }
  return added;
}

uint32_t MemberNumberOf(const std::string& handle) {
  const size_t slash = handle.find('/');
  if (slash == std::string::npos) return 0;
  absl::string_view part = absl::string_view(handle).substr(slash + 1);
  part = part.substr(0, part.find('/'));
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&part, "member-") || part.empty() || !absl::ascii_isdigit(part[0]) ||
      part[0] == '0' || !absl::SimpleAtoi(part, &number)) {
    return 0;
  }
  return number;
}

bool IsDefault(const Scenario& scenario, const Consumers& consumers, const char* name) {
  const FieldDescriptor* field = Consumers::descriptor()->FindFieldByName(name);
  const Reflection* reflection = consumers.GetReflection();
  const std::string& text = DefaultOf(*field, scenario.kafka_version());
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return AmountOf(UNIT_DURATION, reflection->GetString(consumers, field)) ==
             AmountOf(UNIT_DURATION, text);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(consumers, field) == (text == "true");
    default: {
      const int number = reflection->GetEnumValue(consumers, field);
      if (field->number() == Consumers::kAssignorFieldNumber) {
        const bool by_broker = consumers.group_protocol() == Consumers::CONSUMER;
        return number == (by_broker ? Consumers::UNIFORM : Consumers::RANGE);
      }
      return number == field->enum_type()->FindValueByName(text)->number();
    }
  }
}

void CheckGroups(const Scenario& scenario, const Places& places, Findings* findings) {
  GroupCheck(scenario, places, findings).Run();
}

}  // namespace freshet
