// What the sources of a StreamJob do with records that they cannot read (read_policy.h). A source
// judges all of a poll before its subtask gets any of it. What is left out goes no further and is
// settled at the sinks; a record that stops it fails the job, and again after each restart.
#include "models/processing/stream_job.h"

namespace freshet {

void StreamJob::Source::Judge(int member) {
  Judged& mine = judged[static_cast<size_t>(member)];
  const VertexConfig& config = job->config_.vertices[static_cast<size_t>(vertex)];
  while (mine.next < mine.poll.size()) {
    const RecordRange& range = mine.poll[mine.next];
    if (config.dead_letters != nullptr) config.dead_letters->From(member);
    const Reading reading = config.reading->Judge(range, [this, member, life = mine.life] {
      if (life == judged[static_cast<size_t>(member)].life) Judge(member);
    });
    switch (reading) {
      case Reading::kAwait:
        return;
      case Reading::kStop:
        // Not within the call that has handed it the poll.
        job->After<"stream_job.cannot_read">(Duration::Zero(), [this, member, life = mine.life] {
          if (life == judged[static_cast<size_t>(member)].life) job->FailNow();
        });
        return;
      case Reading::kSkip:
        job->Settled(vertex, range,
                     config.reading->IsDeadLetter(range) ? SourceEffects::How::kDeadLettered
                                                         : SourceEffects::How::kQuarantined);
        break;
      case Reading::kRead:
      case Reading::kReadCorrupt:
        mine.kept.push_back(range);
        break;
    }
    ++mine.next;
  }
  Take(member, mine.poll, mine.kept);
}

void StreamJob::Source::DropPoll(int member) {
  held[static_cast<size_t>(member)] = false;
  if (judged.empty()) return;
  ++judged[static_cast<size_t>(member)].life;
}

}  // namespace freshet
