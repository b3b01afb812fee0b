#include "scenarios/language/mirror_rules.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Mirror;
using v1::Operation;
using v1::Scenario;
using v1::Topic;
namespace {

bool IsCluster(const Component& component) {
  return component.has_kafka() || component.has_s3stream() || component.has_leaderless();
}

class MirrorCheck {
 public:
  MirrorCheck(const Scenario& scenario, const Places& places, Findings* findings)
      : scenario_(scenario),
        places_(places),
        findings_(findings),
        clusters_(ClustersOf(scenario)) {}

  void Run() {
    CheckRegions();
    CheckClusters();
    for (int i = 0; i < scenario_.topic_size(); ++i) {
      CheckTopic(scenario_.topic(i), places_.In("topic", i));
    }
    for (int i = 0; i < scenario_.component_size(); ++i) {
      const Component& component = scenario_.component(i);
      const Places& here = places_.In("component", i);
      if (component.has_mirror()) CheckMirror(component.mirror(), here.In("mirror"));
      CheckReader(component, here);
    }
    for (int i = 0; i < scenario_.operation_size(); ++i) {
      const Operation& operation = scenario_.operation(i);
      const Places& here = places_.In("operation", i);
      if (operation.has_cutover()) CheckCutover(operation, here.In("cutover"));
      if (operation.has_rollback()) CheckRollback(operation, here.In("rollback"));
      CheckTarget(operation, here);
    }
  }

 private:
  void CheckRegions() {
    const v1::Network& network = scenario_.network();
    const Places& here = places_.In("network");
    if (network.region().empty()) {
      if (!network.has_rtt_across_regions()) return;
      findings_->Error(here.In("rtt_across_regions").place,
                       "rtt_across_regions without regions; state which zones are of which region, "
                       "or remove it");
      return;
    }
    if (!network.has_rtt_across_regions()) {
      findings_->Error(here.In("region").place,
                       "regions without a round trip between them; state rtt_across_regions");
    }
    std::map<std::string, std::string> region_of;
    std::set<std::string> names;
    for (int i = 0; i < network.region_size(); ++i) {
      const v1::Region& region = network.region(i);
      if (!region.name().empty() && !names.insert(region.name()).second) {
        findings_->Error(here.In("region", i).place,
                         absl::StrCat("region ", Quoted(region.name()),
                                      " is there twice; give it another name"));
      }
      for (const std::string& zone : region.zones()) {
        const auto [known, is_new] = region_of.emplace(zone, region.name());
        if (is_new) continue;
        findings_->Error(here.In("region", i).In("zones").place,
                         absl::StrCat("zone ", Quoted(zone), " is of region ",
                                      Quoted(known->second), " already; keep it in one"));
      }
    }
    for (const std::string& zone : scenario_.zones()) {
      if (region_of.count(zone) > 0) continue;
      findings_->Error(here.In("region").place,
                       absl::StrCat("zone ", Quoted(zone), " is of no region; add it to one"));
    }
  }

  void CheckClusters() {
    if (clusters_.size() < 2) return;
    const Places& second = PlacesOf(*clusters_[1]);
    if (clusters_.size() > 2) {
      findings_->Error(PlacesOf(*clusters_[2]).place,
                       absl::StrCat("the scenario has ", clusters_.size(),
                                    " clusters of brokers; two can be simulated, which a mirror "
                                    "joins"));
      return;
    }
    const bool joined =
        std::any_of(scenario_.component().begin(), scenario_.component().end(),
                    [](const Component& component) { return component.has_mirror(); });
    if (!joined) {
      findings_->Error(second.place,
                       "the scenario has 2 clusters of brokers and no mirror joins them; keep one, "
                       "or add a component of kind mirror");
    }
    if (!clusters_[0]->has_kafka() && !clusters_[1]->has_kafka()) {
      findings_->Error(second.place,
                       "two clusters would keep the log in one object store; let one be of kind "
                       "kafka");
    }
  }

  void CheckTopic(const Topic& topic, const Places& here) {
    if (topic.cluster().empty()) return;
    const Component* cluster = FindComponent(scenario_, topic.cluster());
    if (cluster == nullptr) return;  // Told with the references.
    if (!IsCluster(*cluster)) {
      findings_->Error(here.In("cluster").place,
                       absl::StrCat(Quoted(topic.cluster()),
                                    " has no topics; name a component of kind kafka, s3stream or "
                                    "leaderless"));
      return;
    }
    if (clusters_.size() < 2 || cluster == clusters_[0]) return;
    if (cluster->has_kafka() && topic.replication_factor() > cluster->kafka().brokers()) {
      findings_->Error(
          here.In("replication_factor").place,
          absl::StrCat("topic ", Quoted(topic.name()), " wants ", topic.replication_factor(),
                       " replicas of the ", cluster->kafka().brokers(), " brokers of ",
                       Quoted(cluster->name()), "; lower replication_factor or add brokers"));
    }
  }

  // Jobs, connectors and tables read the first cluster.
  void CheckReader(const Component& component, const Places& here) {
    if (component.has_connect()) {
      CheckAtFirst(component.connect().reads(), here.In("connect").In("reads"));
      CheckAtFirst(component.connect().dead_letter_topic(),
                   here.In("connect").In("dead_letter_topic"));
    }
    for (int i = 0; i < component.stream_job().step_size(); ++i) {
      if (!component.stream_job().step(i).has_source()) continue;
      CheckAtFirst(component.stream_job().step(i).source().reads(),
                   here.In("stream_job").In("step", i).In("source").In("reads"));
    }
    if (component.has_batch_lane()) {
      CheckAtFirst(component.batch_lane().reads(), here.In("batch_lane").In("reads"));
    }
    for (int i = 0; i < component.spark_query().step_size(); ++i) {
      if (!component.spark_query().step(i).has_source()) continue;
      CheckAtFirst(component.spark_query().step(i).source().reads(),
                   here.In("spark_query").In("step", i).In("source").In("reads"));
    }
    if (component.has_producers() && component.producers().has_transactions()) {
      CheckAtFirst(component.producers().topic(), here.In("producers").In("topic"));
    }
  }

  void CheckAtFirst(const std::string& topic, const Places& here) {
    if (clusters_.size() < 2 || FindTopic(scenario_, topic) == nullptr) return;
    if (ClusterOf(scenario_, topic) == clusters_[0]->name()) return;
    findings_->Error(here.place,
                     absl::StrCat("topic ", Quoted(topic), " is of cluster ",
                                  Quoted(ClusterOf(scenario_, topic)),
                                  ", where only consumers, and producers without transactions, are "
                                  "simulated; name a topic of ",
                                  Quoted(clusters_[0]->name())));
  }

  void CheckMirror(const Mirror& mirror, const Places& here) {
    const Topic* reads = FindTopic(scenario_, mirror.reads());
    const Topic* writes = FindTopic(scenario_, mirror.writes());
    if (reads == nullptr || writes == nullptr || clusters_.empty()) return;
    const std::string from = ClusterOf(scenario_, mirror.reads());
    if (from == ClusterOf(scenario_, mirror.writes())) {
      findings_->Error(here.In("writes").place,
                       absl::StrCat("topics ", Quoted(mirror.reads()), " and ",
                                    Quoted(mirror.writes()), " are both of cluster ", Quoted(from),
                                    "; state another cluster of the copy"));
    } else if (from != clusters_[0]->name()) {
      findings_->Error(here.In("reads").place,
                       absl::StrCat("the mirror reads from ", Quoted(from),
                                    ", which is not the first cluster of the text; name ",
                                    Quoted(from), " before ", Quoted(clusters_[0]->name())));
    }
    if (reads->partitions() != writes->partitions()) {
      findings_->Error(here.In("writes").place,
                       absl::StrCat("topic ", Quoted(writes->name()), " has ", writes->partitions(),
                                    " partitions, and ", Quoted(reads->name()), " has ",
                                    reads->partitions(), "; a copy has as many"));
    }
    if (!copies_.insert(mirror.writes()).second) {
      findings_->Error(here.In("writes").place,
                       absl::StrCat("another mirror writes ", Quoted(mirror.writes()),
                                    " already; give this one a topic of its own"));
    }
    if (mirror.tasks_max() > reads->partitions() && reads->partitions() > 0) {
      findings_->Warning(
          here.In("tasks_max").place,
          absl::StrCat("tasks_max ", mirror.tasks_max(), " is above the ", reads->partitions(),
                       reads->partitions() == 1 ? " partition" : " partitions", " of ",
                       Quoted(reads->name()), ": the rest has nothing to do; lower it"));
    }
  }

  const Mirror* FindMirror(const std::string& name, const Places& here) {
    const Component* component = FindComponent(scenario_, name);
    if (component == nullptr) return nullptr;  // Told with the references.
    if (component->has_mirror()) return &component->mirror();
    findings_->Error(
        here.place, absl::StrCat(Quoted(name), " copies nothing; name a component of kind mirror"));
    return nullptr;
  }

  void CheckCutover(const Operation& operation, const Places& here) {
    const Operation::Cutover& cutover = operation.cutover();
    const Mirror* mirror = FindMirror(cutover.mirror(), here.In("mirror"));
    if (mirror == nullptr) return;
    if (!moved_.emplace(cutover.mirror(), AmountOf(UNIT_DURATION, operation.at()).value_or(0))
             .second) {
      findings_->Error(here.In("mirror").place,
                       absl::StrCat("another operation is a cutover of ", Quoted(cutover.mirror()),
                                    " already; keep one"));
    }
    if (cutover.consumers().empty() && cutover.producers().empty()) {
      findings_->Error(here.place, "the cutover moves nobody; name consumers or producers");
    }
    if (scenario_.resolution().batches_per_parcel() > 1) {
      findings_->Error(here.place,
                       "producers that send parcels of several batches cannot be moved; set "
                       "resolution { batches_per_parcel: 1 }");
    }
    for (int i = 0; i < cutover.consumers_size(); ++i) {
      CheckMovedConsumers(cutover.consumers(i), *mirror, here.In("consumers", i));
    }
    for (int i = 0; i < cutover.producers_size(); ++i) {
      CheckMovedProducers(cutover.producers(i), *mirror, here.In("producers", i));
    }
    const std::string target = ClusterOf(scenario_, mirror->writes());
    if (!cutover.producers_write().empty()) {
      if (FindTopic(scenario_, cutover.producers_write()) != nullptr &&
          ClusterOf(scenario_, cutover.producers_write()) != target) {
        findings_->Error(here.In("producers_write").place,
                         absl::StrCat("topic ", Quoted(cutover.producers_write()),
                                      " is not of cluster ", Quoted(target), "; name one that is"));
      }
    } else if (!cutover.producers().empty() && mirror->replication_policy() != Mirror::IDENTITY) {
      findings_->Error(here.In("producers").place,
                       "with replication_policy PREFIX the copy has another name than the topic, "
                       "and producers do not find it; state producers_write, or the policy "
                       "IDENTITY");
    }
  }

  void CheckMovedConsumers(const std::string& name, const Mirror& mirror, const Places& here) {
    const Component* component = FindComponent(scenario_, name);
    if (component == nullptr) return;
    if (!component->has_consumers() || component->consumers().reads() != mirror.reads()) {
      findings_->Error(here.place,
                       absl::StrCat(Quoted(name), " does not read ", Quoted(mirror.reads()),
                                    "; name consumers of the mirrored topic"));
      return;
    }
    if (component->consumers().assignment() != v1::Consumers::SUBSCRIBE) {
      findings_->Error(here.place,
                       absl::StrCat(Quoted(name),
                                    " keeps no offsets at the brokers that could be translated; "
                                    "state assignment: SUBSCRIBE"));
    }
    if (!component->consumers().writes_to().empty()) {
      findings_->Error(
          here.place,
          absl::StrCat(Quoted(name), " writes to ", Quoted(component->consumers().writes_to()),
                       ", whose ledger is of one cluster's offsets; move a group "
                       "without a sink"));
    }
    CheckImage(name, mirror, here);
  }

  void CheckMovedProducers(const std::string& name, const Mirror& mirror, const Places& here) {
    const Component* component = FindComponent(scenario_, name);
    if (component == nullptr) return;
    if (!component->has_producers() || component->producers().topic() != mirror.reads()) {
      findings_->Error(here.place,
                       absl::StrCat(Quoted(name), " does not write ", Quoted(mirror.reads()),
                                    "; name producers of the mirrored topic"));
      return;
    }
    if (component->producers().has_transactions()) {
      findings_->Error(
          here.place,
          absl::StrCat(Quoted(name), " has transactions, which are not moved; remove them"));
    }
    CheckImage(name, mirror, here);
  }

  void CheckImage(const std::string& name, const Mirror& mirror, const Places& here) {
    const std::string image = ImageName(name, ClusterOf(scenario_, mirror.writes()));
    if (FindComponent(scenario_, image) == nullptr) return;
    findings_->Error(here.place, absl::StrCat("what is moved is called ", Quoted(image),
                                              ", and so is a component; give that another name"));
  }

  void CheckRollback(const Operation& operation, const Places& here) {
    const std::string& mirror = operation.rollback().mirror();
    if (FindMirror(mirror, here.In("mirror")) == nullptr) return;
    const Operation* before = nullptr;
    for (const Operation& each : scenario_.operation()) {
      if (each.has_cutover() && each.cutover().mirror() == mirror) before = &each;
    }
    const auto at = AmountOf(UNIT_DURATION, operation.at());
    const auto moved = before == nullptr ? std::nullopt : AmountOf(UNIT_DURATION, before->at());
    if (before == nullptr || (at && moved && *at <= *moved)) {
      findings_->Error(here.In("mirror").place,
                       absl::StrCat("no cutover of ", Quoted(mirror),
                                    " comes before; add one, or move the rollback"));
    }
    if (!back_.insert(mirror).second) {
      findings_->Error(here.In("mirror").place, absl::StrCat("another operation is a rollback of ",
                                                             Quoted(mirror), " already; keep one"));
    }
  }

  // Brokers of the second cluster are nobody's to add, move and restart.
  void CheckTarget(const Operation& operation, const Places& here) {
    if (clusters_.size() < 2) return;
    const auto check = [this](const std::string& target, const Places& at) {
      if (target.substr(0, target.find('/')) != clusters_[1]->name()) return;
      findings_->Error(at.place, absl::StrCat("operations are for brokers of the first cluster, ",
                                              Quoted(clusters_[0]->name()), "; name one of those"));
    };
    check(operation.remove_broker().target(), here.In("remove_broker").In("target"));
    check(operation.replace_broker().target(), here.In("replace_broker").In("target"));
    for (int i = 0; i < operation.reassign().target_size(); ++i) {
      check(operation.reassign().target(i), here.In("reassign").In("target", i));
    }
    CheckAtFirst(operation.reassign().topic(), here.In("reassign").In("topic"));
    CheckAtFirst(operation.change_retention().topic(), here.In("change_retention").In("topic"));
  }

  const Places& PlacesOf(const Component& wanted) const {
    for (int i = 0; i < scenario_.component_size(); ++i) {
      if (&scenario_.component(i) == &wanted) return places_.In("component", i);
    }
    return places_;
  }

  const Scenario& scenario_;
  const Places& places_;
  Findings* const findings_;
  const std::vector<const Component*> clusters_;
  std::set<std::string> copies_;
  std::map<std::string, int64_t> moved_;
  std::set<std::string> back_;
};

}  // namespace

std::vector<const Component*> ClustersOf(const Scenario& scenario) {
  std::vector<const Component*> clusters;
  for (const Component& component : scenario.component()) {
    if (IsCluster(component)) clusters.push_back(&component);
  }
  return clusters;
}

std::string ClusterOf(const Scenario& scenario, const std::string& topic) {
  const Topic* found = FindTopic(scenario, topic);
  if (found != nullptr && !found->cluster().empty()) return found->cluster();
  const std::vector<const Component*> clusters = ClustersOf(scenario);
  return clusters.empty() ? "" : clusters[0]->name();
}

std::string ImageName(const std::string& client, const std::string& cluster) {
  return absl::StrCat(client, "-", cluster);
}

const Operation::Cutover* CutoverOf(const Scenario& scenario, const std::string& mirror) {
  for (const Operation& operation : scenario.operation()) {
    if (operation.has_cutover() && operation.cutover().mirror() == mirror) {
      return &operation.cutover();
    }
  }
  return nullptr;
}

std::vector<std::string> ImagesOf(const Scenario& scenario) {
  std::vector<std::string> images;
  for (const Component& component : scenario.component()) {
    if (!component.has_mirror()) continue;
    const Operation::Cutover* cutover = CutoverOf(scenario, component.name());
    if (cutover == nullptr) continue;
    const std::string cluster = ClusterOf(scenario, component.mirror().writes());
    for (const std::string& name : cutover->consumers()) images.push_back(ImageName(name, cluster));
    for (const std::string& name : cutover->producers()) images.push_back(ImageName(name, cluster));
  }
  return images;
}

void CheckMirrors(const Scenario& scenario, const Places& places, Findings* findings) {
  MirrorCheck(scenario, places, findings).Run();
}

}  // namespace freshet
