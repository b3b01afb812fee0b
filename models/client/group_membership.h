// A consumer's standing in its group: it finds the coordinator, joins, sends heartbeats, is told
// what it may read, fetches the committed offsets of that, commits its own, and leaves.
//
// What a rebalance asks of the application happens between two of its polls, never during one: a
// member that is long in its poll is late, and the group waits for it, or goes on without it.
// Heartbeats are sent by a thread of their own and do not wait.
//
//   classic_membership.h   the classic protocol: eager, cooperative, static members
//   epoch_membership.h     the broker-side protocol
//
// Approximated: all requests to the coordinator are answered side by side, where Kafka answers
// those of one connection one after the other; a request is small whatever is in it, but for
// commits. docs/models/consumer_group.md has the sources.
#ifndef FRESHET_MODELS_CLIENT_GROUP_MEMBERSHIP_H_
#define FRESHET_MODELS_CLIENT_GROUP_MEMBERSHIP_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/group/group_coordinator.h"
#include "models/log/log_service.h"
#include "models/network/network.h"
#include "sim/component.h"

namespace freshet {

class GroupMembership : public Component {
 public:
  struct Config {
    int client = 0;  // Its number among the group's processes.
    HostId host = 0;
    bool is_static = false;      // group.instance.id
    bool leave_on_close = true;  // Kafka Streams does not (internal.leave.group.on.close).
    bool auto_commit = true;
    bool fetches_offsets = true;  // Of what it is given: a group that shares out partitions.
    bool read_committed = false;  // It begins at no offset that a transaction may still commit.
    Duration auto_commit_interval;
    Duration heartbeat_interval;
    Duration session_timeout;
    Duration max_poll_interval;
    Duration retry_backoff;
    Assignor assignor = Assignor::kRange;
  };
  using Positions = std::vector<std::pair<int, Offset>>;  // By partition of the topic.

  // The consumer above it. Members are named by their number.
  class Application {
   public:
    virtual ~Application() = default;
    // It processes records, or hangs: nothing can be asked of it before it polls again.
    virtual bool InPoll(int client) const = 0;
    // Ascending.
    virtual std::vector<int> OwnedBy(int client) const = 0;
    // What it has handed over of those, up to where.
    virtual Positions PositionsOf(int client) const = 0;
    virtual void Assigned(int client, const std::vector<int>& partitions) = 0;
    // Of an assigned partition, once the coordinator has said what is committed.
    virtual void Begin(int client, int partition, std::optional<Offset> committed) = 0;
    virtual void Revoked(int client, const std::vector<int>& partitions) = 0;
    // To go on, or to do what the group asks: if it is not in its poll.
    virtual void Poll(int client) = 0;
    // What CommitAndWait() was called for is done, or refused.
    virtual void CommitEnded(int client) = 0;
    virtual void Closed(int client) = 0;
    virtual void Committed(int client) = 0;

    // It is about to give those up (Revoked). False: it commits what it has done of them first,
    // and polls when it has.
    virtual bool ReadyToLose(int /*client*/, const std::vector<int>& /*partitions*/) {
      return true;
    }
    // A leader deals out in its own way, in place of the assignor: whose partitions are whose, by
    // member; `owned` is what they have. After `again` the leader joins again; zero: it does not.
    virtual std::optional<Assignment> DealOut(const std::vector<int>& /*clients*/,
                                              const Assignment& /*owned*/, Duration* /*again*/) {
      return std::nullopt;
    }
  };

  // REQUIRES: all outlive it.
  GroupMembership(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                  GroupCoordinator* coordinator, Application* application, const Config& config);

  // A new process. REQUIRES: none runs.
  void Start();
  // It is gone, and says nothing to anybody.
  void Crash();
  // In good order, as soon as its poll is over: commits, leaves; Closed() follows.
  void Close();
  // The application polls. False: it gets nothing before Poll() is called.
  bool BeforePoll();
  // The application commits what it has been handed, in the middle of its poll, and waits:
  // CommitEnded() follows, perhaps at once.
  void CommitAndWait();
  // max.poll.interval.ms since it polled last: the heartbeat thread leaves for it.
  void PollIntervalOver();
  // Nothing that it says to a coordinator arrives; what it fetches from other brokers does.
  void SetCutOff(bool cut_off);

  bool running() const { return running_; }
  // What it would commit now.
  GroupCoordinator::Commit NextCommit() const {
    return {id_, generation_, application_->PositionsOf(config_.client)};
  }
  // It holds what it holds by right.
  bool IsCurrent() const { return coordinator_->IsCurrent(id_, generation_); }

 protected:
  // A request to the coordinator and what is done there and here. At most one is under way.
  struct Request {
    ControlSender sender;
    bool under_way = false;
  };
  // REQUIRES: the coordinator is known, `request` is not under way.
  void Send(Request* request, Callback on_request, Callback on_response);
  // NOT_COORDINATOR, or the connection broke: look for it again, a little later.
  void LoseCoordinator();
  void FetchOffsets();
  void CommitThen(void (GroupMembership::*then)());
  void GoOn() { application_->Poll(config_.client); }
  void BeginHeartbeats();
  // Automatic commits, from now on at their interval.
  void BeginCommits();
  void RetryLater(void (GroupMembership::*what)());
  // retry.backoff.ms, then as if it polled.
  void Wait() { RetryLater(&GroupMembership::GoOn); }
  // The coordinator has answered that it leaves.
  void Left();

  // --- What a protocol does ---

  virtual void OnStart() = 0;
  // All that was under way to the coordinator is lost.
  virtual void OnLost() = 0;
  // Between two polls. False: no records now.
  virtual bool Duties() = 0;
  virtual void Heartbeat() = 0;
  // The request that tells the coordinator that it leaves; false if it does not.
  virtual bool Leave(RebalanceCause cause) = 0;
  // The coordinator took it for another one, or for none: whether to try again.
  virtual bool RetriesFencedCommits() const = 0;
  // What a stall has it do, beside leaving.
  virtual void OnPollIntervalOver() = 0;

  bool knows_coordinator() const { return at_ != kNoBroker; }
  BrokerId at() const { return at_; }
  const Config& config() const { return config_; }
  Application& application() { return *application_; }
  void Answer(Request* request) { log_->AnswerControl(&request->sender); }

  MemberId id_ = kNoMember;
  int32_t generation_ = 0;
  Request leave_;

 private:
  struct Line {  // The connection to a broker.
    ProduceChannel channel;
  };
  struct Flight {  // A commit on its way.
    GroupCoordinator::Commit commit;
    RequestIndex request = 0;
    bool awaited = false;
  };

  Line* LineTo(BrokerId broker);
  void Find();
  void Found();
  void BrokerChanged();
  void HeartbeatTimer(uint32_t beat);
  void CommitTimer(uint32_t round);
  void CommitAgain();
  void SendCommit(Positions positions, bool awaited);
  void Answered(uint32_t number, ProduceError error);
  void SendAwaited();
  void EndWait();
  void OffsetsFetched();
  void CommitEnded() { application_->CommitEnded(config_.client); }
  void LeaveAndClose();
  void FinishClose();

  const Config config_;
  Network* const network_;
  LogService* const log_;
  GroupCoordinator* const coordinator_;
  Application* const application_;
  std::vector<std::unique_ptr<Line>> lines_;  // By broker.
  BrokerId at_ = kNoBroker;                   // The coordinator, as far as it knows.
  BrokerId found_ = kNoBroker;
  BrokerId asked_ = kNoBroker;  // For it.
  Request find_;
  Request offsets_;
  std::vector<int> asking_;  // Whose committed offsets are on their way,
  std::vector<std::optional<Offset>> told_;
  GroupError offsets_error_ = GroupError::kNone;
  std::vector<int> unfetched_;  // and those for whom they are still needed.
  bool running_ = false;
  bool closing_ = false;
  bool leaving_ = false;
  bool finding_ = false;
  bool cut_off_ = false;
  uint32_t life_ = 0;
  uint32_t beat_ = 0;
  uint32_t commit_round_ = 0;
  bool commit_due_ = false;
  ProducerId producer_;
  int64_t commits_sent_ = 0;
  uint32_t next_flight_ = 1;
  std::map<uint32_t, Flight> flights_;
  std::optional<Positions> awaited_;           // What it waits to have committed,
  void (GroupMembership::*then_)() = nullptr;  // and goes on with.

 protected:
  void AddUnfetched(const std::vector<int>& partitions);
  void DropUnfetched(const std::vector<int>& partitions);
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_GROUP_MEMBERSHIP_H_
