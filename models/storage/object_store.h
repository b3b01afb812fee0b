// An object store as those feel it who use it: each request waits for the service, and a body
// passes at the rate of its stream. Sizes are kept, contents are not.
//
// A GET waits for its first byte, then its body comes. The body of a PUT goes first, then the
// answer is waited for. Bodies go over the asker's network card, capped at the rate that their
// stream drew, so they compete with all else there; the store itself has no limit on bytes. A
// request takes effect at the moment of its answer, so whoever asks after that sees it: read after
// write is strong. One that is cancelled before has no effect.
//
// An upload in parts belongs to the key that it will become the object of, one at a time.
//
// Left out: what a listing says, copies inside the store, versions, the way in which a prefix under
// load is split. docs/models/object_storage.md has the sources.
#ifndef FRESHET_MODELS_STORAGE_OBJECT_STORE_H_
#define FRESHET_MODELS_STORAGE_OBJECT_STORE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "models/storage/object_request.h"
#include "sim/bandwidth.h"
#include "sim/component.h"
#include "sim/sampler.h"
#include "sim/token_bucket.h"
#include "sim/units.h"

namespace freshet {

class ObjectStore : public Component {
 public:
  struct Config {
    // From the request to the first byte of a GET, and to an answer of 503.
    Sampler get_latency;
    // From the last byte of a body to the answer: of bodies up to `small_put`, from `large_put` on,
    // and between the two linearly in size, at the same quantile of both. Requests without a body
    // wait as a small one. REQUIRES: small_put < large_put.
    Sampler small_put_latency;
    Sampler large_put_latency;
    Bytes small_put;
    Bytes large_put;
    // Bytes a second of one stream; drawn for each request that has a body.
    Sampler stream_rate;
    // Once in a while a request stalls: `stall` is added to its latency.
    Ratio stall_probability;
    Sampler stall;
    // Requests a second of a prefix; beyond them the store answers kSlowDown. What a second allows
    // may come at once.
    Rate writes_per_prefix;
    Rate reads_per_prefix;
    // Sold as a class of its own, whose bytes in and out are billed too: other meters.
    bool express = false;
  };

  // S3 as one account measured it in 2019, with the lower estimate for PUTs: 339 ms at p99 for
  // 4 MiB. Real deployments do worse.
  static Config Optimistic2019();
  // The same first bytes and rates, PUTs of 4 MiB at 400 ms at p99, and stalls at the upper
  // estimate.
  static Config Realistic();

  static constexpr MetricDef kPutRequests = {
      "object_store.put_requests", MetricKind::kCounter, MetricUnit::kCount,
      "Requests billed as PUT: objects, parts, beginning and end of uploads.", Billable::kYes};
  static constexpr MetricDef kGetRequests = {"object_store.get_requests", MetricKind::kCounter,
                                             MetricUnit::kCount, "Requests billed as GET.",
                                             Billable::kYes};
  static constexpr MetricDef kDeleteRequests = {"object_store.delete_requests",
                                                MetricKind::kCounter, MetricUnit::kCount,
                                                "Deletes and aborted uploads, which are free."};
  static constexpr MetricDef kThrottled = {"object_store.throttled", MetricKind::kCounter,
                                           MetricUnit::kCount,
                                           "Requests answered 503 SlowDown, which are free."};
  static constexpr MetricDef kFailed = {"object_store.failed", MetricKind::kCounter,
                                        MetricUnit::kCount,
                                        "Requests that a brown-out fails, which are free."};
  static constexpr MetricDef kStoredBytes = {
      "object_store.stored_bytes", MetricKind::kGauge, MetricUnit::kBytes,
      "Bytes of all objects and of parts not yet joined.", Billable::kYes};
  static constexpr MetricDef kExpressPutRequests = {
      "express_store.put_requests", MetricKind::kCounter, MetricUnit::kCount,
      "Requests billed as PUT, in buckets of one zone.", Billable::kYes};
  static constexpr MetricDef kExpressGetRequests = {
      "express_store.get_requests", MetricKind::kCounter, MetricUnit::kCount,
      "Requests billed as GET, in buckets of one zone.", Billable::kYes};
  static constexpr MetricDef kExpressStoredBytes = {
      "express_store.stored_bytes", MetricKind::kGauge, MetricUnit::kBytes,
      "Bytes stored in buckets of one zone.", Billable::kYes};
  static constexpr MetricDef kUploadedBytes = {
      "express_store.uploaded_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes that were put into buckets of one zone.", Billable::kYes};
  static constexpr MetricDef kRetrievedBytes = {
      "express_store.retrieved_bytes", MetricKind::kCounter, MetricUnit::kBytes,
      "Bytes that were read from buckets of one zone.", Billable::kYes};
  static constexpr MetricDef kObjects = {"object_store.objects", MetricKind::kGauge,
                                         MetricUnit::kCount, "Objects stored."};
  static constexpr MetricDef kBytesIn[kObjectCauseCount] = {
      {"object_store.wal_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes received for a write-ahead log."},
      {"object_store.upload_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes received in uploads of a log's tail."},
      {"object_store.compaction_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes received from compaction."},
      {"object_store.catch_up_read_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes received for catch-up reads."},
      {"object_store.read_ahead_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes received for read-ahead."},
      {"object_store.recovery_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes received in recoveries."},
      {"object_store.metadata_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes of metadata received."},
      {"object_store.tiering_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes of closed segments received."},
      {"object_store.router_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes received on their way between zones."},
      {"object_store.other_bytes_in", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes received for anything else."}};
  static constexpr MetricDef kBytesOut[kObjectCauseCount] = {
      {"object_store.wal_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent of a write-ahead log."},
      {"object_store.upload_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent for uploads of a log's tail."},
      {"object_store.compaction_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent to compaction."},
      {"object_store.catch_up_read_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent to catch-up reads."},
      {"object_store.read_ahead_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent to read-ahead."},
      {"object_store.recovery_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent to recoveries."},
      {"object_store.metadata_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes of metadata sent."},
      {"object_store.tiering_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes of closed segments sent."},
      {"object_store.router_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent on their way between zones."},
      {"object_store.other_bytes_out", MetricKind::kCounter, MetricUnit::kBytes,
       "Bytes sent for anything else."}};

  // Names a request under way; none is used twice, and 0 is none.
  using RequestId = uint64_t;

  ObjectStore(Simulation& sim, absl::string_view name, const Config& config);

  // Keys that a page of a listing has at most (AWSS3).
  static constexpr int64_t kKeysInAPage = 1000;

  // A beginning of keys, with limits of its own. REQUIRES: no other has this name.
  PrefixId AddPrefix(absl::string_view prefix);
  // A key that nobody has used. Costs nothing: nothing stands under it yet.
  ObjectId NewObject(PrefixId prefix);

  // `done` fires once, never re-entrantly, unless the store is down or goes down: then nobody
  // answers. The body passes over `card`.
  // REQUIRES: a GET lies within the object, if there is one; 0 <= part < 10 000, and size >= 0.
  RequestId Start(const ObjectRequest& request, Bandwidth& card, Completion<ObjectAnswer> done);
  // Takes it back, without effect; the bytes that have passed stay metered. None if it is over.
  void Cancel(RequestId id);

  // Fault verb down: nobody answers from now on, nor those who wait for an answer.
  void SetDown(bool down);
  bool down() const { return down_; }
  // Fault verb slow: latencies that are drawn from now on times `factor`. REQUIRES: factor > 0.
  void SetLatencyFactor(Ratio factor);
  // A brown-out of the other kind: this share of requests fails after its latency, without effect.
  // REQUIRES: between 0 and 1.
  void SetFailureShare(Ratio share);
  // Requests so far, also those that nobody answered: what a fault could have touched.
  int64_t requests() const { return requests_; }

  // Nothing if no object stands under the key.
  std::optional<Bytes> SizeOf(ObjectId object) const;
  // An object that was there before the run. REQUIRES: none stands under the key.
  void SetObject(ObjectId object, Bytes size);

  // The terms of inv.I3: written = stored + removed, in bytes of objects and parts. What is written
  // over counts as removed, and so do parts that are joined.
  Bytes written() const { return written_; }
  Bytes removed() const { return removed_; }
  Bytes stored() const { return Bytes(stored_.Value()); }
  size_t object_count() const { return objects_.size(); }
  size_t upload_count() const { return uploads_.size(); }

 private:
  friend class ObjectStoreTestPeer;  // Breaks what the audits must notice.

  struct Prefix {
    std::unique_ptr<TokenBucket> writes;
    std::unique_ptr<TokenBucket> reads;
  };
  struct Running {
    ObjectRequest request;
    Bandwidth* card;
    Completion<ObjectAnswer> done;
    Duration latency;
    BytesPerSecond rate;
    ObjectAnswer answer;
    Bandwidth::TransferId transfer;
    EventId event;
  };
  using Parts = std::vector<Bytes>;

  Duration DrawLatency(const ObjectRequest& request, RandomStream& draws);
  bool Admit(const ObjectRequest& request);
  void Bill(ObjectOperation operation);
  void WaitForAnswer(RequestId id);
  void StartBody(RequestId id);
  void Waited(RequestId id);
  void BodyOver(RequestId id);
  void Answer(RequestId id, ObjectAnswer answer);
  void Stop(const Running& running);
  void Meter(const ObjectRequest& request, Bytes passed);
  ObjectAnswer Apply(const ObjectRequest& request);
  void Write(Bytes size);
  void Remove(Bytes size);
  void Place(ObjectId object, Bytes size);
  void Audit() const;

  const Config config_;
  const RandomStream request_stream_;
  std::vector<Prefix> prefixes_;
  uint64_t next_object_ = 1;
  RequestId next_request_ = 1;
  absl::btree_map<RequestId, Running> running_;
  absl::btree_map<ObjectId, Bytes> objects_;
  absl::btree_map<ObjectId, Parts> uploads_;
  bool down_ = false;
  Ratio latency_factor_ = Ratio::One();
  Ratio failure_share_;
  int64_t requests_ = 0;
  Bytes written_;
  Bytes removed_;
  Counter& put_requests_;
  Counter& get_requests_;
  Counter& delete_requests_;
  Counter& throttled_;
  Counter& failed_;
  Gauge& stored_;
  Gauge& object_gauge_;
  // Of the express class.
  Counter* uploaded_ = nullptr;
  Counter* retrieved_ = nullptr;
  std::array<Counter*, kObjectCauseCount> bytes_in_;
  std::array<Counter*, kObjectCauseCount> bytes_out_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_STORAGE_OBJECT_STORE_H_
