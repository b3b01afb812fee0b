// How a StreamJob goes on with another parallelism: it stops with a savepoint, hands each new
// subtask the keys that are its own now, and starts from there.
#include <algorithm>
#include <utility>

#include "models/processing/stream_job.h"
#include "sim/check.h"

namespace freshet {
namespace {

// A subtask's part of all keys, in parts so small that both the former and the new ones have whole
// numbers of them.
struct Keys {
  int64_t first, last;
};
Keys KeysOf(int index, int64_t width) { return {index * width, (index + 1) * width}; }

}  // namespace

void StreamJob::Rescale(int parallelism, Completion<bool> done) {
  SIM_REQUIRE(parallelism > 0 && coordinator_ != nullptr && !rescaling_);
  rescaling_ = Rescaling{parallelism, done};
  // One that does not run does it when it starts again.
  if (status_ == Status::kRunning && all_alive_) coordinator_->TriggerSavepoint();
}

void StreamJob::EndRescale(bool ok) {
  Completion<bool> done = rescaling_->done;
  rescaling_.reset();
  if (ok) rescales_->Add(1);
  done(ok);
}

void StreamJob::StopForRescale() {
  rescaling_->stopped = true;
  failed_at_ = Now();
  for (const auto& source : sources_) source->consumers->StopReading();
  Halt();
  std::vector<int> before;
  for (size_t v = 0; v < vertices_.size(); ++v) {
    before.push_back(vertices_[v]->parallelism());
    const VertexConfig& config = config_.vertices[v];
    if (config.scales())
      vertices_[v]->SetParallelism(std::min(rescaling_->parallelism, config.most));
  }
  Redistribute(before);
  for (const Edge& edge : edges_) {
    const int receivers = vertices_[static_cast<size_t>(edge.config.to)]->parallelism();
    const int senders = config_.vertices[static_cast<size_t>(edge.config.from)].subtasks();
    for (int i = 0; i < senders; ++i) {
      subtask(edge.config.from, i).SetReceivers(edge.output, edge.config, receivers);
    }
  }
  Deploy();
}

void StreamJob::Redistribute(const std::vector<int>& before) {
  const Checkpoint& from = *coordinator_->latest();
  auto states = from.states;
  auto files = from.files;
  for (size_t v = 0; v < vertices_.size(); ++v) {
    const int now = vertices_[v]->parallelism();
    if (now == before[v]) continue;
    const int first = first_[v];
    std::vector<Made> made;
    for (int r = 0; r < config_.vertices[v].subtasks(); ++r) {
      const auto slot = static_cast<size_t>(first + r);
      files[slot].clear();
      Subtask& receiver = *subtasks_[slot];
      if (r >= now) {
        receiver.Rest();
        states[slot] = receiver.snapshot();
        continue;
      }
      made.push_back({std::make_shared<SubtaskState>(), {}});
      SubtaskState& state = *made.back().state;
      state.taken.assign(from.states[static_cast<size_t>(first)]->taken.size(), 0);
      const Keys own = KeysOf(r, before[v]);
      std::vector<std::pair<const SubtaskState*, Operator::Slice>> parts;
      for (int s = 0; s < before[v]; ++s) {
        const Keys old = KeysOf(s, now);
        const int64_t low = std::max(own.first, old.first);
        const int64_t high = std::min(own.last, old.last);
        if (low >= high) continue;
        const auto there = static_cast<size_t>(first + s);
        parts.push_back({from.states[there].get(),
                         {nullptr, low - old.first, high - old.first, old.last - old.first}});
        // Where several have a part in a file, each reads all of it.
        for (const CheckpointFile& file : from.files[there]) files[slot].push_back(file);
      }
      const size_t operators = from.states[static_cast<size_t>(first)]->operators.size();
      for (size_t at = 0; at < operators; ++at) {
        std::vector<Operator::Slice> slices;
        for (const auto& [state_of, slice] : parts) {
          slices.push_back(slice);
          slices.back().state = state_of->operators[at].get();
        }
        made.back().operators.push_back(receiver.operator_at(at).Gather(slices));
      }
      states[slot] = made.back().state;
    }
    Recount(from, first, before[v], &made);
  }
  coordinator_->Redistribute(std::move(states), std::move(files));
}

void StreamJob::Recount(const Checkpoint& from, int first, int before, std::vector<Made>* made) {
  // What was counted is the first one's now, but for what the others hold.
  std::vector<RecordCounts> sums;
  SubtaskState& one = *made->front().state;
  for (int s = 0; s < before; ++s) {
    const SubtaskState& old = *from.states[static_cast<size_t>(first + s)];
    sums.resize(old.operators.size());
    for (size_t at = 0; at < sums.size(); ++at) {
      const RecordCounts& counts = old.operators[at]->counts;
      sums[at].in += counts.in;
      sums[at].out += counts.out;
      sums[at].filtered += counts.filtered;
      sums[at].late += counts.late;
    }
    one.emitted += old.emitted;
    one.late += old.late;
    for (size_t i = 0; i < one.taken.size(); ++i) one.taken[i] += old.taken[i];
  }
  for (size_t r = made->size(); r-- > 0;) {
    SubtaskState& state = *(*made)[r].state;
    const auto& operators = (*made)[r].operators;
    int64_t behind = 0;
    for (size_t at = sums.size(); at-- > 0;) {
      RecordCounts& counts = operators[at]->counts;
      if (r == 0) {
        counts = {sums[at].in, sums[at].out, sums[at].filtered, sums[at].late, counts.buffered};
        SIM_CHECK(counts.Conserved(), "inv.I17", "a rescale has lost records of a state");
        continue;
      }
      counts.out = behind;
      behind += counts.buffered;
      counts.in = behind;
      sums[at].out -= counts.out;
      sums[at].in -= counts.in;
    }
    state.operators.assign(operators.begin(), operators.end());
    if (r == 0 || state.taken.empty()) continue;
    state.taken[0] = behind;
    one.taken[0] -= behind;
  }
}

}  // namespace freshet
