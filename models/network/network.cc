#include "models/network/network.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {

Network::Network(Simulation& sim, absl::string_view name, const Config& config)
    : Component(sim, name),
      config_(config),
      rtt_stream_(NewStream("rtt")),
      cross_zone_bytes_(AddCounter(kCrossZoneBytes)),
      between_(config.zones.size() * config.zones.size() * kTrafficCauseCount) {
  for (int cause = 0; cause < kTrafficCauseCount; ++cause) {
    if (static_cast<TrafficCause>(cause) == TrafficCause::kMirror && !config.has_mirror) continue;
    bytes_[cause] = &AddCounter(kBytes[cause]);
  }
  if (!config.region_of.empty()) {
    SIM_REQUIRE(config.region_of.size() == config.zones.size());
    cross_region_bytes_ = &AddCounter(kCrossRegionBytes);
  }
}

HostId Network::AddHost(absl::string_view host_name, ZoneId zone, BytesPerSecond rate,
                        const BandwidthBurst& burst) {
  SIM_REQUIRE(zone < config_.zones.size());
  const Bandwidth::Config card = BurstableBandwidth(rate, burst);
  Host host;
  host.zone = zone;
  host.outgoing = std::make_unique<Bandwidth>(sim(), absl::StrCat(host_name, "/nic-out"), card);
  host.incoming = std::make_unique<Bandwidth>(sim(), absl::StrCat(host_name, "/nic-in"), card);
  hosts_.push_back(std::move(host));
  return static_cast<HostId>(hosts_.size() - 1);
}

Connection* Network::Connect(HostId from, HostId to) {
  SIM_REQUIRE(from < hosts_.size() && to < hosts_.size());
  connections_.push_back(std::unique_ptr<Connection>(new Connection(this, from, to)));
  return connections_.back().get();
}

void Network::SetDown(HostId host, bool down) {
  hosts_[host].down = down;
  for (const auto& connection : connections_) {
    if (connection->from() != host && connection->to() != host) continue;
    connection->down_ = hosts_[connection->from()].down || hosts_[connection->to()].down;
    if (down) connection->Reset();
  }
}

bool Network::IsCut(HostId from, HostId to) const {
  const RegionId a = RegionOf(hosts_[from].zone);
  const RegionId b = RegionOf(hosts_[to].zone);
  const std::pair<RegionId, RegionId> link = std::minmax(a, b);
  return std::find(cuts_.begin(), cuts_.end(), link) != cuts_.end();
}

void Network::SetCut(RegionId a, RegionId b, bool cut) {
  SIM_REQUIRE(a != b);
  const std::pair<RegionId, RegionId> link = std::minmax(a, b);
  const auto known = std::find(cuts_.begin(), cuts_.end(), link);
  if (cut == (known != cuts_.end())) return;
  if (cut) {
    cuts_.push_back(link);
    return;
  }
  cuts_.erase(known);
  // By index: what is delivered may open connections.
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection& held = *connections_[i];
    if (held.leaving_ == Connection::Stage::kIdle && held.AnyWaits()) held.StartLeaving();
  }
}

Connection::Connection(Network* network, HostId from, HostId to)
    : network_(network),
      outgoing_(&network->Outgoing(from)),
      incoming_(&network->Incoming(to)),
      from_(from),
      to_(to),
      down_(network->down(from) || network->down(to)) {
  const ZoneId from_zone = network->ZoneOf(from);
  const ZoneId to_zone = network->ZoneOf(to);
  crosses_zones_ = from_zone != to_zone;
  crosses_regions_ = network->RegionOf(from_zone) != network->RegionOf(to_zone);
  const Network::Config& config = network->config_;
  rtt_ = crosses_regions_ ? &config.rtt_across_regions
         : crosses_zones_ ? &config.rtt_across_zones
                          : &config.rtt_within_zone;
  pair_ = static_cast<uint32_t>(network->PairIndex(from_zone, to_zone, TrafficCause()));
}

inline void Connection::Meter(Bytes size, TrafficCause cause) {
  const auto index = static_cast<size_t>(cause);
  network_->bytes_[index]->Add(size.count());
  if (crosses_zones_) network_->cross_zone_bytes_.Add(size.count());
  if (crosses_regions_) network_->cross_region_bytes_->Add(size.count());
  const auto phase = static_cast<size_t>(network_->sim().CurrentPhase());
  network_->between_[pair_ + index][phase] += size.count();
}

Callback* Connection::AddMessage(Bytes size, TrafficCause cause) {
  if (down_) return nullptr;
  Meter(size, cause);
  for (; size > Network::kPiece; size -= Network::kPiece) {
    messages_.push_back({Callback(), Network::kPiece});
  }
  Message& last = messages_.AddBack();
  last.size = size;
  if (leaving_ == Stage::kIdle) StartLeaving();
  return &last.delivered;
}

void Connection::StartLeaving() {
  while (AnyWaits()) {
    if (!network_->cuts_.empty() && network_->IsCut(from_, to_)) {
      ++network_->held_messages_;
      return;
    }
    const Bytes size = messages_[left_].size;
    if (size > Network::kSmallMessage) {
      leaving_ = Stage::kBusy;
      leaving_transfer_ = outgoing_->Start(size, [this] { Left(); });
      return;
    }
    Left();
  }
}

void Connection::Left() {
  leaving_transfer_ = 0;
  ++left_;
  // A later message never overtakes an earlier one of its stream.
  const Duration half_round_trip = rtt_->DrawDuration(network_->rtt_stream_) / 2;
  const Time arrival = std::max(last_arrival_, network_->Now() + half_round_trip);
  last_arrival_ = arrival;
  network_->At<"network.arrived">(arrival, [this, generation = generation_] {
    if (generation == generation_) Arrived();
  });
  if (leaving_ == Stage::kBusy) {
    leaving_ = Stage::kIdle;
    StartLeaving();
  }
}

void Connection::Arrived() {
  ++arrived_;
  if (entering_ == Stage::kIdle) StartEntering();
}

void Connection::StartEntering() {
  while (arrived_ > 0) {
    const Bytes size = messages_.front().size;
    if (size > Network::kSmallMessage) {
      entering_ = Stage::kBusy;
      entering_transfer_ = incoming_->Start(size, [this] { Entered(); });
      return;
    }
    Entered();
  }
}

void Connection::Entered() {
  entering_transfer_ = 0;
  Callback delivered = messages_.front().delivered;
  messages_.drop_front();
  --left_;
  --arrived_;
  const bool was_busy = entering_ == Stage::kBusy;
  entering_ = Stage::kIdle;
  const uint32_t generation = generation_;
  if (delivered) delivered();
  // The receiver may have sent on this stream or reset it.
  if (was_busy && generation == generation_ && entering_ == Stage::kIdle) StartEntering();
}

void Connection::Reset() {
  ++generation_;
  if (leaving_transfer_ != 0) outgoing_->Cancel(leaving_transfer_);
  if (entering_transfer_ != 0) incoming_->Cancel(entering_transfer_);
  leaving_transfer_ = 0;
  entering_transfer_ = 0;
  leaving_ = Stage::kIdle;
  entering_ = Stage::kIdle;
  messages_.clear();
  left_ = 0;
  arrived_ = 0;
}

}  // namespace freshet
