#include "models/broker/file_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

constexpr Bytes kAskBytes(128);

TokenBucket::Config Limit(Rate rate) {
  TokenBucket::Config config;
  config.rate = rate;
  config.depth = std::max<int64_t>(1, rate.InTime(Seconds(1)));
  config.metrics = false;
  return config;
}

}  // namespace

FileReader::FileReader(Simulation& sim, absl::string_view name, BrokerId id, FileClient* client,
                       BatchCoordinator* coordinator, const StreamObjects* index,
                       const FileSet* files, Peers* peers, const Config& config)
    : Component(sim, name),
      config_(config),
      id_(id),
      client_(client),
      coordinator_(coordinator),
      index_(index),
      files_(files),
      peers_(peers),
      cache_(config.most_blocks, config.time_to_live),
      hit_bytes_(AddCounter(kHitBytes)),
      miss_bytes_(AddCounter(kMissBytes)),
      lagging_bytes_(AddCounter(kLaggingBytes)),
      peer_bytes_(AddCounter(kPeerBytes)),
      cache_bytes_(AddGauge(kCacheBytes)) {
  SIM_REQUIRE(config.block > Bytes(0) && config.most_blocks > 0);
  threads_.emplace(config.threads);
  if (config.lagging_threads == 0) return;
  lagging_threads_.emplace(config.lagging_threads);
  if (config.lagging_rate) {
    lagging_rate_.emplace(sim, absl::StrCat(name, "/lagging-rate"), Limit(*config.lagging_rate));
  }
}

void FileReader::Read(std::vector<Wanted> wanted, Callback done) {
  const ReadId id = next_id_++;
  reads_[id] = {std::move(wanted), done};
  Find(id);
}

void FileReader::Find(ReadId id) {
  coordinator_->Find(id, [this, life = life_](uint64_t read) {
    if (life == life_) Plan(read);
  });
}

// --- What to read ---

void FileReader::AddPart(const StreamExtent& extent, const Wanted& wanted,
                         absl::btree_map<FileId, Part>* parts) const {
  const auto within = [&](Offset offset) {
    return extent.object_offset + Bytes(extent.PositionOf(offset) - extent.position);
  };
  const Bytes from = within(std::max(wanted.from, extent.from));
  const Bytes to = within(std::min(wanted.to, extent.to));
  if (from == to) return;
  Part& part = (*parts)[extent.object];
  part.ranges.emplace_back(from, to);
  const int64_t block = config_.block.count();
  for (int64_t at = from.count(); at < to.count();) {
    const int64_t end = std::min((at / block + 1) * block, to.count());
    part.blocks[static_cast<uint64_t>(at / block)] += Bytes(end - at);
    at = end;
  }
}

bool FileReader::IsLagging(FileId file) const {
  return config_.lagging_threads > 0 && Now() - files_->At(file).newest > config_.lagging_after;
}

void FileReader::Plan(ReadId id) {
  Reading& reading = reads_.at(id);
  absl::btree_map<FileId, Part> parts;
  for (const Wanted& wanted : reading.wanted) {
    // Retention may have been quicker.
    const Offset from = std::max(wanted.from, index_->StartOf(wanted.partition));
    if (from >= wanted.to) continue;
    const std::vector<StreamExtent>& extents = index_->ExtentsOf(wanted.partition);
    for (const StreamExtent* extent = &index_->At(wanted.partition, from);
         extent != extents.data() + extents.size() && extent->from < wanted.to; ++extent) {
      AddPart(*extent, {wanted.partition, from, wanted.to}, &parts);
    }
  }
  const uint32_t round = reading.round;
  reading.left = 1;  // Held by this function, so that what is there at once does not end it.
  for (const auto& [file, part] : parts) {
    if (IsLagging(file)) {
      for (const auto& [from, to] : Requests(file, part)) {
        ++reads_.at(id).left;
        ReadLagging({file, from, to - from, id, round});
      }
      continue;
    }
    for (const auto& [index, bytes] : part.blocks) {
      ++reads_.at(id).left;
      ReadBlock({file, index}, bytes, {id, round, kNoBroker, 0});
    }
  }
  Arrived(id, round);
}

// --- Through the cache ---

Bytes FileReader::SizeOf(BlockKey block) const {
  const Bytes before = config_.block * static_cast<int64_t>(block.index);
  return std::min(config_.block, files_->At(block.file).size - before);
}

void FileReader::ReadBlock(BlockKey block, Bytes bytes, const Waiter& waiter) {
  const BrokerId owner = peers_->OwnerOf(block, id_);
  if (owner != id_) {
    AskPeer(owner, block, bytes, waiter);
    return;
  }
  const bool hit = Load(block, waiter);
  (hit ? hit_bytes_ : miss_bytes_).Add(bytes.count());
  if (hit) Arrived(waiter.read, waiter.round);
}

bool FileReader::Load(BlockKey block, const Waiter& waiter) {
  if (cache_.Touch(block, Now())) return true;
  const auto [load, is_new] = loads_.try_emplace(block);
  load->second.push_back(waiter);
  if (is_new) threads_->Acquire([this, block] { AskForBlock(block); });
  return false;
}

void FileReader::AskForBlock(BlockKey block) {
  if (!files_->Has(block.file)) {
    After<"file_reader.gone">(Duration::Zero(), [this, block, life = life_] {
      if (life == life_) Loaded(block, ObjectResult::kNotFound);
    });
    return;
  }
  client_->Read(block.file, config_.block * static_cast<int64_t>(block.index), SizeOf(block),
                ObjectCause::kCatchUpRead,
                [this, block](ObjectResult result) { Loaded(block, result); });
}

void FileReader::Loaded(BlockKey block, ObjectResult result) {
  if (result != ObjectResult::kOk && result != ObjectResult::kNotFound) {
    AskForBlock(block);
    return;
  }
  const bool found = result == ObjectResult::kOk && files_->Has(block.file);
  if (found) {
    cache_.Insert(block, SizeOf(block), Now());
    cache_bytes_.Set(cache_.bytes().count());
  }
  const std::vector<Waiter> waiting = std::move(loads_.at(block));
  loads_.erase(block);
  threads_->Release();
  for (const Waiter& waiter : waiting) Serve(waiter, found);
}

void FileReader::Serve(const Waiter& waiter, bool found) {
  if (waiter.peer == kNoBroker) {
    if (found) {
      Arrived(waiter.read, waiter.round);
    } else {
      Restart(waiter.read, waiter.round);
    }
    return;
  }
  FileReader& peer = peers_->ReaderOf(waiter.peer);
  const auto ask = peer.asks_.find(waiter.ask);
  if (ask == peer.asks_.end()) return;  // It has died, or looks elsewhere.
  peers_->Between(id_, waiter.peer)
      ->Send(found ? ask->second.bytes : kAskBytes,
             found ? TrafficCause::kFetch : TrafficCause::kControl,
             [reader = &peer, ask = waiter.ask, found] { reader->Answered(ask, found); });
}

void FileReader::AskPeer(BrokerId owner, BlockKey block, Bytes bytes, const Waiter& waiter) {
  const AskId ask = next_id_++;
  asks_[ask] = {owner, block, bytes, waiter.read, waiter.round};
  peers_->Between(id_, owner)
      ->Send(
          kAskBytes, TrafficCause::kControl,
          [reader = &peers_->ReaderOf(owner), asker = id_, ask] { reader->AskedBy(asker, ask); });
}

void FileReader::AskedBy(BrokerId peer, AskId ask) {
  const FileReader& asker = peers_->ReaderOf(peer);
  const auto entry = asker.asks_.find(ask);
  if (entry == asker.asks_.end()) return;
  const BlockKey block = entry->second.block;
  const Bytes bytes = entry->second.bytes;
  const Waiter waiter = {0, 0, peer, ask};
  const bool hit = Load(block, waiter);
  (hit ? hit_bytes_ : miss_bytes_).Add(bytes.count());
  if (hit) Serve(waiter, true);
}

void FileReader::Answered(AskId ask, bool found) {
  const auto entry = asks_.find(ask);
  if (entry == asks_.end()) return;
  const PeerAsk answered = entry->second;
  asks_.erase(entry);
  if (found) {
    peer_bytes_.Add(answered.bytes.count());
    Arrived(answered.read, answered.round);
  } else {
    Restart(answered.read, answered.round);
  }
}

void FileReader::PeerDied(BrokerId peer) {
  std::vector<std::pair<ReadId, uint32_t>> lost;
  for (auto ask = asks_.begin(); ask != asks_.end();) {
    if (ask->second.owner != peer) {
      ++ask;
      continue;
    }
    lost.emplace_back(ask->second.read, ask->second.round);
    ask = asks_.erase(ask);
  }
  for (const auto& [read, round] : lost) Restart(read, round);
}

void FileReader::Keep(FileId file) {
  for (uint64_t index = 0; config_.block * static_cast<int64_t>(index) < files_->At(file).size;
       ++index) {
    const BlockKey block = {file, index};
    cache_.Insert(block, SizeOf(block), Now());
  }
  cache_bytes_.Set(cache_.bytes().count());
}

// --- Past it ---

FileReader::Ranges FileReader::Requests(FileId file, const Part& part) const {
  // Of a small file all between the ends, to save requests; of a merged one each partition's.
  if (files_->At(file).level > 0) return part.ranges;
  auto [from, to] = part.ranges.front();
  for (const auto& [other_from, other_to] : part.ranges) {
    from = std::min(from, other_from);
    to = std::max(to, other_to);
  }
  return {{from, to}};
}

void FileReader::ReadLagging(const LaggingRead& what) {
  lagging_bytes_.Add(what.size.count());
  const uint32_t index = lagging_.Add(what);
  lagging_threads_->Acquire([this, index] {
    if (lagging_rate_) {
      lagging_rate_->Take(1, [this, index] { AskLagging(index); });
    } else {
      AskLagging(index);
    }
  });
}

void FileReader::AskLagging(uint32_t index) {
  const LaggingRead& what = lagging_[index];
  const auto over = [this, index](ObjectResult result) {
    if (result != ObjectResult::kOk && result != ObjectResult::kNotFound) {
      AskLagging(index);
      return;
    }
    const LaggingRead done = lagging_.Take(index);
    lagging_threads_->Release();
    if (result == ObjectResult::kOk) {
      Arrived(done.read, done.round);
    } else {
      Restart(done.read, done.round);
    }
  };
  if (files_->Has(what.file)) {
    client_->Read(what.file, what.offset, what.size, ObjectCause::kCatchUpRead, over);
    return;
  }
  After<"file_reader.gone">(Duration::Zero(), [over, this, life = life_]() mutable {
    if (life == life_) over(ObjectResult::kNotFound);
  });
}

// --- Its end ---

void FileReader::Arrived(ReadId id, uint32_t round) {
  const auto entry = reads_.find(id);
  if (entry == reads_.end() || entry->second.round != round) return;
  if (--entry->second.left > 0) return;
  Callback done = entry->second.done;
  reads_.erase(entry);
  done();
}

void FileReader::Restart(ReadId id, uint32_t round) {
  const auto entry = reads_.find(id);
  if (entry == reads_.end() || entry->second.round != round) return;
  ++entry->second.round;
  Find(id);
}

void FileReader::DropAll() {
  ++life_;
  reads_.clear();
  loads_.clear();
  asks_.clear();
  lagging_ = Pool<LaggingRead>();
  threads_.emplace(config_.threads);
  if (lagging_threads_) lagging_threads_.emplace(config_.lagging_threads);
  if (lagging_rate_) lagging_rate_->DropAll();
  cache_.Clear();
  cache_bytes_.Set(0);
}

}  // namespace freshet
