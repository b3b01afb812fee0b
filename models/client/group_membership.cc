#include "models/client/group_membership.h"

#include <algorithm>

#include "models/log/first_up.h"

namespace freshet {

GroupMembership::GroupMembership(Simulation& sim, absl::string_view name, Network* network,
                                 LogService* log, GroupCoordinator* coordinator,
                                 Application* application, const Config& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      log_(log),
      coordinator_(coordinator),
      application_(application),
      producer_(log->NewProducerId()) {
  lines_.resize(static_cast<size_t>(log->broker_count()));
  log->OnBrokerChange([this](BrokerId) { BrokerChanged(); });
}

// --- Its life ---

void GroupMembership::Start() {
  SIM_REQUIRE(!running_);
  running_ = true;
  closing_ = leaving_ = false;
  id_ = kNoMember;
  generation_ = 0;
  ++life_;
  OnStart();
  Find();
  BeginCommits();
}

void GroupMembership::Crash() {
  if (!running_) return;
  running_ = false;
  ++life_;
  ++beat_;
  ++commit_round_;
  LoseCoordinator();
  awaited_.reset();
  then_ = nullptr;
  unfetched_.clear();
  commit_due_ = false;
  finding_ = false;
}

void GroupMembership::Close() {
  if (!running_) {
    application_->Closed(config_.client);
    return;
  }
  closing_ = true;
  GoOn();
}

bool GroupMembership::BeforePoll() {
  if (!running_ || awaited_ || leaving_) return false;
  if (closing_) {
    if (!application_->ReadyToLose(config_.client, application_->OwnedBy(config_.client))) {
      return false;
    }
    leaving_ = true;
    if (config_.auto_commit) {
      CommitThen(&GroupMembership::LeaveAndClose);
    } else {
      LeaveAndClose();
    }
    return false;
  }
  if (commit_due_) {
    commit_due_ = false;
    if (knows_coordinator()) SendCommit(application_->PositionsOf(config_.client), false);
  }
  return Duties();
}

void GroupMembership::LeaveAndClose() {
  application_->Revoked(config_.client, application_->OwnedBy(config_.client));
  if (!Leave(RebalanceCause::kLeft)) FinishClose();
}

void GroupMembership::Left() {
  leave_.under_way = false;
  if (leaving_) FinishClose();
}

void GroupMembership::FinishClose() {
  Crash();
  application_->Closed(config_.client);
}

void GroupMembership::PollIntervalOver() {
  if (!running_ || leaving_) return;
  ++beat_;  // No heartbeat until it polls again.
  Leave(RebalanceCause::kPollOver);
  OnPollIntervalOver();
}

// --- The coordinator ---

GroupMembership::Line* GroupMembership::LineTo(BrokerId broker) {
  std::unique_ptr<Line>& line = lines_[static_cast<size_t>(broker)];
  if (line == nullptr) {
    line = std::make_unique<Line>();
    line->channel.request_on = network_->Connect(config_.host, log_->HostOf(broker));
    line->channel.reply_on = network_->Connect(log_->HostOf(broker), config_.host);
  }
  return line.get();
}

void GroupMembership::Find() {
  finding_ = false;
  if (!running_ || knows_coordinator() || find_.under_way) return;
  asked_ = FirstUp(*log_, static_cast<uint64_t>(config_.client));
  if (asked_ == kNoBroker) {
    RetryLater(&GroupMembership::Find);
    return;
  }
  finding_ = true;
  at_ = asked_;
  Send(
      &find_,
      [this] {
        found_ = log_->GroupCoordinatorOf(coordinator_->offsets_partition());
        Answer(&find_);
      },
      [this] { Found(); });
  at_ = kNoBroker;
}

void GroupMembership::Found() {
  find_.under_way = false;
  finding_ = false;
  asked_ = kNoBroker;
  if (found_ == kNoBroker || !log_->IsUp(found_)) {
    RetryLater(&GroupMembership::Find);
    return;
  }
  at_ = found_;
  SendAwaited();
  FetchOffsets();
  GoOn();
}

void GroupMembership::RetryLater(void (GroupMembership::*what)()) {
  struct Retry {
    GroupMembership* self;
    void (GroupMembership::*what)();
    uint32_t life;
  };
  const Retry retry = {this, what, life_};
  After<"member.retry">(config_.retry_backoff, [retry] {
    if (retry.life == retry.self->life_) (retry.self->*retry.what)();
  });
}

void GroupMembership::Send(Request* request, Callback on_request, Callback on_response) {
  SIM_REQUIRE(!request->under_way);
  const ProduceChannel& channel = LineTo(at_)->channel;
  request->sender.request_on = channel.request_on;
  request->sender.reply_on = channel.reply_on;
  request->sender.on_request = on_request;
  request->sender.on_response = on_response;
  request->under_way = true;
  if (!cut_off_) log_->SendControl(at_, &request->sender);
}

void GroupMembership::SetCutOff(bool cut_off) {
  if (cut_off == cut_off_) return;
  cut_off_ = cut_off;
  if (!running_) return;
  finding_ = false;
  asked_ = kNoBroker;
  LoseCoordinator();
}

void GroupMembership::LoseCoordinator() {
  for (Request* request : {&find_, &offsets_, &leave_}) {
    ++request->sender.generation;
    request->under_way = false;
  }
  if (at_ != kNoBroker) {
    for (const auto& [number, flight] : flights_) log_->ForgetRequest(flight.request);
    flights_.clear();
    log_->ResetChannel(&LineTo(at_)->channel);
  }
  at_ = kNoBroker;
  OnLost();
  if (!running_) return;
  if (leaving_ && !awaited_) {  // Nobody will hear that it leaves.
    FinishClose();
    return;
  }
  if (finding_) return;
  finding_ = true;
  RetryLater(&GroupMembership::Find);
}

void GroupMembership::BrokerChanged() {
  if (!running_) return;
  const bool asked_died = asked_ != kNoBroker && !log_->IsUp(asked_);
  if (asked_died) {
    asked_ = kNoBroker;
    finding_ = false;
  }
  if (asked_died || (at_ != kNoBroker && !log_->IsUp(at_))) LoseCoordinator();
}

// --- Heartbeats ---

void GroupMembership::BeginHeartbeats() { HeartbeatTimer(++beat_); }

void GroupMembership::HeartbeatTimer(uint32_t beat) {
  After<"member.heartbeat">(config_.heartbeat_interval, [this, beat] {
    if (beat != beat_) return;
    if (knows_coordinator()) Heartbeat();
    if (beat == beat_) HeartbeatTimer(beat);
  });
}

// --- Offsets ---

void GroupMembership::AddUnfetched(const std::vector<int>& partitions) {
  unfetched_.insert(unfetched_.end(), partitions.begin(), partitions.end());
}

void GroupMembership::DropUnfetched(const std::vector<int>& partitions) {
  for (const int partition : partitions) {
    unfetched_.erase(std::remove(unfetched_.begin(), unfetched_.end(), partition),
                     unfetched_.end());
  }
}

void GroupMembership::FetchOffsets() {
  if (unfetched_.empty() || offsets_.under_way || !knows_coordinator()) return;
  asking_ = unfetched_;
  Send(
      &offsets_,
      [this] {
        offsets_error_ = coordinator_->ErrorAt(at_);
        if (config_.read_committed && offsets_error_ == GroupError::kNone &&
            std::any_of(asking_.begin(), asking_.end(),
                        [this](int each) { return coordinator_->IsUnstable(each); })) {
          offsets_error_ = GroupError::kLoading;  // UNSTABLE_OFFSET_COMMIT: ask again (KIP-447).
        }
        told_.clear();
        for (const int partition : asking_) told_.push_back(coordinator_->CommittedOf(partition));
        Answer(&offsets_);
      },
      [this] { OffsetsFetched(); });
}

void GroupMembership::OffsetsFetched() {
  offsets_.under_way = false;
  if (offsets_error_ == GroupError::kNotCoordinator) {
    LoseCoordinator();
    return;
  }
  if (offsets_error_ != GroupError::kNone) {
    RetryLater(&GroupMembership::FetchOffsets);
    return;
  }
  const std::vector<int> asked = std::move(asking_);
  for (size_t i = 0; i < asked.size(); ++i) {
    const auto wanted = std::find(unfetched_.begin(), unfetched_.end(), asked[i]);
    if (wanted == unfetched_.end()) continue;  // Taken away meanwhile.
    unfetched_.erase(wanted);
    application_->Begin(config_.client, asked[i], told_[i]);
    if (!running_) return;
  }
  FetchOffsets();
  GoOn();
}

void GroupMembership::BeginCommits() {
  if (config_.auto_commit) CommitTimer(++commit_round_);
}

void GroupMembership::CommitTimer(uint32_t round) {
  After<"member.auto_commit">(config_.auto_commit_interval, [this, round] {
    if (round != commit_round_) return;
    CommitAgain();
    CommitTimer(round);
  });
}

void GroupMembership::CommitAndWait() { CommitThen(&GroupMembership::CommitEnded); }

void GroupMembership::CommitThen(void (GroupMembership::*then)()) {
  awaited_ = application_->PositionsOf(config_.client);
  then_ = then;
  if (awaited_->empty()) {
    EndWait();
  } else {
    SendAwaited();
  }
}

void GroupMembership::SendAwaited() {
  if (!awaited_ || awaited_->empty() || !knows_coordinator()) return;
  const bool sent = std::any_of(flights_.begin(), flights_.end(),
                                [](const auto& flight) { return flight.second.awaited; });
  if (!sent) SendCommit(*awaited_, true);
}

void GroupMembership::EndWait() {
  awaited_.reset();
  (this->*then_)();
}

void GroupMembership::SendCommit(Positions positions, bool awaited) {
  if (positions.empty()) return;
  const RequestIndex index = log_->NewRequest();
  const uint32_t number = next_flight_++;
  ProduceRequest& request = log_->RequestAt(index);
  Batch batch;
  batch.partition = coordinator_->offsets_partition();
  batch.producer = producer_;
  batch.sequence = commits_sent_++;
  batch.record_count = static_cast<int64_t>(positions.size());
  batch.bytes = coordinator_->CommitBytes(positions.size());
  batch.created.first = batch.created.low = batch.created.high = Now();
  batch.closed_at = batch.sent_at = Now();
  batch.producer_component = component_id();
  request.batches.push_back(batch);
  request.bytes = batch.bytes;
  request.acks = Acks::kAll;
  request.idempotent = false;
  request.on_append = [this, number](AppendJudgement& judgement) {
    const auto flight = flights_.find(number);
    judgement.error = flight == flights_.end() ? ProduceError::kFenced
                                               : coordinator_->Judge(flight->second.commit);
  };
  request.on_response = [this, number](ProduceRequest& answered) {
    Answered(number, answered.errors[0]);
  };
  flights_[number] = {{id_, generation_, std::move(positions)}, index, awaited};
  log_->SendProduce(index, at_, &LineTo(at_)->channel);
}

void GroupMembership::Answered(uint32_t number, ProduceError error) {
  const auto flight = flights_.find(number);
  if (flight == flights_.end()) return;
  const bool awaited = flight->second.awaited;
  flights_.erase(flight);
  if (error == ProduceError::kNone) application_->Committed(config_.client);
  const bool again =
      error == ProduceError::kFenced ? RetriesFencedCommits() : error != ProduceError::kNone;
  if (error == ProduceError::kNotLeader) {
    if (!awaited) RetryLater(&GroupMembership::CommitAgain);
    LoseCoordinator();
  } else if (again) {
    RetryLater(awaited ? &GroupMembership::SendAwaited : &GroupMembership::CommitAgain);
  } else if (awaited) {
    EndWait();
  }
}

void GroupMembership::CommitAgain() {
  commit_due_ = true;
  GoOn();
}

}  // namespace freshet
