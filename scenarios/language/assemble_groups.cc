#include "scenarios/language/assemble_groups.h"

#include <algorithm>

#include "scenarios/language/quantity.h"

namespace freshet {
namespace {

// No topic of a scenario can have this name: theirs begin with a letter.
constexpr char kOffsetsTopic[] = "__consumer_offsets";

// KSRC: retry.backoff.ms of workers and of their tasks' consumers.
constexpr Duration kRetryBackoff = Milliseconds(100);

Assignor AssignorOf(const v1::Consumers& text) {
  switch (text.assignor()) {
    case v1::Consumers::ROUND_ROBIN:
      return Assignor::kRoundRobin;
    case v1::Consumers::STICKY:
      return Assignor::kSticky;
    case v1::Consumers::COOPERATIVE_STICKY:
      return Assignor::kCooperativeSticky;
    case v1::Consumers::UNIFORM:
      return Assignor::kUniform;
    default:
      return Assignor::kRange;
  }
}

ApplicationCommits CommitsOf(const v1::Consumers& text) {
  switch (text.application_commits()) {
    case v1::Consumers::BEFORE_PROCESSING:
      return ApplicationCommits::kBeforeProcessing;
    case v1::Consumers::AFTER_PROCESSING:
      return ApplicationCommits::kAfterProcessing;
    default:
      return ApplicationCommits::kNone;
  }
}

}  // namespace

std::optional<TopicConfig> OffsetsTopicOf(const v1::Scenario& scenario) {
  const bool needed = std::any_of(
      scenario.component().begin(), scenario.component().end(), [](const v1::Component& each) {
        return each.has_connect() || each.has_streams_app() ||
               (each.has_consumers() && each.consumers().assignment() == v1::Consumers::SUBSCRIBE);
      });
  if (!needed) return std::nullopt;
  const v1::GroupCoordinator& text = scenario.group_coordinator();
  TopicConfig topic;
  topic.name = kOffsetsTopic;
  topic.partitions = static_cast<int>(text.offsets_topic_partitions());
  topic.replication_factor = static_cast<int>(text.offsets_topic_replication_factor());
  topic.segments = {BytesOf(text.offsets_topic_segment_bytes()), Duration::Max()};
  return topic;
}

namespace {

// What the brokers say of a group.
Consumers::Group GroupAtBrokers(const v1::GroupCoordinator& brokers) {
  Consumers::Group group;
  group.initial_rebalance_delay = DurationOf(brokers.initial_rebalance_delay());
  group.offsets_topic = kOffsetsTopic;
  group.offsets_segment = BytesOf(brokers.offsets_topic_segment_bytes());
  if (!brokers.offsets_load_rate().empty()) {
    group.load_rate = BytesPerSecondOf(brokers.offsets_load_rate());
  }
  group.other_bytes = BytesOf(brokers.offsets_other_bytes());
  return group;
}

}  // namespace

Consumers::Group TasksGroupOf(const v1::Scenario& scenario, const std::string& id,
                              const v1::Connect& text) {
  Consumers::Group group = GroupAtBrokers(scenario.group_coordinator());
  group.id = id;
  group.session_timeout = DurationOf(text.consumer_session_timeout());
  group.heartbeat_interval = DurationOf(text.consumer_heartbeat_interval());
  group.max_poll_interval = DurationOf(text.max_poll_interval());
  group.retry_backoff = kRetryBackoff;
  return group;
}

Consumers::Group StreamsGroupOf(const v1::Scenario& scenario, const std::string& id,
                                const v1::StreamsApp& text) {
  Consumers::Group group = GroupAtBrokers(scenario.group_coordinator());
  group.id = id;
  group.assignor = Assignor::kCooperativeSticky;
  // KSRC, StreamsConfig: internal.leave.group.on.close.
  group.leave_on_close = false;
  group.session_timeout = DurationOf(text.session_timeout());
  group.heartbeat_interval = DurationOf(text.heartbeat_interval());
  group.max_poll_interval = DurationOf(text.max_poll_interval());
  group.retry_backoff = kRetryBackoff;
  return group;
}

std::optional<Consumers::Group> GroupOf(const v1::Scenario& scenario, const v1::Consumers& text) {
  if (text.assignment() != v1::Consumers::SUBSCRIBE) return std::nullopt;
  const v1::GroupCoordinator& brokers = scenario.group_coordinator();
  Consumers::Group group = GroupAtBrokers(brokers);
  group.id = text.group();
  group.assignor = AssignorOf(text);
  group.static_members = text.static_members();
  group.leave_on_close = text.leave_on_close();
  group.session_timeout = DurationOf(text.session_timeout());
  group.heartbeat_interval = DurationOf(text.heartbeat_interval());
  if (text.group_protocol() == v1::Consumers::CONSUMER) {
    group.protocol = GroupProtocol::kConsumer;
    group.session_timeout = DurationOf(brokers.consumer_session_timeout());
    group.heartbeat_interval = DurationOf(brokers.consumer_heartbeat_interval());
  }
  group.max_poll_interval = DurationOf(text.max_poll_interval());
  group.retry_backoff = DurationOf(text.retry_backoff());
  group.application_commits = CommitsOf(text);
  return group;
}

}  // namespace freshet
