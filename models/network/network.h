// Hosts in zones, their network cards, and the streams between them.
//
// A host has one network card with an outgoing and an incoming Bandwidth, each with burst credits
// of its own if any, and shared max-min fairly by the connections that use it at the moment. A
// Connection is one direction of a TCP stream: its messages stay in order; the first of them uses
// the sender's card, travels half a round trip, and uses the receiver's card, a long one piece by
// piece, so that its end leaves while its beginning arrives. Interference between produce,
// replication and fetch traffic comes out of that and of nothing else.
//
// Approximated: a piece is stored and forwarded at each card (error: at most its size over the
// receiver's rate); messages up to kSmallMessage that find the stream idle skip the cards, where a
// fair share would serve them at once. Left out: loss and slow start, the switch between the hosts.
// docs/models/network.md has the sources.
#ifndef FRESHET_MODELS_NETWORK_NETWORK_H_
#define FRESHET_MODELS_NETWORK_NETWORK_H_

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "sim/bandwidth.h"
#include "sim/callback.h"
#include "sim/component.h"
#include "sim/metric.h"
#include "sim/ring.h"
#include "sim/sampler.h"
#include "sim/units.h"

namespace freshet {

using HostId = uint32_t;
using ZoneId = uint32_t;

// Why bytes cross the network; each is metered apart.
enum class TrafficCause : uint8_t { kProduce, kReplicate, kFetch, kControl, kMirror };
inline constexpr int kTrafficCauseCount = 5;

class Network;

// One direction of a stream. Created by Network::Connect(); lives as long as the network.
class alignas(64) Connection {
 public:
  // Delivers a message of `size` bytes; `delivered` fires at the receiver when its last byte is in,
  // after those of all earlier messages. If the stream is reset meanwhile it never fires.
  template <class Delivered>
  void Send(Bytes size, TrafficCause cause, const Delivered& delivered) {
    Callback* const kept = AddMessage(size, cause);
    if (kept != nullptr) new (kept) Callback(delivered);  // As in Station::Serve().
  }
  // Drops everything under way. A process at one end has died.
  void Reset();

  HostId from() const { return from_; }
  HostId to() const { return to_; }
  bool idle() const { return messages_.empty(); }

 private:
  friend class Network;
  struct Message {
    Callback delivered;
    Bytes size;
  };
  enum class Stage : uint8_t { kIdle, kBusy };

  Connection(Network* network, HostId from, HostId to);
  // Send() but for what is to fire, which goes where it says. Null when nothing will.
  Callback* AddMessage(Bytes size, TrafficCause cause);
  void Meter(Bytes size, TrafficCause cause);
  bool AnyWaits() const { return left_ < messages_.size(); }
  void StartLeaving();
  void Left();
  void Arrived();
  void StartEntering();
  void Entered();

  // Two cache lines, the first of which rarely changes.
  Network* network_;
  Bandwidth* outgoing_;  // The sender's card ...
  Bandwidth* incoming_;  // ... and the receiver's.
  const Sampler* rtt_;   // Of its two zones.
  Bandwidth::TransferId leaving_transfer_ = 0;
  Bandwidth::TransferId entering_transfer_ = 0;
  HostId from_;
  HostId to_;
  uint32_t pair_;  // PairIndex() but for the cause.
  bool crosses_zones_;
  bool crosses_regions_;
  bool down_;  // One of the two hosts is.
  // Messages, or their pieces, in order: the first left_ have left the sender, of these the first
  // arrived_ are at the receiver's card. Of a message's pieces only the last has a callback.
  Ring<Message> messages_;
  uint32_t left_ = 0;
  uint32_t arrived_ = 0;
  Time last_arrival_;
  uint32_t generation_ = 0;  // Reset() raises it; events of older generations are void.
  Stage leaving_ = Stage::kIdle;
  Stage entering_ = Stage::kIdle;
};

using RegionId = uint32_t;

class Network : public Component {
 public:
  struct Config {
    std::vector<std::string> zones;
    Sampler rtt_within_zone;
    Sampler rtt_across_zones;
    // By zone; none: all are of one region. Regions are joined by links of their own round trip.
    std::vector<RegionId> region_of;
    Sampler rtt_across_regions;
    bool has_mirror = false;  // Something may send bytes with the cause kMirror.
  };

  // Longer messages go in pieces of this size.
  static constexpr Bytes kPiece = KiB(128);
  // Messages of at most this size may skip the cards.
  static constexpr Bytes kSmallMessage = KiB(1);

  static constexpr MetricDef kBytes[kTrafficCauseCount] = {
      {"network.produce_bytes", MetricKind::kCounter, MetricUnit::kBytes, "Bytes sent to produce."},
      {"network.replicate_bytes", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent between replicas."},
      {"network.fetch_bytes", MetricKind::kCounter, MetricUnit::kBytes, "Bytes sent to consumers."},
      {"network.control_bytes", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes of everything else."},
      // Registered only where there is a mirror.
      {"network.mirror_bytes", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent to mirrors that copy to another cluster."}};
  static constexpr MetricDef kCrossZoneBytes = {"network.cross_zone_bytes", MetricKind::kCounter,
                                                MetricUnit::kBytes,
                                                "Bytes that went from one zone to another."};

  // Registered only with regions.
  static constexpr MetricDef kCrossRegionBytes = {
      "network.cross_region_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes that went from one region to another; they are between zones, too."};

  Network(Simulation& sim, absl::string_view name, const Config& config);

  // A host with a card of `rate` in each direction, above which each direction may burst on credits
  // of its own. REQUIRES: zone < zones.
  HostId AddHost(absl::string_view host_name, ZoneId zone, BytesPerSecond rate,
                 const BandwidthBurst& burst = {});
  Connection* Connect(HostId from, HostId to);

  // Meter: bytes of one cause sent from one zone to another (or within one) in a phase. Bounded by
  // zones x zones x causes, however many hosts there are. Over all pairs it sums to the counters.
  int64_t BytesBetween(ZoneId from, ZoneId to, TrafficCause cause, Phase phase) const {
    return between_[PairIndex(from, to, cause)][static_cast<size_t>(phase)];
  }

  ZoneId ZoneOf(HostId host) const { return hosts_[host].zone; }
  const std::string& zone_name(ZoneId zone) const { return config_.zones[zone]; }
  size_t zone_count() const { return config_.zones.size(); }
  Bandwidth& Outgoing(HostId host) { return *hosts_[host].outgoing; }
  Bandwidth& Incoming(HostId host) { return *hosts_[host].incoming; }
  // A down host's messages vanish at its card, in both directions, and its streams are reset.
  void SetDown(HostId host, bool down);
  bool down(HostId host) const { return hosts_[host].down; }

  RegionId RegionOf(ZoneId zone) const {
    return config_.region_of.empty() ? 0 : config_.region_of[zone];
  }
  // The link between two regions is cut: what has left arrives, the rest waits at its sender, and
  // streams go on when the link is back. REQUIRES: a != b.
  void SetCut(RegionId a, RegionId b, bool cut);
  bool IsCut(HostId from, HostId to) const;
  // Messages that were held back by cut links, so far.
  int64_t held_messages() const { return held_messages_; }

 private:
  friend class Connection;
  struct Host {
    ZoneId zone;
    bool down = false;
    std::unique_ptr<Bandwidth> outgoing;
    std::unique_ptr<Bandwidth> incoming;
  };

  size_t PairIndex(ZoneId from, ZoneId to, TrafficCause cause) const {
    return (from * zone_count() + to) * kTrafficCauseCount + static_cast<size_t>(cause);
  }

  Config config_;
  std::vector<Host> hosts_;
  std::vector<std::unique_ptr<Connection>> connections_;
  RandomStream rtt_stream_;
  std::array<Counter*, kTrafficCauseCount> bytes_;
  Counter& cross_zone_bytes_;
  Counter* cross_region_bytes_ = nullptr;
  std::vector<std::pair<RegionId, RegionId>> cuts_;  // The lower one first.
  int64_t held_messages_ = 0;
  std::vector<std::array<int64_t, kPhaseCount>> between_;  // By PairIndex().
};

}  // namespace freshet

#endif  // FRESHET_MODELS_NETWORK_NETWORK_H_
