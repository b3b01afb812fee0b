#include "models/broker/leaderless_cluster.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

size_t PartitionCount(const std::vector<TopicConfig>& topics) {
  size_t count = 0;
  for (const TopicConfig& topic : topics) count += static_cast<size_t>(topic.partitions);
  return count;
}

}  // namespace

LeaderlessCluster::LeaderlessCluster(Simulation& sim, absl::string_view name, Network* network,
                                     const std::vector<Bucket>& ingest, const Bucket& compacted,
                                     const Config& config)
    : BrokerCluster(sim, name, config, static_cast<size_t>(config.requests_per_connection),
                    Offsets::kAtCommit),
      config_(config),
      network_(network),
      files_(ingest, compacted),
      index_(PartitionCount(config.topics)),
      coordinator_(sim, absl::StrCat(name, "/coordinator"), config.coordinator),
      listed_(config.brokers.size(), true),
      refresh_stream_(NewStream("metadata-refresh")),
      files_gauge_(AddGauge(kFiles)),
      extents_gauge_(AddGauge(kExtents)),
      garbage_gauge_(AddGauge(kGarbage)) {
  LeaderlessBroker::Owner* const owner = this;
  for (size_t i = 0; i < config.brokers.size(); ++i) {
    brokers_.push_back(std::make_unique<LeaderlessBroker>(
        sim, absl::StrCat(name, "/broker-", i + 1), network, &coordinator_, &index_, &files_,
        static_cast<BrokerId>(i), owner, config.brokers[i]));
    nodes_.push_back(brokers_.back().get());
    zones_.push_back(config.brokers[i].zone);
    if (i < config.brokers.size() - static_cast<size_t>(config.absent_brokers)) continue;
    brokers_.back()->Crash();
    listed_[i] = false;
  }
  for (BrokerId from = 0; config.shared_cache && from < broker_count(); ++from) {
    for (BrokerId to = 0; to < broker_count(); ++to) {
      if (from == to || config.brokers[static_cast<size_t>(from)].zone !=
                            config.brokers[static_cast<size_t>(to)].zone) {
        continue;
      }
      peers_[{from, to}] = network->Connect(HostOf(from), HostOf(to));
    }
  }
  FillHistory();
  ListBrokers();
  for (const auto& broker : brokers_) {
    if (broker->up()) broker->Start();
  }
  ScheduleRetention();
  After<"log.file_cleaner">(config_.cleaner_interval, [this] { DeleteDue(); });
  sim.AddAudit([this] { Audit(); });
}

// --- Appends ---

void LeaderlessCluster::Hold(RequestIndex index, BrokerId by) {
  broker(by).Take(index, HeldRequest(index).bytes);
}

void LeaderlessCluster::CommitFile(BrokerId by, FileId id, ProduceFile file) {
  pending_files_[id] = {by, broker(by).generation(), std::move(file)};
  coordinator_.Commit(id, [this](uint64_t committed) { ApplyFile(committed); });
}

void LeaderlessCluster::ApplyFile(FileId id) {
  const PendingFile pending = std::move(pending_files_.at(id));
  pending_files_.erase(id);
  absl::btree_map<PartitionId, StreamExtent> extents;
  Time newest;
  for (const RequestIndex request : pending.file.requests) {
    AppendHeld(request, [&](const Batch& batch, Offset end) {
      const Offset from = end - batch.record_count;
      StreamExtent& extent =
          extents.try_emplace(batch.partition, StreamExtent{batch.partition, from, from, Bytes(0)})
              .first->second;
      extent.to = end;
      extent.bytes += batch.bytes;
      newest = std::max({newest, batch.created.high, batch.created.first});
    });
  }
  if (extents.empty()) {
    DeleteLater(id, config_.deleted_file_retention);  // All of it was there already.
  } else {
    // Within a file the batches of a partition lie together, partitions in their order.
    index_.AddObject(id, files_.At(id).size, extents.size() > 1, pending.by);
    Bytes offset;
    for (auto& [partition, extent] : extents) {
      extent.object = id;
      extent.object_offset = offset;
      offset += extent.bytes;
      index_.Commit(extent);
    }
    files_.NoteCommitted(id, files_.NextOrder(), newest);
    extents_gauge_.Add(static_cast<int64_t>(extents.size()));
    ShowFiles();
  }
  for (const auto& [partition, extent] : extents) {
    BrokerCluster::Commit(partition, extent.to, coordinator_.component_id());
  }
  for (const RequestIndex request : pending.file.requests) Respond(request);
  if (broker(pending.by).generation() == pending.generation) broker(pending.by).FileOver(id);
}

void LeaderlessCluster::RefuseFile(FileId id, const ProduceFile& file) {
  DeleteLater(id, config_.orphan_age);
  for (const RequestIndex request : file.requests) {
    RefuseHeld(request, ProduceError::kStorageError);
  }
}

void LeaderlessCluster::DropFile(FileId id, const ProduceFile& file) {
  if (id != 0) DeleteLater(id, config_.orphan_age);
  for (const RequestIndex request : file.requests) DropHeld(request);
}

// --- Reads ---

// What of it is in memory is known when the coordinator has answered.
Bytes LeaderlessCluster::Missing(const FetchedRange& part, BrokerId) { return part.bytes; }

bool LeaderlessCluster::Prepare(FetchSession* session, BrokerId id, Bytes, const Callback& serve) {
  if (session->response.empty()) return true;
  std::vector<FileReader::Wanted> wanted;
  for (const FetchedRange& range : session->response) {
    wanted.push_back({range.partition, range.from, range.to});
  }
  broker(id).reader().Read(std::move(wanted), serve);
  return false;
}

void LeaderlessCluster::Audit() {
  AuditLogs();
  index_.Audit();
  for (PartitionId id = 0; id < partitions_.size(); ++id) {
    const PartitionLog& log = partitions_[id].log;
    SIM_CHECK(index_.StartOf(id) <= log.log_start_offset() &&
                  index_.EndOf(id) == log.log_end_offset() &&
                  log.high_watermark() == log.log_end_offset(),
              "inv.I13",
              absl::StrCat("partition ", id, ": committed files hold [", index_.StartOf(id), ", ",
                           index_.EndOf(id), "), the log is [", log.log_start_offset(), ", ",
                           log.log_end_offset(), ")"));
  }
  for (const auto& [id, object] : index_.objects()) {
    const LeaderlessFile& file = files_.At(id);
    const auto there =
        std::count_if(file.copies.begin(), file.copies.end(), [&](const FileCopy& copy) {
          return copy.there &&
                 files_.buckets()[copy.bucket].store->SizeOf(copy.object) == file.size;
        });
    SIM_CHECK(there > 0 && object.size == file.size, "inv.I13",
              absl::StrCat("file ", id, " is committed and in no bucket"));
  }
}

}  // namespace freshet
