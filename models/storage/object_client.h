// How one host uses an object store: so many calls at a time, with time limits, retries and hedges.
//
// A call waits its turn, first come first served, then has `call_timeout` in all. Each attempt has
// `attempt_timeout`; one that is refused, fails or times out is followed by another after a
// back-off, as long as retries are left. A call that has not been answered after a while may be
// hedged: a second attempt runs beside the first, and the answer that comes first counts. Bodies go
// over the host's card.
//
// Approximated: an attempt that is given up has no effect at the store, even if its body had
// arrived. Left out: the pool of connections and its set-up, a budget for retries over all calls.
// docs/models/object_storage.md has the sources.
#ifndef FRESHET_MODELS_STORAGE_OBJECT_CLIENT_H_
#define FRESHET_MODELS_STORAGE_OBJECT_CLIENT_H_

#include <array>
#include <cstdint>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/network/network.h"
#include "models/storage/object_store.h"
#include "sim/backoff.h"
#include "sim/component.h"
#include "sim/ring.h"

namespace freshet {

enum class ObjectResult : uint8_t {
  kOk,
  kNotFound,
  kTimedOut,  // `call_timeout` is over.
  kFailed,    // The last retry failed too.
};

class ObjectClient : public Component {
 public:
  static constexpr Duration kNever = Duration::Max();

  struct Config {
    int64_t most_in_flight;
    Duration connect_timeout;  // What an attempt takes that finds the store down.
    Duration attempt_timeout;
    Duration call_timeout;  // From the call's turn, over all attempts.
    Backoff::Config retry;
    Backoff::Config throttled_retry;  // After a 503; its most_retries is not looked at.
    // From the call's turn until a second attempt; kNever for none.
    Duration hedge_gets_after;
    Duration hedge_puts_after;  // Objects and parts, which may be written twice without harm.
    int64_t most_hedges;        // In flight; beyond them a call is not hedged.
  };
  // As AutoMQ's client on a machine of `cores`, which is that of the AWS SDK under limits of its
  // own. It hedges after the p99 of what it has measured for the size; here hedges are off until
  // the user of the client gives the delays.
  static Config Defaults(int64_t cores);

  static constexpr MetricDef kPutLatency = {
      "object_client.put_latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the call of Put() or UploadPart() to its answer, of those that went well."};
  static constexpr MetricDef kGetLatency = {
      "object_client.get_latency", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the call of Get() to the last byte, of those that went well."};
  static constexpr MetricDef kRetries = {"object_client.retries", MetricKind::kCounter,
                                         MetricUnit::kCount, "Attempts after one that failed."};
  static constexpr MetricDef kThrottled = {"object_client.throttled", MetricKind::kCounter,
                                           MetricUnit::kCount, "Attempts answered 503 SlowDown."};
  static constexpr MetricDef kAttemptsTimedOut = {
      "object_client.attempts_timed_out", MetricKind::kCounter, MetricUnit::kCount,
      "Attempts given up because no answer came in time."};
  static constexpr MetricDef kHedged = {"object_client.hedged", MetricKind::kCounter,
                                        MetricUnit::kCount,
                                        "Calls that a second attempt was sent for."};
  static constexpr MetricDef kUnsuccessful = {"object_client.unsuccessful", MetricKind::kCounter,
                                              MetricUnit::kCount,
                                              "Calls that ended as failed or timed out."};
  static constexpr MetricDef kInFlight = {"object_client.in_flight", MetricKind::kGauge,
                                          MetricUnit::kCount,
                                          "Calls that have had their turn and no end yet."};
  static constexpr MetricDef kWaiting = {"object_client.waiting", MetricKind::kGauge,
                                         MetricUnit::kCount, "Calls that wait for their turn."};

  // REQUIRES: `store` and `network` outlive it, most_in_flight > 0.
  ObjectClient(Simulation& sim, absl::string_view name, ObjectStore* store, Network* network,
               HostId host, const Config& config);

  // Each fires `done` once, never re-entrantly, unless DropAll() comes first.
  using Done = Completion<ObjectResult>;
  void Put(ObjectId object, Bytes size, ObjectCause cause, Done done);
  // REQUIRES: the range lies within the object.
  void Get(ObjectId object, Bytes offset, Bytes size, ObjectCause cause, Done done);
  // A page of the keys that begin as this one, without its names: what it costs and takes.
  void List(ObjectId like, ObjectCause cause, Done done);
  // kOk also if there was none.
  void Delete(ObjectId object, ObjectCause cause, Done done);

  // An object in parts: create, any number of parts side by side, numbered from 0 and each again if
  // need be, then complete: from then on there is the object, as large as its parts. Aborted, it
  // leaves nothing. kNotFound where there is no such upload.
  void CreateUpload(ObjectId object, ObjectCause cause, Done done);
  void UploadPart(ObjectId object, int32_t part, Bytes size, ObjectCause cause, Done done);
  void CompleteUpload(ObjectId object, ObjectCause cause, Done done);
  void AbortUpload(ObjectId object, ObjectCause cause, Done done);

  // The process dies: no call fires any more, nothing is left at the store but what was answered.
  // Returns the number of calls that it had.
  int64_t DropAll();

  int64_t in_flight() const { return in_flight_; }
  int64_t waiting() const { return static_cast<int64_t>(waiting_.size()); }
  ObjectStore& store() { return *store_; }

 private:
  friend class ObjectClientTestPeer;  // Breaks what the audits must notice.

  using CallId = uint64_t;
  struct Attempt {
    ObjectStore::RequestId request;  // 0: not running.
    EventId timeout;
  };
  enum Which : uint8_t { kFirst, kHedge };
  struct Call {
    ObjectRequest request;
    Done done;
    Time asked_at;
    int64_t retries;
    std::array<Attempt, 2> attempts;  // By Which.
    EventId deadline;
    EventId next;  // The hedge, or the retry.
  };

  void Ask(const ObjectRequest& request, Done done);
  void BeginWaiting();
  void Begin(CallId id);
  Duration HedgeDelay(ObjectOperation operation) const;
  void StartAttempt(CallId id, Which which);
  void StartHedge(CallId id);
  void Answered(CallId id, Which which, ObjectAnswer answer);
  void AttemptTimedOut(CallId id, Which which);
  void EndAttempt(Attempt& attempt, Which which);
  void RetryAfter(CallId id, const Backoff& backoff);
  void Finish(CallId id, ObjectResult result);
  void Abandon(Call& call);
  void ShowLevels();
  void Audit() const;

  const Config config_;
  ObjectStore* const store_;
  Network* const network_;
  const HostId host_;
  const Backoff retry_;
  const Backoff throttled_retry_;
  RandomStream retry_stream_;
  CallId next_call_ = 1;
  absl::btree_map<CallId, Call> calls_;
  Ring<CallId> waiting_;
  int64_t in_flight_ = 0;
  int64_t hedges_ = 0;  // In flight.
  int64_t asked_ = 0;
  int64_t finished_ = 0;
  int64_t dropped_ = 0;
  Distribution& put_latency_;
  Distribution& get_latency_;
  Counter& retries_;
  Counter& throttled_;
  Counter& attempts_timed_out_;
  Counter& hedged_;
  Counter& unsuccessful_;
  Gauge& in_flight_gauge_;
  Gauge& waiting_gauge_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_STORAGE_OBJECT_CLIENT_H_
