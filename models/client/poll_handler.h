// Who processes what consumers poll, in place of their own thread: the source of a stream job, the
// task of a connector, a mirror.
//
// The consumers fetch, hold partitions, take part in their group and commit; the handler says when
// a poll is done with, what may be committed, and how far back the log must remember milestones.
#ifndef FRESHET_MODELS_CLIENT_POLL_HANDLER_H_
#define FRESHET_MODELS_CLIENT_POLL_HANDLER_H_

#include <optional>
#include <vector>

#include "models/group/assignor.h"
#include "models/log/record_range.h"
#include "sim/time.h"

namespace freshet {

class PollHandler {
 public:
  virtual ~PollHandler() = default;

  // Members with fixed partitions begin to read here, by partition of the topic.
  virtual void Begun(const std::vector<Offset>& /*from*/) {}
  // A poll of `member`, in the order of offsets within each partition, with gaps where transactions
  // withhold offsets (markers, aborted records); not empty, valid during the call. The
  // member polls again after Consumers::PollHandled(member), which may be called at once.
  virtual void HandlePoll(int member, const std::vector<RecordRange>& poll) = 0;
  // `member` has died, was stopped, or lost the partition of a poll: nothing of its poll is waited
  // for any more, and PollHandled() is not to be called for it.
  virtual void DropPoll(int /*member*/) {}
  // The process of `member` is gone, in a poll or not, and with it what it had in memory; after
  // DropPoll(). Another may start in its place.
  virtual void MemberDied(int /*member*/) {}
  // It has ended in good order: its partitions are given up, and it may start again.
  virtual void MemberClosed(int /*member*/) {}

  // Of a group that subscribes: partitions that `member` reads from now on, from an offset, and
  // such that it gives up. What it gives up is committed before, if it can be.
  virtual void PartitionBegins(int /*member*/, PartitionId /*partition*/, Offset /*from*/) {}
  virtual void PartitionEnds(int /*member*/, PartitionId /*partition*/) {}

  // Up to where `member` may commit, which has been handed everything below `polled`.
  virtual Offset Committable(int /*member*/, PartitionId /*partition*/, Offset polled) const {
    return polled;
  }
  // What was read from `end` on is not in the log any more: an election cut it.
  virtual void Truncated(PartitionId /*partition*/, Offset /*end*/) {}

  // It is about to give up partitions. False: it commits what it has done first, and calls
  // Consumers::GoOn() when it has.
  virtual bool ReadyToLose(int /*member*/) { return true; }
  // What Consumers::CommitNow() was called for is done, or refused.
  virtual void CommitEnded(int /*member*/) {}
  // As GroupMembership::Application::DealOut().
  virtual std::optional<Assignment> DealOut(const std::vector<int>& /*members*/,
                                            const Assignment& /*owned*/, Duration* /*again*/) {
    return std::nullopt;
  }
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CLIENT_POLL_HANDLER_H_
