#include "scenarios/language/meters.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "results/run_summary.h"
#include "scenarios/language/quantity.h"

namespace freshet {
namespace {

// How many of `hosts` stand in each zone.
std::map<ZoneId, int64_t> ByZone(const Network& network, const std::vector<HostId>& hosts) {
  std::map<ZoneId, int64_t> count;
  for (const HostId host : hosts) ++count[network.ZoneOf(host)];
  return count;
}

void AddHosts(const Network& network, const std::string& owner, const std::string& role,
              const std::string& instance, const std::vector<HostId>& hosts, MeterTable* meters) {
  for (const auto& [zone, count] : ByZone(network, hosts)) {
    HostRow* row = meters->add_host();
    row->set_owner(owner);
    row->set_role(role);
    row->set_zone(network.zone_name(zone));
    row->set_instance(instance);
    row->set_count(count);
  }
}

void AddVolumes(const Network& network, const std::string& owner, const std::string& role,
                const v1::Volume& volume, const std::vector<HostId>& hosts, MeterTable* meters) {
  for (const auto& [zone, count] : ByZone(network, hosts)) {
    VolumeRow* row = meters->add_volume();
    row->set_owner(owner);
    row->set_role(role);
    row->set_zone(network.zone_name(zone));
    row->set_kind(absl::AsciiStrToLower(v1::Volume::Kind_Name(volume.kind())));
    row->set_count(count * volume.count());
    if (!volume.size().empty()) row->set_size_bytes(BytesOf(volume.size()).count());
    row->set_iops(volume.iops());
    // Of the kinds that a scenario can name, gp3 alone is sold by its throughput (AWSEBS).
    if (volume.kind() == v1::Volume::GP3) {
      row->set_bytes_per_second(BytesPerSecondOf(volume.bandwidth()).count());
    }
  }
}

TrafficRow::Cause CauseOf(TrafficCause cause) {
  switch (cause) {
    case TrafficCause::kProduce:
      return TrafficRow::PRODUCE;
    case TrafficCause::kReplicate:
      return TrafficRow::REPLICATE;
    case TrafficCause::kFetch:
      return TrafficRow::FETCH;
    case TrafficCause::kControl:
      return TrafficRow::CONTROL;
    case TrafficCause::kMirror:
      return TrafficRow::MIRROR;
  }
  return TrafficRow::CAUSE_UNSPECIFIED;
}

void AddTraffic(const Network& network, MeterTable* meters) {
  meters->set_network(network.name());
  const auto zones = static_cast<ZoneId>(network.zone_count());
  for (ZoneId from = 0; from < zones; ++from) {
    for (ZoneId to = 0; to < zones; ++to) {
      for (int index = 0; index < kTrafficCauseCount; ++index) {
        const auto cause = static_cast<TrafficCause>(index);
        TrafficRow row;
        for (int phase = 0; phase < kPhaseCount; ++phase) {
          const int64_t bytes = network.BytesBetween(from, to, cause, static_cast<Phase>(phase));
          if (bytes == 0) continue;
          TrafficPhase* part = row.add_phase();
          part->set_phase(MessageOf(static_cast<Phase>(phase)));
          part->set_bytes(bytes);
        }
        if (row.phase_size() == 0) continue;
        row.set_from_zone(network.zone_name(from));
        row.set_to_zone(network.zone_name(to));
        row.set_cause(CauseOf(cause));
        *meters->add_traffic() = std::move(row);
      }
    }
  }
}

}  // namespace

MeterTable CollectMeters(const v1::Scenario& scenario, const Pipeline& pipeline) {
  MeterTable meters;
  const Network& network = *pipeline.network;
  for (const v1::Component& component : scenario.component()) {
    if (!component.has_kafka() && !component.has_s3stream() && !component.has_leaderless()) {
      continue;
    }
    const std::string& name = component.name();
    const auto other = pipeline.other_logs.find(name);
    const BrokerCluster& log = other == pipeline.other_logs.end() ? *pipeline.log : *other->second;
    std::vector<HostId> hosts;
    for (BrokerId broker = 0; broker < log.broker_count(); ++broker) {
      hosts.push_back(log.HostOf(broker));
    }
    if (component.has_kafka()) {
      AddHosts(network, name, "broker", component.kafka().instance(), hosts, &meters);
      AddVolumes(network, name, "broker", component.kafka().volume(), hosts, &meters);
      continue;
    }
    if (component.has_leaderless()) {
      AddHosts(network, name, "broker", component.leaderless().instance(), hosts, &meters);
      continue;
    }
    AddHosts(network, name, "broker", component.s3stream().instance(), hosts, &meters);
    const v1::WriteAheadLog& wal = component.s3stream().wal();
    if (wal.kind() == v1::WriteAheadLog::VOLUME) {
      AddVolumes(network, name, "write-ahead log", wal.volume(), hosts, &meters);
    }
  }
  for (const auto& producers : pipeline.producers) {
    AddHosts(network, producers->name(), "client", "", producers->hosts(), &meters);
  }
  for (const auto& consumers : pipeline.consumers) {
    AddHosts(network, consumers->name(), "client", "", consumers->hosts(), &meters);
  }
  for (const auto& job : pipeline.jobs) {
    std::vector<HostId> hosts;
    for (int i = 0; i < job->task_manager_count(); ++i)
      hosts.push_back(job->task_manager(i).host());
    AddHosts(network, job->name(), "task manager", "", hosts, &meters);
  }
  for (const auto& mirror : pipeline.mirrors) {
    std::vector<HostId> hosts;
    for (int i = 0; i < mirror->worker_count(); ++i) hosts.push_back(mirror->HostOf(i));
    AddHosts(network, mirror->name(), "connect worker", "", hosts, &meters);
  }
  AddTraffic(network, &meters);
  return meters;
}

}  // namespace freshet
