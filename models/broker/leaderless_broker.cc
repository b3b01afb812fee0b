#include "models/broker/leaderless_broker.h"

#include "absl/strings/str_cat.h"

namespace freshet {

LeaderlessBroker::LeaderlessBroker(Simulation& sim, absl::string_view name, Network* network,
                                   BatchCoordinator* coordinator, const StreamObjects* index,
                                   FileSet* files, BrokerId id, Owner* owner, const Config& config)
    : Broker(sim, name, network, config),
      config_(config),
      id_(id),
      owner_(owner),
      client_(sim, absl::StrCat(name, "/files"), network, host(), files, config.files),
      reader_(sim, absl::StrCat(name, "/reader"), id, &client_, coordinator, index, files, owner,
              config.reader),
      merger_(sim, absl::StrCat(name, "/merger"), id, &client_, files, owner, config.merger),
      uncommitted_(AddGauge(kUncommitted)),
      files_written_(AddCounter(kFiles)),
      file_bytes_(AddDistribution(kFileBytes)),
      write_time_(AddDistribution(kWriteTime)),
      failed_(AddCounter(kFailed)) {
  threads_.emplace(config.upload_threads);
}

void LeaderlessBroker::ShowLevel(Bytes change, bool add) {
  uncommitted_bytes_ += add ? change.count() : -change.count();
  uncommitted_.Set(uncommitted_bytes_);
}

void LeaderlessBroker::Take(RequestIndex request, Bytes bytes) {
  if (open_.requests.empty()) {
    open_.opened_at = Now();
    due_ = After<"broker.file_due">(config_.batch_interval, [this] { Close(); });
  }
  open_.requests.push_back(request);
  open_.bytes += bytes;
  ShowLevel(bytes, true);
  if (open_.bytes >= config_.batch_bytes) Close();
}

void LeaderlessBroker::Close() {
  sim().Cancel(due_);
  open_.closed_at = Now();
  file_bytes_.Record(open_.bytes.count());
  const Number number = next_number_++;
  closed_[number].file = std::exchange(open_, ProduceFile());
  threads_->Acquire([this, number] { Write(number); });
}

void LeaderlessBroker::Write(Number number) {
  Closed& closed = closed_.at(number);
  closed.state = State::kWriting;
  closed.id = client_.NewFile(closed.file.bytes, 0);
  client_.Write(closed.id, ObjectCause::kUpload,
                [this, number](ObjectResult result) { Written(number, result); });
}

void LeaderlessBroker::Written(Number number, ObjectResult result) {
  Closed& closed = closed_.at(number);
  if (result == ObjectResult::kOk) {
    closed.state = State::kWritten;
    files_written_.Add(1);
    write_time_.Record(Now() - closed.file.closed_at);
    if (config_.keeps_written) reader_.Keep(closed.id);
  } else {
    closed.state = State::kFailed;
    failed_.Add(1);
  }
  threads_->Release();
  HandInNext();
}

void LeaderlessBroker::HandInNext() {
  // In order: a producer's batches of a partition may be in several files on their way.
  while (!closed_.empty()) {
    const auto first = closed_.begin();
    Closed& closed = first->second;
    if (closed.state == State::kWritten) {
      closed.state = State::kHandedIn;
      owner_->CommitFile(id_, closed.id, std::move(closed.file));
      return;
    }
    if (closed.state != State::kFailed) return;
    const Closed failed = std::move(closed);
    closed_.erase(first);
    ShowLevel(failed.file.bytes, false);
    owner_->RefuseFile(failed.id, failed.file);
  }
}

void LeaderlessBroker::FileOver(FileId id) {
  const auto first = closed_.begin();
  SIM_REQUIRE(first != closed_.end() && first->second.id == id);
  ShowLevel(first->second.file.bytes, false);
  closed_.erase(first);
  HandInNext();
}

void LeaderlessBroker::Crash() {
  Broker::Crash();
  client_.DropAll();
  reader_.DropAll();
  merger_.DropAll();
  sim().Cancel(due_);
  if (!open_.requests.empty()) owner_->DropFile(0, std::exchange(open_, ProduceFile()));
  for (const auto& [number, closed] : closed_) {
    if (closed.state != State::kHandedIn) owner_->DropFile(closed.id, closed.file);
  }
  closed_.clear();
  threads_.emplace(config_.upload_threads);
  uncommitted_bytes_ = 0;
  uncommitted_.Set(0);
}

}  // namespace freshet
