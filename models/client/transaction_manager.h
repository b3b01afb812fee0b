// A transactional client's standing with its coordinator: it finds it, asks for a producer id and
// an epoch, has partitions and groups added to its transaction, ends it, and learns that somebody
// else has taken its place.
//
// It sends no records: whoever does asks MaySend() first, and numbers them under producer() and
// epoch(), from 0 again when the epoch has changed. One request is under way at a time, as in
// Kafka's client. Transactions that have no partition end without a request.
#ifndef FRESHET_MODELS_CLIENT_TRANSACTION_MANAGER_H_
#define FRESHET_MODELS_CLIENT_TRANSACTION_MANAGER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/group/transaction_coordinator.h"
#include "models/log/log_service.h"
#include "models/network/network.h"
#include "sim/component.h"

namespace freshet {

class TransactionManager : public Component {
 public:
  struct Config {
    std::string transactional_id;
    int number = 0;  // Whom it asks first for the coordinator.
    HostId host = 0;
    Duration timeout;  // transaction.timeout.ms
    Duration retry_backoff;
  };
  // What sends the records. Called in answer to a request, never from within a call of its own but
  // for Ended(), which End() may call at once.
  class Application {
   public:
    virtual ~Application() = default;
    // It has a producer id and an epoch: Begin() may follow.
    virtual void Ready() = 0;
    // Partitions that MaySend() has refused may be sent to.
    virtual void PartitionsAdded() = 0;
    virtual void Ended(bool committed) = 0;
    // Its epoch is not current any more: its transaction is aborted, or will be.
    virtual void Fenced() = 0;
  };

  // REQUIRES: all outlive it.
  TransactionManager(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                     TransactionCoordinator* coordinator, Application* application,
                     const Config& config);

  // A process starts: it asks for an epoch of its own, and what an earlier life has left is
  // aborted.
  void Start();
  // The same process asks for the next epoch: after Fenced() (KIP-588), or between transactions
  // when it has given up a record that has a sequence (KIP-360). It is fenced for good if somebody
  // else has asked meanwhile.
  void Recover();
  // It is gone, and asks nothing any more.
  void Crash();

  // REQUIRES: ready.
  void Begin();
  // Whether records may go to the partition; if not, it is added, and PartitionsAdded() follows.
  // REQUIRES: in a transaction.
  bool MaySend(PartitionId partition);
  // The same for the offsets of a group.
  bool MayCommit(GroupCoordinator* group);
  // REQUIRES: in a transaction, everything sent is answered.
  void End(bool commits);

  bool ready() const { return state_ == State::kReady; }
  bool in_transaction() const { return state_ == State::kInTransaction; }
  bool fenced() const { return state_ == State::kFenced; }
  bool ending() const { return state_ == State::kEnding; }
  ProducerId producer() const { return producer_; }
  int32_t epoch() const { return epoch_; }
  TransactionCoordinator::Id id() const { return id_; }

 private:
  enum class State : uint8_t { kDown, kStarting, kReady, kInTransaction, kEnding, kFenced };

  void Step();
  void Find();
  void Found();
  void Send(TransactionCoordinator::Request::Kind kind);
  void Answered();
  void LoseCoordinator();
  void Later(Duration wait);
  void EndNow(bool committed);
  ControlSender* LineTo(BrokerId broker);
  void BrokerChanged();

  const Config config_;
  Network* const network_;
  LogService* const log_;
  TransactionCoordinator* const coordinator_;
  Application* const application_;
  const TransactionCoordinator::Id id_;
  std::vector<std::unique_ptr<ControlSender>> lines_;  // By broker.
  State state_ = State::kDown;
  bool recovers_ = false;
  ProducerId producer_ = 0;
  int32_t epoch_ = 0;
  BrokerId at_ = kNoBroker;     // The coordinator, as far as it knows.
  BrokerId asked_ = kNoBroker;  // To whom a request is under way.
  BrokerId found_ = kNoBroker;
  uint32_t number_ = 0;   // Of the request under way; raised when it is given up.
  bool waiting_ = false;  // Until it asks again.
  TransactionCoordinator::Request request_;
  TransactionCoordinator::Answer answer_;
  std::vector<PartitionId> wanted_;  // To be added,
  std::vector<GroupCoordinator*> wanted_groups_;
  std::vector<PartitionId> added_;  // and those that are.
  std::vector<GroupCoordinator*> added_groups_;
  bool commits_ = false;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_TRANSACTION_MANAGER_H_
