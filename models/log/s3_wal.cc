#include "models/log/s3_wal.h"

#include <algorithm>

namespace freshet {
namespace {

// Magic code, node, epoch, failover flag: AMQSRC, ObjectReservationService.
constexpr Bytes kLeaseBytes(21);

}  // namespace

S3Wal::S3Wal(Simulation& sim, absl::string_view name, ObjectClient* client, PrefixId prefix,
             const Config& config)
    : WriteAheadLog(sim, name),
      config_(config),
      client_(client),
      prefix_(prefix),
      lease_(client->store().NewObject(prefix)) {
  SIM_REQUIRE(config.shortest_wait <= config.interval && config.most_in_flight > 0);
  client->store().SetObject(lease_, kLeaseBytes);
}

WriteAheadLog::Answer S3Wal::Append(Bytes size) {
  if (fenced()) return Answer::kFenced;
  if (Unflushed() > config_.most_unflushed) return TurnAway();
  if (!has_open_) Open();
  NoteAppended(size);
  bulks_.back().to = end();
  if (Bytes(end() - bulks_.back().from) > config_.bulk_bytes) Close();
  return Answer::kTaken;
}

void S3Wal::Open() {
  bulks_.push_back({end(), end(), client_->store().NewObject(prefix_), false, Time()});
  has_open_ = true;
  const Duration wait =
      std::clamp(deadline_ + config_.interval - Now(), config_.shortest_wait, config_.interval);
  deadline_ = Now() + wait;
  timer_ = At<"wal.bulk_due">(deadline_, [this] { Close(); });
}

void S3Wal::Close() {
  sim().Cancel(timer_);
  has_open_ = false;
  StartPuts();
}

void S3Wal::StartPuts() {
  const uint64_t closed = first_number_ + bulks_.size() - (has_open_ ? 1 : 0);
  while (put_number_ < closed &&
         put_number_ - written_number_ < static_cast<uint64_t>(config_.most_in_flight)) {
    BulkOf(put_number_).first_put_at = Now();
    Put(put_number_++);
  }
}

void S3Wal::Put(uint64_t number) {
  const Bulk& bulk = BulkOf(number);
  CountWrite();
  client_->Put(bulk.object, Bytes(bulk.to - bulk.from), config_.cause,
               [this, number](ObjectResult result) { PutOver(number, result); });
}

void S3Wal::PutOver(uint64_t number, ObjectResult result) {
  if (fenced()) return;
  Bulk& bulk = BulkOf(number);
  if (result != ObjectResult::kOk) {
    if (Now() - bulk.first_put_at >= config_.give_up_after) {
      Fence();
    } else {
      Put(number);
    }
    return;
  }
  bulk.written = true;
  Confirm();
}

void S3Wal::Confirm() {
  if (reading_lease_) return;
  const uint64_t before = written_number_;
  while (written_number_ < put_number_ && BulkOf(written_number_).written) ++written_number_;
  if (written_number_ == before) return;
  StartPuts();
  ReadLease(written_number_);
}

void S3Wal::ReadLease(uint64_t up_to) {
  reading_lease_ = true;
  client_->Get(lease_, Bytes(0), kLeaseBytes, config_.cause,
               [this, up_to](ObjectResult result) { LeaseRead(up_to, result); });
}

void S3Wal::LeaseRead(uint64_t up_to, ObjectResult result) {
  reading_lease_ = false;
  if (fenced()) return;
  if (lease_lost_) {
    Fence();
    return;
  }
  if (result != ObjectResult::kOk) {
    if (Now() - BulkOf(durable_number_).first_put_at >= config_.give_up_after) {
      Fence();
    } else {
      ReadLease(up_to);
    }
    return;
  }
  durable_number_ = up_to;
  AdvanceDurable(BulkOf(up_to - 1).to);
  Confirm();
}

void S3Wal::Trim(int64_t position) {
  AdvanceTrimmed(position);
  while (first_number_ < durable_number_ && bulks_.front().to <= position) ForgetFirst(client_);
}

void S3Wal::ForgetFirst(ObjectClient* by) {
  by->Delete(bulks_.pop_front().object, config_.cause, [](ObjectResult) {});
  ++first_number_;
}

S3Wal::Piece S3Wal::PieceEndingAt(int64_t position) const {
  size_t low = 0;
  size_t high = bulks_.size();
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    (bulks_[middle].from < position ? low : high) = middle;
  }
  SIM_REQUIRE(!bulks_.empty() && bulks_[low].from < position && position <= bulks_[low].to);
  return {bulks_[low].object, Bytes(bulks_[low].to - bulks_[low].from)};
}

void S3Wal::Crash() {
  sim().Cancel(timer_);
  has_open_ = false;
  reading_lease_ = false;
  LoseUnflushed();
}

void S3Wal::TakeOver(ObjectClient* by, bool elsewhere, Callback done) {
  static_cast<void>(elsewhere);  // Objects are everywhere.
  lease_lost_ = true;
  recovery_.by = by;
  recovery_.done = done;
  by->Put(lease_, kLeaseBytes, ObjectCause::kRecovery,
          [this, number = ++recovery_number_](ObjectResult result) {
            if (number != recovery_number_) return;
            // Nothing to be recovered before the lease is there.
            if (result == ObjectResult::kOk) {
              recovery_.done();
            } else {
              TakeOver(recovery_.by, true, recovery_.done);
            }
          });
}

void S3Wal::ReadBack(ObjectClient* by, int64_t from, int64_t to, Callback done) {
  SIM_REQUIRE(trimmed() <= from && from <= to && to <= durable());
  ++recovery_number_;
  recovery_ = {by, first_number_, first_number_, Bytes(0), done};
  while (recovery_.end < durable_number_ && BulkOf(recovery_.end).from < to) {
    if (BulkOf(recovery_.end).to <= from) ++recovery_.next;
    ++recovery_.end;
  }
  ReadMore();
}

void S3Wal::ReadMore() {
  while (recovery_.next < recovery_.end && recovery_.in_flight < config_.read_ahead) {
    const Bulk& bulk = BulkOf(recovery_.next);
    recovery_.in_flight += Bytes(bulk.to - bulk.from);
    ReadOne(recovery_.next++);
  }
  if (recovery_.in_flight == Bytes(0)) recovery_.done();
}

void S3Wal::ReadOne(uint64_t number) {
  const Bulk& bulk = BulkOf(number);
  recovery_.by->Get(bulk.object, Bytes(0), Bytes(bulk.to - bulk.from), ObjectCause::kRecovery,
                    [this, number, reading = recovery_number_](ObjectResult result) {
                      if (reading != recovery_number_) return;
                      if (result != ObjectResult::kOk) {
                        ReadOne(number);
                        return;
                      }
                      const Bulk& read = BulkOf(number);
                      recovery_.in_flight -= Bytes(read.to - read.from);
                      ReadMore();
                    });
}

void S3Wal::CancelRecovery() { ++recovery_number_; }

void S3Wal::BeginAnew(ObjectClient* by, int64_t position) {
  // Also what was written and never confirmed, and what was never written.
  while (!bulks_.empty()) ForgetFirst(by);
  durable_number_ = written_number_ = put_number_ = first_number_;
  lease_lost_ = false;
  CancelRecovery();
  StartFrom(position);
}

}  // namespace freshet
