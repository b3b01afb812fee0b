#include "models/broker/zone_router.h"

#include <algorithm>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

constexpr Bytes kMessageBytes(128);
constexpr Bytes kBytesOfEach(64);  // Where a batch lies in the channel.
constexpr Bytes kAnswerBytes(64);
// AMQSRC, ObjectRouterChannel.
constexpr Duration kOverCapacityRetry = Seconds(1);

}  // namespace

ZoneRouter::ZoneRouter(Simulation& sim, absl::string_view name, Network* network,
                       ObjectStore* store, std::vector<S3StreamBroker*> brokers, Owner* owner,
                       const S3Wal::Config& channel)
    : Component(sim, name),
      network_(network),
      brokers_(std::move(brokers)),
      owner_(owner),
      channels_(brokers_.size()),
      lanes_(brokers_.size() * brokers_.size()),
      routed_(AddCounter(kRouted)),
      time_(AddDistribution(kTime)) {
  for (BrokerId id = 0; id < static_cast<BrokerId>(brokers_.size()); ++id) {
    const std::string called = absl::StrCat(BrokerAt(id).name(), "/router");
    ChannelOf(id).wal = std::make_unique<S3Wal>(sim, called, &BrokerAt(id).object_client(),
                                                store->AddPrefix(called), channel);
    ChannelOf(id).wal->OnDurable([this, id] { Durable(id); });
    ChannelOf(id).wal->OnFenced(Callback([] {}));
  }
}

ZoneRouter::Lane& ZoneRouter::LaneOf(BrokerId proxy, BrokerId leader) {
  std::unique_ptr<Lane>& lane = lanes_[IndexOf(proxy, leader)];
  if (lane == nullptr) {
    lane = std::make_unique<Lane>();
    lane->there = network_->Connect(BrokerAt(proxy).host(), BrokerAt(leader).host());
    lane->back = network_->Connect(BrokerAt(leader).host(), BrokerAt(proxy).host());
  }
  return *lane;
}

// --- At the proxy ---

void ZoneRouter::Pass(BrokerId proxy, BrokerId leader, const Routed& routed) {
  routed_.Add(routed.bytes.count());
  // In from the producer, and out to the store.
  BrokerAt(proxy).inbound().Bypass(routed.bytes);
  BrokerAt(proxy).outbound().Bypass(routed.bytes);
  Channel& channel = ChannelOf(proxy);
  const Entry entry = {routed, leader, 0, Now()};
  if (channel.over_capacity.empty() && TryAppend(proxy, entry)) return;
  channel.over_capacity.push_back(entry);
  RetryLater(proxy);
}

bool ZoneRouter::TryAppend(BrokerId proxy, Entry entry) {
  Channel& channel = ChannelOf(proxy);
  if (channel.wal->Append(entry.routed.bytes) != WriteAheadLog::Answer::kTaken) return false;
  entry.end = channel.wal->end();
  channel.in_wal.push_back(entry);
  return true;
}

void ZoneRouter::RetryLater(BrokerId proxy) {
  Channel& channel = ChannelOf(proxy);
  if (sim().IsPending(channel.retry)) return;
  channel.retry = After<"router.try_again">(kOverCapacityRetry, [this, proxy] {
    Channel& again = ChannelOf(proxy);
    while (!again.over_capacity.empty() && TryAppend(proxy, again.over_capacity.front())) {
      again.over_capacity.pop_front();
    }
    if (!again.over_capacity.empty()) RetryLater(proxy);
  });
}

void ZoneRouter::Durable(BrokerId proxy) {
  Channel& channel = ChannelOf(proxy);
  absl::btree_map<BrokerId, Pack> packs;
  while (!channel.in_wal.empty() && channel.in_wal.front().end <= channel.wal->durable()) {
    const Entry entry = channel.in_wal.pop_front();
    Pack& pack = packs[entry.leader];
    const ObjectId object = channel.wal->PieceEndingAt(entry.end).object;
    if (pack.reads.empty() || pack.reads.back().object != object) {
      pack.reads.push_back({object, Bytes(0)});
    }
    pack.reads.back().bytes += entry.routed.bytes;
    pack.bytes += entry.routed.bytes;
    pack.entries.push_back(entry);
  }
  for (auto& [leader, pack] : packs) {
    pack.order = channel.first_part + channel.parts.size();
    channel.parts.push_back({channel.wal->durable(), false});
  }
  // Only now: one that is refused at once must not take the others' objects with it.
  for (auto& [leader, pack] : packs) Send(proxy, leader, std::move(pack));
}

void ZoneRouter::Send(BrokerId proxy, BrokerId leader, Pack pack) {
  if (!BrokerAt(leader).up()) {  // It died while they were on their way into the channel.
    for (const Entry& entry : pack.entries) owner_->RoutedRefused(entry.routed);
    PartDone(proxy, pack.order);
    return;
  }
  Lane& lane = LaneOf(proxy, leader);
  const Bytes size = kMessageBytes + kBytesOfEach * static_cast<int64_t>(pack.entries.size());
  pack.reads_left = pack.reads.size();
  const uint64_t number = lane.first_pack + lane.packs.size();
  lane.packs.push_back(std::move(pack));
  lane.there->Send(size, TrafficCause::kControl,
                   [this, proxy, leader, number] { ReadPack(proxy, leader, number); });
}

void ZoneRouter::PartDone(BrokerId proxy, uint64_t order) {
  Channel& channel = ChannelOf(proxy);
  channel.parts[static_cast<size_t>(order - channel.first_part)].done = true;
  int64_t trimmed = channel.wal->trimmed();
  while (!channel.parts.empty() && channel.parts.front().done) {
    trimmed = channel.parts.pop_front().end;
    ++channel.first_part;
    // Leaders share what became durable at once: it goes with the last of them.
    if (!channel.parts.empty() && channel.parts.front().end == trimmed) {
      trimmed = channel.wal->trimmed();
    }
  }
  if (trimmed > channel.wal->trimmed()) channel.wal->Trim(trimmed);
}

// --- At the leader ---

void ZoneRouter::ReadPack(BrokerId proxy, BrokerId leader, uint64_t number) {
  const Lane& lane = LaneOf(proxy, leader);
  const size_t reads = lane.packs[static_cast<size_t>(number - lane.first_pack)].reads.size();
  for (size_t read = 0; read < reads; ++read) Ask(proxy, leader, number, read);
}

void ZoneRouter::Ask(BrokerId proxy, BrokerId leader, uint64_t number, size_t read) {
  const Lane& lane = LaneOf(proxy, leader);
  const Read wanted = lane.packs[static_cast<size_t>(number - lane.first_pack)].reads[read];
  BrokerAt(leader).object_client().Get(
      wanted.object, Bytes(0), wanted.bytes, ObjectCause::kRouter,
      [this, index = IndexOf(proxy, leader), pack = static_cast<uint32_t>(number),
       at = static_cast<uint32_t>(read), generation = lane.generation](ObjectResult result) {
        ReadOver(index, pack, at, generation, result);
      });
}

void ZoneRouter::ReadOver(uint32_t index, uint32_t pack, uint32_t read, uint32_t generation,
                          ObjectResult result) {
  Lane& lane = *lanes_[index];
  if (generation != lane.generation) return;
  const uint32_t behind = pack - static_cast<uint32_t>(lane.first_pack);
  const auto proxy = static_cast<BrokerId>(index / brokers_.size());
  const auto leader = static_cast<BrokerId>(index % brokers_.size());
  if (result != ObjectResult::kOk) {
    Ask(proxy, leader, lane.first_pack + behind, read);
    return;
  }
  --lane.packs[behind].reads_left;
  WorkOn(proxy, leader);
}

void ZoneRouter::WorkOn(BrokerId proxy, BrokerId leader) {
  // One after the other, in the order of the channel: producers number their batches.
  Lane& lane = LaneOf(proxy, leader);
  if (lane.working || lane.packs.empty() || lane.packs.front().reads_left > 0) return;
  lane.working = true;
  S3StreamBroker& node = BrokerAt(leader);
  node.cpu().Serve(node.CpuTime(1, lane.packs.front().bytes),
                   [this, proxy, leader, generation = lane.generation] {
                     if (generation == LaneOf(proxy, leader).generation) {
                       FirstArrived(proxy, leader);
                     }
                   });
}

void ZoneRouter::FirstArrived(BrokerId proxy, BrokerId leader) {
  Lane& lane = LaneOf(proxy, leader);
  lane.working = false;
  const Pack pack = lane.packs.pop_front();
  ++lane.first_pack;
  for (const Entry& entry : pack.entries) {
    time_.Record(Now() - entry.passed_at);
    owner_->RoutedArrived(entry.routed, leader);
  }
  PartDone(proxy, pack.order);
  WorkOn(proxy, leader);
}

void ZoneRouter::Answer(RequestIndex request, BrokerId leader, BrokerId proxy) {
  if (!BrokerAt(proxy).up()) {
    owner_->RoutedAnswered(request);
    return;
  }
  Lane& lane = LaneOf(proxy, leader);
  lane.answers.push_back(request);
  lane.back->Send(kAnswerBytes, TrafficCause::kControl, [this, proxy, leader] {
    owner_->RoutedAnswered(LaneOf(proxy, leader).answers.pop_front());
  });
}

// --- One of them dies ---

void ZoneRouter::DropLane(BrokerId proxy, BrokerId leader, bool refuse) {
  if (lanes_[IndexOf(proxy, leader)] == nullptr) return;
  Lane& lane = LaneOf(proxy, leader);
  ++lane.generation;
  lane.there->Reset();
  lane.back->Reset();
  lane.working = false;
  while (!lane.packs.empty()) {
    const Pack pack = lane.packs.pop_front();
    ++lane.first_pack;
    for (const Entry& entry : pack.entries) {
      if (refuse) {
        owner_->RoutedRefused(entry.routed);
      } else {
        owner_->RoutedForgotten(entry.routed);
      }
    }
    if (refuse) PartDone(proxy, pack.order);
  }
  // What is done is done, and the proxy will learn it when it looks again.
  while (!lane.answers.empty()) owner_->RoutedAnswered(lane.answers.pop_front());
}

void ZoneRouter::OnCrash(BrokerId id) {
  const auto brokers = static_cast<BrokerId>(brokers_.size());
  for (BrokerId other = 0; other < brokers; ++other) {
    if (other != id) DropLane(other, id, /*refuse=*/true);
  }
  for (BrokerId leader = 0; leader < brokers; ++leader) DropLane(id, leader, /*refuse=*/false);
  Channel& channel = ChannelOf(id);
  channel.wal->Crash();
  sim().Cancel(channel.retry);
  for (Ring<Entry>* line : {&channel.in_wal, &channel.over_capacity}) {
    while (!line->empty()) owner_->RoutedForgotten(line->pop_front().routed);
  }
  channel.first_part += channel.parts.size();
  channel.parts.clear();
}

void ZoneRouter::OnRestart(BrokerId id) {
  // What it had put and never confirmed, and what nobody waits for any more, goes.
  S3Wal& wal = *ChannelOf(id).wal;
  wal.BeginAnew(&BrokerAt(id).object_client(), wal.end());
}

}  // namespace freshet
