#include "scenarios/language/table_rules.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/facts.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/sink_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Scenario;
using v1::Topic;
namespace {

void CheckTableTopic(const Scenario& scenario, const Topic& topic, const Places& here,
                     std::map<std::string, std::string>* taken, Findings* findings) {
  const v1::TableTopic& text = topic.table_topic();
  const auto& components = scenario.component();
  if (std::none_of(components.begin(), components.end(),
                   [](const Component& component) { return component.has_s3stream(); })) {
    findings->Error(here.place,
                    absl::StrCat("topic ", Quoted(topic.name()),
                                 " is to go into a table, which brokers of kind s3stream alone do; "
                                 "use them, or remove table_topic"));
  }
  const Component* table = FindComponent(scenario, text.table());
  if (table == nullptr) return;  // Told with the references.
  if (!table->has_lakehouse_table()) {
    findings->Error(here.In("table").place,
                    absl::StrCat(Quoted(text.table()),
                                 " is no table; name a component { lakehouse_table { ... } }"));
    return;
  }
  const auto [first, is_new] = taken->emplace(text.table(), topic.name());
  if (!is_new) {
    findings->Error(
        here.In("table").place,
        absl::StrCat("topic ", Quoted(first->second), " goes into ", Quoted(text.table()),
                     " already; give each topic a table of its own"));
  }
  const auto interval = AmountOf(UNIT_DURATION, text.commit_interval());
  const auto retention = AmountOf(UNIT_DURATION, topic.retention());
  if (interval && retention && *retention <= *interval) {
    findings->Warning(here.In("commit_interval").place,
                      absl::StrCat("retention ", topic.retention(),
                                   " is not above commit_interval ", text.commit_interval(),
                                   ": records are deleted before the table has them; is that "
                                   "meant?"));
  }
}

// A canonical text writes defaults out.
bool IsDefault(const Scenario& scenario, const v1::LakehouseTable& table, const char* name) {
  const google::protobuf::FieldDescriptor* field = table.GetDescriptor()->FindFieldByName(name);
  const std::string& text = DefaultOf(*field, scenario.kafka_version());
  if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    return AmountOf(UNIT_DURATION, table.GetReflection()->GetString(table, field)) ==
           AmountOf(UNIT_DURATION, text);
  }
  return absl::StrCat(table.GetReflection()->GetUInt32(table, field)) == text;
}

void CheckTable(const Scenario& scenario, const Component& component, const Places& all,
                bool is_written, Findings* findings) {
  const v1::LakehouseTable& table = component.lakehouse_table();
  const Places& here = all.In("lakehouse_table");
  if (!is_written) {
    findings->Error(all.place, absl::StrCat("nobody writes the table ", Quoted(component.name()),
                                            "; name it in a topic's table_topic or in a "
                                            "lakehouse_sink, or remove it"));
  }
  if (table.warehouse().preset() == v1::ObjectStorage::EXPRESS_ONE_ZONE) {
    findings->Error(here.In("warehouse").In("preset").place,
                    "a warehouse lies in a bucket of the region, not in EXPRESS_ONE_ZONE; write "
                    "REALISTIC or OPTIMISTIC_2019");
  }
  const auto small = AmountOf(UNIT_BYTES, table.warehouse().small_put());
  const auto large = AmountOf(UNIT_BYTES, table.warehouse().large_put());
  if (small && large && *small >= *large) {
    const Places& warehouse = here.In("warehouse");
    findings->Error(
        warehouse.In(warehouse.Has("small_put") ? "small_put" : "large_put").place,
        absl::StrCat("small_put ", table.warehouse().small_put(), " is not below large_put ",
                     table.warehouse().large_put(), "; latencies lie between the two"));
  }
  const v1::RewriteDataFiles& rewrite = table.rewrite_data_files();
  const auto target = AmountOf(UNIT_BYTES, rewrite.target_file_size());
  const auto group = AmountOf(UNIT_BYTES, rewrite.max_file_group_size());
  if (table.has_rewrite_data_files() && target && group && *group < *target) {
    const Places& job = here.In("rewrite_data_files");
    findings->Error(
        job.In(job.Has("max_file_group_size") ? "max_file_group_size" : "target_file_size").place,
        absl::StrCat("max_file_group_size ", rewrite.max_file_group_size(),
                     " is below target_file_size ", rewrite.target_file_size(),
                     ": no file would reach it; raise it"));
  }
  if (table.has_expire_snapshots()) {
    for (const char* field : {"expire_snapshots_after", "min_snapshots_to_keep"}) {
      if (!here.Has(field) || IsDefault(scenario, table, field)) continue;
      findings->Error(here.In(field).place,
                      absl::StrCat(field,
                                   " is for commits that expire snapshots, and expire_snapshots "
                                   "has a job do it; remove one of the two"));
    }
  }
  if (table.has_remove_orphan_files()) {
    const Places& job = here.In("remove_orphan_files");
    if (here.Has("remove_orphans_after")) {
      findings->Error(here.In("remove_orphans_after").place,
                      "remove_orphans_after and remove_orphan_files both delete orphans; remove "
                      "one of the two");
    }
    const auto age = AmountOf(UNIT_DURATION, table.remove_orphan_files().older_than());
    if (age && *age < int64_t{24} * 3600 * 1'000'000'000) {
      findings->Warning(job.In("older_than").place,
                        absl::StrCat("older_than ", table.remove_orphan_files().older_than(),
                                     " is below 24h, which the procedure refuses and the Java "
                                     "action takes; is that meant?"));
    }
  }
  const auto wait = AmountOf(UNIT_DURATION, table.commit_retry_wait());
  const auto longest = AmountOf(UNIT_DURATION, table.commit_retry_max_wait());
  if (wait && longest && *wait > *longest) {
    findings->Error(
        here.In(here.Has("commit_retry_max_wait") ? "commit_retry_max_wait" : "commit_retry_wait")
            .place,
        absl::StrCat("commit_retry_wait ", table.commit_retry_wait(),
                     " is above commit_retry_max_wait ", table.commit_retry_max_wait(),
                     "; lower it"));
  }
}

}  // namespace

void CheckTables(const Scenario& scenario, const Places& places, Findings* findings) {
  std::map<std::string, std::string> taken;  // Tables, and by which topic.
  for (int i = 0; i < scenario.topic_size(); ++i) {
    if (!scenario.topic(i).has_table_topic()) continue;
    CheckTableTopic(scenario, scenario.topic(i), places.In("topic", i).In("table_topic"), &taken,
                    findings);
  }
  for (int i = 0; i < scenario.component_size(); ++i) {
    const Component& component = scenario.component(i);
    if (!component.has_lakehouse_table()) continue;
    CheckTable(
        scenario, component, places.In("component", i),
        taken.contains(component.name()) || SinkOfTable(scenario, component.name()) != nullptr,
        findings);
  }
}

int64_t PredictedTableEvents(const Scenario& scenario) {
  const auto run_for = AmountOf(UNIT_DURATION, scenario.run_for());
  if (!run_for) return 0;
  constexpr int64_t kMost = int64_t{1} << 60;
  const Wide seconds = *run_for / 1'000'000'000 + 1;
  Wide events = 0;
  for (const Topic& topic : scenario.topic()) {
    if (!topic.has_table_topic()) continue;
    // A look of the coordinator and a sample each second; for each commit, of all partitions a
    // read and some work, and the files.
    const auto interval = AmountOf(UNIT_DURATION, topic.table_topic().commit_interval());
    const Wide commits = *run_for / std::max<int64_t>(interval.value_or(1), 1'000'000'000) + 1;
    const Wide files = std::max(topic.table_topic().open_partitions(), 1u);
    events += 2 * seconds + commits * (3 * Wide{topic.partitions()} + 8 * files);
  }
  for (const Component& component : scenario.component()) {
    if (!component.has_lakehouse_table()) continue;
    const auto other = AmountOf(UNIT_DURATION, component.lakehouse_table().other_commits());
    if (other) events += *run_for / std::max<int64_t>(*other, 1'000'000);
    // A rewrite and a planning read all manifests, some requests each.
    const auto add = [&](const std::string& every) {
      const auto interval = AmountOf(UNIT_DURATION, every);
      if (interval) events += 20 * (*run_for / std::max<int64_t>(*interval, 1'000'000'000));
    };
    add(component.lakehouse_table().rewrite_data_files().every());
    add(component.lakehouse_table().planning().every());
    add(component.lakehouse_table().expire_snapshots().every());
    add(component.lakehouse_table().rewrite_manifests().every());
    add(component.lakehouse_table().remove_orphan_files().every());
  }
  return static_cast<int64_t>(std::min<Wide>(events, kMost));
}

}  // namespace freshet
