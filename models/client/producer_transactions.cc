#include "models/client/producer_transactions.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "models/client/producer.h"
#include "models/client/producers.h"
#include "sim/sampler.h"

namespace freshet {
namespace {

TransactionManager::Config ConfigOf(const Producers::Config& config, const std::string& name,
                                    int client, HostId host) {
  TransactionManager::Config manager;
  manager.transactional_id = absl::StrCat(name, "-", client + 1);
  manager.number = client;
  manager.host = host;
  manager.timeout = config.transactions->timeout;
  manager.retry_backoff = config.retry_backoff;
  return manager;
}

}  // namespace

ProducerTransactions::ProducerTransactions(Producer* producer, Producers* fleet, int client,
                                           HostId host)
    : producer_(producer),
      fleet_(fleet),
      manager_(fleet->sim(), absl::StrCat(fleet->name(), "/client-", client + 1, "/transactions"),
               fleet->network_, fleet->log_, fleet->config_.transactions->coordinator, this,
               ConfigOf(fleet->config_, fleet->name(), client, host)),
      abort_stream_(fleet->NewStream(absl::StrCat("client-", client, "/abort"))) {}

// --- One after the other ---

void ProducerTransactions::Ready() {
  if (!hung_) Begin();
}

void ProducerTransactions::Begin() {
  manager_.Begin();
  if (manager_.epoch() != epoch_) {
    epoch_ = manager_.epoch();
    producer_->Renumber(epoch_);
  }
  open_ = true;
  failed_ = due_ = renews_ = false;
  acked_ = 0;
  fleet_->After<"producer.commit_due">(fleet_->config_.transactions->commit_interval,
                                       [this, round = ++round_] {
                                         if (round == round_) CommitDue();
                                       });
  OpenHeld();
}

void ProducerTransactions::OpenHeld() {
  const std::vector<size_t> lanes = std::move(held_);
  held_.clear();
  for (const size_t lane : lanes) producer_->OpenNext(lane);
}

void ProducerTransactions::CommitDue() {
  if (hung_) {
    due_ = true;
    return;
  }
  ++round_;
  flushing_ = true;
  flush_since_ = fleet_->Now();
  Flush();
  if (failed_) {
    closing_ = true;
    producer_->DropQueued();
    closing_ = false;
  }
  EndIfFlushed();
}

void ProducerTransactions::Flush() {
  open_ = false;
  closing_ = true;
  producer_->CloseAll(&held_);
  closing_ = false;
}

void ProducerTransactions::EndIfFlushed() {
  if (unanswered_ > 0 || hung_ || down_ || closing_) return;
  if (manager_.fenced()) {
    flushing_ = false;
    manager_.Recover();
  } else if (flushing_ && manager_.in_transaction()) {
    flushing_ = false;
    constexpr uint64_t kBillion = 1'000'000'000;
    const auto aborts =
        static_cast<uint64_t>(fleet_->config_.transactions->abort_share.billionths());
    const bool gives_up = aborts > 0 && DrawBernoulli(abort_stream_, aborts, kBillion);
    manager_.End(!failed_ && !gives_up);
  }
}

void ProducerTransactions::Ended(bool committed) {
  CountEnd(committed);
  if (renews_) {
    renews_ = false;
    manager_.Recover();
  } else if (!hung_) {
    Begin();
  }
}

void ProducerTransactions::Fenced() {
  ++round_;
  failed_ = true;  // Nothing of it is sent again.
  CountEnd(false);
  renews_ = false;
  Flush();
  closing_ = true;
  producer_->DropQueued();
  closing_ = false;
  EndIfFlushed();
}

void ProducerTransactions::CountEnd(bool committed) {
  if (acked_ == 0 && !failed_) return;  // Nothing was in it.
  (committed ? fleet_->committed_ : fleet_->aborted_)->Add(1);
  if (!committed) fleet_->aborted_records_->Add(acked_);
  acked_ = 0;
  if (committed) fleet_->commit_time_->Record(fleet_->Now() - flush_since_);
}

void ProducerTransactions::SetDown(bool down) {
  if (down == down_) return;
  down_ = down;
  if (!down) {
    manager_.Start();
    return;
  }
  ++round_;
  if (manager_.in_transaction()) ++work_;
  failed_ = true;  // Nothing of it is sent again.
  flushing_ = due_ = false;
  CountEnd(false);
  Flush();
  producer_->BreakAll();
  closing_ = true;
  producer_->DropQueued();
  closing_ = false;
  manager_.Crash();
}

void ProducerTransactions::SetHung(bool hung) {
  if (hung == hung_) return;
  hung_ = hung;
  if (down_) return;
  if (hung) {
    if (manager_.in_transaction()) ++work_;
    Flush();
    return;
  }
  if (manager_.ready()) {
    Begin();
  } else if (due_) {
    CommitDue();
  } else if (manager_.in_transaction() && !flushing_) {
    open_ = true;
    OpenHeld();
  } else {
    EndIfFlushed();
  }
}

// --- What the producer asks and tells ---

bool ProducerTransactions::MayOpen(size_t lane) {
  if (open_) return true;
  held_.push_back(lane);
  return false;
}

void ProducerTransactions::Stamp(Batch* batch) {
  batch->kind = BatchKind::kTransactional;
  batch->producer = manager_.producer();
}

void ProducerTransactions::Succeeded(const Batch& batch) {
  acked_ += batch.record_count;
  work_ += batch.record_count;
  --unanswered_;
  EndIfFlushed();
}

void ProducerTransactions::Failed() {
  --unanswered_;
  renews_ = true;
  if (!failed_ && manager_.in_transaction()) {
    failed_ = true;
    // At once, but not within what has failed.
    fleet_->After<"producer.abort">(Duration::Zero(), [this, round = round_] {
      if (round == round_) CommitDue();
    });
  }
  EndIfFlushed();
}

void ProducerTransactions::PartitionsAdded() { producer_->SendAll(); }

// --- What it has the producer do ---

void Producer::CloseAll(std::vector<size_t>* held) {
  for (size_t index = 0; index < lanes_.size(); ++index) {
    Lane& lane = lanes_[index];
    if (!lane.has_open) continue;
    if (lane.timer) fleet_->sim().Cancel(lane.timer);
    lane.timer = EventId();
    held->push_back(index);
    if (lane.open.opened_at > Now()) {  // Nothing has come yet.
      lane.has_open = lane.due = false;
      Release(1);
      continue;
    }
    TakeRecords(lane);
    lane.open.closes_at = std::min(lane.open.closes_at, Now());
    CloseOpen(lane);
  }
  SendAll();
}

void Producer::SendAll() {
  for (size_t broker = 0; broker < channels_.size(); ++broker) {
    TrySend(static_cast<BrokerId>(broker));
  }
}

void Producer::DropQueued() {
  std::vector<Batch> dropped = std::move(without_leader_);
  without_leader_.clear();
  for (Channel& channel : channels_) {
    while (!channel.queue.empty()) {
      dropped.push_back(channel.queue.pop_front());
      --queued_[SlotOf(dropped.back().partition)];
    }
  }
  for (const Batch& batch : dropped) Fail(batch);
}

void Producer::Renumber(int32_t epoch) {
  std::fill(epoch_.begin(), epoch_.end(), epoch);
  std::fill(next_sequence_.begin(), next_sequence_.end(), 0);
}

void Producer::BreakAll() {
  for (size_t broker = 0; broker < channels_.size(); ++broker) {
    BreakConnection(static_cast<BrokerId>(broker));
  }
}

void Producer::SetHung(bool hung) { transactions_->SetHung(hung); }
void Producer::SetDown(bool down) { transactions_->SetDown(down); }
int64_t Producer::work() const { return transactions_->work(); }

}  // namespace freshet
