#include "models/schema/reading_service.h"

#include <algorithm>
#include <utility>

namespace freshet {
namespace {

// K8S, CrashLoopBackOff: the wait grows up to five minutes, and begins anew after ten minutes
// without a failure.
constexpr Duration kLongestWait = Minutes(5);
constexpr Duration kHealthyAfter = Minutes(10);

Backoff::Config WaitsOf(Duration first) {
  Backoff::Config waits;
  waits.first = first;
  waits.cap = std::max(first, kLongestWait);
  return waits;
}

}  // namespace

ReadingService::ReadingService(Simulation& sim, absl::string_view name, MeteredSink* sink,
                               const Config& config, std::unique_ptr<ReadPolicy> policy,
                               std::unique_ptr<DeadLetterTopic> dead_letters)
    : ReadingWriter(sim, name, sink, config.writer, policy.get(), dead_letters.get(),
                    config.max_poll_records),
      config_(config),
      dead_letters_(std::move(dead_letters)),
      owned_policy_(std::move(policy)),
      restart_(WaitsOf(config.restart_wait)),
      failures_(AddCounter(kFailures)),
      waiting_(AddGauge(kWaiting)) {}

ReadingService::Process& ReadingService::ProcessOf(int member) {
  const auto index = static_cast<size_t>(member);
  if (index >= processes_.size()) processes_.resize(index + 1);
  return processes_[index];
}

void ReadingService::CannotRead(int member) {
  Process& process = ProcessOf(member);
  if (process.failing) return;
  process.failing = true;
  // Not within the call that has handed it the poll.
  After<"reading_service.fails">(Duration::Zero(), [this, member, life = process.life] {
    Process& failed = ProcessOf(member);
    if (life != failed.life) return;
    failures_.Add(1);
    if (Now() - failed.started >= kHealthyAfter) failed.failures = 0;
    failed.waiting = true;
    failed.closed = false;
    waiting_.Add(1);
    Forget(member);
    consumers().FailProcess(member);
  });
}

void ReadingService::MemberClosed(int member) {
  Process& process = ProcessOf(member);
  if (!process.waiting) return;
  process.closed = true;
  const Duration wait = restart_.Base(process.failures++);
  After<"reading_service.starts">(wait, [this, member, life = process.life] {
    if (life == ProcessOf(member).life) Start(member);
  });
}

void ReadingService::Start(int member) {
  Process& process = ProcessOf(member);
  if (!process.waiting || !process.closed) return;
  ++process.life;
  process.waiting = false;
  process.started = Now();
  waiting_.Add(-1);
  if (!consumers().IsRunning(member)) consumers().StartProcess(member);
}

void ReadingService::AddSenders(const std::vector<HostId>& hosts) {
  if (dead_letters_ == nullptr) return;
  for (const HostId host : hosts) dead_letters_->AddWorker(host);
}

void ReadingService::StartFailedNow() {
  for (int member = 0; member < static_cast<int>(processes_.size()); ++member) {
    processes_[static_cast<size_t>(member)].failures = 0;
    Start(member);
  }
}

void ReadingService::DropPoll(int member) {
  ReadingWriter::DropPoll(member);
  Process& process = ProcessOf(member);
  if (!process.waiting) ++process.life;
  process.failing = false;
}

void ReadingService::MemberDied(int member) {
  ReadingWriter::MemberDied(member);
  Process& process = ProcessOf(member);
  // One that dies while it closes has closed.
  if (!process.waiting) ++process.life;
  process.failing = false;
}

}  // namespace freshet
