// Consumers that write to a sink what they can read (sink_writer.h), and do with the rest what
// their policy says (read_policy.h).
//
// A member judges all of a poll before it writes any of it. At a record that stops it, nothing of
// the poll is written and the member fails. What is left out is settled at the sink: neither lost
// nor visible.
//
// What was set aside can be redriven: once the reader can read it, members write it with their next
// polls, a poll's worth at a time. It counts as read when the sink has it for good; what a member
// takes with it when it dies is redriven again, and may be there twice.
#ifndef FRESHET_MODELS_SCHEMA_READING_WRITER_H_
#define FRESHET_MODELS_SCHEMA_READING_WRITER_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "models/connect/dead_letter_topic.h"
#include "models/schema/read_policy.h"
#include "models/sink/sink_writer.h"
#include "sim/ring.h"

namespace freshet {

class ReadingWriter : public SinkWriter {
 public:
  // REQUIRES: all outlive it; `dead_letters` is null unless the policy may write there.
  // `most_redriven` records, and at least a range, go with a poll.
  ReadingWriter(Simulation& sim, absl::string_view name, MeteredSink* sink, const Config& config,
                ReadPolicy* policy, DeadLetterTopic* dead_letters, int64_t most_redriven);

  // What was set aside and can be read now goes to the sink.
  void Redrive();
  ReadPolicy& policy() { return *policy_; }

  void HandlePoll(int member, const std::vector<RecordRange>& poll) override;
  void DropPoll(int member) override;
  void MemberDied(int member) override;

 protected:
  // It has met what stops it, and none of its poll is written. It gets no other one until the
  // consumers give it one.
  virtual void CannotRead(int member) = 0;
  // Whose dead-letter producer the member uses.
  virtual int ProducerOf(int member) const { return member; }

  bool HoldsPoll(int number) const override;

 private:
  struct Reader {
    uint32_t life = 0;
    std::vector<RecordRange> poll;  // That is being judged,
    size_t next = 0;                // and the next of it.
    // Redriven: with its poll, and written but not safe.
    std::vector<RecordRange> with_poll;
    std::vector<RecordRange> written;
  };

  Reader& At(int member);
  bool IsSettled(const RecordRange& records) const override;
  void AddTo(int number, std::vector<RecordRange>* writes) override;
  void PollWritten(int number) override;
  void WorkSafe(int number) override;
  void WorkDropped(int number) override;
  void JudgeOn(int number);

  ReadPolicy* const policy_;
  DeadLetterTopic* const dead_letters_;
  const int64_t most_redriven_;
  std::vector<Reader> readers_;  // By member, grown as they come.
  Ring<RecordRange> redriving_;  // That no member has taken yet.
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SCHEMA_READING_WRITER_H_
