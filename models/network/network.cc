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
  if (!down) return;
  for (const auto& connection : connections_) {
    if (connection->from() == host || connection->to() == host) connection->Reset();
  }
}

Duration Network::HalfRoundTrip(HostId from, HostId to) {
  const bool same = hosts_[from].zone == hosts_[to].zone;
  Sampler& rtt = same ? config_.rtt_within_zone
                 : cross_region_bytes_ != nullptr && CrossesRegions(from, to)
                     ? config_.rtt_across_regions
                     : config_.rtt_across_zones;
  return rtt.DrawDuration(rtt_stream_) / 2;
}

void Network::Meter(HostId from, HostId to, Bytes size, TrafficCause cause) {
  bytes_[static_cast<size_t>(cause)]->Add(size.count());
  const ZoneId from_zone = hosts_[from].zone;
  const ZoneId to_zone = hosts_[to].zone;
  if (from_zone != to_zone) {
    cross_zone_bytes_.Add(size.count());
    if (cross_region_bytes_ != nullptr && RegionOf(from_zone) != RegionOf(to_zone)) {
      cross_region_bytes_->Add(size.count());
    }
  }
  between_[PairIndex(from_zone, to_zone, cause)][static_cast<size_t>(sim().CurrentPhase())] +=
      size.count();
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
    if (held.leaving_ == Connection::Stage::kIdle && !held.waiting_.empty()) held.StartLeaving();
  }
}

Connection::Connection(Network* network, HostId from, HostId to)
    : network_(network), from_(from), to_(to) {}

void Connection::Send(Bytes size, TrafficCause cause, const Callback& delivered) {
  if (network_->hosts_[from_].down || network_->hosts_[to_].down) return;
  network_->Meter(from_, to_, size, cause);
  for (; size > Network::kPiece; size -= Network::kPiece) {
    waiting_.push_back({Callback(), Network::kPiece});
  }
  Message& last = waiting_.AddBack();
  last.delivered = delivered;
  last.size = size;
  if (leaving_ == Stage::kIdle) StartLeaving();
}

void Connection::StartLeaving() {
  while (!waiting_.empty()) {
    if (!network_->cuts_.empty() && network_->IsCut(from_, to_)) {
      ++network_->held_messages_;
      return;
    }
    if (waiting_.front().size > Network::kSmallMessage) {
      leaving_ = Stage::kBusy;
      leaving_transfer_ =
          network_->Outgoing(from_).Start(waiting_.front().size, [this] { Left(); });
      return;
    }
    Left();
  }
}

void Connection::Left() {
  leaving_transfer_ = 0;
  travelling_.AddBack() = waiting_.front();
  waiting_.drop_front();
  ++on_the_way_;
  // A later message never overtakes an earlier one of its stream.
  const Time arrival =
      std::max(last_arrival_, network_->Now() + network_->HalfRoundTrip(from_, to_));
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
    if (travelling_.front().size > Network::kSmallMessage) {
      entering_ = Stage::kBusy;
      entering_transfer_ =
          network_->Incoming(to_).Start(travelling_.front().size, [this] { Entered(); });
      return;
    }
    Entered();
  }
}

void Connection::Entered() {
  entering_transfer_ = 0;
  Callback delivered = travelling_.front().delivered;
  travelling_.drop_front();
  --on_the_way_;
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
  if (leaving_transfer_ != 0) network_->Outgoing(from_).Cancel(leaving_transfer_);
  if (entering_transfer_ != 0) network_->Incoming(to_).Cancel(entering_transfer_);
  leaving_transfer_ = 0;
  entering_transfer_ = 0;
  leaving_ = Stage::kIdle;
  entering_ = Stage::kIdle;
  waiting_.clear();
  travelling_.clear();
  on_the_way_ = 0;
  arrived_ = 0;
}

}  // namespace freshet
