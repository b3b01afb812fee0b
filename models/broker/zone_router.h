// Routing by zones, as AutoMQ does it to keep producers' bytes inside their zone: a broker takes
// batches for a leader of another zone, puts them into a channel of its own in object storage, and
// tells the leader, which reads them from there.
//
// A channel is a write-ahead log in objects (s3_wal.h): batches gather up to a quarter of a second,
// and wait for the put. What is durable in it goes on in its order: a small message to each leader,
// a GET there for what is its own of each object, the leader's cores, and the owner appends. The
// answer comes back with another small message. An object is deleted when all that it holds is with
// its leaders. A channel that is over capacity takes nothing for a second.
//
// What dies with the passing broker is forgotten, what was meant for a leader that died is refused.
//
// Approximated: one GET for each leader and object, where AutoMQ asks record by record; the lease
// is that of a write-ahead log. docs/models/s3stream.md has the sources.
#ifndef FRESHET_MODELS_BROKER_ZONE_ROUTER_H_
#define FRESHET_MODELS_BROKER_ZONE_ROUTER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/broker/s3stream_broker.h"
#include "models/log/log_service.h"
#include "models/log/s3_wal.h"
#include "models/network/network.h"
#include "sim/component.h"
#include "sim/ring.h"

namespace freshet {

class ZoneRouter : public Component {
 public:
  // A batch of a request.
  struct Routed {
    RequestIndex request;
    uint32_t batch;
    Bytes bytes;
  };
  class Owner {
   public:
    virtual ~Owner() = default;
    // It is with its leader.
    virtual void RoutedArrived(const Routed& routed, BrokerId leader) = 0;
    virtual void RoutedRefused(const Routed& routed) = 0;
    virtual void RoutedForgotten(const Routed& routed) = 0;
    // The word that the request is done is with the broker that took it, or never will be.
    virtual void RoutedAnswered(RequestIndex request) = 0;
  };

  static constexpr MetricDef kRouted = {"router.bytes", MetricKind::kCounter, MetricUnit::kBytes,
                                        "Bytes taken for leaders of other zones."};
  static constexpr MetricDef kTime = {"router.time", MetricKind::kDistribution,
                                      MetricUnit::kDuration,
                                      "From a broker that is not the leader to the leader."};

  // REQUIRES: all pointers outlive it.
  ZoneRouter(Simulation& sim, absl::string_view name, Network* network, ObjectStore* store,
             std::vector<S3StreamBroker*> brokers, Owner* owner, const S3Wal::Config& channel);

  // Never calls back before it returns.
  void Pass(BrokerId proxy, BrokerId leader, const Routed& routed);
  // The request is done at `leader`: tells `proxy`.
  void Answer(RequestIndex request, BrokerId leader, BrokerId proxy);
  void OnCrash(BrokerId id);
  void OnRestart(BrokerId id);

 private:
  struct Entry {
    Routed routed;
    BrokerId leader;
    int64_t end;  // In the channel.
    Time passed_at;
  };
  struct Read {
    ObjectId object;
    Bytes bytes;
  };
  // What one leader has of what became durable at once.
  struct Pack {
    std::vector<Entry> entries;
    std::vector<Read> reads;
    Bytes bytes;
    size_t reads_left = 0;
    uint64_t order = 0;  // In the channel.
  };
  struct Lane {  // From a proxy to a leader.
    Connection* there = nullptr;
    Connection* back = nullptr;
    Ring<Pack> packs;
    uint64_t first_pack = 0;
    bool working = false;  // The leader's cores are at the first.
    Ring<RequestIndex> answers;
    uint32_t generation = 0;
  };
  struct Part {  // Of a channel: a pack.
    int64_t end;
    bool done;
  };
  struct Channel {
    std::unique_ptr<S3Wal> wal;
    Ring<Entry> in_wal;
    Ring<Entry> over_capacity;
    EventId retry;
    Ring<Part> parts;
    uint64_t first_part = 0;
  };

  Channel& ChannelOf(BrokerId proxy) { return channels_[static_cast<size_t>(proxy)]; }
  S3StreamBroker& BrokerAt(BrokerId id) { return *brokers_[static_cast<size_t>(id)]; }
  uint32_t IndexOf(BrokerId proxy, BrokerId leader) const {
    return static_cast<uint32_t>(proxy) * static_cast<uint32_t>(brokers_.size()) +
           static_cast<uint32_t>(leader);
  }
  Lane& LaneOf(BrokerId proxy, BrokerId leader);
  bool TryAppend(BrokerId proxy, Entry entry);
  void RetryLater(BrokerId proxy);
  void Durable(BrokerId proxy);
  void Send(BrokerId proxy, BrokerId leader, Pack pack);
  void ReadPack(BrokerId proxy, BrokerId leader, uint64_t number);
  void Ask(BrokerId proxy, BrokerId leader, uint64_t number, size_t read);
  void ReadOver(uint32_t index, uint32_t pack, uint32_t read, uint32_t generation,
                ObjectResult result);
  void WorkOn(BrokerId proxy, BrokerId leader);
  void FirstArrived(BrokerId proxy, BrokerId leader);
  void PartDone(BrokerId proxy, uint64_t order);
  void DropLane(BrokerId proxy, BrokerId leader, bool refuse);

  Network* const network_;
  const std::vector<S3StreamBroker*> brokers_;
  Owner* const owner_;
  std::vector<Channel> channels_;             // By proxy.
  std::vector<std::unique_ptr<Lane>> lanes_;  // By proxy and leader; null until it is used.
  Counter& routed_;
  Distribution& time_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_BROKER_ZONE_ROUTER_H_
