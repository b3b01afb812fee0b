#include "models/broker/remote_log_reader.h"

#include <algorithm>

namespace freshet {
namespace {

// An entry of the offset index has 8 bytes, one of the time index 12, one of each for
// log.index.interval.bytes.
constexpr int64_t kOffsetEntry = 8;
constexpr int64_t kTimeEntry = 12;
constexpr int64_t kIndexInterval = 4096;

// remote.log.manager.fetch.quota.window.num of 11 windows of a second, the last one open: what was
// not used is forgotten after so long (KSRC).
constexpr Duration kQuotaWindow = Seconds(10);

}  // namespace

Bytes RemoteLogReader::OffsetIndexBytes(Bytes segment) {
  return Bytes(kOffsetEntry * (segment.count() / kIndexInterval + 1));
}

Bytes RemoteLogReader::TimeIndexBytes(Bytes segment) {
  return Bytes(kTimeEntry * (segment.count() / kIndexInterval + 1));
}

RemoteLogReader::RemoteLogReader(Simulation& sim, absl::string_view name, ObjectClient* client,
                                 PageCache* disk, const Config& config)
    : Component(sim, name),
      config_(config),
      client_(client),
      disk_(disk),
      threads_(config.threads),
      index_cache_(config.index_cache),
      chunk_cache_(config.chunk_cache),
      fetches_(AddCounter(kFetches)),
      fetched_bytes_(AddCounter(kFetchedBytes)),
      fetch_errors_(AddCounter(kFetchErrors)),
      rejected_(AddCounter(kRejected)),
      expired_(AddCounter(kExpired)),
      index_misses_(AddCounter(kIndexMisses)),
      chunk_hits_(AddCounter(kChunkHits)),
      chunk_misses_(AddCounter(kChunkMisses)),
      queue_(AddGauge(kQueue)),
      fetch_time_(AddDistribution(kFetchTime)) {
  SIM_REQUIRE(config.chunk > Bytes(0) && config.most_pending > 0);
  sim.AddAudit([this] {
    index_cache_.AuditInTurn(this->sim().AtLastAudit());
    chunk_cache_.AuditInTurn(this->sim().AtLastAudit());
  });
}

RemoteLogReader::ReadId RemoteLogReader::Read(const RemoteSegment& segment, int64_t from,
                                              int64_t to, Done done) {
  SIM_REQUIRE(segment.range.position <= from && from < to &&
              to <= segment.range.position + segment.range.bytes.count());
  if (static_cast<int64_t>(reads_.in_use()) >= config_.threads + config_.most_pending) {
    rejected_.Add(1);
    return kRefused;
  }
  const ReadId id = reads_.Add({segment, from, to, Bytes(to - from), done, Time(), false, false});
  // A thread is never taken re-entrantly, so that `done` is not called before the caller knows.
  After<"remote_log.read_submitted">(Duration::Zero(), [this, id, life = life_] {
    if (life != life_) return;
    threads_->Acquire([this, id] { Begin(id); });
    queue_.Set(static_cast<int64_t>(threads_->waiting()));
  });
  return id;
}

void RemoteLogReader::Abandon(ReadId id) { reads_[id].abandoned = true; }

void RemoteLogReader::Begin(ReadId id) {
  queue_.Set(static_cast<int64_t>(threads_->waiting()));
  Pending& read = reads_[id];
  if (read.abandoned) {
    reads_.Free(id);
    threads_->Release();
    return;
  }
  read.begun = true;
  read.began_at = Now();
  fetches_.Add(1);
  const ObjectId indexes = read.segment.indexes;
  const Bytes size = IndexBytes(read.segment.range.bytes);
  if (index_cache_.Lookup(indexes, 0, size.count()) == size) {
    NextChunk(id);
    return;
  }
  const auto [at, is_new] = index_loads_.try_emplace(indexes, IndexLoad{read.segment, 0, {}});
  at->second.waiting.push_back(id);
  if (!is_new) return;
  index_misses_.Add(1);
  AskIndex(indexes);
}

void RemoteLogReader::AskIndex(ObjectId indexes) {
  const IndexLoad& load = index_loads_.at(indexes);
  const auto done = [this, indexes](ObjectResult result) { IndexAnswered(indexes, result); };
  const Bytes segment = load.segment.range.bytes;
  switch (load.step) {
    case 0:
      return client_->Get(load.segment.manifest, Bytes(0), kManifestBytes, ObjectCause::kMetadata,
                          done);
    case 1:
      return client_->Get(indexes, Bytes(0), OffsetIndexBytes(segment), ObjectCause::kMetadata,
                          done);
    default:
      return client_->Get(indexes, OffsetIndexBytes(segment), TimeIndexBytes(segment),
                          ObjectCause::kMetadata, done);
  }
}

void RemoteLogReader::IndexAnswered(ObjectId indexes, ObjectResult result) {
  IndexLoad& load = index_loads_.at(indexes);
  if (result == ObjectResult::kOk && ++load.step < 3) return AskIndex(indexes);
  const std::vector<ReadId> waiting = std::move(load.waiting);
  const Bytes size = IndexBytes(load.segment.range.bytes);
  index_loads_.erase(indexes);
  if (result == ObjectResult::kOk) index_cache_.Insert(indexes, 0, size.count());
  for (const ReadId id : waiting) {
    if (result == ObjectResult::kOk) {
      NextChunk(id);
    } else {
      Finish(id, false);
    }
  }
}

Bytes RemoteLogReader::ChunkSize(const RemoteSegment& segment, uint32_t chunk) const {
  return std::min(config_.chunk, segment.range.bytes - config_.chunk * chunk);
}

bool RemoteLogReader::IsCached(const RemoteSegment& segment, uint32_t chunk) {
  const int64_t from = config_.chunk.count() * chunk;
  const Bytes size = ChunkSize(segment, chunk);
  return chunk_cache_.Lookup(segment.log, from, from + size.count()) == size;
}

void RemoteLogReader::NextChunk(ReadId id) {
  Pending& read = reads_[id];
  const RemoteSegment segment = read.segment;
  while (read.from < read.to) {
    const int64_t within = read.from - segment.range.position;
    const auto chunk = static_cast<uint32_t>(within / config_.chunk.count());
    read.from += (config_.chunk * (chunk + 1)).count() - within;
    const bool hit = IsCached(segment, chunk);
    if (hit) {
      chunk_hits_.Add(1);
    } else {
      chunk_misses_.Add(1);
      Load(segment, chunk, ObjectCause::kCatchUpRead).waiting.push_back(id);
    }
    Prefetch(segment, chunk);
    if (!hit) return;
  }
  Finish(id, true);
}

RemoteLogReader::ChunkLoad& RemoteLogReader::Load(const RemoteSegment& segment, uint32_t chunk,
                                                  ObjectCause cause) {
  const ChunkKey key = {segment.log, chunk};
  const Bytes size = ChunkSize(segment, chunk);
  const auto [at, is_new] = chunk_loads_.try_emplace(key, ChunkLoad{size, {}});
  if (is_new) {
    client_->Get(segment.log, config_.chunk * chunk, size, cause,
                 [this, object = key.first, chunk](ObjectResult result) {
                   ChunkAnswered({object, chunk}, result);
                 });
  }
  return at->second;
}

void RemoteLogReader::Prefetch(const RemoteSegment& segment, uint32_t chunk) {
  const int64_t end = std::min(segment.range.bytes.count(),
                               (config_.chunk * (chunk + 1) + config_.prefetch).count());
  for (uint32_t next = chunk + 1; config_.chunk.count() * next < end; ++next) {
    const int64_t from = config_.chunk.count() * next;
    const Bytes size = ChunkSize(segment, next);
    if (chunk_cache_.Peek(segment.log, from, from + size.count()) == size) continue;
    Load(segment, next, ObjectCause::kReadAhead);
  }
}

void RemoteLogReader::ChunkAnswered(ChunkKey key, ObjectResult result) {
  if (result != ObjectResult::kOk) {
    const ChunkLoad load = std::move(chunk_loads_.at(key));
    chunk_loads_.erase(key);
    for (const ReadId id : load.waiting) Finish(id, false);
    return;
  }
  const auto stored = [this, object = key.first, chunk = key.second, life = life_] {
    if (life == life_) ChunkStored({object, chunk});
  };
  const Bytes size = chunk_loads_.at(key).size;
  if (!config_.chunks_on_disk || config_.chunk_cache == Bytes(0) ||
      disk_->Append(size, stored, PageCache::Writer::kChunkCache)) {
    ChunkStored(key);
  }
}

void RemoteLogReader::ChunkStored(ChunkKey key) {
  const ChunkLoad load = std::move(chunk_loads_.at(key));
  chunk_loads_.erase(key);
  const int64_t from = config_.chunk.count() * key.second;
  chunk_cache_.Insert(key.first, from, from + load.size.count());
  for (const ReadId id : load.waiting) NextChunk(id);
}

void RemoteLogReader::Finish(ReadId id, bool well) {
  Pending read = reads_.Take(id);
  fetch_time_.Record(Now() - read.began_at);
  if (well) {
    fetched_bytes_.Add(read.bytes.count());
    if (config_.quota) {
      quota_until_ =
          std::max(quota_until_, Now() - kQuotaWindow) + config_.quota->TimeFor(read.bytes);
    }
  } else {
    fetch_errors_.Add(1);
  }
  if (!read.abandoned) read.done(well);
  threads_->Release();
}

void RemoteLogReader::DropAll() {
  ++life_;
  threads_.emplace(config_.threads);
  index_cache_.Clear();
  chunk_cache_.Clear();
  reads_ = Pool<Pending>();
  chunk_loads_.clear();
  index_loads_.clear();
  queue_.Set(0);
}

}  // namespace freshet
