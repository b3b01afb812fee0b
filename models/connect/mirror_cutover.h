// Clients of a mirrored topic that leave its cluster for the one that has the copy, and go back.
//
// A client has an image at the target: the same application with other bootstrap servers, which
// does not run until it is moved there. A group's image goes on where the group's last checkpoint
// says, or where the mirror has written it into the target's offsets, or without either where
// auto.offset.reset leads.
//
//   drained    producers are closed; when their records are acknowledged, mirrored and read, the
//              producers go on at the target, groups are closed, and a checkpoint is awaited
//              before they go on there
//   at once    all clients are killed, the mirror stops where it is, all go on at the target:
//              what is not mirrored by then stays behind
//
// What a move does is counted from the exact map of offsets when it is done, record by record.
// docs/models/mirror.md says what is approximated.
#ifndef FRESHET_MODELS_CONNECT_MIRROR_CUTOVER_H_
#define FRESHET_MODELS_CONNECT_MIRROR_CUTOVER_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/client/consumers.h"
#include "models/client/producers.h"
#include "models/connect/mirror.h"
#include "sim/component.h"

namespace freshet {

class MirrorCutover : public Component {
 public:
  struct Group {
    Consumers* source;
    Consumers* image;
    StartFrom reset;  // auto.offset.reset
  };
  struct Fleet {
    Producers* source;
    Producers* image;
  };

  static constexpr MetricDef kRedelivered = {
      "cutover.redelivered_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records behind where groups go on at the target which they had processed at the source: the "
      "distance of the translation, and what the mirror had copied twice."};
  static constexpr MetricDef kSkipped = {
      "cutover.skipped_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records of the copy before where groups go on at the target which they had not processed."};
  static constexpr MetricDef kLost = {
      "cutover.lost_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records committed at the source that the copy does not have when the mirror stops."};
  static constexpr MetricDef kLeftBehind = {
      "cutover.left_behind_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records written to the target between a cutover and its rollback: the source has them not."};
  static constexpr MetricDef kReadAgain = {
      "cutover.rollback_redelivered_records", MetricKind::kCounter, MetricUnit::kCount,
      "Records behind where groups go on at the source after a rollback which they had processed "
      "at the target."};
  static constexpr MetricDef kDrain = {
      "cutover.drain_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the closing of the producers until all is acknowledged, mirrored and read."};
  static constexpr MetricDef kOutage = {
      "cutover.write_outage", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the closing of the producers until they run at the other cluster."};

  // REQUIRES: all outlive it. Groups subscribe.
  MirrorCutover(Simulation& sim, absl::string_view name, Mirror* mirror,
                const std::vector<Group>& groups, const std::vector<Fleet>& fleets);

  // REQUIRES: clients are at the source, and not on their way.
  void Cutover(bool drain, Duration restart_time, Callback done);
  // REQUIRES: they are at the target.
  void Rollback(Duration restart_time, Callback done);

 private:
  // How often an operator, or his tool, looks whether he may go on.
  static constexpr Duration kLookAgain = Seconds(1);

  bool IsDrained() const;
  void AwaitDrained();
  void CloseGroups();
  void Closed();
  void Promote();
  void Promoted();
  void NoteEnds();
  void StartFleets();
  void StartGroups();
  void Started();
  // Where the group goes on in the copy.
  Offset StartOf(const Group& group, int slot) const;
  void Count();
  void CountGroup(const Group& group, int slot);
  void AwaitFlushed();
  void CountRollback();
  void GoBack();

  Mirror* const mirror_;
  const std::vector<Group> groups_;
  const std::vector<Fleet> fleets_;
  Callback done_;
  bool drain_ = true;
  bool at_target_ = false;
  Duration restart_time_;
  Time stopped_at_;           // When the producers were closed.
  std::vector<Offset> ends_;  // Of the copy, by partition, when the moved producers began.
  int waiting_ = 0;           // Groups on their way.
  LaneId lane_;
  Counter& redelivered_;
  Counter& skipped_;
  Counter& lost_;
  Counter& left_behind_;
  Counter& read_again_;
  Distribution& drain_time_;
  Distribution& outage_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_CONNECT_MIRROR_CUTOVER_H_
