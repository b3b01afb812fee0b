#include "models/broker/table_topic.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

constexpr Duration kSampleInterval = Seconds(1);

}  // namespace

TableTopic::TableTopic(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                       std::vector<S3StreamBroker*> brokers, IcebergTable* table, Host* host,
                       uint32_t number, LogService::TopicPartitions partitions,
                       const Config& config)
    : Component(sim, name),
      config_(config),
      log_(log),
      table_(table),
      host_(host),
      number_(number),
      partitions_(partitions),
      requests_made_(AddCounter(kRequests)),
      timeouts_(AddCounter(kTimeouts)),
      takeovers_(AddCounter(kTakeovers)) {
  TableWorker::Owner* const owner = this;
  for (size_t id = 0; id < brokers.size(); ++id) {
    workers_.push_back(std::make_unique<TableWorker>(
        sim, absl::StrCat(name, "/worker-", id + 1), network, brokers[id],
        static_cast<BrokerId>(id), table, owner, config.worker));
  }
  for (uint32_t index = 0; index < static_cast<uint32_t>(partitions.count); ++index) {
    const PartitionId partition = partitions.first + index;
    const Offset begin = config.backfill
                             ? log->EarliestOffset(partition)
                             : log->LatestOffset(partition, Isolation::kReadUncommitted);
    last_.push_back(begin);
    table->BeginAt(partition, begin);
    readers_.push_back(log->AddReader(partition));
    log->ConsumedUpTo(partition, readers_.back(), begin);
  }
  table->OnVisible([this](const TableAppend& append) { Visible(append); });
  Sample();
}

// --- Who leads ---

void TableTopic::OnOpen(uint32_t index, BrokerId broker) {
  workers_[static_cast<size_t>(broker)]->Add(index);
  if (index == 0) StartCoordinator(broker);
}

void TableTopic::OnClose(uint32_t index, BrokerId broker) {
  workers_[static_cast<size_t>(broker)]->Remove(index);
  if (index == 0) StopCoordinator(/*dead=*/false);
}

void TableTopic::OnCrash(BrokerId broker) {
  if (coordinator_ == broker) StopCoordinator(/*dead=*/true);
  workers_[static_cast<size_t>(broker)]->Crash();
}

// --- Messages ---

void TableTopic::Answer(BrokerId from, TableAnswer answer) {
  const uint64_t number = next_message_++;
  const Bytes bytes = kMessageBytes + kOffsetBytes * static_cast<int64_t>(answer.next.size()) +
                      kFileBytes * static_cast<int64_t>(answer.files.size());
  unsaid_answers_[number] = std::move(answer);
  host_->Say({TableMessageKind::kAnswer, number_, number, from, bytes});
}

void TableTopic::Said(const TableMessage& message) {
  if (message.kind == TableMessageKind::kAnswer) {
    const auto answer = unsaid_answers_.find(message.number);
    answers_[next_answer_++] = std::move(answer->second);
    unsaid_answers_.erase(answer);
    return;
  }
  if (message.kind == TableMessageKind::kCheckpoint) {
    const auto written = unsaid_checkpoints_.find(message.number);
    checkpoint_ = std::move(written->second);
    unsaid_checkpoints_.erase(written);
    answers_.erase(answers_.begin(), answers_.lower_bound(checkpoint_.answers_from));
  }
  if (message.number == awaited_) WrittenDown();
}

void TableTopic::Heard(uint64_t number, BrokerId at) {
  const auto request = requests_.find(number);
  if (request == requests_.end()) return;  // There is a later one.
  TableWorker& worker = *workers_[static_cast<size_t>(at)];
  if (worker.leads_any()) worker.Request(request->second);
}

// --- What has become visible, and what not ---

void TableTopic::Visible(const TableAppend& append) {
  for (const RecordSpan& range : append.ranges) {
    const PartitionLog& log = log_->LogOf(range.partition);
    const Offset from = std::max(range.from, log.log_start_offset());
    if (from < range.to) {
      log.Read(from, range.to, Bytes(INT64_MAX), [&](const LogRange& part, int64_t records, Bytes) {
        const Offset begin = std::max(from, part.base_offset);
        if (records == part.batch.record_count && !part.coalesced) {
          part.batch.created.RecordUntil(Now(), records, table_->freshness());
          return;
        }
        const Duration oldest = Now() - part.CreatedAt(begin);
        const Duration youngest = Now() - part.CreatedAt(begin + records);
        table_->freshness().RecordEvenly(youngest.nanos(), oldest.nanos(), records);
      });
    }
    const uint32_t index = range.partition - partitions_.first;
    log_->ConsumedUpTo(range.partition, readers_[index], table_->VisibleTo(range.partition));
  }
}

void TableTopic::Sample() {
  int64_t lag = 0;
  Time oldest = Now();
  for (int index = 0; index < partitions_.count; ++index) {
    const PartitionId partition = partitions_.first + static_cast<PartitionId>(index);
    const PartitionLog& log = log_->LogOf(partition);
    const Offset from = std::max(table_->VisibleTo(partition), log.log_start_offset());
    lag += log.high_watermark() - std::min(from, log.high_watermark());
    if (from < log.log_end_offset()) oldest = std::min(oldest, log.OldestCreatedFrom(from));
  }
  table_->ShowLag(lag, Now() - oldest);
  After<"table.sample">(
      kSampleInterval, [this] { Sample(); }, Priority::kControl);
}

void TableTopic::Audit() const {
  for (int index = 0; index < partitions_.count; ++index) {
    const PartitionId partition = partitions_.first + static_cast<PartitionId>(index);
    const Offset committed = log_->LogOf(partition).high_watermark();
    SIM_CHECK(table_->VisibleTo(partition) <= committed, "inv.I19",
              absl::StrCat(name(), ": of partition ", index, " ", table_->VisibleTo(partition),
                           " are visible in the table, and ", committed, " committed"));
  }
}

}  // namespace freshet
