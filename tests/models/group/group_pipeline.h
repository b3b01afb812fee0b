// A group that subscribes, before three Kafka brokers: six partitions, 600 records a second until
// the producers stop, round trips of 0.2 ms and brokers that take no time. Heartbeats, sessions and
// timers of Kafka's defaults.
#ifndef FRESHET_TESTS_MODELS_GROUP_GROUP_PIPELINE_H_
#define FRESHET_TESTS_MODELS_GROUP_GROUP_PIPELINE_H_

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "models/fault/targets.h"
#include "tests/models/mini_pipeline.h"

namespace freshet {

inline constexpr char kOffsetsTopic[] = "__consumer_offsets";

// `members` of the group "audit" with the protocol of the assignor, of which the last `absent` come
// later, and the topic of their offsets.
inline void Subscribe(PipelineSettings* s, int members, Assignor assignor = Assignor::kRange,
                      int absent = 0) {
  s->consumers = Reading(members);
  s->consumers->auto_commit = true;
  s->consumers->absent_members = absent;
  Consumers::Group group;
  group.assignor = assignor;
  group.heartbeat_interval = Seconds(3);
  if (assignor == Assignor::kUniform) {
    group.protocol = GroupProtocol::kConsumer;
    group.heartbeat_interval = Seconds(5);
  }
  group.session_timeout = Seconds(45);
  group.max_poll_interval = Minutes(5);
  group.retry_backoff = Milliseconds(100);
  group.initial_rebalance_delay = Seconds(3);
  group.id = "audit";
  group.offsets_topic = kOffsetsTopic;
  group.offsets_segment = MiB(100);
  s->consumers->group = group;
  TopicConfig offsets = s->topic;
  offsets.name = kOffsetsTopic;
  offsets.partitions = 50;
  s->more_topics = {offsets};
}

inline MiniSettings Subscribed(int members, Assignor assignor = Assignor::kRange, int absent = 0) {
  MiniSettings s = Instant();
  s.network.rtt_within_zone = Sampler::Constant(200'000);
  s.producers.rate = Steady(600);
  Subscribe(&s, members, assignor, absent);
  return s;
}

class GroupPipeline : public MiniPipeline {
 public:
  explicit GroupPipeline(const MiniSettings& settings) : MiniPipeline(settings) {
    faults.SchedulePhases(Duration::Zero());
    for (int member = 0; member < consumers->member_count(); ++member) {
      member_handles.push_back(std::make_unique<MemberTarget>(consumers.get(), member));
      thread_handles.push_back(std::make_unique<MemberThreadTarget>(consumers.get(), member));
    }
  }
  // Members from 1, as in a scenario.
  std::vector<int> Owned(int member) const { return consumers->OwnedBy(member - 1); }
  int OwnedByAll() const {
    int owned = 0;
    for (int m = 1; m <= consumers->member_count(); ++m) owned += static_cast<int>(Owned(m).size());
    return owned;
  }
  FaultTarget* Member(int member) { return member_handles[static_cast<size_t>(member - 1)].get(); }
  FaultTarget* Thread(int member) { return thread_handles[static_cast<size_t>(member - 1)].get(); }
  int64_t Rebalances() const { return Consumer(GroupMetrics::kRebalances); }
  int64_t RebalancesBy(RebalanceCause cause) const {
    return Consumer(GroupMetrics::kRebalancesBy[static_cast<size_t>(cause)]);
  }
  Histogram RebalanceTime() const {
    return HistogramOf(sim, *consumers, GroupMetrics::kRebalanceTime);
  }
  Histogram UnownedTime() const { return HistogramOf(sim, *consumers, Consumers::kUnownedTime); }
  BrokerId Coordinator() const { return consumers->coordinator()->broker(); }

  std::vector<std::unique_ptr<MemberTarget>> member_handles;
  std::vector<std::unique_ptr<MemberThreadTarget>> thread_handles;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_MODELS_GROUP_GROUP_PIPELINE_H_
