#include "scenarios/language/connect_rules.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/sink_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Connect;
using v1::Operation;
using v1::Scenario;
namespace {

// Each task has a place on each worker.
constexpr int64_t kMostSlots = 10'000;

class ConnectCheck {
 public:
  ConnectCheck(const Scenario& scenario, const Places& places, Findings* findings)
      : scenario_(scenario), places_(places), findings_(findings) {}

  void Run() {
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      if (component.has_connect()) Check(component, places_.In("component", i).In("connect"));
    }
    std::vector<int> order;
    for (int i = 0; i < scenario_.operation_size(); ++i) order.push_back(i);
    const auto at = [this](int i) {
      return AmountOf(UNIT_DURATION, scenario_.operation(i).at()).value_or(0);
    };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return at(a) < at(b); });
    for (const int i : order) CheckOperation(scenario_.operation(i), places_.In("operation", i));
  }

 private:
  void Check(const Component& component, const Places& here) {
    const Connect& connect = component.connect();
    CheckBelow(connect.heartbeat_interval(), "heartbeat_interval", connect.session_timeout(),
               "session_timeout", here);
    CheckBelow(connect.consumer_heartbeat_interval(), "consumer_heartbeat_interval",
               connect.consumer_session_timeout(), "consumer_session_timeout", here);
    CheckTasks(component, here);
    CheckSink(connect, here);
    CheckErrors(connect, here);
  }

  void CheckTasks(const Component& component, const Places& here) {
    const Connect& connect = component.connect();
    const int64_t workers = connect.workers() + AddedWorkers(scenario_, component.name());
    if (workers * connect.tasks_max() > kMostSlots) {
      findings_->Error(
          here.In(here.Has("tasks_max") ? "tasks_max" : "workers").place,
          absl::StrCat(connect.tasks_max(), " tasks on ", workers, " workers are more than ",
                       kMostSlots, " places for a task; lower one of them"));
    }
    for (const v1::Topic& topic : scenario_.topic()) {
      if (topic.name() != connect.reads() || topic.partitions() == 0) continue;
      if (connect.tasks_max() <= topic.partitions()) continue;
      findings_->Warning(
          here.In("tasks_max").place,
          absl::StrCat("tasks_max ", connect.tasks_max(), " is above the ", topic.partitions(),
                       topic.partitions() == 1 ? " partition" : " partitions", " of ",
                       Quoted(topic.name()), ": the rest has nothing to do; lower it"));
    }
    const auto record = AmountOf(UNIT_DURATION, connect.cpu_per_record());
    const auto most = AmountOf(UNIT_DURATION, connect.max_poll_interval());
    if (record && most && Wide{*record} * connect.max_poll_records() >= Wide{*most}) {
      findings_->Warning(
          here.In(here.Has("max_poll_interval") ? "max_poll_interval" : "cpu_per_record").place,
          absl::StrCat("a put() of ", connect.max_poll_records(),
                       " records takes longer than max_poll_interval ", connect.max_poll_interval(),
                       ": tasks lose their partitions while they work; is that meant?"));
    }
  }

  void CheckSink(const Connect& connect, const Places& here) {
    const Component* sink = FindComponent(scenario_, connect.writes_to());
    if (sink == nullptr) return;  // Told with the references.
    if (!IsSink(*sink)) {
      findings_->Error(here.In("writes_to").place,
                       absl::StrCat(Quoted(sink->name()),
                                    " is no sink; name a database, serving_store, lakehouse_sink, "
                                    "olap_store, search_index, warehouse or object_archive"));
      return;
    }
    if (IsTransactional(*sink)) return;
    const auto* type = Connect::descriptor();
    const auto interval = AmountOf(UNIT_DURATION, connect.commit_interval());
    const auto usual = AmountOf(UNIT_DURATION, DefaultOf(*type->FindFieldByName("commit_interval"),
                                                         scenario_.kafka_version()));
    for (const char* field : {"commit_interval", "fencing"}) {
      if (!here.Has(field)) continue;
      if (std::string(field) == "fencing" ? connect.fencing() : interval == usual) continue;
      findings_->Error(here.In(field).place,
                       absl::StrCat(field, " is for sinks with transactions, and ",
                                    Quoted(sink->name()), " has none; remove it"));
    }
  }

  void CheckErrors(const Connect& connect, const Places& here) {
    if (connect.dead_letter_topic().empty()) return;
    if (connect.errors_tolerance() == Connect::ALL) return;
    findings_->Error(here.In("dead_letter_topic").place,
                     "dead_letter_topic with errors_tolerance NONE: tasks fail before they write a "
                     "dead letter; state errors_tolerance: ALL");
  }

  void CheckBelow(const std::string& small, const char* small_name, const std::string& large,
                  const char* large_name, const Places& here) {
    const auto low = AmountOf(UNIT_DURATION, small);
    const auto high = AmountOf(UNIT_DURATION, large);
    if (!low || !high || *low < *high) return;
    findings_->Error(here.In(here.Has(small_name) ? small_name : large_name).place,
                     absl::StrCat(small_name, " ", small, " is not below ", large_name, " ", large,
                                  "; a third of it is usual"));
  }

  void CheckOperation(const Operation& operation, const Places& here) {
    if (operation.has_restart_tasks()) {
      Find(operation.restart_tasks().connect(), here.In("restart_tasks"));
    } else if (operation.has_renew_credentials()) {
      const Places& place = here.In("renew_credentials");
      const Component* connect = Find(operation.renew_credentials().connect(), place);
      if (connect != nullptr && connect->connect().credential_lifetime().empty()) {
        findings_->Error(place.In("connect").place,
                         absl::StrCat("credentials of ", Quoted(connect->name()),
                                      " never expire; state its credential_lifetime"));
      }
    } else if (operation.has_add_workers()) {
      const Component* connect = Find(operation.add_workers().connect(), here.In("add_workers"));
      if (connect != nullptr) *Workers(*connect) += operation.add_workers().count();
    } else if (operation.has_remove_workers()) {
      const Places& place = here.In("remove_workers");
      const Component* connect = Find(operation.remove_workers().connect(), place);
      if (connect == nullptr) return;
      int64_t* workers = Workers(*connect);
      if (operation.remove_workers().count() > *workers) {
        findings_->Error(
            place.In(place.Has("count") ? "count" : "connect").place,
            absl::StrCat(Quoted(connect->name()), " has ", *workers,
                         *workers == 1 ? " worker" : " workers", " then; remove fewer"));
      }
      *workers = std::max<int64_t>(0, *workers - operation.remove_workers().count());
    }
  }

  // Null if it is no such component.
  const Component* Find(const std::string& name, const Places& here) {
    const Component* component = FindComponent(scenario_, name);
    if (component == nullptr || component->has_connect()) return component;
    findings_->Error(
        here.In("connect").place,
        absl::StrCat(Quoted(name), " has no workers; name a component of kind connect"));
    return nullptr;
  }

  // How many there are at the time of the operation.
  int64_t* Workers(const Component& component) {
    return &workers_.emplace(component.name(), component.connect().workers()).first->second;
  }

  const Scenario& scenario_;
  const Places& places_;
  Findings* const findings_;
  std::map<std::string, int64_t> workers_;  // By component.
};

}  // namespace

int64_t AddedWorkers(const Scenario& scenario, const std::string& connect) {
  int64_t added = 0;
  for (const Operation& operation : scenario.operation()) {
    const Operation::AddWorkers& add = operation.add_workers();
    if (!operation.has_add_workers() || add.connect() != connect) continue;
    added += add.has_count() ? add.count() : 1;
  }
  return added;
}

uint32_t WorkerNumberOf(const std::string& handle) {
  const size_t slash = handle.find('/');
  if (slash == std::string::npos) return 0;
  absl::string_view part = absl::string_view(handle).substr(slash + 1);
  part = part.substr(0, part.find('/'));
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&part, "worker-") || part.empty() || !absl::ascii_isdigit(part[0]) ||
      part[0] == '0' || !absl::SimpleAtoi(part, &number)) {
    return 0;
  }
  return number;
}

void CheckConnects(const Scenario& scenario, const Places& places, Findings* findings) {
  ConnectCheck(scenario, places, findings).Run();
}

}  // namespace freshet
