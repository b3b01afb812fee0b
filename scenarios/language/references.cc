#include "scenarios/language/references.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "scenarios/language/connect_rules.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/fields.h"
#include "scenarios/language/group_rules.h"
#include "scenarios/language/job_topic_rules.h"
#include "scenarios/language/mirror_rules.h"
#include "scenarios/language/operation_rules.h"
#include "scenarios/language/suggest.h"
#include "scenarios/language/transaction_rules.h"

namespace freshet {

using v1::Component;
using v1::Scenario;
using v1::Topic;
using v1::Variant;
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

template <typename List>
void CheckList(const List& list, const std::string& field, const Places& places,
               Findings* findings) {
  std::map<std::string, Place> first;
  for (int i = 0; i < list.size(); ++i) {
    const std::string& name = list[i].name();
    if (name.empty()) continue;
    const Place place = places.In(field, i).place;
    const auto [known, is_new] = first.emplace(name, place);
    if (is_new) continue;
    const bool same_file = known->second.file == place.file;
    findings->Error(
        place, absl::StrCat(field, " ", Quoted(name), " was already defined at ",
                            same_file ? absl::StrCat("line ", known->second.line)
                                      : absl::StrCat(findings->FileName(known->second.file), ":",
                                                     known->second.line),
                            "; give it another name"));
  }
}

class ReferenceCheck {
 public:
  ReferenceCheck(const Scenario& scenario, const std::vector<std::string>& metrics,
                 Findings* findings)
      : scenario_(scenario), findings_(findings) {
    for (const Topic& topic : scenario.topic()) known_["topic"].push_back(topic.name());
    for (const Component& component : scenario.component()) {
      known_["component"].push_back(component.name());
      for (const v1::StreamOperator& step : component.stream_job().step()) {
        if (!step.has_topic()) continue;
        known_["component"].push_back(TopicSinkName(component.name(), step));
      }
    }
    // What is measured about them has an owner of that name.
    if (!scenario.operation().empty()) known_["component"].push_back("operations");
    if (HasTransactions(scenario)) known_["component"].push_back(kTransactionsName);
    for (const std::string& image : ImagesOf(scenario)) known_["component"].push_back(image);
    for (const Component& component : scenario.component()) {
      if (!component.has_mirror() || CutoverOf(scenario, component.name()) == nullptr) continue;
      known_["component"].push_back(component.name() + ".cutover");
    }
    known_["zone"].assign(scenario.zones().begin(), scenario.zones().end());
    if (scenario.zones().empty()) {
      known_["zone"] = {FactsOf(*Scenario::descriptor()->FindFieldByName("zones")).default_value()};
    }
    if (!metrics.empty()) known_["metric"] = metrics;
    known_.try_emplace("topic");
    known_.try_emplace("component");
  }

  void Walk(const Message& message, const Places& places) {
    const Reflection* reflection = message.GetReflection();
    std::vector<const FieldDescriptor*> given;
    reflection->ListFields(message, &given);
    for (const FieldDescriptor* field : given) {
      if (field->message_type() == Variant::descriptor()) continue;
      const int count = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
      for (int i = 0; i < count; ++i) {
        const Places& here = places.In(field->name(), i);
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
          Walk(field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                    : reflection->GetMessage(message, field),
               here);
        } else if (!FactsOf(*field).refers_to().empty()) {
          Check(*field,
                field->is_repeated() ? reflection->GetRepeatedString(message, field, i)
                                     : reflection->GetString(message, field),
                here.place);
        }
      }
    }
  }

 private:
  void Check(const FieldDescriptor& field, const std::string& text, Place place) {
    const std::string& kind = FactsOf(field).refers_to();
    const auto found = known_.find(kind);
    if (found == known_.end() || text.empty()) return;
    const bool is_target = field.name() == "target";
    const std::string name = is_target ? text.substr(0, text.find('/')) : text;
    const std::vector<std::string>& names = found->second;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const std::string what = is_target ? KindOf(field) : field.name();
      const std::string closest = Closest(name, names);
      const std::string remedy = !closest.empty()
                                     ? absl::StrCat("closest ", kind, ": ", Quoted(closest))
                                 : names.empty() ? absl::StrCat("the scenario has no ", kind)
                                                 : absl::StrCat("there is ", Listed(names));
      findings_->Error(place, absl::StrCat(what, " ", Quoted(text), " is no ", kind, "; ", remedy));
      return;
    }
    if (is_target) CheckHandle(KindOf(field), name, text, place);
  }

  static std::string KindOf(const FieldDescriptor& field) {
    const bool of_fault = field.containing_type()->containing_type() == v1::Fault::descriptor();
    return of_fault ? "fault target" : "target";
  }

  // "controller-3", of `count` of them.
  static bool IsController(absl::string_view handle, uint32_t count) {
    uint32_t number = 0;
    return absl::ConsumePrefix(&handle, "controller-") && !handle.empty() &&
           absl::ascii_isdigit(handle[0]) && handle[0] != '0' &&
           absl::SimpleAtoi(handle, &number) && number <= count;
  }

  // Brokers offer "broker-N", each with a "nic" and, where they keep the log on it, a "disk"; their
  // cluster offers "controller-N", or a "coordinator" where it is leaderless; a store with a bucket
  // in each zone offers the zones; a table offers its "warehouse", an archive its "bucket";
  // consumers offer "member-N", each with a "nic" and, if they subscribe, a "thread"; producers
  // with transactions offer "client-N", each with a "thread"; a job "task-manager-N" with a "nic";
  // Connect "worker-N" with "tasks", "group" and "nic"; a mirror "worker-N" with a "nic", and
  // between regions a "link"; an application of Kafka Streams' kind "instance-N" with a "nic"; a
  // batch lane "task-N" with a "nic"; a query of Spark's kind a "driver", and "executor-N" with a
  // "nic". Operations are for whole brokers.
  void CheckHandle(const std::string& kind, const std::string& name, const std::string& target,
                   Place place) {
    const bool of_fault = kind == "fault target";
    const std::vector<std::string> parts = absl::StrSplit(target, '/');
    for (const Component& component : scenario_.component()) {
      if (component.name() != name) continue;
      if (of_fault && component.has_object_store() &&
          component.object_store().preset() == v1::ObjectStorage::EXPRESS_ONE_ZONE) {
        CheckBucket(name, target, parts, place);
        return;
      }
      if (of_fault && component.has_consumers()) {
        CheckMember(component, target, parts, place);
        return;
      }
      if (of_fault && component.has_connect()) {
        CheckWorker(component, target, parts, place);
        return;
      }
      if (of_fault && component.has_mirror()) {
        CheckMirrorHandle(component, target, parts, place);
        return;
      }
      if (of_fault && component.has_stream_job()) {
        CheckNumbered(component, "task-manager", component.stream_job().task_managers(), target,
                      parts, place);
        return;
      }
      if (of_fault && component.has_streams_app()) {
        CheckNumbered(component, "instance", component.streams_app().instances(), target, parts,
                      place);
        return;
      }
      if (of_fault && component.has_batch_lane()) {
        CheckNumbered(component, "task", component.batch_lane().tasks(), target, parts, place);
        return;
      }
      if (of_fault && component.has_spark_query()) {
        if (parts.size() == 2 && parts[1] == "driver") return;
        CheckNumbered(component, "executor", component.spark_query().executors(), target, parts,
                      place);
        return;
      }
      if (parts.size() == 1 && of_fault) return;
      if (of_fault && component.has_producers()) {
        CheckClient(component, target, parts, place);
        return;
      }
      if (component.has_lakehouse_table() && of_fault) {
        if (parts.size() == 2 && parts[1] == "warehouse") return;
        findings_->Error(place, absl::StrCat(kind, " ", Quoted(target), " is no handle; write ",
                                             Quoted(name), " for the catalog, or ",
                                             Quoted(name + "/warehouse"), " for its bucket"));
        return;
      }
      if (component.has_object_archive() && of_fault && parts.size() == 2 && parts[1] == "bucket") {
        return;
      }
      const bool leaderless = component.has_leaderless();
      if (!component.has_kafka() && !component.has_s3stream() && !leaderless) {
        findings_->Error(place,
                         absl::StrCat(kind, " ", Quoted(target),
                                      of_fault ? " has a part that its component does not offer; "
                                                 "write "
                                               : " is no broker; name one, such as ",
                                      Quoted(of_fault ? name : "log/broker-1")));
        return;
      }
      const bool has_disk = component.has_kafka();
      const uint32_t at_start = has_disk     ? component.kafka().brokers()
                                : leaderless ? component.leaderless().brokers()
                                             : component.s3stream().brokers();
      const std::vector<const Component*> clusters = ClustersOf(scenario_);
      const int64_t added = clusters[0]->name() == name ? AddedBrokers(scenario_) : 0;
      const auto brokers = static_cast<uint32_t>(at_start + added);
      const uint32_t controllers = has_disk     ? component.kafka().controllers().count()
                                   : leaderless ? 0
                                                : component.s3stream().controllers().count();
      if (of_fault && leaderless && parts.size() == 2 && parts[1] == "coordinator") return;
      const uint32_t broker =
          parts.size() == 1 ? 0 : BrokerNumberOf(absl::StrCat(parts[0], "/", parts[1]));
      const bool is_broker = broker > 0 && broker <= brokers;
      const bool is_part =
          parts.size() == 2 || (of_fault && parts.size() == 3 &&
                                ((parts[2] == "disk" && has_disk) || parts[2] == "nic"));
      if (is_broker && is_part) return;
      if (of_fault && parts.size() == 2 && IsController(parts[1], controllers)) return;
      findings_->Error(
          place,
          absl::StrCat(
              kind, " ", Quoted(target), " is no handle; write ",
              Quoted(absl::StrCat(name, "/broker-1")), " to ",
              Quoted(absl::StrCat(name, "/broker-", std::max(brokers, 1u))),
              !of_fault  ? ""
              : has_disk ? ", and behind it \"/disk\" or \"/nic\" for a part"
                         : ", and behind it \"/nic\" for its link",
              of_fault && leaderless ? absl::StrCat(", or ", Quoted(name + "/coordinator")) : ""));
      return;
    }
  }

  void CheckMember(const Component& component, const std::string& target,
                   const std::vector<std::string>& parts, Place place) {
    const bool subscribes = component.consumers().assignment() == v1::Consumers::SUBSCRIBE;
    const uint32_t members = component.consumers().members() +
                             static_cast<uint32_t>(AddedMembers(scenario_, component.name()));
    const uint32_t number = MemberNumberOf(target);
    const bool is_part =
        parts.size() == 3 && (parts[2] == "nic" || (parts[2] == "thread" && subscribes));
    const bool is_member = parts.size() == 2 && subscribes;
    if (number > 0 && number <= members && (is_part || is_member)) return;
    const std::string first = absl::StrCat(component.name(), "/member-1");
    findings_->Error(
        place,
        subscribes
            ? absl::StrCat(
                  "fault target ", Quoted(target), " is no member; write ", Quoted(first), " to ",
                  Quoted(absl::StrCat(component.name(), "/member-", std::max(members, 1u))),
                  ", and behind it \"/thread\" or \"/nic\" for a part")
            : absl::StrCat("fault target ", Quoted(target),
                           ": members with assignment MANUAL have no life of their own; write ",
                           Quoted(first + "/nic"), ", or state assignment: SUBSCRIBE"));
  }

  void CheckClient(const Component& component, const std::string& target,
                   const std::vector<std::string>& parts, Place place) {
    const uint32_t clients = component.producers().clients();
    absl::string_view client = parts.size() > 1 ? absl::string_view(parts[1]) : "";
    uint32_t number = 0;
    const bool is_client = absl::ConsumePrefix(&client, "client-") && !client.empty() &&
                           absl::ascii_isdigit(client[0]) && client[0] != '0' &&
                           absl::SimpleAtoi(client, &number) && number <= clients;
    const bool transacts = component.producers().has_transactions();
    const bool is_part =
        parts.size() == 3 && (parts[2] == "nic" || (parts[2] == "thread" && transacts));
    if (is_client && (is_part || (parts.size() == 2 && transacts))) return;
    const std::string first = absl::StrCat(component.name(), "/client-1");
    const std::string last = absl::StrCat(component.name(), "/client-", std::max(clients, 1u));
    findings_->Error(
        place,
        transacts ? absl::StrCat("fault target ", Quoted(target), " is no client; write ",
                                 Quoted(first), " to ", Quoted(last),
                                 ", and behind it \"/thread\" or \"/nic\" for a part")
                  : absl::StrCat("fault target ", Quoted(target), " is no part of a client; write ",
                                 Quoted(first + "/nic"), " to ", Quoted(last + "/nic")));
  }

  void CheckWorker(const Component& component, const std::string& target,
                   const std::vector<std::string>& parts, Place place) {
    const int64_t workers =
        component.connect().workers() + AddedWorkers(scenario_, component.name());
    const uint32_t number = WorkerNumberOf(target);
    const bool is_part =
        parts.size() == 3 && (parts[2] == "tasks" || parts[2] == "group" || parts[2] == "nic");
    if (number > 0 && number <= workers && (parts.size() == 2 || is_part)) return;
    const std::string name = absl::StrCat(component.name(), "/worker-");
    findings_->Error(
        place,
        absl::StrCat("fault target ", Quoted(target), " is no worker; write ", Quoted(name + "1"),
                     " to ", Quoted(absl::StrCat(name, std::max<int64_t>(workers, 1))),
                     ", and behind it \"/tasks\", \"/group\" or \"/nic\" for a part"));
  }

  void CheckMirrorHandle(const Component& component, const std::string& target,
                         const std::vector<std::string>& parts, Place place) {
    const uint32_t workers = component.mirror().workers();
    const uint32_t number = WorkerNumberOf(target);
    if (number > 0 && number <= workers &&
        (parts.size() == 2 || (parts.size() == 3 && parts[2] == "nic"))) {
      return;
    }
    const bool has_regions = !scenario_.network().region().empty();
    if (has_regions && parts.size() == 2 && parts[1] == "link") return;
    const std::string name = absl::StrCat(component.name(), "/worker-");
    findings_->Error(
        place,
        absl::StrCat("fault target ", Quoted(target), " is no part of a mirror; write ",
                     Quoted(name + "1"), " to ", Quoted(absl::StrCat(name, std::max(workers, 1u))),
                     ", behind it \"/nic\" for its card, or ", Quoted(component.name() + "/link"),
                     has_regions ? "" : " where the network has regions"));
  }

  // Processes of a kind, each with a link: "task-manager-N", "instance-N", "task-N".
  void CheckNumbered(const Component& component, absl::string_view kind, uint32_t count,
                     const std::string& target, const std::vector<std::string>& parts,
                     Place place) {
    uint32_t number = 0;
    absl::string_view digits = parts.size() > 1 ? absl::string_view(parts[1]) : "";
    const bool is_one = absl::ConsumePrefix(&digits, absl::StrCat(kind, "-")) && !digits.empty() &&
                        absl::ascii_isdigit(digits[0]) && digits[0] != '0' &&
                        absl::SimpleAtoi(digits, &number) && number <= count;
    if (is_one && (parts.size() == 2 || (parts.size() == 3 && parts[2] == "nic"))) return;
    for (const v1::StreamOperator& each : component.stream_job().step()) {
      if (parts.size() == 3 && parts[1] == each.name() && parts[2] == "service" &&
          each.has_lookup()) {
        return;
      }
    }
    const std::string name = absl::StrCat(component.name(), "/", kind, "-");
    findings_->Error(
        place, absl::StrCat("fault target ", Quoted(target), " is no ",
                            absl::StrReplaceAll(kind, {{"-", " "}}), "; write ", Quoted(name + "1"),
                            " to ", Quoted(absl::StrCat(name, std::max(count, 1u))),
                            ", and behind it \"/nic\" for its link",
                            component.has_spark_query()
                                ? absl::StrCat(", or ", Quoted(component.name() + "/driver"))
                                : ""));
  }

  void CheckBucket(const std::string& name, const std::string& target,
                   const std::vector<std::string>& parts, Place place) {
    const std::vector<std::string>& zones = known_["zone"];
    if (parts.size() == 2 && std::find(zones.begin(), zones.end(), parts[1]) != zones.end()) return;
    findings_->Error(place, absl::StrCat("fault target ", Quoted(target), " is no bucket; write ",
                                         Quoted(name), ", a slash and a zone: ", Listed(zones)));
  }

  const Scenario& scenario_;
  Findings* const findings_;
  std::map<std::string, std::vector<std::string>> known_;
};

}  // namespace

void CheckDuplicates(const Scenario& scenario, const Places& places, Findings* findings) {
  CheckList(scenario.topic(), "topic", places, findings);
  CheckList(scenario.component(), "component", places, findings);
  CheckList(scenario.fault(), "fault", places, findings);
  CheckList(scenario.operation(), "operation", places, findings);
  CheckList(scenario.variant(), "variant", places, findings);
  CheckList(scenario.instance_type(), "instance_type", places, findings);
  CheckList(scenario.volume_type(), "volume_type", places, findings);
  std::map<std::string, int> zones;
  for (int i = 0; i < scenario.zones_size(); ++i) {
    if (zones.emplace(scenario.zones(i), i).second) continue;
    findings->Error(places.In("zones", i).place,
                    absl::StrCat("zone ", Quoted(scenario.zones(i)), " is listed twice; keep one"));
  }
  for (int i = 0; i < scenario.variant_size(); ++i) {
    const Places& inside = places.In("variant", i);
    CheckList(scenario.variant(i).topic(), "topic", inside, findings);
    CheckList(scenario.variant(i).component(), "component", inside, findings);
    CheckList(scenario.variant(i).fault(), "fault", inside, findings);
    CheckList(scenario.variant(i).operation(), "operation", inside, findings);
  }
}

void CheckReferences(const Scenario& scenario, const Places& places,
                     const std::vector<std::string>& metrics, Findings* findings) {
  ReferenceCheck(scenario, metrics, findings).Walk(scenario, places);

  std::vector<std::string> names;
  for (const Component& component : scenario.component()) names.push_back(component.name());
  const auto [one, other] = FirstCollision(names);
  if (one.empty()) return;
  for (int i = 0; i < scenario.component_size(); ++i) {
    if (scenario.component(i).name() != other) continue;
    findings->Error(places.In("component", i).place,
                    absl::StrCat("the names ", Quoted(one), " and ", Quoted(other),
                                 " have the same hash and would draw the same random numbers; "
                                 "rename one"));
  }
}

uint64_t Fnv1a64(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

std::pair<std::string, std::string> FirstCollision(const std::vector<std::string>& names,
                                                   NameHash hash) {
  std::map<uint64_t, std::string> seen;
  for (const std::string& name : names) {
    const auto [known, is_new] = seen.emplace(hash(name), name);
    if (!is_new && known->second != name) return {known->second, name};
  }
  return {};
}

}  // namespace freshet
