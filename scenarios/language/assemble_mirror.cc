#include "scenarios/language/assemble_mirror.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "models/fault/mirror_targets.h"
#include "models/fault/targets.h"
#include "scenarios/language/assemble_laws.h"
#include "scenarios/language/find_component.h"
#include "scenarios/language/mirror_rules.h"
#include "scenarios/language/quantity.h"
#include "scenarios/language/unlimited.h"

namespace freshet {
namespace {

template <class Clients>
auto* Named(const Clients& all, const std::string& name) {
  for (const auto& each : all) {
    if (each->name() == name) return each.get();
  }
  return decltype(all.front().get()){nullptr};
}

StartFrom ResetOf(const v1::Scenario& scenario, const std::string& consumers) {
  const v1::Component* component = FindComponent(scenario, consumers);
  if (component == nullptr) return StartFrom::kLatest;
  const v1::Consumers::StartFrom from = component->consumers().start_from();
  return from == v1::Consumers::EARLIEST   ? StartFrom::kEarliest
         : from == v1::Consumers::NO_RESET ? StartFrom::kNone
                                           : StartFrom::kLatest;
}

Mirror::Config ConfigOf(const v1::Mirror& text, const std::vector<ZoneId>& zones) {
  Mirror::Config config;
  config.worker_zones = zones;
  config.network_bandwidth =
      text.network_bandwidth().empty() ? kUnlimited : BytesPerSecondOf(text.network_bandwidth());
  config.tasks = static_cast<int>(text.tasks_max());
  config.session_timeout = DurationOf(text.session_timeout());
  config.max_delay = DurationOf(text.scheduled_rebalance_max_delay());
  config.flush_interval = DurationOf(text.offset_flush_interval());
  config.offset_lag_max = text.offset_lag_max();
  config.checkpoint_interval = DurationOf(text.emit_checkpoints_interval());
  if (text.sync_group_offsets()) {
    config.sync_interval = DurationOf(text.sync_group_offsets_interval());
  }
  config.refresh_interval = DurationOf(text.refresh_groups_interval());
  config.buffer_memory = BytesOf(text.buffer_memory());
  config.writes = text.writes();
  Consumers::Config& readers = config.consumers;
  readers.topic = text.reads();
  readers.network_bandwidth = kUnlimited;  // Hosts are the workers'.
  readers.start_from = StartFrom::kEarliest;
  readers.fetch_min_bytes = BytesOf(text.fetch_min_bytes());
  readers.fetch_max_wait = DurationOf(text.fetch_max_wait());
  readers.fetch_max_bytes = BytesOf(text.fetch_max_bytes());
  readers.max_partition_fetch_bytes = BytesOf(text.max_partition_fetch_bytes());
  readers.max_poll_records = text.max_poll_records();
  readers.cpu_per_record = DurationOf(text.cpu_per_record());
  readers.auto_commit_interval = config.flush_interval;  // It commits nothing there.
  return config;
}

void BuildCutover(const v1::Scenario& scenario, const std::string& name, const v1::Mirror& text,
                  Mirror* mirror, Simulation& sim, Pipeline* pipeline) {
  const v1::Operation::Cutover* cutover = CutoverOf(scenario, name);
  if (cutover == nullptr) return;
  const std::string cluster = ClusterOf(scenario, text.writes());
  std::vector<MirrorCutover::Group> groups;
  for (const std::string& each : cutover->consumers()) {
    groups.push_back({Named(pipeline->consumers, each),
                      Named(pipeline->consumers, ImageName(each, cluster)),
                      ResetOf(scenario, each)});
  }
  std::vector<MirrorCutover::Fleet> fleets;
  for (const std::string& each : cutover->producers()) {
    fleets.push_back(
        {Named(pipeline->producers, each), Named(pipeline->producers, ImageName(each, cluster))});
  }
  pipeline->cutovers[name] =
      std::make_unique<MirrorCutover>(sim, absl::StrCat(name, ".cutover"), mirror, groups, fleets);
}

}  // namespace

void SetRegions(const v1::Scenario& scenario, Network::Config* config) {
  for (const v1::Component& component : scenario.component()) {
    config->has_mirror = config->has_mirror || component.has_mirror();
  }
  const v1::Network& text = scenario.network();
  if (text.region().empty()) return;
  config->rtt_across_regions = SamplerOf(text.rtt_across_regions());
  config->region_of.resize(config->zones.size());
  for (int i = 0; i < text.region_size(); ++i) {
    for (const std::string& zone : text.region(i).zones()) {
      const auto at = std::find(config->zones.begin(), config->zones.end(), zone);
      config->region_of[static_cast<size_t>(at - config->zones.begin())] = static_cast<RegionId>(i);
    }
  }
}

BrokerCluster* LogOf(const v1::Scenario& scenario, const Pipeline& pipeline,
                     const std::string& topic) {
  const auto other = pipeline.other_logs.find(ClusterOf(scenario, topic));
  return other == pipeline.other_logs.end() ? pipeline.log.get() : other->second.get();
}

void BuildMirror(const v1::Scenario& scenario, const std::string& name, const v1::Mirror& text,
                 const std::vector<ZoneId>& zones, Simulation& sim, Pipeline* pipeline) {
  BrokerCluster* const source = LogOf(scenario, *pipeline, text.reads());
  BrokerCluster* const target = LogOf(scenario, *pipeline, text.writes());
  Network* const network = pipeline->network.get();
  pipeline->mirrors.push_back(
      std::make_unique<Mirror>(sim, name, network, source, target, ConfigOf(text, zones)));
  Mirror* const mirror = pipeline->mirrors.back().get();
  const std::string cluster = ClusterOf(scenario, text.writes());
  for (const v1::Component& component : scenario.component()) {
    if (!component.has_consumers() || component.consumers().reads() != text.reads()) continue;
    Consumers* const group = Named(pipeline->consumers, component.name());
    if (group->coordinator() == nullptr) continue;
    mirror->AddGroup(group, Named(pipeline->consumers, ImageName(component.name(), cluster)));
  }
  BuildCutover(scenario, name, text, mirror, sim, pipeline);
  for (int worker = 0; worker < mirror->worker_count(); ++worker) {
    const std::string handle = absl::StrCat(name, "/worker-", worker + 1);
    pipeline->targets[handle] = std::make_unique<MirrorWorkerTarget>(mirror, worker);
    pipeline->targets[handle + "/nic"] =
        std::make_unique<NicTarget>(network, mirror->HostOf(worker));
  }
  const RegionId from = network->RegionOf(network->ZoneOf(source->HostOf(0)));
  const RegionId to = network->RegionOf(network->ZoneOf(mirror->HostOf(0)));
  if (from == to) return;
  pipeline->targets[absl::StrCat(name, "/link")] =
      std::make_unique<MirrorLinkTarget>(network, from, to);
}

}  // namespace freshet
