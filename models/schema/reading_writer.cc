#include "models/schema/reading_writer.h"

#include <algorithm>
#include <utility>

namespace freshet {

ReadingWriter::ReadingWriter(Simulation& sim, absl::string_view name, MeteredSink* sink,
                             const Config& config, ReadPolicy* policy,
                             DeadLetterTopic* dead_letters, int64_t most_redriven)
    : SinkWriter(sim, name, sink, config),
      policy_(policy),
      dead_letters_(dead_letters),
      most_redriven_(most_redriven) {
  sink->JudgeRowsBy(policy);
}

ReadingWriter::Reader& ReadingWriter::At(int member) {
  const auto index = static_cast<size_t>(member);
  if (index >= readers_.size()) readers_.resize(index + 1);
  return readers_[index];
}

// --- Judging ---

void ReadingWriter::HandlePoll(int number, const std::vector<RecordRange>& poll) {
  const bool plain = std::all_of(poll.begin(), poll.end(), [this](const RecordRange& range) {
    return policy_->Readable(range.mark);
  });
  if (plain) {
    SinkWriter::HandlePoll(number, poll);
    return;
  }
  Reader& reader = At(number);
  reader.poll = poll;
  reader.next = 0;
  JudgeOn(number);
}

void ReadingWriter::JudgeOn(int number) {
  Reader& reader = At(number);
  while (reader.next < reader.poll.size()) {
    const RecordRange& range = reader.poll[reader.next];
    if (dead_letters_ != nullptr) dead_letters_->From(ProducerOf(number));
    const Reading reading = policy_->Judge(range, [this, number, life = reader.life] {
      if (life == At(number).life) JudgeOn(number);
    });
    switch (reading) {
      case Reading::kAwait:
        return;
      case Reading::kStop:
        CannotRead(number);
        return;
      case Reading::kSkip:
        sink().Settle(range, policy_->IsDeadLetter(range) ? EffectLedger::How::kDeadLettered
                                                          : EffectLedger::How::kQuarantined);
        break;
      case Reading::kRead:
      case Reading::kReadCorrupt:
        break;
    }
    ++reader.next;
  }
  const std::vector<RecordRange> poll = std::move(reader.poll);
  reader.poll.clear();
  SinkWriter::HandlePoll(number, poll);
}

bool ReadingWriter::IsSettled(const RecordRange& records) const {
  return policy_->IsOutOfTheWay(records);
}

bool ReadingWriter::HoldsPoll(int number) const {
  const auto index = static_cast<size_t>(number);
  return index < readers_.size() && !readers_[index].poll.empty();
}

void ReadingWriter::DropPoll(int number) {
  SinkWriter::DropPoll(number);
  Reader& reader = At(number);
  ++reader.life;
  reader.poll.clear();
}

void ReadingWriter::MemberDied(int number) {
  SinkWriter::MemberDied(number);
  if (dead_letters_ != nullptr) dead_letters_->DropWorker(ProducerOf(number));
}

// --- Redriving ---

void ReadingWriter::Redrive() {
  // Those that members have in their hands are set aside until they are safe.
  redriving_.clear();
  for (const RecordRange& range : policy_->Redrivable()) {
    const auto has_it = [&range](const std::vector<RecordRange>& ranges) {
      return std::any_of(ranges.begin(), ranges.end(), [&range](const RecordRange& each) {
        return each.partition == range.partition && each.from == range.from;
      });
    };
    const bool under_way = std::any_of(
        readers_.begin(), readers_.end(),
        [&has_it](const Reader& each) { return has_it(each.with_poll) || has_it(each.written); });
    if (!under_way) redriving_.push_back(range);
  }
}

void ReadingWriter::AddTo(int number, std::vector<RecordRange>* writes) {
  Reader& reader = At(number);
  int64_t records = 0;
  while (!redriving_.empty() && records < most_redriven_) {
    RecordRange range = redriving_.pop_front();
    records += range.record_count();
    // Its time went by elsewhere: as old as it is, and no more is known.
    range.interpolated = true;
    sink().ledger().Explain(range, EffectCause::kReplay);
    writes->push_back(range);
    reader.with_poll.push_back(range);
  }
}

void ReadingWriter::PollWritten(int number) {
  Reader& reader = At(number);
  if (reader.with_poll.empty()) return;
  reader.written.insert(reader.written.end(), reader.with_poll.begin(), reader.with_poll.end());
  reader.with_poll.clear();
  if (!transactional()) WorkSafe(number);
}

void ReadingWriter::WorkSafe(int number) {
  for (const RecordRange& range : At(number).written) {
    policy_->Redriven(range.partition, range.from, range.to);
  }
  At(number).written.clear();
}

void ReadingWriter::WorkDropped(int number) {
  Reader& reader = At(number);
  for (std::vector<RecordRange>* ranges : {&reader.written, &reader.with_poll}) {
    for (const RecordRange& range : *ranges) redriving_.push_back(range);
    ranges->clear();
  }
}

}  // namespace freshet
