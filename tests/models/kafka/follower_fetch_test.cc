// Consumers that read at followers (KIP-392): who is sent where, what it costs in time and in bytes
// between zones, and what happens when leaders and followers go.
#include <array>

#include "gtest/gtest.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {
namespace {

constexpr int64_t kRounding = 20;  // Cards round each message up to a nanosecond.
constexpr ZoneId kZones = 3;
// An answer without records that names a partition: 64 bytes, 18 of its topic and 39 of itself.
constexpr int64_t kNamingAnswer = 64 + 18 + 39;

// Three zones with a broker each; one partition. Half a round trip is 0.1 ms within a zone and
// 0.5 ms between two; nothing else takes time.
MiniSettings ThreeZones() {
  MiniSettings s = Instant();
  s.network.zones = {"a", "b", "c"};
  s.network.rtt_within_zone = Sampler::Constant(200'000);
  s.network.rtt_across_zones = Sampler::Constant(1'000'000);
  s.topic.partitions = 1;
  s.producers.linger = Duration::Zero();
  s.producers.acks = Acks::kLeader;
  s.cluster.rack_aware_selector = true;
  s.consumers = Reading();
  s.consumers->network_bandwidth = s.producers.network_bandwidth;
  s.consumers->client_rack = true;
  s.consumers->metadata_max_age = Minutes(5);
  return s;
}

BrokerId LeaderIn(const MiniSettings& s) {
  return MiniPipeline(s).log.CurrentMetadata(0)->leader[0];
}

// The producer beside the leader; the consumer in the zone that many further on.
MiniSettings Apart(MiniSettings s, ZoneId further) {
  const auto zones = static_cast<ZoneId>(s.network.zones.size());
  const auto leader_zone = static_cast<ZoneId>(LeaderIn(s)) % zones;
  s.producers.client_zones = {leader_zone};
  s.consumers->member_zones = {(leader_zone + further) % zones};
  return s;
}

Histogram EndToEnd(const MiniPipeline& pipeline) {
  return HistogramOf(pipeline.sim, *pipeline.consumers, Consumers::kEndToEnd);
}

int64_t Between(const MiniPipeline& pipeline, TrafficCause cause) {
  int64_t bytes = 0;
  for (ZoneId from = 0; from < kZones; ++from) {
    for (ZoneId to = 0; to < kZones; ++to) {
      if (from == to) continue;
      for (int phase = 0; phase < kPhaseCount; ++phase) {
        bytes += pipeline.network.BytesBetween(from, to, cause, static_cast<Phase>(phase));
      }
    }
  }
  return bytes;
}

// The leader's answer holds no record; all records come from the follower, within the
// zone.
TEST(FollowerFetchTest, TheLeaderNamesTheReplicaInTheRackAndSendsNoRecords) {
  MiniSettings s = Apart(ThreeZones(), 1);
  s.producers.rate = Until(Seconds(10), 100);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(12));
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog());
  EXPECT_EQ(pipeline.Consumer(Consumers::kSentElsewhere), 1);
  EXPECT_EQ(pipeline.Consumer(Consumers::kFromFollowers), pipeline.BytesInLog().count());
  EXPECT_EQ(Between(pipeline, TrafficCause::kFetch), kNamingAnswer);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  const BrokerId follower = (leader + 1) % 3;
  EXPECT_EQ(pipeline.log.broker(leader).bytes_out().Value(), 2 * pipeline.BytesInLog().count());
  EXPECT_EQ(pipeline.log.broker(follower).bytes_out().Value(), pipeline.BytesInLog().count());
}

// Nine partitions and a member in each zone: each asks at the leaders of its three partitions,
// which are in three zones, and is sent home by two of them.
TEST(FollowerFetchTest, WithAMemberInEachZoneNoRecordCrossesAZone) {
  MiniSettings s = ThreeZones();
  s.topic.partitions = 9;
  s.consumers->member_zones = {0, 1, 2};
  s.producers.client_zones = {0, 1, 2};
  s.producers.rate = Until(Seconds(10), 3'000);
  for (const bool rack : {true, false}) {
    s.consumers->client_rack = rack;
    MiniPipeline pipeline(s);
    pipeline.Run(Seconds(12));
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 30'000);
    const int64_t between = Between(pipeline, TrafficCause::kFetch);
    if (rack) {
      EXPECT_EQ(pipeline.Consumer(Consumers::kSentElsewhere), 6);
      EXPECT_EQ(between, 6 * kNamingAnswer);
    } else {
      EXPECT_GT(between, pipeline.BytesInLog().count() / 2);
    }
  }
}

TEST(FollowerFetchTest, ItTakesARackASelectorAndAReplicaThere) {
  const auto sent_elsewhere = [](const MiniSettings& s) {
    MiniPipeline pipeline(s);
    pipeline.Run(Seconds(2));
    EXPECT_GT(pipeline.Consumer(Consumers::kRecords), 0);
    return pipeline.Consumer(Consumers::kSentElsewhere);
  };
  EXPECT_EQ(sent_elsewhere(Apart(ThreeZones(), 1)), 1);
  EXPECT_EQ(sent_elsewhere(Apart(ThreeZones(), 0)), 0);  // The leader is in the rack.
  MiniSettings s = ThreeZones();
  s.cluster.rack_aware_selector = false;
  EXPECT_EQ(sent_elsewhere(Apart(s, 1)), 0);
  s = ThreeZones();
  s.topic.replication_factor = 2;
  EXPECT_EQ(sent_elsewhere(Apart(s, 1)) + sent_elsewhere(Apart(s, 2)), 1);
}

// A stream without a pause, two replicas: the follower's fetches follow one another, each a round
// trip of 1 ms. What the fetch at T takes along is acknowledged by the next, at T + 1 ms: a reader
// at the leader has it 0.5 ms later. The answer to that next fetch was read before; the one at T +
// 2 ms tells that it is committed, 0.5 ms later the follower knows, and 0.1 ms later its reader.
TEST(FollowerFetchTest, ASteadyStreamComesOneReplicationRoundTripAndTheLastHopLater) {
  MiniSettings s = ThreeZones();
  s.topic.replication_factor = 2;
  s.topic.min_in_sync_replicas = 1;
  s.producers.rate = Steady(4'000);
  const BrokerId follower = MiniPipeline(s).log.BrokersOf(0)[1];
  const auto further = static_cast<ZoneId>((follower - LeaderIn(s) + 3) % 3);
  const auto mean_of = [&](bool rack) {
    s.consumers->client_rack = rack;
    MiniPipeline pipeline(Apart(s, further));
    pipeline.Run(Seconds(10));
    const Histogram latency = EndToEnd(pipeline);
    EXPECT_GT(latency.count(), 39'900);
    return static_cast<int64_t>(latency.sum() / latency.count());
  };
  // Which records come last differs; some of 40 000.
  EXPECT_NEAR(mean_of(true) - mean_of(false), 1'100'000, 1'000);
}

// A record every 100 ms. 0.1 ms to the leader, 0.5 to the followers whose fetches wait there, 0.5
// for those that acknowledge: committed after 1.1 ms, and at a reader of the leader after 1.6. The
// followers' next fetches wait for the next record, which takes the news along: no answer goes out
// for a high watermark alone (KAFKA-9952).
TEST(FollowerFetchTest, AQuietStreamWaitsForTheNextRecord) {
  MiniSettings s = Apart(ThreeZones(), 1);
  s.producers.rate = Until(Seconds(10), 10);
  s.consumers->client_rack = false;
  MiniPipeline at_leader(s);
  at_leader.Run(Seconds(10));
  EXPECT_NEAR(EndToEnd(at_leader).min(), 1'600'000, kRounding);
  EXPECT_NEAR(EndToEnd(at_leader).max(), 1'600'000, kRounding);

  s.consumers->client_rack = true;
  MiniPipeline at_follower(s);
  at_follower.Run(Seconds(10));
  // 100 ms for the next record to come, 0.1 to the leader, 0.5 to the follower, 0.1 to the reader.
  EXPECT_NEAR(EndToEnd(at_follower).min(), 100'700'000, kRounding);
  EXPECT_NEAR(EndToEnd(at_follower).max(), 100'700'000, kRounding);
}

// Or replica.fetch.wait.max.ms is over: parked at 1.1 ms, answered 500 ms later.
TEST(FollowerFetchTest, OrForTheEndOfTheFollowersWait) {
  for (const int64_t wait_ms : {500, 20}) {
    MiniSettings s = Apart(ThreeZones(), 1);
    s.producers.rate = Until(Seconds(20), 1);
    s.cluster.replica_fetch_wait_max = Milliseconds(wait_ms);
    s.consumers->fetch_max_wait = Seconds(10);  // Its own fetch never has to be sent again.
    MiniPipeline pipeline(s);
    pipeline.Run(Seconds(22));
    EXPECT_GE(EndToEnd(pipeline).count(), 19);
    EXPECT_NEAR(EndToEnd(pipeline).max(), 1'700'000 + wait_ms * 1'000'000, kRounding);
    EXPECT_NEAR(EndToEnd(pipeline).min(), 1'700'000 + wait_ms * 1'000'000, kRounding);
  }
}

// A lease of ten seconds: asked at the start, and with the first fetch after 10, 20 and 30 s.
TEST(FollowerFetchTest, TheLeaderIsAskedAgainWhenTheMetadataIsOld) {
  MiniSettings s = Apart(ThreeZones(), 1);
  s.producers.rate = Until(Seconds(35), 100);
  s.consumers->metadata_max_age = Seconds(10);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(36));
  EXPECT_EQ(pipeline.Consumer(Consumers::kSentElsewhere), 4);
  EXPECT_EQ(pipeline.Consumer(Consumers::kFromFollowers), pipeline.BytesInLog().count());
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 3'500);
}

// Two replicas in the rack: of those that have the same the higher id, and who has more before.
TEST(FollowerFetchTest, TheMostCaughtUpReplicaOfTheRackIsNamed) {
  MiniSettings s = ThreeZones();
  s.network.zones = {"a", "b"};
  s.brokers = 4;
  s.topic.replication_factor = 4;
  s = Apart(s, 1);
  s.producers.rate = Until(Seconds(10), 100);
  const BrokerId higher = s.consumers->member_zones[0] == 0 ? 2 : 3;
  {
    MiniPipeline pipeline(s);
    pipeline.Run(Seconds(12));
    EXPECT_EQ(pipeline.log.broker(higher).bytes_out().Value(), pipeline.BytesInLog().count());
    EXPECT_EQ(pipeline.log.broker(higher - 2).bytes_out().Value(), 0);
  }
  // The higher one stands still from 2 s on; the group begins at 5 s.
  s.consumers->start_at = Seconds(5);
  MiniPipeline pipeline(s);
  pipeline.Fault(FaultVerb::kThrottle, pipeline.nic_handles[static_cast<size_t>(higher)].get(),
                 Seconds(2), Duration::Zero());
  pipeline.Run(Seconds(60));  // Out of the in-sync set by then.
  EXPECT_EQ(pipeline.log.broker(higher).bytes_out().Value(), 0);
  EXPECT_EQ(pipeline.log.broker(higher - 2).bytes_out().Value(), pipeline.BytesInLog().count());
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 1'000);
}

// History that no cache holds: the follower's disk reads it, its card sends it.
TEST(FollowerFetchTest, ACatchUpReadIsTheFollowersBurden) {
  MiniSettings s = Apart(ThreeZones(), 2);
  s.topic.history = Minutes(1);
  s.topic.history_rate = Rate::PerSecond(1'000);
  s.topic.history_record_bytes = kStoredSize;
  s.producers.rate = Until(Seconds(1), 1);
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(20));
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  const int64_t history = 60'000 * kStoredSize.count();
  EXPECT_EQ(pipeline.log.broker(leader).cache_misses().Value(), 0);
  EXPECT_EQ(pipeline.log.broker((leader + 2) % 3).cache_misses().Value(), history);
  EXPECT_GE(pipeline.Consumer(Consumers::kRecords), 60'000);
}

// Dead at 10 s, fenced by 19.6 s, back at 30 s and in sync again: meanwhile the leader serves, and
// then sends the reader there again.
TEST(FollowerFetchTest, ReadsGoBackToTheLeaderWhenTheFollowerDies) {
  MiniSettings s = Apart(ThreeZones(), 1);
  s.producers.rate = Until(Seconds(60), 100);
  MiniPipeline pipeline(s);
  const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
  const BrokerId follower = (leader + 1) % 3;
  pipeline.Down(pipeline.Broker(follower), Seconds(10), Seconds(20));
  pipeline.Run(Seconds(28));
  EXPECT_EQ(pipeline.RecordsInLog() - pipeline.Consumer(Consumers::kRecords), 0);
  const int64_t from_leader = Between(pipeline, TrafficCause::kFetch);
  EXPECT_GT(from_leader, 8 * 100 * kStoredSize.count());
  pipeline.Run(Seconds(35));
  const int64_t until_back = pipeline.Consumer(Consumers::kFromFollowers);
  const int64_t asked = pipeline.Consumer(Consumers::kSentElsewhere);
  pipeline.Run(Seconds(62));
  EXPECT_EQ(pipeline.Consumer(Consumers::kSentElsewhere), asked);
  EXPECT_GT(pipeline.Consumer(Consumers::kFromFollowers) - until_back, 2'400 * 1024);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 6'000);
  EXPECT_EQ(pipeline.RecordsInLog(), 6'000);
}

// The leader dies at 10 s. Its reader at a follower has what that knows and waits; with the new
// leader's epoch it is refused, asks, and goes on where it is or where it is sent.
TEST(FollowerFetchTest, ANewLeadersEpochSendsReadersBackToAsk) {
  for (const ZoneId further : {1U, 2U}) {
    MiniSettings s = Apart(ThreeZones(), further);
    s.producers.acks = Acks::kAll;
    s.producers.client_zones = s.consumers->member_zones;
    s.producers.rate = Until(Seconds(40), 100);
    MiniPipeline pipeline(s);
    const BrokerId leader = pipeline.log.CurrentMetadata(0)->leader[0];
    pipeline.Down(pipeline.Broker(leader), Seconds(10), Seconds(20));
    pipeline.Run(Seconds(60));
    const BrokerId next = pipeline.log.CurrentMetadata(0)->leader[0];
    EXPECT_NE(next, leader);
    const bool here = static_cast<ZoneId>(next) == s.consumers->member_zones[0];
    EXPECT_EQ(pipeline.Consumer(Consumers::kSentElsewhere), here ? 1 : 2);
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 4'000);
    EXPECT_EQ(pipeline.RecordsInLog(), 4'000);
    EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0);
    EXPECT_EQ(Between(pipeline, TrafficCause::kFetch), (here ? 1 : 2) * kNamingAnswer);
  }
}

// A follower out of sync has what the reader asks for, and is not named all the same: the reader
// would fall behind with it.
TEST(FollowerFetchTest, AFollowerOutOfSyncIsNotNamed) {
  MiniSettings s = Apart(ThreeZones(), 1);
  s.producers.rate = Until(Seconds(60), 100);
  s.consumers->start_at = Seconds(55);
  MiniPipeline pipeline(s);
  const BrokerId follower = (pipeline.log.CurrentMetadata(0)->leader[0] + 1) % 3;
  pipeline.Fault(FaultVerb::kThrottle, pipeline.nic_handles[static_cast<size_t>(follower)].get(),
                 Seconds(5), Duration::Zero());
  pipeline.Run(Seconds(62));
  EXPECT_EQ(pipeline.log.InSyncCount(0), 2);
  EXPECT_EQ(pipeline.Consumer(Consumers::kSentElsewhere), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 6'000);
}

// One follower stands still from 5 s on and drops out, then at 15 s the one in the rack, and the
// leader dies at 25 s: the first follower is elected without being in sync, with the shortest log.
MiniSettings BeforeAnUncleanElection() {
  MiniSettings s = ThreeZones();
  s.topic.min_in_sync_replicas = 1;
  s.cluster.replica_lag_time_max = Seconds(2);
  s.cluster.unclean_leader_election = true;
  s.producers.rate = Until(Seconds(60), 100);
  const std::vector<BrokerId> on = MiniPipeline(s).log.BrokersOf(0);
  return Apart(s, static_cast<ZoneId>((on[2] - on[0] + 3) % 3));
}
void LeadToAnUncleanElection(MiniPipeline* pipeline) {
  const std::vector<BrokerId> on = pipeline->log.BrokersOf(0);
  const auto stall = [&](BrokerId broker, int64_t from) {
    pipeline->Fault(FaultVerb::kThrottle, pipeline->nic_handles[static_cast<size_t>(broker)].get(),
                    Seconds(from), Seconds(36 - from));
  };
  stall(on[1], 5);
  stall(on[2], 15);
  pipeline->Down(pipeline->Broker(on[0]), Seconds(25), Seconds(15));
}

// The reader has records that are gone, goes back to where the log ends now, and reads on. Audits
// hold throughout.
TEST(FollowerFetchTest, AnUncleanElectionCutsWhatAFollowerHasServed) {
  MiniPipeline pipeline(BeforeAnUncleanElection());
  LeadToAnUncleanElection(&pipeline);
  pipeline.Run(Seconds(90));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUncleanElections), 1);
  EXPECT_GT(pipeline.Log(KafkaCluster::kLostAcked), 500);
  const int64_t appended = pipeline.Log(KafkaCluster::kAppended);
  EXPECT_LT(pipeline.RecordsInLog(), appended - 500);
  // What is there now was read to its end, and from 5 to 15 s what is not there any more.
  EXPECT_GT(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog() + 900);
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
}

// The same with an answer that is being worked on: it comes at 14 s, holds records from before and
// from after the cut, and takes 40 s, 4 s for each poll of a hundred. Three polls are over before
// the cut; the rest of the answer does not count, and what is left is read anew, once.
TEST(FollowerFetchTest, AnAnswerThatIsCutOnItsWayIsDropped) {
  MiniSettings s = BeforeAnUncleanElection();
  s.producers.rate = Until(Seconds(20), 100);
  s.consumers->start_at = Seconds(14);
  s.consumers->max_poll_records = 100;
  s.consumers->cpu_per_poll = Seconds(4);
  MiniPipeline pipeline(s);
  LeadToAnUncleanElection(&pipeline);
  pipeline.Run(Seconds(29));
  EXPECT_GT(pipeline.Consumer(Consumers::kSentElsewhere), 0);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 300);
  pipeline.Run(Seconds(100));
  EXPECT_EQ(pipeline.Log(KafkaCluster::kUncleanElections), 1);
  EXPECT_NEAR(pipeline.RecordsInLog(), 500, 2);
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog());
  EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0);
}

// Brokers die and come back in any order, one or two at a time, with leases so short that readers
// go to and fro all the time: every record is read once, and audits hold.
TEST(FollowerFetchTest, WhateverDiesEveryRecordIsReadOnce) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    MiniSettings s = ThreeZones();
    s.seed = seed;
    static_cast<Broker::Config&>(s.broker) = PlausibleProcess();
    s.topic.partitions = 12;
    s.topic.min_in_sync_replicas = 1 + static_cast<int>(seed % 2);
    s.brokers = 3 + static_cast<int>(seed % 3);
    s.producers.acks = Acks::kAll;
    s.producers.client_zones = {0, 1, 2};
    s.producers.rate = Until(Seconds(120), 300);
    s.consumers->member_zones = {0, 1, 2, 0};
    s.consumers->metadata_max_age = Milliseconds(600 + 700 * static_cast<int64_t>(seed % 5));
    s.cluster.leader_imbalance_check_interval = Seconds(20);
    MiniPipeline pipeline(s);
    for (int64_t at = 5 + static_cast<int64_t>(seed % 7), i = 0; at < 110; at += 13, ++i) {
      const auto broker = static_cast<BrokerId>((seed + static_cast<uint64_t>(i * i)) %
                                                static_cast<uint64_t>(s.brokers));
      pipeline.Down(pipeline.Broker(broker), Seconds(at),
                    Milliseconds(200 + 3'100 * ((static_cast<int64_t>(seed) + i) % 6)));
    }
    pipeline.Run(Seconds(200));
    EXPECT_GT(pipeline.Consumer(Consumers::kSentElsewhere), 50) << seed;
    EXPECT_GT(pipeline.Consumer(Consumers::kFromFollowers), 1'000'000) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), pipeline.RecordsInLog()) << seed;
    EXPECT_EQ(pipeline.Log(KafkaCluster::kLostAcked), 0) << seed;
    EXPECT_EQ(pipeline.Consumer(Consumers::kLag), 0) << seed;
  }
}

// A follower that is taken away by a reassignment refuses, and the leader names the new one.
TEST(FollowerFetchTest, AReassignmentMovesTheReaders) {
  MiniSettings s = ThreeZones();
  s.topic.replication_factor = 2;
  s.producers.rate = Until(Seconds(30), 100);
  const std::vector<BrokerId> on = MiniPipeline(s).log.BrokersOf(0);
  s = Apart(s, static_cast<ZoneId>((on[1] - on[0] + 3) % 3));
  MiniPipeline pipeline(s);
  pipeline.Run(Seconds(10));
  EXPECT_EQ(pipeline.Consumer(Consumers::kSentElsewhere), 1);
  const int64_t before = pipeline.Consumer(Consumers::kFromFollowers);
  EXPECT_GT(before, 0);
  bool moved = false;
  pipeline.log.Reassign(0, {on[0], static_cast<BrokerId>(3 - on[0] - on[1])},
                        [&moved] { moved = true; });
  pipeline.Run(Seconds(32));
  EXPECT_TRUE(moved);
  EXPECT_EQ(pipeline.Consumer(Consumers::kSentElsewhere), 1);  // No replica in the rack is left.
  EXPECT_EQ(pipeline.Consumer(Consumers::kRecords), 3'000);
  EXPECT_LT(pipeline.Consumer(Consumers::kFromFollowers), pipeline.BytesInLog().count() / 2);
}

}  // namespace
}  // namespace freshet
