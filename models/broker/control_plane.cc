// Sessions, registrations and decisions of BrokerCluster: what its brokers have to do with the
// controllers.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/broker/broker_cluster.h"

namespace freshet {

KraftQuorum* BrokerCluster::Controllers() {
  if (controllers_ != nullptr || controller_network_ == nullptr) return controllers_.get();
  if (controller_config_.zones.empty()) return nullptr;
  KraftQuorum::Config config = controller_config_;
  config.host_stem = absl::StrCat(name(), "/controller-");
  controllers_ = std::make_unique<KraftQuorum>(sim(), absl::StrCat(name(), "/controllers"),
                                               controller_network_, config);
  controllers_->OnActivated([this] { ControllerActivated(); });
  if (metadata_idle_interval_ > Duration::Zero()) {
    RandomStream phase = NewStream("metadata-phase");
    metadata_phase_ = Nanoseconds(static_cast<int64_t>(
        phase.NextBelow(static_cast<uint64_t>(metadata_idle_interval_.nanos()))));
  }
  return controllers_.get();
}

bool BrokerCluster::HasActiveController() {
  const KraftQuorum* controllers = Controllers();
  return controllers == nullptr || controllers->active() != KraftQuorum::kNobody;
}

// --- Decisions ---

void BrokerCluster::Decide(Callback held) {
  if (KraftQuorum* controllers = Controllers()) {
    controllers->Submit(held);
  } else {
    held();
  }
}

void BrokerCluster::DecideAndTell(Callback held) {
  untold_.push_back(held);
  Decide([this] { Tell(); });
}

void BrokerCluster::Tell() {
  // The record went to the brokers when it was written, but not that a majority has it: that comes
  // with the next record, and the active controller writes one at a fixed beat.
  if (controllers_ == nullptr || metadata_idle_interval_ == Duration::Zero()) {
    untold_.pop_front()();
    return;
  }
  const Duration since = Now().SinceStart() + metadata_phase_;
  const Duration left = Nanoseconds(metadata_idle_interval_.nanos() -
                                    since.nanos() % metadata_idle_interval_.nanos());
  After<"log.metadata_told">(left, [this] { untold_.pop_front()(); });
}

// --- Processes and their sessions ---

BrokerCluster::Session& BrokerCluster::SessionOf(BrokerId id) {
  if (sessions_.empty()) sessions_.resize(static_cast<size_t>(broker_count()));
  return sessions_[static_cast<size_t>(id)];
}

void BrokerCluster::TellListeners(BrokerId id) {
  for (Completion<BrokerId>& listener : listeners_) listener(id);
}

void BrokerCluster::CrashBroker(BrokerId id) {
  EndProcess(id);
  AwaitSessionEnd(id);
  TellListeners(id);
}

void BrokerCluster::EndProcess(BrokerId id) {
  Broker& node = NodeAt(id);
  node.Crash();
  if (quotas_ != nullptr) quotas_->Forget(id);
  sim().recorder().State(node.lane(), "down", Now(), 1, Severity::kCritical);
  // Requests that wait for their commit die with the process.
  for (Partition& partition : partitions_) {
    if (partition.leader != id) continue;
    while (!partition.pending_acks.empty()) {
      const RequestIndex index = partition.pending_acks.pop_front().request;
      const bool elsewhere = requests_[index].broker != id;  // Who passed it on lives.
      if (elsewhere) Refuse(index, IdOf(partition), ProduceError::kNotLeader);
      if (--requests_[index].waiting_for_acks > 0) continue;
      if (elsewhere) {
        Respond(index);
      } else {
        FreeRequest(index);
      }
    }
  }
  OnCrash(id);
}

void BrokerCluster::ShutDown(BrokerId id, Callback stopped) {
  EndProcess(id);
  TellListeners(id);
  stopped();
}

void BrokerCluster::Reassign(PartitionId, const std::vector<BrokerId>&, Callback done) { done(); }

void BrokerCluster::AwaitSessionEnd(BrokerId id) {
  Controllers();
  // The session ends broker.session.timeout.ms after the last heartbeat, which was sent at a moment
  // that is uniform over the heartbeat interval before the crash.
  const auto since_heartbeat = static_cast<int64_t>(
      heartbeat_phase_.NextBelow(static_cast<uint64_t>(heartbeat_interval_.nanos())));
  StartSession(id, session_timeout_ - Nanoseconds(since_heartbeat));
}

void BrokerCluster::StartSession(BrokerId id, Duration ends_after) {
  Session& session = SessionOf(id);
  session.runs = true;
  After<"log.broker_session_ends">(ends_after, [this, id, number = ++session.number] {
    Session& ending = SessionOf(id);
    if (!ending.runs || ending.number != number) return;
    if (!HasActiveController()) return;  // The next one gives it a session anew.
    ending.runs = false;
    OnSessionEnd(id);
    if (ending.registering) Register(id);
  });
}

void BrokerCluster::ControllerActivated() {
  sim().recorder().Mark(RecordLevel::kState, lane_, "controller_active", Now(),
                        controllers_->active(), Severity::kNotice);
  for (size_t id = 0; id < sessions_.size(); ++id) {
    if (sessions_[id].runs) StartSession(static_cast<BrokerId>(id), session_timeout_);
  }
}

void BrokerCluster::AbandonStart(BrokerId id) {
  SessionOf(id).registering = false;
  OnAbandonStart(id);
}

void BrokerCluster::Rejoin(BrokerId id) {
  if (NodeAt(id).up()) return;  // Somebody else has started it meanwhile.
  Session& session = SessionOf(id);
  if (Controllers() == nullptr) {
    session.runs = false;
    Registered(id);
    OnUnfence(id);
    return;
  }
  session.registering = true;
  // DUPLICATE_BROKER_REGISTRATION until the session of its earlier life has ended.
  if (!session.runs) Register(id);
}

void BrokerCluster::Register(BrokerId id) {
  DecideAndTell([this, id, number = ++SessionOf(id).number] {
    Session& session = SessionOf(id);
    if (!session.registering || session.number != number) return;
    session.registering = false;
    Registered(id);
    // It has caught up with the metadata by then, and its next heartbeat asks to be unfenced.
    DecideAndTell([this, id, generation = NodeAt(id).generation()] {
      if (NodeAt(id).up() && NodeAt(id).generation() == generation) OnUnfence(id);
    });
  });
}

void BrokerCluster::Registered(BrokerId id) {
  Broker& node = NodeAt(id);
  node.Restart();
  sim().recorder().State(node.lane(), "down", Now(), 0);
  OnRestart(id);
  TellListeners(id);
}

}  // namespace freshet
