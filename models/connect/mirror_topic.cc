#include "models/connect/mirror_topic.h"

#include <utility>

namespace freshet {
namespace {

// KSRC: retry.backoff.ms of a producer.
constexpr Duration kRetryBackoff = Milliseconds(100);
constexpr Duration kLookInterval = Seconds(1);

}  // namespace

MirrorTopic::MirrorTopic(Simulation& sim, absl::string_view name, Network* network,
                         LogService* source, LogService::TopicPartitions from, LogService* target,
                         LogService::TopicPartitions to, int64_t offset_lag_max)
    : MeteredSink(sim, name),
      network_(network),
      source_(source),
      target_(target),
      from_(from),
      to_(to),
      maps_(static_cast<size_t>(from.count), OffsetMap(offset_lag_max)),
      retries_(AddCounter(kRetries)),
      syncs_(AddCounter(kSyncs)) {
  SIM_REQUIRE(to.count >= from.count);
  AddSource(source, from);
  target->OnTruncate([this](PartitionId partition) { Cut(partition); });
}

Sink::WriterId MirrorTopic::AddWriter(absl::string_view /*name*/, HostId host) {
  Writer writer;
  writer.host = host;
  writer.producer = target_->NewProducerId();
  writer.sender = std::make_unique<BatchWriter>(network_, target_, host);
  writer.lanes.resize(static_cast<size_t>(from_.count));
  writers_.push_back(std::move(writer));
  return static_cast<WriterId>(writers_.size()) - 1;
}

void MirrorTopic::Write(WriterId writer, const RecordRange& records, Completion<bool> done) {
  Writer& at = writers_[static_cast<size_t>(writer)];
  const int slot = SlotOf(records);
  at.unacked += records.bytes;
  at.lanes[static_cast<size_t>(slot)].waiting.push_back({records, done});
  // Not within the call: `done` is never re-entrant, and whoever writes may write more.
  SendLater(writer, slot);
}

void MirrorTopic::SendLater(WriterId writer, int slot) {
  After<"mirror.send">(Duration::Zero(), [this, writer, slot] { Send(writer, slot); });
}

void MirrorTopic::Send(WriterId number, int slot) {
  Writer& writer = writers_[static_cast<size_t>(number)];
  Lane& lane = writer.lanes[static_cast<size_t>(slot)];
  if (lane.busy || lane.waiting.empty()) return;
  const PartitionId copy = CopyOf(slot);
  const BrokerId leader = target_->CurrentMetadata(writer.host)->leader[copy];
  if (leader == kNoBroker || !target_->IsUp(leader)) {
    lane.busy = true;
    After<"mirror.send_again">(kRetryBackoff, [this, number, slot] {
      writers_[static_cast<size_t>(number)].lanes[static_cast<size_t>(slot)].busy = false;
      Send(number, slot);
    });
    return;
  }
  lane.busy = true;
  const FlightId id = next_flight_++;
  Flight& flight = flights_[id];
  flight = {number, slot, std::move(lane.waiting.front()), std::nullopt};
  lane.waiting.pop_front();
  const RecordRange& records = flight.letter.records;
  Batch batch;
  batch.partition = copy;
  batch.producer = writer.producer;
  batch.sequence = writer.sent++;
  batch.number = static_cast<uint32_t>(batch.sequence);
  batch.attempts = flight.letter.attempts;
  batch.record_count = records.record_count();
  batch.bytes = records.bytes;
  batch.created = records.created;
  batch.closed_at = batch.sent_at = Now();
  batch.producer_component = component_id();
  batch.marks = MarksOf(records);
  writer.sender->Send(
      leader, {batch}, [this, id](const ProduceRequest* answer) { Answered(id, answer); },
      [this, id](AppendJudgement& judgement) { Judged(id, judgement); });
}

const BatchMarks* MirrorTopic::MarksOf(const RecordRange& records) {
  if (records.mark == RecordMark()) return nullptr;
  auto made = std::make_unique<BatchMarks>();
  made->schema_version = records.mark.schema_version;
  made->stretches.push_back({0, records.record_count(), records.mark});
  if (records.mark.kind != RecordKind::kPlain) {
    marks_.push_back(std::move(made));
    return marks_.back().get();
  }
  made->stretches.clear();
  return versions_.try_emplace(records.mark.schema_version, std::move(made)).first->second.get();
}

void MirrorTopic::Judged(FlightId id, AppendJudgement& judgement) {
  if (judgement.error != ProduceError::kNone) return;
  const auto flight = flights_.find(id);
  if (flight == flights_.end()) return;
  flight->second.base = target_->LogOf(CopyOf(flight->second.slot)).log_end_offset();
  if (flight->second.forgotten) LookForForgotten();
}

void MirrorTopic::Answered(FlightId id, const ProduceRequest* answer) {
  const auto found = flights_.find(id);
  Flight& flight = found->second;
  const WriterId number = flight.writer;
  const int slot = flight.slot;
  Writer& writer = writers_[static_cast<size_t>(number)];
  Lane& lane = writer.lanes[static_cast<size_t>(slot)];
  lane.busy = false;
  const bool ok = answer != nullptr && answer->errors[0] == ProduceError::kNone;
  WriteEnded(ok);
  if (!ok) {
    retries_.Add(1);
    Letter again = flight.letter;
    ++again.attempts;
    lane.waiting.push_front(again);
    if (flight.base) {
      // It is in the log, or was; it will be there twice.
      flight.forgotten = true;
      LookForForgotten();
    } else {
      flights_.erase(found);
    }
    lane.busy = true;
    After<"mirror.send_again">(kRetryBackoff, [this, number, slot] {
      writers_[static_cast<size_t>(number)].lanes[static_cast<size_t>(slot)].busy = false;
      Send(number, slot);
    });
    return;
  }
  const Letter letter = std::move(flight.letter);
  flights_.erase(found);
  const RecordRange& records = letter.records;
  writer.unacked -= records.bytes;
  OffsetMap& map = MapOf(slot);
  const int64_t before = map.syncs();
  map.Acknowledged(records.from, records.to, answer->end_offsets[0] - records.record_count());
  syncs_.Add(map.syncs() - before);
  BecomeVisible(records, EffectLedger::Again::kAdds, WaitFor::kAck);
  Completion<bool> done = letter.done;
  if (done) done(true);
  Send(number, slot);
}

void MirrorTopic::DropWaiting(WriterId number) {
  Writer& writer = writers_[static_cast<size_t>(number)];
  for (Lane& lane : writer.lanes) {
    for (const Letter& letter : lane.waiting) writer.unacked -= letter.records.bytes;
    lane.waiting.clear();
  }
}

void MirrorTopic::Reset(WriterId number) {
  Writer& writer = writers_[static_cast<size_t>(number)];
  DropWaiting(number);
  bool any = false;
  for (auto& [id, flight] : flights_) {
    if (flight.writer != number || flight.forgotten) continue;
    flight.forgotten = true;
    any = true;
    writer.unacked -= flight.letter.records.bytes;
    writer.lanes[static_cast<size_t>(flight.slot)].busy = false;
  }
  writer.sender->Forget();
  if (any) LookForForgotten();
}

void MirrorTopic::Cut(PartitionId partition) {
  if (partition < to_.first || partition >= to_.first + static_cast<PartitionId>(from_.count)) {
    return;
  }
  const Offset end = target_->LogOf(partition).log_end_offset();
  const auto slot = static_cast<int>(partition - to_.first);
  MapOf(slot).CutTarget(end);
  for (auto& [id, flight] : flights_) {
    if (flight.slot == slot && flight.base && *flight.base >= end) flight.base.reset();
  }
}

void MirrorTopic::LookForForgotten() {
  if (looking_) return;
  looking_ = true;
  After<"mirror.look">(kLookInterval, [this] {
    looking_ = false;
    Resolve();
  });
}

void MirrorTopic::Resolve() {
  bool more = false;
  for (auto each = flights_.begin(); each != flights_.end();) {
    const Flight& flight = each->second;
    if (!flight.forgotten || !flight.base) {
      ++each;
      continue;
    }
    const RecordRange& records = flight.letter.records;
    const Offset end = *flight.base + records.record_count();
    if (target_->LogOf(CopyOf(flight.slot)).high_watermark() < end) {
      more = true;
      ++each;
      continue;
    }
    MapOf(flight.slot).Appended(records.from, records.to, *flight.base);
    // Whichever of both is seen first, the other one is known to come again.
    ledger().Explain(records, EffectCause::kRetry);
    BecomeVisible(records, EffectLedger::Again::kAdds, WaitFor::kAck);
    ledger().Explain(records, EffectCause::kRetry);
    each = flights_.erase(each);
  }
  if (more) LookForForgotten();
}

void MirrorTopic::Prepare(WriterId /*writer*/, Epoch /*epoch*/, Completion<bool> /*done*/) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
}

void MirrorTopic::Commit(Epoch /*epoch*/, Completion<bool> /*done*/) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
}

void MirrorTopic::Rollback(Epoch /*epoch*/) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
}

}  // namespace freshet
