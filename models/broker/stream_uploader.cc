#include "models/broker/stream_uploader.h"

#include <algorithm>

namespace freshet {
namespace {

// AMQSRC, S3Storage: the rate of an upload, and who is too young to have one.
constexpr Duration kSpreadOver = Seconds(20);
constexpr Duration kTooYoung = Milliseconds(100);

}  // namespace

StreamUploader::StreamUploader(Simulation& sim, absl::string_view name, ObjectStore* store,
                               PrefixId prefix, ObjectWriter* writer, NetworkLimiter* outbound,
                               StreamObjects* objects, int32_t owner, const Config& config)
    : Component(sim, name),
      config_(config),
      store_(store),
      prefix_(prefix),
      writer_(writer),
      outbound_(outbound),
      objects_(objects),
      owner_(owner),
      metadata_latency_(config.metadata_latency),
      metadata_stream_(NewStream("metadata")),
      uploads_(AddCounter(kUploads)),
      uploaded_bytes_(AddCounter(kUploadedBytes)),
      upload_time_(AddDistribution(kUploadTime)) {}

Duration StreamUploader::MetadataLatency() {
  return metadata_latency_.DrawDuration(metadata_stream_);
}

void StreamUploader::Upload(const std::vector<LogCache::Part>& parts, Time opened_at, Pace pace,
                            Order order, uint64_t tag, Completion<uint64_t> committed) {
  SIM_REQUIRE(!parts.empty());
  const TaskId id = next_task_++;
  Task& task = tasks_[id];
  task.order = order;
  task.tag = tag;
  task.committed = committed;
  task.began_at = Now();
  for (const LogCache::Part& part : parts) task.bytes += part.bytes;

  const Duration age = Now() - opened_at;
  BytesPerSecond rate;  // Zero: as fast as it goes.
  if (pace == Pace::kAsItCame && age > kTooYoung) {
    const int64_t came =
        MulDivCeil(task.bytes.count(), Seconds(1).nanos(), std::min(age, kSpreadOver).nanos());
    rate = highest_rate_ = std::max(highest_rate_, BytesPerSecond(came));
  }
  // Each object begins once the bytes before it have had their time.
  Bytes before;
  const auto begins = [&] {
    return rate == BytesPerSecond() ? Duration::Zero() : rate.TimeFor(before);
  };
  NewObject shared = {0, Bytes(0), true, Duration::Zero(), {}};
  for (const LogCache::Part& part : parts) {
    StreamExtent extent = {part.partition, part.from, part.to, part.bytes, 0, Bytes(0), 0};
    if (part.bytes >= config_.split_size || parts.size() == 1) {
      extent.object = store_->NewObject(prefix_);
      task.objects.push_back({extent.object, part.bytes, false, begins(), {extent}});
    } else {
      extent.object_offset = shared.size;
      shared.size += part.bytes;
      shared.starts_after = begins();
      shared.extents.push_back(extent);
    }
    before += part.bytes;
  }
  if (!shared.extents.empty()) {
    shared.object = store_->NewObject(prefix_);
    for (StreamExtent& extent : shared.extents) extent.object = shared.object;
    const auto later = std::upper_bound(
        task.objects.begin(), task.objects.end(), shared.starts_after,
        [](Duration wanted, const NewObject& object) { return wanted < object.starts_after; });
    task.objects.insert(later, std::move(shared));
  }

  if (order == Order::kApart) {
    Prepare(id);
    return;
  }
  prepare_line_.push_back(id);
  commit_line_.push_back(id);
  if (prepare_line_.size() == 1) Prepare(id);
}

void StreamUploader::Prepare(TaskId id) {
  After<"uploader.prepared">(MetadataLatency(), [this, id, life = life_] {
    if (life != life_) return;
    StartWriting(id);
  });
}

void StreamUploader::StartWriting(TaskId id) {
  Task& task = tasks_.at(id);
  task.may_write = true;
  task.write_from = Now();
  if (task.order == Order::kInLine) {
    prepare_line_.pop_front();
    if (!prepare_line_.empty()) Prepare(prepare_line_.front());
  }
  StartObjects(id);
}

void StreamUploader::StartObjects(TaskId id) {
  Task& task = tasks_.at(id);
  while (task.started < task.objects.size()) {
    const Time at = task.write_from + task.objects[task.started].starts_after;
    if (at > Now()) {
      task.next_start = At<"uploader.object_due">(at, [this, id, life = life_] {
        if (life == life_) StartObjects(id);
      });
      return;
    }
    Write(id, task.started++);
  }
}

void StreamUploader::Write(TaskId id, size_t index) {
  const NewObject& object = tasks_.at(id).objects[index];
  outbound_->Bypass(object.size);
  writer_->Write(object.object, object.size, ObjectCause::kUpload,
                 [this, id, index](ObjectResult result) { Written(id, index, result); });
}

void StreamUploader::Written(TaskId id, size_t index, ObjectResult result) {
  if (result != ObjectResult::kOk) {
    Write(id, index);
    return;
  }
  Task& task = tasks_.at(id);
  if (++task.written < task.objects.size()) return;
  if (task.order == Order::kApart) {
    AskCommit(id);
  } else {
    CommitNext();
  }
}

void StreamUploader::CommitNext() {
  if (committing_ || commit_line_.empty()) return;
  const Task& first = tasks_.at(commit_line_.front());
  if (first.written < first.objects.size()) return;
  committing_ = true;
  AskCommit(commit_line_.front());
}

void StreamUploader::AskCommit(TaskId id) {
  After<"uploader.committed">(MetadataLatency(), [this, id, life = life_] {
    if (life == life_) Commit(id);
  });
}

void StreamUploader::Commit(TaskId id) {
  Task task = std::move(tasks_.at(id));
  tasks_.erase(id);
  for (const NewObject& object : task.objects) {
    objects_->AddObject(object.object, object.size, object.stream_set, owner_);
    for (const StreamExtent& extent : object.extents) objects_->Commit(extent);
  }
  uploads_.Add(1);
  uploaded_bytes_.Add(task.bytes.count());
  upload_time_.Record(Now() - task.began_at);
  if (task.order == Order::kInLine) {
    committing_ = false;
    commit_line_.pop_front();
  }
  task.committed(task.tag);
  if (task.order == Order::kInLine) CommitNext();
}

void StreamUploader::Burst() {
  for (auto& [id, task] : tasks_) {
    for (NewObject& object : task.objects) object.starts_after = Duration::Zero();
    sim().Cancel(task.next_start);
    if (task.may_write) StartObjects(id);
  }
}

std::vector<ObjectId> StreamUploader::DropAll() {
  ++life_;
  std::vector<ObjectId> unknown;
  for (const auto& [id, task] : tasks_) {
    for (size_t i = 0; i < task.started; ++i) unknown.push_back(task.objects[i].object);
    sim().Cancel(task.next_start);
  }
  tasks_.clear();
  prepare_line_.clear();
  commit_line_.clear();
  committing_ = false;
  return unknown;
}

}  // namespace freshet
