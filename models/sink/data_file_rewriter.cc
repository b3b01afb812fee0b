#include "models/sink/data_file_rewriter.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// ICEDOC, rewrite_data_files: min-file-size-bytes and max-file-size-bytes.
constexpr Ratio kSmallest = Ratio::Percent(75);
constexpr Ratio kLargest = Ratio::Percent(180);

Station::Config ThreadsOf(const DataFileRewriter::Config& config) {
  Station::Config threads;
  threads.workers = config.groups_at_once;
  threads.metrics = false;
  return threads;
}

}  // namespace

DataFileRewriter::DataFileRewriter(Simulation& sim, absl::string_view name, IcebergTable* table,
                                   Network* network, HostId host, const Config& config)
    : TableProcedure(sim, name, table, network, host, config.every, config.object_client, kRuns,
                     kFailedRuns),
      config_(config),
      uploads_(&client_, config.part_size),
      threads_(sim, absl::StrCat(name, "/threads"), ThreadsOf(config)) {
  time_ = &AddDistribution(kTime);
}

// --- What is worth it ---

bool DataFileRewriter::IsCandidate(const TableFile& file, const Config& config) {
  return file.bytes < kSmallest * config.target_file || file.bytes > kLargest * config.target_file;
}

std::vector<DataFileRewriter::Group> DataFileRewriter::Pack(const std::vector<TableFile>& files,
                                                            const Config& config) {
  absl::btree_map<int64_t, std::vector<Group>> by_partition;
  for (const TableFile& file : files) {
    if (!IsCandidate(file, config)) continue;
    std::vector<Group>& groups = by_partition[file.partition];
    if (groups.empty() || groups.back().bytes + file.bytes > config.max_group) {
      groups.emplace_back();
    }
    groups.back().files.push_back(file);
    groups.back().bytes += file.bytes;
    groups.back().rows += file.records;
  }
  std::vector<Group> packed;
  for (auto& [partition, groups] : by_partition) {
    for (Group& group : groups) {
      const auto count = static_cast<int64_t>(group.files.size());
      const bool large = std::any_of(group.files.begin(), group.files.end(), [&](const auto& file) {
        return file.bytes > kLargest * config.target_file;
      });
      if (!large &&
          (count < 2 || (count < config.min_input_files && group.bytes <= config.target_file))) {
        continue;
      }
      const int64_t target = config.target_file.count();
      group.outputs = std::max<int64_t>(1, (group.bytes.count() + target - 1) / target);
      // Not one that would be tiny beside the others: they take its rows.
      if (group.outputs > 1 &&
          Bytes(group.bytes.count() % target) < kSmallest * config.target_file &&
          group.bytes.count() % target > 0 &&
          Bytes(group.bytes.count() / (group.outputs - 1)) <= kLargest * config.target_file) {
        --group.outputs;
      }
      packed.push_back(std::move(group));
    }
  }
  return packed;
}

// --- A run ---

void DataFileRewriter::Begin() {
  ++run_;
  work_.clear();
  next_ = 0;
  busy_ = 0;
  key_ = 0;
  candidates_ = 0;
  candidate_bytes_ = Bytes(0);
  table_->Load([this](IcebergTable::Loaded loaded) {
    if (!loaded.ok) {
      Done(false);
      return;
    }
    plan_ = table_->CurrentMetadata();
    if (plan_.list.object == 0) {
      Done(true);
    } else {
      ReadMetadata();
    }
  });
}

void DataFileRewriter::ReadMetadata() {
  // The file leads to the list, and that to the manifests; they are read as one here, side by side.
  reading_ = 2 + static_cast<int64_t>(plan_.manifests.size());
  const auto read = [this](const IcebergTable::Metadata::Part& part) {
    client_.Get(part.object, Bytes(0), part.bytes, ObjectCause::kMetadata,
                [this, run = run_](ObjectResult result) {
                  if (run != run_) return;
                  MetadataRead(result == ObjectResult::kOk || result == ObjectResult::kNotFound);
                });
  };
  read(plan_.file);
  read(plan_.list);
  for (const IcebergTable::Metadata::Part& manifest : plan_.manifests) read(manifest);
}

void DataFileRewriter::MetadataRead(bool ok) {
  if (!ok) {
    Done(false);
  } else if (--reading_ == 0) {
    Plan();
  }
}

void DataFileRewriter::Plan() {
  std::vector<TableFile> files;
  table_->VisitFiles([&](const TableFile& file) {
    files.push_back(file);
    if (!IsCandidate(file, config_)) return;
    ++candidates_;
    candidate_bytes_ += file.bytes;
  });
  table_->ShowBacklog(candidates_, candidate_bytes_);
  for (Group& group : Pack(files, config_)) work_.push_back({std::move(group), {}, 0});
  if (work_.empty()) {
    Done(true);
  } else {
    StartMore();
  }
}

void DataFileRewriter::StartMore() {
  while (busy_ < config_.groups_at_once && next_ < work_.size()) {
    const size_t at = next_++;
    ++busy_;
    work_[at].left = static_cast<int64_t>(work_[at].group.files.size());
    for (const TableFile& file : work_[at].group.files) {
      client_.Get(file.object, Bytes(0), file.bytes, ObjectCause::kCompaction,
                  [this, run = run_, at = static_cast<uint32_t>(at)](ObjectResult result) {
                    if (run == run_) FileRead(at, result == ObjectResult::kOk);
                  });
    }
  }
  if (busy_ == 0) Commit();
}

void DataFileRewriter::FileRead(size_t at, bool ok) {
  if (!ok) {
    Done(false);
    return;
  }
  if (--work_[at].left > 0) return;
  threads_.Serve(Nanoseconds(MulDivCeil(config_.cpu_per_mib.nanos(), work_[at].group.bytes.count(),
                                        MiB(1).count())),
                 [this, run = run_, at = static_cast<uint32_t>(at)] {
                   if (run == run_) Worked(at);
                 });
}

void DataFileRewriter::Worked(size_t at) {
  Work& work = work_[at];
  const Group& group = work.group;
  work.left = group.outputs;
  for (int64_t i = 0; i < group.outputs; ++i) {
    // Even, and exact in the sum.
    const auto share = [&](int64_t all) {
      return MulDivFloor(all, i + 1, group.outputs) - MulDivFloor(all, i, group.outputs);
    };
    TableFile file;
    file.object = table_->NewFile();
    file.bytes = Bytes(std::max<int64_t>(1, share(group.bytes.count())));
    file.records = share(group.rows);
    file.partition = group.files.front().partition;
    file.wrong = std::any_of(group.files.begin(), group.files.end(),
                             [](const TableFile& old) { return old.wrong; });
    work.written.push_back(file);
    uploads_.Write(file.object, file.bytes, ObjectCause::kCompaction,
                   [this, run = run_, at = static_cast<uint32_t>(at)](ObjectResult result) {
                     if (run == run_) FileWritten(at, result == ObjectResult::kOk);
                   });
  }
}

void DataFileRewriter::FileWritten(size_t at, bool ok) {
  if (!ok) {
    Done(false);
    return;
  }
  if (--work_[at].left > 0) return;
  --busy_;
  StartMore();
}

void DataFileRewriter::Commit() {
  TableAppend rewrite;
  rewrite.id = next_id_++;
  for (const Work& work : work_) {
    for (const TableFile& file : work.group.files) rewrite.replaces.push_back(file.object);
    for (const TableFile& file : work.written) rewrite.files.push_back(file);
  }
  key_ = table_->Begin(std::move(rewrite), &client_, [this](TableOutcome staged) {
    if (staged == TableOutcome::kFailed) {
      Done(false);
      return;
    }
    table_->Commit(key_, [this](TableOutcome outcome) { Done(outcome == TableOutcome::kVisible); });
  });
}

void DataFileRewriter::Done(bool ok) {
  ++run_;
  if (ok) {
    for (const Work& work : work_) {
      candidates_ -= static_cast<int64_t>(work.group.files.size());
      candidate_bytes_ -= work.group.bytes;
    }
    table_->ShowBacklog(candidates_, candidate_bytes_);
  }
  End(ok);
}

void DataFileRewriter::ThrowAway() {
  // What is under way comes to nothing, and what is there nobody will commit.
  if (key_ == 0) {
    uploads_.DropAll();
    client_.DropAll();
    threads_.DropAll();
  }
  for (const Work& work : work_) {
    for (const TableFile& file : work.written) {
      client_.Delete(file.object, ObjectCause::kCompaction, [](ObjectResult) {});
    }
  }
}

}  // namespace freshet
