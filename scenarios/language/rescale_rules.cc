#include "scenarios/language/rescale_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "scenarios/language/job_rules.h"
#include "scenarios/language/suggest.h"

namespace freshet {

using v1::Component;
using v1::Operation;
using v1::Scenario;
using v1::StreamJob;
using v1::StreamOperator;
namespace {

void CheckRescale(const Scenario& scenario, const Operation::Rescale& text, const Places& here,
                  Findings* findings) {
  const Component* component = FindComponent(scenario, text.job());
  if (component == nullptr) return;  // Told elsewhere.
  if (!component->has_stream_job()) {
    findings->Error(here.In("job").place,
                    absl::StrCat(Quoted(text.job()),
                                 " has no parallelism; name a component of kind stream_job"));
    return;
  }
  const StreamJob& job = component->stream_job();
  const auto refuse = [&](const std::string& why) {
    findings->Error(here.In("job").place, absl::StrCat("job ", Quoted(text.job()), " ", why));
  };
  if (!job.has_checkpoints()) {
    refuse("takes no checkpoints, so no savepoint either; add checkpoints { interval: ... }");
  } else if (job.checkpoints().unaligned()) {
    refuse("has unaligned checkpoints, and a savepoint is aligned; remove unaligned");
  }
  const int64_t slots = int64_t{job.task_managers()} * job.slots();
  if (job.task_managers() > 0 && slots < text.parallelism()) {
    findings->Error(here.In("parallelism").place,
                    absl::StrCat("job ", Quoted(text.job()), " has ", slots,
                                 " slots; add task managers or slots, or lower parallelism"));
  }
  const std::vector<bool> scales = ScalingSteps(job);
  if (std::find(scales.begin(), scales.end(), true) == scales.end()) {
    refuse(
        "has no operator that scales: those that read topics, share a task with one, or state "
        "their parallelism do not; set by_key: true on another, or remove its parallelism");
  }
  for (int i = 0; i < job.step_size(); ++i) {
    const StreamOperator& step = job.step(i);
    if (!scales[static_cast<size_t>(i)]) continue;
    if (step.has_broadcast() || !step.hot_share().empty()) {
      refuse(
          absl::StrCat("cannot scale operator ", Quoted(step.name()),
                       step.has_broadcast() ? ", which keeps a table" : ", which has a hot_share",
                       "; state its parallelism"));
    }
  }
}

}  // namespace

void CheckRescales(const Scenario& scenario, const Places& places, Findings* findings) {
  for (int i = 0; i < scenario.operation_size(); ++i) {
    if (!scenario.operation(i).has_rescale()) continue;
    CheckRescale(scenario, scenario.operation(i).rescale(), places.In("operation", i).In("rescale"),
                 findings);
  }
}

int MostParallelism(const Scenario& scenario, const std::string& job) {
  uint32_t most = 0;
  for (const Operation& operation : scenario.operation()) {
    if (operation.rescale().job() == job) most = std::max(most, operation.rescale().parallelism());
  }
  return static_cast<int>(most);
}

std::vector<bool> ScalingSteps(const StreamJob& job) {
  std::vector<int> readers(static_cast<size_t>(job.step_size()));
  for (int i = 0; i < job.step_size(); ++i) {
    for (const int input : InputsOf(job, i)) ++readers[static_cast<size_t>(input)];
  }
  std::vector<bool> scales;
  std::vector<bool> with_source;
  for (int i = 0; i < job.step_size(); ++i) {
    const StreamOperator& step = job.step(i);
    const std::vector<int> inputs = InputsOf(job, i);
    const bool shares = inputs.size() == 1 && !step.by_key() &&
                        readers[static_cast<size_t>(inputs[0])] == 1 &&
                        with_source[static_cast<size_t>(inputs[0])] &&
                        ParallelismOf(job, step) == ParallelismOf(job, job.step(inputs[0]));
    with_source.push_back(step.has_source() || shares);
    scales.push_back(!with_source.back() && !step.has_parallelism());
  }
  return scales;
}

}  // namespace freshet
