// A token bucket: what may pass is limited to `rate` in the long run, to `depth` at once, and to
// `peak` while the bucket empties. Request quotas, API rate limits, upload throttles.
//
// Requests are granted first come first served: the head of the queue takes tokens as they come, so
// a request may be larger than the bucket (then it flows: a burst at the peak, the rest at the
// rate). Tokens are whatever the caller counts: requests, bytes. The level is kept in 10^-15 of a
// token, in integers, so no sequence of calls loses any; a grant is rounded up to a nanosecond.
//
// Held to by audits: inv.I3 asked = granted + waiting + dropped, in requests and tokens; inv.I5 no
// request waits while its tokens are there; inv.I6 tokens granted <= initial + rate x time.
// Left out: penalties, a shared pool between buckets, quotas averaged over sliding windows.
#ifndef FRESHET_SIM_TOKEN_BUCKET_H_
#define FRESHET_SIM_TOKEN_BUCKET_H_

#include <cstdint>

#include "sim/callback.h"
#include "sim/component.h"
#include "sim/metric.h"
#include "sim/ring.h"
#include "sim/time.h"
#include "sim/units.h"

namespace freshet {

class TokenBucket : public Component {
 public:
  static constexpr Rate kNoPeak = Rate::FromMicroHertz(INT64_MAX);

  struct Config {
    Rate rate;          // Tokens per second; zero is legal: nothing is refilled.
    int64_t depth = 0;  // Most tokens that are ever there.
    Rate peak = kNoPeak;
    int64_t initial = INT64_MAX;  // Tokens at the start; more than the depth counts as the depth.
    bool metrics = true;
  };

  static constexpr MetricDef kWait = {"token_bucket.wait", MetricKind::kDistribution,
                                      MetricUnit::kDuration,
                                      "From asking for tokens to the grant."};
  static constexpr MetricDef kWaiting = {"token_bucket.waiting", MetricKind::kGauge,
                                         MetricUnit::kCount, "Requests that wait for tokens."};

  TokenBucket(Simulation& sim, absl::string_view name, const Config& config);

  // Takes `tokens` now if they are there and nobody waits. Never with a peak and a request larger
  // than zero: passing then takes time. REQUIRES: tokens >= 0.
  bool TryTake(int64_t tokens);
  // Fires `granted` once, when the last of `tokens` has been taken; never re-entrantly.
  // REQUIRES: tokens >= 0.
  void Take(int64_t tokens, Callback granted);
  // A throttle, or its end. What the head of the queue has taken so far stays taken.
  void SetRate(Rate rate);
  // Forgets all that wait; tokens the head has taken are lost. Returns how many.
  int64_t DropAll();

  Rate rate() const { return config_.rate; }
  int64_t waiting() const { return static_cast<int64_t>(queue_.size()); }
  // Whole tokens that are there now; 0 while somebody waits for them without a peak.
  int64_t Level() const;

 private:
  friend class TokenBucketTestPeer;  // Breaks what the audits must notice.

  // 10^-15 of a token: a micro-hertz during a nanosecond.
  using Grains = __int128;

  struct Request {
    Grains left;
    int64_t tokens;
    Time asked_at;
    Callback granted;
  };

  void Advance();
  void ArmHead();
  void OnGrant();
  void Audit();

  Config config_;
  Grains level_ = 0;  // Not counting what the head has taken.
  int64_t advanced_to_ = 0;
  Ring<Request> queue_;
  EventId grant_;

  int64_t asked_ = 0;
  int64_t granted_ = 0;
  int64_t dropped_ = 0;
  Grains refilled_ = 0;  // Initial tokens and all that came, whether they found room or not.
  Grains taken_ = 0;

  Distribution* wait_metric_ = nullptr;
  Gauge* waiting_metric_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_SIM_TOKEN_BUCKET_H_
