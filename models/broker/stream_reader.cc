#include "models/broker/stream_reader.h"

#include <algorithm>

namespace freshet {

StreamReader::StreamReader(Simulation& sim, absl::string_view name, ObjectClient* client,
                           NetworkLimiter* inbound, const StreamObjects* objects,
                           const Config& config)
    : Component(sim, name),
      config_(config),
      client_(client),
      inbound_(inbound),
      objects_(objects),
      cache_(config.block_cache, config.block),
      hit_bytes_(AddCounter(kHitBytes)),
      miss_bytes_(AddCounter(kMissBytes)) {
  SIM_REQUIRE(config.block > Bytes(0) && config.most_request >= config.block);
  sim.AddAudit([this] { cache_.AuditInTurn(this->sim().AtLastAudit()); });
}

bool StreamReader::Read(const std::vector<Wanted>& wanted, Callback done) {
  const ReadIndex read = reads_.Add({0, done, {}});
  for (const Wanted& part : wanted) {
    const ReaderId id = ReaderAt(part.partition, part.from);
    const bool missed = ReadOne(read, part, readers_.at(id));
    Reader& reader = readers_.at(id);
    reader_at_.erase({part.partition, part.from});
    reader_at_.insert_or_assign({part.partition, part.to}, id);
    reader.next = part.to;
    reader.last_used = Now();
    ++reader.busy;
    reads_[read].readers.emplace_back(id, missed);
  }
  if (reads_[read].loads_left > 0) return false;
  reads_[read].done = {};
  ReadOver(read);
  return true;
}

StreamReader::ReaderId StreamReader::ReaderAt(PartitionId partition, Offset offset) {
  const auto found = reader_at_.find({partition, offset});
  if (found != reader_at_.end()) return found->second;
  ForgetIdle();
  readers_[next_reader_] = {partition, offset, Now(), 0, 0, 0, 0, config_.read_ahead_step,
                            0,         false,  Time()};
  reader_at_[{partition, offset}] = next_reader_;
  return next_reader_++;
}

void StreamReader::ForgetIdle() {
  for (auto at = readers_.begin(); at != readers_.end();) {
    const Reader& reader = at->second;
    if (reader.busy > 0 || Now() - reader.last_used < config_.idle_after) {
      ++at;
      continue;
    }
    // Two who have met at one place are one from there on: the place may be the other's.
    const auto place = reader_at_.find({reader.partition, reader.next});
    if (place != reader_at_.end() && place->second == at->first) reader_at_.erase(place);
    at = readers_.erase(at);
  }
}

template <class Visit>
void StreamReader::EachBlock(PartitionId partition, int64_t from, int64_t to, Visit&& visit) const {
  const int64_t block = config_.block.count();
  for (int64_t at = from; at < to;) {
    const StreamExtent& extent = objects_->AtPosition(partition, at);
    const int64_t low = at - (at - extent.position) % block;
    const int64_t high = std::min(low + block, extent.end_position());
    visit(low, high);
    at = high;
  }
}

StreamReader::Load* StreamReader::LoadOf(PartitionId partition, int64_t from, int64_t to) {
  auto after = loads_.upper_bound({partition, from});
  if (after == loads_.begin()) return nullptr;
  --after;
  const bool covers = after->first.first == partition && after->second.to >= to;
  return covers ? &after->second : nullptr;
}

void StreamReader::AddToRuns(PartitionId partition, int64_t from, int64_t to,
                             std::vector<Run>* runs) const {
  const bool goes_on = !runs->empty() && runs->back().to == from &&
                       to - runs->back().from <= config_.most_request.count() &&
                       objects_->AtPosition(partition, from).position <= runs->back().from;
  if (goes_on) {
    runs->back().to = to;
  } else {
    runs->push_back({from, to});
  }
}

bool StreamReader::ReadOne(ReadIndex read, const Wanted& wanted, Reader& reader) {
  const PartitionId partition = wanted.partition;
  // While the tail was read from a write-ahead log retention may have passed the beginning.
  const Offset first = std::max(wanted.from, objects_->FirstHeld(partition));
  if (first >= wanted.to) return false;
  const int64_t from = objects_->At(partition, first).PositionOf(first);
  const int64_t to = objects_->At(partition, wanted.to - 1).PositionOf(wanted.to);
  bool missed = false;
  std::vector<Run> runs;
  EachBlock(partition, from, to, [&](int64_t low, int64_t high) {
    const int64_t asked = std::min(high, to) - std::max(low, from);
    if (cache_.Peek(partition, low, high).count() == high - low) {
      cache_.Lookup(partition, low, high);
      hit_bytes_.Add(asked);
      return;
    }
    missed = true;
    miss_bytes_.Add(asked);
    if (Load* load = LoadOf(partition, low, high); load != nullptr) {
      if (load->waiting.empty() || load->waiting.back() != read) {
        load->waiting.push_back(read);
        ++reads_[read].loads_left;
      }
      return;
    }
    if (low < reader.ahead_to && reader.loads == 0) {
      // The read-ahead had brought it, and it is gone.
      reader.reset = true;
      reader.rests_until = Now() + config_.rest_after_eviction;
    }
    AddToRuns(partition, low, high, &runs);
  });
  for (const Run& run : runs) StartLoad(partition, run, 0, read);
  return missed;
}

void StreamReader::StartLoad(PartitionId partition, Run run, ReaderId reader, ReadIndex read) {
  const LoadKey key = {partition, run.from};
  const auto [at, is_new] = loads_.try_emplace(key, Load{run.to, reader, {}});
  // Compaction has moved the bounds of blocks, and part of it is on its way: the rest counts with
  // it.
  if (!is_new) at->second.to = std::max(at->second.to, run.to);
  if (read != 0) {
    at->second.waiting.push_back(read);
    ++reads_[read].loads_left;
  }
  if (!is_new) return;
  const Bytes size(run.to - run.from);
  if (reader == 0) {
    inbound_->Bypass(size);
    Ask(key);
    return;
  }
  ++readers_.at(reader).loads;
  ++readers_.at(reader).busy;
  const auto ask = [this, partition, from = run.from] { Ask({partition, from}); };
  if (inbound_->Pass(LimiterClass::kCatchUp, size, ask)) ask();
}

void StreamReader::Ask(LoadKey key) {
  const Load& load = loads_.at(key);
  if (key.second < objects_->FirstPositionOf(key.first)) {
    // Retention was quicker. Who waits for it asks for the rest next.
    Loaded(key, ObjectResult::kOk);
    return;
  }
  // Compaction may have put another object in the place of the one that it was in.
  const StreamExtent& extent = objects_->AtPosition(key.first, key.second);
  const int64_t to = std::min(load.to, extent.end_position());
  client_->Get(extent.object, extent.object_offset + Bytes(key.second - extent.position),
               Bytes(to - key.second),
               load.reader == 0 ? ObjectCause::kCatchUpRead : ObjectCause::kReadAhead,
               [this, partition = key.first, from = key.second](ObjectResult result) {
                 Loaded({partition, from}, result);
               });
}

void StreamReader::Loaded(LoadKey key, ObjectResult result) {
  if (result != ObjectResult::kOk) {
    Ask(key);
    return;
  }
  const Load load = std::move(loads_.at(key));
  loads_.erase(key);
  cache_.Insert(key.first, key.second, load.to);
  if (load.reader != 0) {
    --readers_.at(load.reader).loads;
    --readers_.at(load.reader).busy;
  }
  for (const ReadIndex read : load.waiting) {
    if (--reads_[read].loads_left == 0) ReadOver(read);
  }
}

void StreamReader::ReadOver(ReadIndex index) {
  Pending read = reads_.Take(index);
  for (const auto& [reader, missed] : read.readers) {
    --readers_.at(reader).busy;
    ReadAhead(reader, missed);
  }
  if (read.done) read.done();
}

void StreamReader::ReadAhead(ReaderId id, bool missed) {
  Reader& reader = readers_.at(id);
  if (Now() < reader.rests_until) return;
  reader.misses += missed;
  if (reader.loads > 0) return;
  reader.ahead_size = std::min(reader.ahead_size + config_.read_ahead_step * reader.misses,
                               config_.most_read_ahead);
  reader.misses = 0;
  if (reader.reset) {
    reader.ahead_to = reader.mark = 0;
    reader.ahead_size = config_.read_ahead_step;
    reader.reset = false;
  }
  const PartitionId partition = reader.partition;
  if (reader.next <= objects_->FirstHeld(partition)) return;  // Retention has passed him.
  const int64_t next = objects_->At(partition, reader.next - 1).PositionOf(reader.next);
  if (next >= reader.ahead_to) {
    reader.ahead_to = next;
  } else if (next <= reader.mark) {
    return;
  }
  reader.mark = reader.ahead_to;
  const int64_t to =
      std::min(reader.ahead_to + reader.ahead_size.count(), objects_->EndPositionOf(partition));
  std::vector<Run> runs;
  EachBlock(partition, reader.ahead_to, to, [&](int64_t low, int64_t high) {
    reader.ahead_to = high;
    if (cache_.Peek(partition, low, high).count() == high - low) return;
    if (LoadOf(partition, low, high) != nullptr) return;
    AddToRuns(partition, low, high, &runs);
  });
  for (const Run& run : runs) StartLoad(partition, run, id, 0);
}

void StreamReader::DropAll() {
  loads_.clear();
  reads_ = Pool<Pending>();
  readers_.clear();
  reader_at_.clear();
  cache_.Clear();
}

}  // namespace freshet
