#include "models/broker/s3stream_broker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// AMQSRC, S3Storage: how often an append that was turned away tries again, how long a forced upload
// waits for others, and the share of the log cache from which on uploads are forced.
constexpr Duration kRetryInterval = Milliseconds(100);
constexpr Duration kForceTick = Milliseconds(100);
constexpr Ratio kForceShare = Ratio::Percent(80);

std::unique_ptr<WriteAheadLog> NewWal(Simulation& sim, const std::string& name,
                                      ObjectClient* client, PrefixId prefix,
                                      const S3StreamBroker::Config& config) {
  if (const auto* s3 = std::get_if<S3Wal::Config>(&config.wal)) {
    return std::make_unique<S3Wal>(sim, name, client, prefix, *s3);
  }
  return std::make_unique<VolumeWal>(sim, name, std::get<VolumeWal::Config>(config.wal));
}

}  // namespace

S3StreamBroker::S3StreamBroker(Simulation& sim, absl::string_view name, Network* network,
                               ObjectStore* store, StreamObjects* objects, BrokerId id,
                               Owner* owner, const Config& config)
    : Broker(sim, name, network, config),
      config_(config),
      id_(id),
      owner_(owner),
      client_(sim, absl::StrCat(name, "/object-client"), store, network, host(),
              config.object_client),
      writer_(&client_, config.part_size),
      inbound_(sim, absl::StrCat(name, "/limiter-in"), config.inbound),
      outbound_(sim, absl::StrCat(name, "/limiter-out"), config.outbound),
      // A prefix each for its write-ahead log and for what it uploads.
      wal_(NewWal(sim, absl::StrCat(name, "/wal"), &client_,
                  store->AddPrefix(absl::StrCat(name, "/wal")), config)),
      cache_(config.log_cache,
             std::min(Bytes(config.log_cache.count() / 3), config.upload_threshold),
             objects->partition_count()),
      uploader_(sim, absl::StrCat(name, "/uploader"), store,
                store->AddPrefix(absl::StrCat(name, "/data")), &writer_, &outbound_, objects, id,
                config.uploader),
      reader_(sim, absl::StrCat(name, "/reader"), &client_, &inbound_, objects, config.reader),
      compactor_(
          sim, absl::StrCat(name, "/compactor"), &client_,
          store->AddPrefix(absl::StrCat(name, "/compacted")), &writer_, &inbound_, &outbound_,
          objects, id, config.compactor,
          [this](std::vector<PartitionId>* led) { *led = owner_->LedBy(id_); },
          [this](const std::vector<ObjectId>* garbage) { owner_->OnGarbage(*garbage); }),
      log_cache_gauge_(AddGauge(kLogCache)),
      not_uploaded_(AddGauge(kNotUploaded)),
      backing_off_gauge_(AddGauge(kBackingOff)),
      cold_bytes_(AddCounter(kColdBytes)) {
  wal_->OnDurable([this] { WalAdvanced(); });
  wal_->OnFenced([this] { owner_->OnFenced(id_); });
  sim.AddAudit([this] { cache_.Audit(); });
}

void S3StreamBroker::Start() { compactor_.Start(); }

void S3StreamBroker::Crash() {
  Broker::Crash();
  client_.DropAll();
  writer_.DropAll();
  inbound_.DropAll();
  outbound_.DropAll();
  for (std::vector<ObjectId> left : {uploader_.DropAll(), compactor_.DropAll()}) {
    unknown_.insert(unknown_.end(), left.begin(), left.end());
  }
  reader_.DropAll();
  wal_->Crash();
  cache_.LoseMemory(Now());
  in_wal_.clear();
  backing_off_.clear();
  backing_off_bytes_ = 0;
  responses_ = Pool<Response>();
  tail_reads_ = Pool<TailRead>();
  for (const EventId event : {retry_, interval_over_, force_}) sim().Cancel(event);
  ShowLevels();
}

void S3StreamBroker::BeginAnew(ObjectClient* by) {
  wal_->BeginAnew(by, wal_->end());
  cache_.BeginAnew(Now(), wal_->end());
  forced_ = 0;
  ShowLevels();
}

// --- Appends ---

void S3StreamBroker::Append(PartitionId partition, Offset from, Offset to, Bytes bytes) {
  inbound_.Bypass(bytes);
  const Appended appended = {partition, from, to, bytes, 0};
  if (backing_off_.empty() && TryAppend(appended)) return;
  backing_off_.push_back(appended);
  backing_off_bytes_ += bytes.count();
  ShowLevels();
  RetryLater();
}

bool S3StreamBroker::TryAppend(Appended appended) {
  if (cache_.size() >= cache_.capacity()) {
    ForceUpload();
    return false;
  }
  if (cache_.NotUploaded() >= kForceShare * cache_.capacity()) ForceUpload();
  const WriteAheadLog::Answer answer = wal_->Append(appended.bytes);
  if (answer == WriteAheadLog::Answer::kTaken) {
    appended.position = wal_->end();
    in_wal_.push_back(appended);
    return true;
  }
  // A fenced log takes nothing more, and its process is about to halt.
  if (answer == WriteAheadLog::Answer::kOverCapacity) ForceUpload();
  return false;
}

void S3StreamBroker::RetryLater() {
  if (sim().IsPending(retry_)) return;
  const int64_t ticks = Now().SinceStart() / kRetryInterval + 1;
  retry_ = At<"broker.append_again">(Time() + kRetryInterval * ticks, [this] { Retry(); });
}

void S3StreamBroker::Retry() {
  while (!backing_off_.empty() && TryAppend(backing_off_.front())) {
    backing_off_bytes_ -= backing_off_.pop_front().bytes.count();
  }
  ShowLevels();
  if (!backing_off_.empty()) RetryLater();
}

void S3StreamBroker::WalAdvanced() {
  while (!in_wal_.empty() && in_wal_.front().position <= wal_->durable()) {
    const Appended appended = in_wal_.pop_front();
    IntoCache(appended);
    owner_->OnDurable(id_, appended.partition, appended.to);
  }
  ShowLevels();
}

void S3StreamBroker::IntoCache(const Appended& appended) {
  if (!cache_.HasRoomFor(appended.bytes)) UploadOpenBlock(StreamUploader::Pace::kAsItCame);
  if (!cache_.HasOpen()) {
    interval_over_ = After<"broker.upload_due">(
        config_.upload_interval, [this] { UploadOpenBlock(StreamUploader::Pace::kAsItCame); });
  }
  cache_.Put(appended.partition, appended.from, appended.to, appended.bytes);
}

// --- Uploads ---

void S3StreamBroker::UploadOpenBlock(StreamUploader::Pace pace) {
  if (!cache_.HasOpen()) return;
  sim().Cancel(interval_over_);
  const LogCache::BlockNumber number = cache_.Archive(Now());
  const LogCache::Block& block = cache_.BlockOf(number);
  uploader_.Upload(block.parts, block.opened_at, pace, StreamUploader::Order::kInLine, number,
                   [this](uint64_t uploaded) { Uploaded(uploaded); });
}

void S3StreamBroker::ForceUpload() {
  // One at a time, or there would be many small objects.
  if (sim().IsPending(force_) || cache_.FirstNotUploaded() <= forced_) return;
  force_ = After<"broker.forced_upload">(kForceTick, [this] {
    UploadOpenBlock(StreamUploader::Pace::kBurst);
    uploader_.Burst();
    forced_ = cache_.LastBlock() - 1;
  });
}

void S3StreamBroker::Uploaded(LogCache::BlockNumber block) {
  cache_.MarkUploaded(block);
  wal_->Trim(cache_.uploaded_to());
  ShowLevels();
  owner_->OnUploaded(id_);
}

// --- Responses ---

bool S3StreamBroker::PrepareResponse(const std::vector<StreamReader::Wanted>& cold, Bytes size,
                                     Callback serve) {
  if (cold.empty()) return outbound_.Pass(LimiterClass::kTail, size, serve);
  const uint32_t response = responses_.Add({size, serve});
  if (reader_.Read(cold, [this, response] { ResponseRead(response); })) ResponseRead(response);
  return false;
}

void S3StreamBroker::ResponseRead(uint32_t index) {
  Response response = responses_.Take(index);
  cold_bytes_.Add(response.size.count());
  if (outbound_.Pass(LimiterClass::kCatchUp, response.size, response.serve)) response.serve();
}

bool S3StreamBroker::PrepareSnapshot(const std::vector<Snapshot>& tail,
                                     const std::vector<StreamReader::Wanted>& cold, Bytes size,
                                     Callback serve) {
  if (tail.empty()) return PrepareResponse(cold, size, serve);
  const uint32_t index = tail_reads_.Add({tail, tail.size(), cold, size, serve});
  for (uint32_t read = 0; read < tail.size(); ++read) ReadTail(index, read);
  return false;
}

void S3StreamBroker::ReadTail(uint32_t index, uint32_t read) {
  const Snapshot wanted = tail_reads_[index].reads[read];
  inbound_.Bypass(wanted.bytes);
  client_.Get(wanted.object, Bytes(0), wanted.bytes, ObjectCause::kRouter,
              [this, index, read](ObjectResult result) {
                // An object that is gone has been uploaded: the same bytes lie elsewhere.
                if (result != ObjectResult::kOk && result != ObjectResult::kNotFound) {
                  ReadTail(index, read);
                  return;
                }
                if (--tail_reads_[index].left > 0) return;
                TailRead done = tail_reads_.Take(index);
                if (PrepareResponse(done.cold, done.size, done.serve)) done.serve();
              });
}

void S3StreamBroker::ShowLevels() {
  log_cache_gauge_.Set(cache_.size().count());
  not_uploaded_.Set(cache_.NotUploaded().count());
  backing_off_gauge_.Set(backing_off_bytes_);
}

}  // namespace freshet
