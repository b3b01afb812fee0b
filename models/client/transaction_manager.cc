#include "models/client/transaction_manager.h"

#include <algorithm>

#include "models/group/group_coordinator.h"
#include "models/log/first_up.h"

namespace freshet {
namespace {

// TransactionManager.ADD_PARTITIONS_RETRY_BACKOFF_MS: the transaction before is nearly through.
constexpr Duration kAddPartitionsBackoff = Milliseconds(20);

template <class T>
bool Holds(const std::vector<T>& all, T one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

using Kind = TransactionCoordinator::Request::Kind;

TransactionManager::TransactionManager(Simulation& sim, absl::string_view name, Network* network,
                                       LogService* log, TransactionCoordinator* coordinator,
                                       Application* application, const Config& config)
    : Component(sim, name),
      config_(config),
      network_(network),
      log_(log),
      coordinator_(coordinator),
      application_(application),
      id_(coordinator->AddTransactionalId(config.transactional_id)) {
  lines_.resize(static_cast<size_t>(log->broker_count()));
  log->OnBrokerChange([this](BrokerId) { BrokerChanged(); });
}

// --- Its life ---

void TransactionManager::Start() {
  Crash();
  state_ = State::kStarting;
  recovers_ = false;
  Step();
}

void TransactionManager::Recover() {
  SIM_REQUIRE(state_ == State::kFenced || state_ == State::kReady);
  state_ = State::kStarting;
  recovers_ = true;
  Step();
}

void TransactionManager::Crash() {
  LoseCoordinator();
  state_ = State::kDown;
  wanted_.clear();
  wanted_groups_.clear();
  added_.clear();
  added_groups_.clear();
}

void TransactionManager::Begin() {
  SIM_REQUIRE(state_ == State::kReady);
  state_ = State::kInTransaction;
  added_.clear();
  added_groups_.clear();
}

bool TransactionManager::MaySend(PartitionId partition) {
  if (Holds(added_, partition)) return true;
  if (state_ != State::kInTransaction) return false;
  if (!Holds(wanted_, partition)) wanted_.push_back(partition);
  Step();
  return false;
}

bool TransactionManager::MayCommit(GroupCoordinator* group) {
  if (Holds(added_groups_, group)) return true;
  if (state_ != State::kInTransaction) return false;
  if (!Holds(wanted_groups_, group)) wanted_groups_.push_back(group);
  Step();
  return false;
}

void TransactionManager::End(bool commits) {
  SIM_REQUIRE(state_ == State::kInTransaction);
  state_ = State::kEnding;
  commits_ = commits;
  wanted_.clear();
  wanted_groups_.clear();
  // What is being added counts: the coordinator may have it.
  if (asked_ == kNoBroker && added_.empty() && added_groups_.empty()) {
    EndNow(commits);
    return;
  }
  Step();
}

void TransactionManager::EndNow(bool committed) {
  state_ = State::kReady;
  application_->Ended(committed);
}

// --- Requests ---

void TransactionManager::Step() {
  if (asked_ != kNoBroker || waiting_) return;
  const bool wants = state_ == State::kStarting || state_ == State::kEnding || !wanted_.empty() ||
                     !wanted_groups_.empty();
  if (!wants || state_ == State::kDown || state_ == State::kFenced) return;
  if (at_ == kNoBroker) {
    Find();
  } else if (state_ == State::kStarting) {
    Send(Kind::kInitProducerId);
  } else if (!wanted_.empty()) {
    Send(Kind::kAddPartitions);
  } else if (!wanted_groups_.empty()) {
    Send(Kind::kAddOffsets);
  } else if (added_.empty() && added_groups_.empty()) {
    EndNow(commits_);
  } else {
    Send(commits_ ? Kind::kCommit : Kind::kAbort);
  }
}

ControlSender* TransactionManager::LineTo(BrokerId broker) {
  std::unique_ptr<ControlSender>& line = lines_[static_cast<size_t>(broker)];
  if (line == nullptr) {
    line = std::make_unique<ControlSender>();
    line->request_on = network_->Connect(config_.host, log_->HostOf(broker));
    line->reply_on = network_->Connect(log_->HostOf(broker), config_.host);
  }
  return line.get();
}

void TransactionManager::Find() {
  asked_ = FirstUp(*log_, static_cast<uint64_t>(config_.number));
  if (asked_ == kNoBroker) {
    Later(config_.retry_backoff);
    return;
  }
  ControlSender* line = LineTo(asked_);
  line->on_request = [this, line] {
    found_ = coordinator_->BrokerOf(id_);
    log_->AnswerControl(line);
  };
  line->on_response = [this] { Found(); };
  log_->SendControl(asked_, line);
}

void TransactionManager::Found() {
  asked_ = kNoBroker;
  if (found_ == kNoBroker || !log_->IsUp(found_)) {
    Later(config_.retry_backoff);
    return;
  }
  at_ = found_;
  Step();
}

void TransactionManager::Send(Kind kind) {
  request_ = {};
  request_.kind = kind;
  request_.id = id_;
  request_.epoch = epoch_;
  request_.same_producer = recovers_;
  request_.timeout = config_.timeout;
  if (kind == Kind::kAddPartitions) request_.partitions = wanted_;
  if (kind == Kind::kAddOffsets) request_.group = wanted_groups_.front();
  asked_ = at_;
  ControlSender* line = LineTo(asked_);
  line->on_request = [this, line] {
    coordinator_->Handle(asked_, request_,
                         [this, line, number = number_](const TransactionCoordinator::Answer& a) {
                           if (number != number_) return;
                           answer_ = a;
                           log_->AnswerControl(line);
                         });
  };
  line->on_response = [this] { Answered(); };
  log_->SendControl(asked_, line);
}

void TransactionManager::Answered() {
  asked_ = kNoBroker;
  ++number_;
  const Kind kind = request_.kind;
  switch (answer_.error) {
    case TransactionError::kNone:
      break;
    case TransactionError::kNotCoordinator:
      at_ = kNoBroker;
      Later(config_.retry_backoff);
      return;
    case TransactionError::kLoading:
      Later(config_.retry_backoff);
      return;
    case TransactionError::kConcurrent:
      Later(kind == Kind::kAddPartitions ? kAddPartitionsBackoff : config_.retry_backoff);
      return;
    case TransactionError::kFenced:
      state_ = State::kFenced;
      wanted_.clear();
      wanted_groups_.clear();
      added_.clear();
      added_groups_.clear();
      application_->Fenced();
      return;
  }
  producer_ = answer_.producer;
  epoch_ = answer_.epoch;
  switch (kind) {
    case Kind::kInitProducerId:
      state_ = State::kReady;
      application_->Ready();
      break;
    case Kind::kAddPartitions:
      for (const PartitionId partition : request_.partitions) {
        added_.push_back(partition);
        wanted_.erase(std::remove(wanted_.begin(), wanted_.end(), partition), wanted_.end());
      }
      if (state_ == State::kInTransaction) application_->PartitionsAdded();
      break;
    case Kind::kAddOffsets:
      added_groups_.push_back(request_.group);
      wanted_groups_.erase(
          std::remove(wanted_groups_.begin(), wanted_groups_.end(), request_.group),
          wanted_groups_.end());
      if (state_ == State::kInTransaction) application_->PartitionsAdded();
      break;
    case Kind::kCommit:
    case Kind::kAbort:
      EndNow(kind == Kind::kCommit);
      break;
  }
  Step();
}

void TransactionManager::Later(Duration wait) {
  waiting_ = true;
  After<"transaction.retry">(wait, [this, number = ++number_] {
    if (number != number_) return;
    waiting_ = false;
    Step();
  });
}

void TransactionManager::LoseCoordinator() {
  if (asked_ != kNoBroker) ++LineTo(asked_)->generation;
  asked_ = kNoBroker;
  at_ = kNoBroker;
  waiting_ = false;
  ++number_;
}

void TransactionManager::BrokerChanged() {
  const BrokerId on = asked_ != kNoBroker ? asked_ : at_;
  if (state_ == State::kDown || on == kNoBroker || log_->IsUp(on)) return;
  LoseCoordinator();
  Later(config_.retry_backoff);
}

}  // namespace freshet
