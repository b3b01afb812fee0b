// Reads one partition of a changelog topic from an offset on, for as long as it is told to: the
// restore of a task's state, or a standby replica that follows.
//
// One fetch is under way at a time, at the partition's leader. A broker that dies, another leader
// and a log that is cut are followed as consumers do it; what retention has deleted is passed over.
//
// Approximated: one session a partition; in Kafka Streams the restore consumer of a thread has one
// with each broker for all of its changelogs.
#ifndef FRESHET_MODELS_PROCESSING_CHANGELOG_READER_H_
#define FRESHET_MODELS_PROCESSING_CHANGELOG_READER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "models/log/log_service.h"
#include "models/network/network.h"
#include "sim/component.h"

namespace freshet {

class ChangelogReader : public Component {
 public:
  // Offsets that have arrived, and their bytes.
  using Arrived = Completion<const FetchedRange&>;

  // REQUIRES: all outlive it, and it outlives the run.
  ChangelogReader(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                  HostId host, PartitionId partition, Isolation isolation, Arrived arrived);

  // REQUIRES: it does not read.
  void Start(Offset from);
  void Stop();
  bool reads() const { return reads_; }
  Offset next() const { return next_; }
  // Up to where there is something to read now.
  Offset End() const { return log_->LatestOffset(partition_, isolation_); }

 private:
  FetchSession* SessionAt(BrokerId broker);
  void Open();
  void Close();
  void OpenLater();
  void Answered(BrokerId broker);

  Network* const network_;
  LogService* const log_;
  const HostId host_;
  const PartitionId partition_;
  const Isolation isolation_;
  Arrived arrived_;
  std::vector<std::unique_ptr<FetchSession>> sessions_;  // By broker.
  BrokerId at_ = kNoBroker;
  bool reads_ = false;
  Offset next_ = 0;
  uint32_t life_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_CHANGELOG_READER_H_
