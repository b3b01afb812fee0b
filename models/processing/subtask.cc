#include "models/processing/subtask.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/processing/lookup.h"
#include "models/processing/record_split.h"
#include "sim/check.h"
#include "sim/hash.h"

namespace freshet {
namespace {

// A table that is broadcast is on the heap with every backend, and has no access time.
OperatorConfig WithStateAccess(OperatorConfig config, Duration access_time) {
  if (config.kind == OperatorKind::kWindow || config.kind == OperatorKind::kDeduplicate) {
    config.cpu_per_record += access_time;
  }
  return config;
}

}  // namespace

Subtask::Subtask(Simulation& sim, const JobConfig& config, Vertex* vertex, int vertex_number,
                 int index, const RecordProfiles* profiles, Owner* owner)
    : sim_(sim),
      config_(config),
      vertex_(vertex),
      vertex_number_(vertex_number),
      index_(index),
      profiles_(profiles),
      owner_(owner),
      since_(sim.Now()) {
  for (size_t at = 0; at < vertex->config().chain.size(); ++at) {
    chain_.push_back(Operator::Make(
        WithStateAccess(vertex->config().chain[at], config.state_access_time), this, at));
  }
}

size_t Subtask::AddOutput(const EdgeConfig& edge) {
  auto output = std::make_unique<Output>();
  output->by = edge.by;
  output->late = edge.late;
  output->purpose = MixHash(Fnv1a64(vertex_->config().name), static_cast<uint64_t>(edge.to));
  output->pool.channel_limit = config_.channels.buffer * config_.channels.most_buffers_waiting;
  outputs_.push_back(std::move(output));
  SetReceivers(outputs_.size() - 1, edge,
               config_.vertices[static_cast<size_t>(edge.to)].parallelism);
  return outputs_.size() - 1;
}

void Subtask::SetReceivers(size_t number, const EdgeConfig& edge, int receivers) {
  Output& output = *outputs_[number];
  if (edge.by == Partitioning::kHash) {
    std::vector<int64_t> weights = edge.weights;
    if (weights.empty()) weights.assign(static_cast<size_t>(receivers), 1);
    output.bounds = BoundsOf(weights);
  }
  output.in_use = edge.by == Partitioning::kForward ? 1 : static_cast<size_t>(receivers);
  output.next = 0;
  const ChannelConfig& buffers = config_.channels;
  output.pool.limit =
      buffers.buffer * (static_cast<int64_t>(output.in_use) * buffers.buffers_per_channel +
                        buffers.floating_buffers);
}

size_t Subtask::AddInput(const EdgeConfig& edge) {
  inputs_.push_back(std::make_unique<InputGate>());
  inputs_.back()->changes = edge.by == Partitioning::kBroadcast;
  inputs_.back()->floating = config_.channels.buffer * config_.channels.floating_buffers;
  taken_.push_back(0);
  return inputs_.size() - 1;
}

void Subtask::AddChannelOut(size_t output, Channel* channel) {
  outputs_[output]->channels.push_back(channel);
}

void Subtask::AddChannelIn(size_t input, Channel* channel) {
  inputs_[input]->channels.push_back(channel);
  channels_.emplace_back(channel, input);
  channel->OnBarrier([this](CheckpointId checkpoint) { BarrierArrived(checkpoint); });
}

Duration Subtask::TimeIn(Activity activity) const {
  Duration time = time_in_[static_cast<size_t>(activity)];
  if (activity == activity_) time += sim_.Now() - since_;
  return time;
}

void Subtask::Show(Activity activity) {
  if (activity == activity_) return;
  time_in_[static_cast<size_t>(activity_)] += sim_.Now() - since_;
  since_ = sim_.Now();
  vertex_->activity[static_cast<size_t>(activity_)]->Add(-1);
  vertex_->activity[static_cast<size_t>(activity)]->Add(1);
  activity_ = activity;
}

void Subtask::Wake() {
  if (activity_ == Activity::kStopped) return;
  again_ = true;
  if (in_loop_) return;
  in_loop_ = true;
  while (again_) {
    again_ = false;
    Loop();
  }
  in_loop_ = false;
}

void Subtask::Loop() {
  while (activity_ != Activity::kStopped) {
    if (serving_) return Show(Activity::kBusy);
    if (urgent_ != 0) {
      // A sink lets its writes end first.
      if (SinkIsBusy()) return Show(Activity::kBackPressured);
      TakeSnapshot(std::exchange(urgent_, 0), true);
      continue;
    }
    if (!Drain()) return Show(Activity::kBackPressured);
    if (barrier_due_ != 0) {
      if (SinkIsBusy()) return Show(Activity::kBackPressured);
      TakeSnapshot(std::exchange(barrier_due_, 0), false);
      continue;
    }
    if ((halt_after_ != 0 && passed_ >= halt_after_) || !TakeNext()) return Show(Activity::kIdle);
  }
}

bool Subtask::HasRoom(const Outgoing& unsent) const {
  if (IsSink() && !unsent.late && unsent.element.kind == Element::Kind::kRecords) {
    return (!preparing_ || last().sink->WritesWhilePreparing()) &&
           WritesUnderWay() < last().most_writes;
  }
  return std::all_of(outputs_.begin(), outputs_.end(), [&](const auto& output) {
    return (unsent.element.kind == Element::Kind::kRecords && output->late != unsent.late) ||
           output->pool.HasRoom();
  });
}

bool Subtask::Drain() {
  while (!unsent_.empty()) {
    if (!HasRoom(unsent_.front())) return false;
    Outgoing unsent = unsent_.pop_front();
    Send(unsent);
    if (activity_ == Activity::kStopped) return false;
  }
  return true;
}

void Subtask::Send(const Outgoing& unsent) {
  if (unsent.element.kind != Element::Kind::kRecords) {
    for (const auto& output : outputs_) {
      for (size_t i = 0; i < output->in_use; ++i) output->channels[i]->Put(unsent.element);
    }
    return;
  }
  RecordRange records = unsent.element.records;
  records.trail.AddWait(std::max(records.trail.End(), sim_.Now()), Milestone::kProcessed,
                        WaitFor::kBackPressure, Job(), Part());
  if (!unsent.late) vertex_->records_out.Add(records.record_count());
  if (IsSink() && !unsent.late) {
    Write(writes_.Add({records}));
    return;
  }
  for (const auto& output : outputs_) {
    if (output->late == unsent.late) Route(output.get(), records);
  }
}

void Subtask::Route(Output* output, const RecordRange& records) {
  Element element;
  const size_t channels = output->in_use;
  if (output->by == Partitioning::kBroadcast) {
    element.records = records;
    for (size_t i = 0; i < channels; ++i) output->channels[i]->Put(element);
    return;
  }
  if (output->by != Partitioning::kHash || channels == 1) {
    element.records = records;
    output->channels[output->next]->Put(element);
    output->next = (output->next + 1) % channels;
    return;
  }
  for (size_t i = 0; i < channels; ++i) {
    element.records = TakeShare(records, output->bounds[i], output->bounds[i + 1],
                                output->bounds.back(), output->purpose);
    if (element.records.record_count() == 0) continue;
    element.records.split =
        records.split * static_cast<int32_t>(channels) + static_cast<int32_t>(i);
    output->channels[i]->Put(element);
  }
}

void Subtask::Write(uint32_t write) {
  last().sink->Write(writer_, writes_[write].records, [this, write, life = life_](bool ok) {
    if (life == life_) WriteEnded(write, ok);
  });
}

void Subtask::WriteEnded(uint32_t write, bool ok) {
  if (!ok) {
    if (writes_[write].retries >= last().most_retries) {
      owner_->WriteFailed();
      return;
    }
    vertex_->retries->Add(1);
    sim_.At<"sink.write_again">(sim_.Now() + last().retry_delay * writes_[write].retries++, Part(),
                                [this, write, life = life_] {
                                  if (life == life_) Write(write);
                                });
    return;
  }
  owner_->Written(writes_.Take(write).records);
  Wake();
}

bool Subtask::TakeNext() { return IsSource() ? TakeFromPolls() : TakeFromChannels(); }

bool Subtask::TakeFromChannels() {
  for (size_t tried = 0; tried < channels_.size(); ++tried) {
    auto [channel, input] = channels_[next_channel_];
    next_channel_ = (next_channel_ + 1) % channels_.size();
    if (channel->blocked || !channel->HasElement()) continue;
    Element element = channel->Take();
    switch (element.kind) {
      case Element::Kind::kBarrier:
        TakeBarrier(channel, element);
        break;
      case Element::Kind::kWatermark:
        channel->idle = element.idle;
        if (!element.idle) channel->watermark = std::max(channel->watermark, element.watermark);
        CombineWatermarks();
        break;
      case Element::Kind::kRecords:
        taken_[input] += element.records.record_count();
        element.records.trail.AddWait(std::max(element.records.trail.End(), sim_.Now()),
                                      Milestone::kProcessed, WaitFor::kQueue, Job(), Part());
        Work(element.records, inputs_[input]->changes);
        break;
    }
    return true;
  }
  return false;
}

void Subtask::Work(const RecordRange& records, bool changes) {
  vertex_->records_in.Add(records.record_count());
  cost_ = Duration::Zero();
  cost_ += changes ? chain_[0]->TakeChanges(records) : chain_[0]->Take(records);
  if (!StateFits()) return RunOutOfMemory();
  Serve(cost_);
}

bool Subtask::StateFits() {
  if (!config_.state_memory) return true;
  const Bytes now = StateSize();
  host_->HoldState(now - held_state_);
  held_state_ = now;
  return host_->held_state() <= *config_.state_memory;
}

void Subtask::RunOutOfMemory() {
  serving_ = true;  // For good: nothing of this record leaves, and nothing follows it.
  owner_->OutOfMemory(host_);
}

void Subtask::Serve(Duration cost) {
  if (cost == Duration::Zero() && questions_.empty()) return Served();
  serving_ = true;
  if (cost == Duration::Zero()) return AskNext();
  host_->cpu().Serve(cost, [this, life = life_] {
    if (life == life_) AskNext();
  });
}

void Subtask::Ask(LookupService* service, int64_t questions, int64_t at_a_time) {
  if (questions > 0) questions_.push_back({service, questions, at_a_time});
}

void Subtask::AskNext() {
  // The lookups of a chain one after the other.
  while (!questions_.empty() && questions_.front().left == 0 && asked_ == 0) {
    questions_.pop_front();
  }
  if (questions_.empty()) {
    Served();
    return Wake();
  }
  Questions& now = questions_.front();
  while (now.left > 0 && asked_ < now.at_a_time) {
    --now.left;
    ++asked_;
    now.service->Ask([this, life = life_] {
      if (life != life_) return;
      --asked_;
      AskNext();
    });
  }
}

void Subtask::Served() {
  serving_ = false;
  for (size_t i = 0; i < unsent_.size(); ++i) {
    Element& element = unsent_[i].element;
    if (element.kind != Element::Kind::kRecords) continue;
    element.records.trail.AddService(std::max(element.records.trail.End(), sim_.Now()),
                                     Milestone::kProcessed, Job());
  }
}

void Subtask::Emit(size_t at, const RecordRange& records) {
  if (at + 1 < chain_.size()) {
    cost_ += chain_[at + 1]->Take(records);
    return;
  }
  emitted_ += records.record_count();
  Outgoing unsent;
  unsent.element.records = records;
  unsent_.push_back(std::move(unsent));
}

void Subtask::CountResult(const Result& result) {
  vertex_->windows->Add(result.windows);
  vertex_->rows->Add(result.rows);
  vertex_->in_time->Add(result.in_time);
  vertex_->updates->Add(result.updates);
}

void Subtask::Filtered(const RecordSpan& records) {
  vertex_->filtered.Add(records.record_count());
  owner_->Settled(vertex_number_, records, SourceEffects::How::kFiltered);
}

void Subtask::EmitLate(size_t /*at*/, const RecordRange& records) {
  vertex_->late.Add(records.record_count());
  late_ += records.record_count();
  owner_->Settled(vertex_number_, records, SourceEffects::How::kLateDropped);
  const bool wanted = std::any_of(outputs_.begin(), outputs_.end(),
                                  [](const auto& output) { return output->late; });
  if (!wanted) return;
  Outgoing unsent;
  unsent.element.records = records;
  unsent.late = true;
  unsent_.push_back(std::move(unsent));
}

void Subtask::CombineWatermarks() {
  Time least = Time::Max();
  bool all_idle = true;
  for (const auto& [channel, input] : channels_) {
    if (channel->idle || !channel->in_use) continue;
    all_idle = false;
    least = std::min(least, channel->watermark);
  }
  if (all_idle) return AdvanceTo(watermark_, true);
  // An input that is heard of again may be behind: then the watermark stands.
  if (least > watermark_ || idle_sent_) AdvanceTo(std::max(least, watermark_), false);
}

void Subtask::AdvanceTo(Time watermark, bool idle) {
  SIM_CHECK(watermark >= watermark_, "inv.I18", "a watermark has gone back");
  if (idle && idle_sent_) return;
  idle_sent_ = idle;
  cost_ = Duration::Zero();
  if (watermark > watermark_) {
    watermark_ = watermark;
    for (const auto& each : chain_) cost_ += each->AdvanceTo(watermark);
    if (!StateFits()) return RunOutOfMemory();
  }
  Outgoing unsent;
  unsent.element.kind = Element::Kind::kWatermark;
  unsent.element.watermark = watermark_;
  unsent.element.idle = idle;
  if (!outputs_.empty()) unsent_.push_back(std::move(unsent));
  Serve(cost_);
}

int64_t Subtask::Unsent(bool late) const {
  int64_t records = 0;
  for (size_t i = 0; i < unsent_.size(); ++i) {
    if (unsent_[i].element.kind == Element::Kind::kRecords && unsent_[i].late == late) {
      records += unsent_[i].element.records.record_count();
    }
  }
  return records;
}

Bytes Subtask::StateSize() const {
  Bytes size;
  for (const auto& each : chain_) size += each->StateSize();
  return size;
}

void Subtask::Audit() const {
  int64_t taken = 0;
  for (const int64_t each : taken_) taken += each;
  const RecordCounts& first = chain_.front()->counts();
  SIM_CHECK(IsSource() || taken == first.in, "inv.I9",
            absl::StrCat(vertex_->name(), ": taken ", taken, ", processed ", first.in));
  for (size_t at = 0; at + 1 < chain_.size(); ++at) {
    SIM_CHECK(chain_[at]->counts().out == chain_[at + 1]->counts().in, "inv.I9",
              absl::StrCat(vertex_->name(), ": records are lost inside a chain"));
  }
  SIM_CHECK(chain_.back()->counts().out == emitted_, "inv.I9",
            absl::StrCat(vertex_->name(), ": records are lost behind a chain"));
  Duration all;
  for (int i = 0; i < 4; ++i) all += TimeIn(static_cast<Activity>(i));
  SIM_CHECK(all == sim_.Now().SinceStart(), "inv.I6",
            absl::StrCat(vertex_->name(), ": idle, busy and the rest do not sum to the run"));
}

}  // namespace freshet
