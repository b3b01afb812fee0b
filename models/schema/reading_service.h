// A service that writes what it reads to a sink, and whose processes end at what they cannot read:
// the deserializer throws out of poll(), nobody catches it, the consumer leaves its group, and the
// partition goes to the next member, which ends at the same record. Its platform starts a process
// again after a wait that doubles with each failure; one that has run for long begins anew.
//
// An operator's repair is a release: all that wait for their next start begin at once.
#ifndef FRESHET_MODELS_SCHEMA_READING_SERVICE_H_
#define FRESHET_MODELS_SCHEMA_READING_SERVICE_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/schema/reading_writer.h"

namespace freshet {

class ReadingService : public ReadingWriter {
 public:
  struct Config {
    SinkWriter::Config writer;
    int64_t max_poll_records = 500;
    Duration restart_wait;  // Before the first start after a failure.
  };

  static constexpr MetricDef kFailures = {
      "reading_service.failures", MetricKind::kCounter, MetricUnit::kCount,
      "Processes that ended at a record that they could not read."};
  static constexpr MetricDef kWaiting = {"reading_service.waiting_members", MetricKind::kGauge,
                                         MetricUnit::kCount,
                                         "Members that have failed and are not started again yet."};

  ReadingService(Simulation& sim, absl::string_view name, MeteredSink* sink, const Config& config,
                 std::unique_ptr<ReadPolicy> policy, std::unique_ptr<DeadLetterTopic> dead_letters);

  // The hosts of members, whose producers send dead letters.
  void AddSenders(const std::vector<HostId>& hosts);
  void StartFailedNow();

  void DropPoll(int member) override;
  void MemberDied(int member) override;
  void MemberClosed(int member) override;

 private:
  struct Process {
    uint32_t life = 0;
    bool failing = false;
    bool waiting = false;  // It has failed and closed, or does.
    bool closed = false;
    int64_t failures = 0;
    Time started;
  };

  Process& ProcessOf(int member);
  void CannotRead(int member) override;
  void Start(int member);

  const Config config_;
  const std::unique_ptr<DeadLetterTopic> dead_letters_;
  const std::unique_ptr<ReadPolicy> owned_policy_;
  const Backoff restart_;
  std::vector<Process> processes_;  // By member, grown as they come.
  Counter& failures_;
  Gauge& waiting_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SCHEMA_READING_SERVICE_H_
