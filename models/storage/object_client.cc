#include "models/storage/object_client.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

bool IsPut(ObjectOperation operation) {
  return operation == ObjectOperation::kPut || operation == ObjectOperation::kUploadPart;
}

}  // namespace

ObjectClient::Config ObjectClient::Defaults(int64_t cores) {
  Config config;
  config.most_in_flight = std::clamp<int64_t>(25 * cores, 50, 1000);  // AMQSRC.
  config.connect_timeout = Seconds(2);                                // AWSSDK.
  config.attempt_timeout = Seconds(10);                               // AMQSRC, and the next.
  config.call_timeout = Seconds(30);
  config.retry.first = Milliseconds(100);  // AWSSDK, in its mode `legacy`, and all of both retries.
  config.retry.cap = Seconds(20);
  config.retry.most_retries = 3;
  config.retry.jitter = Backoff::Jitter::kFull;
  // Evenly from a half to the whole of 500 ms, 1 s, 2 s ... 20 s.
  config.throttled_retry.first = Milliseconds(375);
  config.throttled_retry.cap = Seconds(15);
  config.throttled_retry.jitter = Backoff::Jitter::kSpread;
  config.throttled_retry.spread = Ratio::FromBillionths(333'333'333);
  config.hedge_gets_after = kNever;
  config.hedge_puts_after = kNever;
  config.most_hedges = 5;  // AMQSRC.
  return config;
}

ObjectClient::ObjectClient(Simulation& sim, absl::string_view name, ObjectStore* store,
                           Network* network, HostId host, const Config& config)
    : Component(sim, name),
      config_(config),
      store_(store),
      network_(network),
      host_(host),
      retry_(config.retry),
      throttled_retry_(config.throttled_retry),
      retry_stream_(NewStream("retries")),
      put_latency_(AddDistribution(kPutLatency)),
      get_latency_(AddDistribution(kGetLatency)),
      retries_(AddCounter(kRetries)),
      throttled_(AddCounter(kThrottled)),
      attempts_timed_out_(AddCounter(kAttemptsTimedOut)),
      hedged_(AddCounter(kHedged)),
      unsuccessful_(AddCounter(kUnsuccessful)),
      in_flight_gauge_(AddGauge(kInFlight)),
      waiting_gauge_(AddGauge(kWaiting)) {
  SIM_REQUIRE(config.most_in_flight > 0);
  sim.AddAudit([this] { Audit(); });
}

void ObjectClient::Put(ObjectId object, Bytes size, ObjectCause cause, Done done) {
  Ask({ObjectOperation::kPut, cause, 0, object, Bytes(0), size}, done);
}

void ObjectClient::Get(ObjectId object, Bytes offset, Bytes size, ObjectCause cause, Done done) {
  Ask({ObjectOperation::kGet, cause, 0, object, offset, size}, done);
}

void ObjectClient::List(ObjectId like, ObjectCause cause, Done done) {
  Ask({ObjectOperation::kList, cause, 0, like, Bytes(0), Bytes(0)}, done);
}

void ObjectClient::Delete(ObjectId object, ObjectCause cause, Done done) {
  Ask({ObjectOperation::kDelete, cause, 0, object, Bytes(0), Bytes(0)}, done);
}

void ObjectClient::CreateUpload(ObjectId object, ObjectCause cause, Done done) {
  Ask({ObjectOperation::kCreateUpload, cause, 0, object, Bytes(0), Bytes(0)}, done);
}

void ObjectClient::UploadPart(ObjectId object, int32_t part, Bytes size, ObjectCause cause,
                              Done done) {
  Ask({ObjectOperation::kUploadPart, cause, part, object, Bytes(0), size}, done);
}

void ObjectClient::CompleteUpload(ObjectId object, ObjectCause cause, Done done) {
  Ask({ObjectOperation::kCompleteUpload, cause, 0, object, Bytes(0), Bytes(0)}, done);
}

void ObjectClient::AbortUpload(ObjectId object, ObjectCause cause, Done done) {
  Ask({ObjectOperation::kAbortUpload, cause, 0, object, Bytes(0), Bytes(0)}, done);
}

// --- A call ---

void ObjectClient::Ask(const ObjectRequest& request, Done done) {
  const CallId id = next_call_++;
  calls_[id] = {request, done, Now(), 0, {}, {}, {}};
  ++asked_;
  waiting_.push_back(id);
  BeginWaiting();
}

void ObjectClient::BeginWaiting() {
  while (!waiting_.empty() && in_flight_ < config_.most_in_flight) Begin(waiting_.pop_front());
  ShowLevels();
}

void ObjectClient::Begin(CallId id) {
  ++in_flight_;
  Call& call = calls_.at(id);
  call.deadline = After<"object_client.call_timeout">(
      config_.call_timeout, [this, id] { Finish(id, ObjectResult::kTimedOut); });
  const Duration hedge_delay = HedgeDelay(call.request.operation);
  if (hedge_delay != kNever) {
    call.next = After<"object_client.hedge">(hedge_delay, [this, id] { StartHedge(id); });
  }
  StartAttempt(id, kFirst);
}

Duration ObjectClient::HedgeDelay(ObjectOperation operation) const {
  if (operation == ObjectOperation::kGet) return config_.hedge_gets_after;
  return IsPut(operation) ? config_.hedge_puts_after : kNever;
}

void ObjectClient::StartAttempt(CallId id, Which which) {
  Call& call = calls_.at(id);
  Attempt& attempt = call.attempts[which];
  Bandwidth& card =
      IsPut(call.request.operation) ? network_->Outgoing(host_) : network_->Incoming(host_);
  const Duration limit = store_->down() ? std::min(config_.connect_timeout, config_.attempt_timeout)
                                        : config_.attempt_timeout;
  attempt.request = store_->Start(
      call.request, card, [this, id, which](ObjectAnswer answer) { Answered(id, which, answer); });
  attempt.timeout = After<"object_client.attempt_timeout">(
      limit, [this, id, which] { AttemptTimedOut(id, which); });
}

void ObjectClient::StartHedge(CallId id) {
  if (hedges_ >= config_.most_hedges) return;
  ++hedges_;
  hedged_.Add(1);
  StartAttempt(id, kHedge);
}

void ObjectClient::Answered(CallId id, Which which, ObjectAnswer answer) {
  EndAttempt(calls_.at(id).attempts[which], which);
  switch (answer) {
    case ObjectAnswer::kOk:
      return Finish(id, ObjectResult::kOk);
    case ObjectAnswer::kNotFound:
      return Finish(id, ObjectResult::kNotFound);
    case ObjectAnswer::kSlowDown:
      throttled_.Add(1);
      return RetryAfter(id, throttled_retry_);
    case ObjectAnswer::kInternalError:
      return RetryAfter(id, retry_);
  }
}

void ObjectClient::AttemptTimedOut(CallId id, Which which) {
  Attempt& attempt = calls_.at(id).attempts[which];
  store_->Cancel(attempt.request);
  EndAttempt(attempt, which);
  attempts_timed_out_.Add(1);
  RetryAfter(id, retry_);
}

void ObjectClient::EndAttempt(Attempt& attempt, Which which) {
  attempt.request = 0;
  sim().Cancel(attempt.timeout);
  if (which == kHedge) --hedges_;
}

void ObjectClient::RetryAfter(CallId id, const Backoff& backoff) {
  Call& call = calls_.at(id);
  // The other attempt may still be answered.
  if (call.attempts[kFirst].request != 0 || call.attempts[kHedge].request != 0) return;
  if (!retry_.MayRetry(call.retries)) return Finish(id, ObjectResult::kFailed);
  sim().Cancel(call.next);  // A retry takes the place of a hedge.
  const Duration delay = backoff.Draw(call.retries++, retry_stream_);
  call.next = After<"object_client.retry">(delay, [this, id] {
    retries_.Add(1);
    StartAttempt(id, kFirst);
  });
}

void ObjectClient::Finish(CallId id, ObjectResult result) {
  const auto entry = calls_.find(id);
  Abandon(entry->second);
  const ObjectOperation operation = entry->second.request.operation;
  const Duration latency = Now() - entry->second.asked_at;
  Done done = entry->second.done;
  calls_.erase(entry);
  --in_flight_;
  ++finished_;
  if (result == ObjectResult::kOk && IsPut(operation)) put_latency_.Record(latency);
  if (result == ObjectResult::kOk && operation == ObjectOperation::kGet) {
    get_latency_.Record(latency);
  }
  if (result == ObjectResult::kFailed || result == ObjectResult::kTimedOut) unsuccessful_.Add(1);
  BeginWaiting();
  done(result);
}

void ObjectClient::Abandon(Call& call) {
  sim().Cancel(call.deadline);
  sim().Cancel(call.next);
  for (const Which which : {kFirst, kHedge}) {
    Attempt& attempt = call.attempts[which];
    if (attempt.request == 0) continue;
    store_->Cancel(attempt.request);
    EndAttempt(attempt, which);
  }
}

int64_t ObjectClient::DropAll() {
  for (auto& [id, call] : calls_) Abandon(call);
  const auto count = static_cast<int64_t>(calls_.size());
  dropped_ += count;
  calls_.clear();
  waiting_.clear();
  in_flight_ = 0;
  ShowLevels();
  return count;
}

void ObjectClient::ShowLevels() {
  in_flight_gauge_.Set(in_flight_);
  waiting_gauge_.Set(waiting());
}

void ObjectClient::Audit() const {
  SIM_CHECK(asked_ == finished_ + in_flight_ + waiting() + dropped_, "inv.I3",
            absl::StrCat(name(), " was asked ", asked_, ", finished ", finished_, ", in flight ",
                         in_flight_, ", waiting ", waiting(), ", dropped ", dropped_));
  SIM_CHECK(
      waiting() == 0 || in_flight_ == config_.most_in_flight, "inv.I5",
      absl::StrCat(name(), " has ", waiting(), " calls waiting beside ", in_flight_, " in flight"));
}

}  // namespace freshet
