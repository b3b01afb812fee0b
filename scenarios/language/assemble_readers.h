// Readers with a policy for what they cannot read, and those who repair them.
#ifndef FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_READERS_H_
#define FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_READERS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/connect/connect_cluster.h"
#include "models/connect/dead_letter_topic.h"
#include "models/control/operations.h"
#include "models/processing/job_config.h"
#include "models/schema/read_policy.h"
#include "models/schema/reading_service.h"
#include "scenarios/language/assemble_job.h"
#include "scenarios/language/scenario.pb.h"
#include "sim/simulation.h"

namespace freshet {

struct Pipeline;

// By the name of its component: what a repair works on. Those that are not there are null.
struct Reader {
  ReadPolicy* policy = nullptr;
  ReadingService* service = nullptr;
  ConnectCluster* connect = nullptr;
  // Of the source of a stream job.
  std::unique_ptr<ReadPolicy> own_policy;
  std::unique_ptr<DeadLetterTopic> own_dead_letters;
};

// What an operation does to one of them, when its time comes.
struct ReaderRepair {
  Reader* reader = nullptr;
  std::optional<int32_t> version;
  std::optional<OnUnreadable> on_unreadable;
  bool redrive = false;

  void Do() const;
};

// Without its dead-letter store.
ReadPolicy::Config ReadPolicyOf(const v1::Reading& text, const std::string& topic,
                                const Pipeline& pipeline);

// The writer of consumers with reading; its members are not known yet.
std::unique_ptr<ReadingService> BuildReadingService(const std::string& name,
                                                    const v1::Consumers& text,
                                                    const SinkWriter::Config& writer,
                                                    Simulation& sim, Pipeline* pipeline);
// Of one source of a job, whose hosts are not known yet.
Reader* BuildJobReader(const std::string& name, const std::string& topic, const v1::Reading& text,
                       Simulation& sim, Pipeline* pipeline);

// That source's vertex of the job has it, and what is read wrong shows in the job's sinks.
void SetReaderOf(const std::string& source, const Reader& reader,
                 const std::vector<OperatorEnds>& ends, JobConfig* config);

void SetRepair(const v1::RepairReader& text, Pipeline* pipeline, OperationPlan* plan);

}  // namespace freshet

#endif  // FRESHET_SCENARIOS_LANGUAGE_ASSEMBLE_READERS_H_
