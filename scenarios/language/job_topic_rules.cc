#include "scenarios/language/job_topic_rules.h"

#include "absl/strings/str_cat.h"
#include "scenarios/language/amounts.h"
#include "scenarios/language/suggest.h"
#include "scenarios/language/transaction_rules.h"

namespace freshet {

using v1::Scenario;
using v1::StreamJob;
using v1::StreamTopic;
namespace {

void CheckTransactionTimeout(const Scenario& scenario, const StreamJob& job,
                             const StreamTopic& text, const Places& here, Findings* findings) {
  const Place place =
      here.In(here.Has("transaction_timeout") ? "transaction_timeout" : "delivery_guarantee").place;
  const auto timeout = AmountOf(UNIT_DURATION, text.transaction_timeout());
  const auto most = AmountOf(UNIT_DURATION, scenario.transaction_coordinator().max_timeout());
  const auto interval = AmountOf(UNIT_DURATION, job.checkpoints().interval());
  if (timeout && most && *timeout > *most) {
    findings->Error(place,
                    absl::StrCat("transaction_timeout ", text.transaction_timeout(),
                                 " is above what brokers grant, ",
                                 scenario.transaction_coordinator().max_timeout(),
                                 "; lower it, or state transaction_coordinator { max_timeout }"));
  }
  if (timeout && interval && job.has_checkpoints() && *interval >= *timeout) {
    findings->Error(place,
                    absl::StrCat("checkpoints come each ", job.checkpoints().interval(),
                                 ", and a transaction is aborted after transaction_timeout ",
                                 text.transaction_timeout(), ": none is ever committed; raise it"));
  }
}

}  // namespace

std::string TopicSinkName(const std::string& job, const v1::StreamOperator& step) {
  return absl::StrCat(job, ".", step.name());
}

void CheckJobTopic(const Scenario& scenario, const StreamJob& job, const v1::StreamOperator& step,
                   const Places& places, Findings* findings) {
  const StreamTopic& text = step.topic();
  const Places& here = places.In("topic");
  const v1::Topic* topic = FindTopic(scenario, text.name());
  if (topic != nullptr && topic->has_table_topic() && IsExactlyOnce(step)) {
    findings->Error(here.In("name").place,
                    absl::StrCat("topic ", Quoted(topic->name()),
                                 " goes into a table, which takes markers for records; write it "
                                 "AT_LEAST_ONCE, or remove table_topic"));
  }
  if (!IsExactlyOnce(step)) return;
  if (job.delivery() != StreamJob::EXACTLY_ONCE) {
    findings->Error(here.In("delivery_guarantee").place,
                    absl::StrCat("operator ", Quoted(step.name()),
                                 " commits with the checkpoints of a job that is not EXACTLY_ONCE; "
                                 "write delivery_guarantee: AT_LEAST_ONCE, or the job's delivery: "
                                 "EXACTLY_ONCE"));
  }
  if (scenario.resolution().batches_per_parcel() > 1) {
    findings->Error(here.In("delivery_guarantee").place,
                    "a parcel of several batches cannot be cut at the end of a transaction; write "
                    "batches_per_parcel: 1, or delivery_guarantee: AT_LEAST_ONCE");
  }
  CheckTransactionTimeout(scenario, job, text, here, findings);
}

}  // namespace freshet
