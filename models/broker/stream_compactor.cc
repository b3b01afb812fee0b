#include "models/broker/stream_compactor.h"

#include <algorithm>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"

namespace freshet {
namespace {

// Reading ends that much before the next pass: AMQSRC, CompactionManager.
constexpr Duration kAhead = Minutes(1);

StreamExtent Merge(const StreamExtent* first, const StreamExtent* last) {
  StreamExtent merged = *first;
  for (const StreamExtent* extent = first + 1; extent <= last; ++extent) {
    merged.to = extent->to;
    merged.bytes += extent->bytes;
  }
  return merged;
}

}  // namespace

StreamCompactor::StreamCompactor(Simulation& sim, absl::string_view name, ObjectClient* client,
                                 PrefixId prefix, ObjectWriter* writer, NetworkLimiter* inbound,
                                 NetworkLimiter* outbound, StreamObjects* objects, int32_t owner,
                                 const Config& config, Completion<std::vector<PartitionId>*> led,
                                 Completion<const std::vector<ObjectId>*> garbage)
    : Component(sim, name),
      config_(config),
      client_(client),
      prefix_(prefix),
      writer_(writer),
      inbound_(inbound),
      outbound_(outbound),
      objects_(objects),
      owner_(owner),
      metadata_latency_(config.metadata_latency),
      metadata_stream_(NewStream("metadata")),
      led_(led),
      garbage_(garbage),
      compactions_(AddCounter(kCompactions)),
      compacted_bytes_(AddCounter(kCompactedBytes)) {
  SIM_REQUIRE(config.interval > kAhead && config.piece > Bytes(0));
}

void StreamCompactor::Start() {
  CompactStreamSets();
  JoinStreamObjects();
}

void StreamCompactor::Put(StreamExtent merged, Target* target, Job* job) {
  merged.object = target->object;
  merged.object_offset = target->size;
  target->size += merged.bytes;
  target->extents.push_back(merged);
  job->bytes += merged.bytes;
}

void StreamCompactor::CompactStreamSets() {
  After<"compactor.stream_sets_due">(config_.interval, [this, life = life_] {
    if (life == life_) CompactStreamSets();
  });
  DeleteExpired([this](const StreamObjects::Expired& expired) {
    return expired.stream_set && expired.owner == owner_;
  });
  if (!jobs_.empty()) return;  // One pass is not over.
  const size_t partitions = objects_->partition_count();
  const auto is_mine = [this](const StreamExtent& extent) {
    const StreamObject& object = objects_->objects().at(extent.object);
    return object.stream_set && object.owner == owner_;
  };
  // Objects that have a partition in common with another.
  absl::btree_set<ObjectId> chosen;
  for (PartitionId partition = 0; partition < partitions; ++partition) {
    ObjectId first = 0;
    for (const StreamExtent& extent : objects_->ExtentsOf(partition)) {
      if (!is_mine(extent)) continue;
      if (first == 0) {
        first = extent.object;
      } else if (extent.object != first) {
        chosen.insert(first);
        chosen.insert(extent.object);
      }
    }
  }
  if (chosen.empty()) return;
  Job job;
  absl::btree_map<ObjectId, Bytes> live;  // What is trimmed, or elsewhere by now, is not read.
  Target shared = {0, Bytes(0), true, {}};
  for (PartitionId partition = 0; partition < partitions; ++partition) {
    const std::vector<StreamExtent>& extents = objects_->ExtentsOf(partition);
    for (size_t i = 0; i < extents.size(); ++i) {
      if (!chosen.contains(extents[i].object)) continue;
      size_t last = i;
      live[extents[i].object] += extents[i].bytes;
      for (; last + 1 < extents.size() && chosen.contains(extents[last + 1].object); ++last) {
        live[extents[last + 1].object] += extents[last + 1].bytes;
      }
      const StreamExtent merged = Merge(&extents[i], &extents[last]);
      i = last;
      if (merged.bytes >= config_.split_size) {
        job.targets.push_back({client_->store().NewObject(prefix_), Bytes(0), false, {}});
        Put(merged, &job.targets.back(), &job);
        continue;
      }
      if (shared.object == 0) shared.object = client_->store().NewObject(prefix_);
      Put(merged, &shared, &job);
    }
  }
  if (shared.object != 0) job.targets.push_back(std::move(shared));
  for (const auto& [object, bytes] : live) {
    job.sources.push_back(object);
    job.source_bytes.push_back(bytes);
  }
  job.spread = config_.interval - kAhead;
  jobs_.push_back(std::move(job));
  StartNextIfAny();
}

void StreamCompactor::JoinStreamObjects() {
  After<"compactor.stream_objects_due">(config_.stream_interval, [this, life = life_] {
    if (life == life_) JoinStreamObjects();
  });
  std::vector<PartitionId> led;
  led_(&led);
  DeleteExpired([&led](const StreamObjects::Expired& expired) {
    return !expired.stream_set && std::binary_search(led.begin(), led.end(), expired.partition);
  });
  if (!jobs_.empty()) return;
  for (const PartitionId partition : led) {
    const std::vector<StreamExtent>& extents = objects_->ExtentsOf(partition);
    for (size_t i = 0; i < extents.size(); ++i) {
      Bytes bytes;
      size_t end = i;
      for (; end < extents.size(); ++end) {
        const bool joins = !objects_->objects().at(extents[end].object).stream_set &&
                           bytes + extents[end].bytes <= config_.joined_bytes;
        if (!joins) break;
        bytes += extents[end].bytes;
      }
      if (end < i + 2) continue;
      Job job;
      for (size_t source = i; source < end; ++source) {
        job.sources.push_back(extents[source].object);
        job.source_bytes.push_back(extents[source].bytes);
      }
      job.targets.push_back({client_->store().NewObject(prefix_), Bytes(0), false, {}});
      Put(Merge(&extents[i], &extents[end - 1]), &job.targets.back(), &job);
      jobs_.push_back(std::move(job));
      i = end - 1;
    }
  }
  StartNextIfAny();
}

template <class Match>
void StreamCompactor::DeleteExpired(Match&& match) {
  const std::vector<ObjectId> expired = objects_->TakeExpired(match);
  if (!expired.empty()) garbage_(&expired);
}

void StreamCompactor::StartNextIfAny() {
  if (jobs_.empty()) return;
  began_at_ = Now();
  source_ = target_ = 0;
  read_ = read_of_source_ = Bytes(0);
  ReadNext();
}

void StreamCompactor::ReadNext() {
  if (source_ == job().sources.size()) {
    WriteNext();
    return;
  }
  const Bytes size = std::min(config_.piece, job().source_bytes[source_] - read_of_source_);
  // As much time as its share of the bytes.
  const Time at = began_at_ + Nanoseconds(MulDivFloor(job().spread.nanos(), read_.count(),
                                                      job().bytes.count()));
  At<"compactor.read_due">(std::max(at, Now()), [this, size, life = life_] {
    if (life != life_) return;
    if (inbound_->Pass(LimiterClass::kCompaction, size, [this, size] { ReadPiece(size); })) {
      ReadPiece(size);
    }
  });
}

void StreamCompactor::ReadPiece(Bytes size) {
  client_->Get(job().sources[source_], read_of_source_, size, ObjectCause::kCompaction,
               [this, size](ObjectResult result) {
                 if (result == ObjectResult::kNotFound) {
                   Abandon();
                   return;
                 }
                 if (result != ObjectResult::kOk) {
                   ReadPiece(size);
                   return;
                 }
                 read_ += size;
                 read_of_source_ += size;
                 if (read_of_source_ == job().source_bytes[source_]) {
                   ++source_;
                   read_of_source_ = Bytes(0);
                 }
                 ReadNext();
               });
}

void StreamCompactor::WriteNext() {
  if (target_ == job().targets.size()) {
    After<"compactor.committed">(metadata_latency_.DrawDuration(metadata_stream_),
                                 [this, life = life_] {
                                   if (life == life_) Commit();
                                 });
    return;
  }
  const Bytes size = job().targets[target_].size;
  if (outbound_->Pass(LimiterClass::kCompaction, size, [this] { WriteTarget(); })) WriteTarget();
}

void StreamCompactor::WriteTarget() {
  const Target& target = job().targets[target_];
  writer_->Write(target.object, target.size, ObjectCause::kCompaction, [this](ObjectResult result) {
    if (result != ObjectResult::kOk) {
      WriteTarget();
      return;
    }
    ++target_;
    WriteNext();
  });
}

void StreamCompactor::Abandon() {
  // The partition went to another broker, which was quicker.
  std::vector<ObjectId> unused;
  for (const Target& target : job().targets) unused.push_back(target.object);
  jobs_.pop_front();
  garbage_(&unused);
  StartNextIfAny();
}

void StreamCompactor::Commit() {
  const bool sources_stand =
      std::all_of(job().sources.begin(), job().sources.end(),
                  [this](ObjectId source) { return objects_->objects().contains(source); });
  if (!sources_stand) {
    Abandon();
    return;
  }
  const Job done = jobs_.pop_front();
  std::vector<ObjectId> unused;
  for (const Target& target : done.targets) {
    objects_->AddObject(target.object, target.size, target.stream_set, owner_);
    for (const StreamExtent& extent : target.extents) objects_->Replace(extent, &unused);
    objects_->DropIfUnused(target.object, &unused);
  }
  compactions_.Add(1);
  compacted_bytes_.Add(done.bytes.count());
  garbage_(&unused);
  StartNextIfAny();
}

std::vector<ObjectId> StreamCompactor::DropAll() {
  ++life_;
  std::vector<ObjectId> unknown;
  while (!jobs_.empty()) {
    for (const Target& target : jobs_.front().targets) unknown.push_back(target.object);
    jobs_.pop_front();
  }
  return unknown;
}

}  // namespace freshet
