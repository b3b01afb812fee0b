#include "models/processing/channel.h"

#include <algorithm>

namespace freshet {
namespace {

// What a barrier or a watermark weighs on the wire.
constexpr Bytes kEventSize(64);

}  // namespace

Channel::Channel(Simulation& sim, const ChannelConfig& config, Network* network, ChannelEnd* sender,
                 OutputPool* pool, ChannelEnd* receiver, InputGate* gate, ComponentId job,
                 ComponentId receiver_id)
    : sim_(sim),
      config_(config),
      exclusive_(config.buffer * config.buffers_per_channel),
      network_(network),
      sender_(sender),
      pool_(pool),
      receiver_(receiver),
      gate_(gate),
      job_(job),
      receiver_id_(receiver_id) {}

void Channel::Open(HostId from, HostId to) {
  Close();
  if (from == to) {
    connection_ = nullptr;
  } else if (connection_ == nullptr || from != from_ || to != to_) {
    connection_ = network_->Connect(from, to);
  }
  from_ = from;
  to_ = to;
}

void Channel::Close() {
  ++life_;
  if (connection_ != nullptr) connection_->Reset();
  if (flush_pending_) sim_.Cancel(flush_);
  flush_pending_ = false;
  CountWaiting(Bytes(0) - waiting_);
  Hold(Bytes(0) - held_);
  out_.clear();
  travelling_.clear();
  in_.clear();
  flushed_ = 0;
  open_ = Bytes(0);
  records_ = 0;
  copies_ = nullptr;
  copied_for_ = 0;
  blocked = false;
  idle = false;
  watermark = Time::FromNanos(INT64_MIN);
}

void Channel::CountWaiting(Bytes change) {
  const bool was_over = waiting_ >= pool_->channel_limit;
  waiting_ += change;
  pool_->used += change;
  pool_->over_full += (waiting_ >= pool_->channel_limit) - was_over;
}

void Channel::Hold(Bytes change) {
  const auto floating = [&] { return std::max(Bytes(0), held_ - exclusive_); };
  gate_->floating_used -= floating();
  held_ += change;
  gate_->floating_used += floating();
}

bool Channel::HasCredit() const {
  return held_ < exclusive_ || gate_->floating_used < gate_->floating;
}

void Channel::Put(const Element& element) {
  if (element.kind == Element::Kind::kBarrier && element.unaligned) {
    // Before all that waits, which is part of the sender's state.
    out_.push_front(element);
    ++flushed_;
    SendWaiting();
    return;
  }
  if (element.kind == Element::Kind::kWatermark && out_.size() > flushed_ &&
      out_.back().kind == Element::Kind::kWatermark) {
    out_.back() = element;  // The later one says all.
    return;
  }
  out_.push_back(element);
  CountWaiting(element.size());
  open_ += element.size();
  if (element.kind == Element::Kind::kRecords) records_ += element.records.record_count();
  if (element.kind == Element::Kind::kBarrier || open_ >= config_.buffer ||
      config_.flush_interval == Duration::Zero()) {
    Flush();
  } else {
    FlushLater();
  }
}

void Channel::FlushLater() {
  if (flush_pending_) return;
  flush_pending_ = true;
  const int64_t interval = config_.flush_interval.nanos();
  const Time next = Time::FromNanos((sim_.Now().nanos() / interval + 1) * interval);
  flush_ = sim_.At<"channel.flush">(next, job_, [this] {
    flush_pending_ = false;
    Flush();
  });
}

void Channel::Flush() {
  flushed_ = out_.size();
  open_ = Bytes(0);
  SendWaiting();
}

void Channel::SendWaiting() {
  if (sending_) return;
  sending_ = true;
  const bool had_room = pool_->HasRoom();
  while (flushed_ > 0) {
    const Bytes size = out_.front().size();
    if (size > Bytes(0) && !HasCredit()) break;
    Element element = out_.pop_front();
    --flushed_;
    CountWaiting(Bytes(0) - size);
    Hold(size);
    if (element.kind == Element::Kind::kRecords) {
      // Either its buffer had to fill, or the receiver had no credit.
      const Time end = element.records.trail.End();
      const bool timer = sim_.Now() - end <= config_.flush_interval;
      element.records.trail.AddWait(std::max(end, sim_.Now()), Milestone::kProcessed,
                                    timer ? WaitFor::kTimer : WaitFor::kBackPressure, job_,
                                    timer ? 0 : receiver_id_);
    }
    if (connection_ == nullptr) {
      Arrive(element);
      continue;
    }
    travelling_.push_back(element);
    connection_->Send(std::max(size, kEventSize), TrafficCause::kControl, [this, life = life_] {
      if (life == life_) Arrive(travelling_.pop_front());
    });
  }
  sending_ = false;
  if (!had_room && pool_->HasRoom()) sender_->Wake();
}

void Channel::Arrive(const Element& element) {
  in_.push_back(element);
  Element& arrived = in_.back();
  if (arrived.kind == Element::Kind::kRecords) {
    arrived.records.trail.AddService(std::max(arrived.records.trail.End(), sim_.Now()),
                                     Milestone::kProcessed, network_->component_id());
    if (copies_ != nullptr) copies_->push_back(arrived.records);
  } else if (arrived.kind == Element::Kind::kBarrier && arrived.unaligned) {
    if (copied_for_ == arrived.checkpoint) copies_ = nullptr;
    if (on_barrier_) on_barrier_(arrived.checkpoint);
  }
  receiver_->Wake();
}

Element Channel::Take() {
  Element element = in_.pop_front();
  if (element.kind == Element::Kind::kRecords) {
    records_ -= element.records.record_count();
    Hold(Bytes(0) - element.size());
    // A credit more, for this channel or for another one of the gate.
    if (flushed_ > 0) SendWaiting();
    for (Channel* other : gate_->channels) {
      if (other != this && other->flushed_ > 0 && other->HasCredit()) other->SendWaiting();
    }
  }
  return element;
}

void Channel::CopyWaiting(std::vector<RecordRange>* records) const {
  for (size_t i = 0; i < out_.size(); ++i) {
    if (out_[i].kind == Element::Kind::kRecords) records->push_back(out_[i].records);
  }
}

bool Channel::CopyArrived(CheckpointId checkpoint, std::vector<RecordRange>* records) {
  for (size_t i = 0; i < in_.size(); ++i) {
    const Element& element = in_[i];
    if (element.kind == Element::Kind::kBarrier && element.checkpoint == checkpoint) return true;
    if (element.kind == Element::Kind::kRecords) records->push_back(element.records);
  }
  copies_ = records;
  copied_for_ = checkpoint;
  return false;
}

void Channel::PutBack(const RecordRange& records) {
  Element element;
  element.records = records;
  records_ += records.record_count();
  Hold(element.size());
  in_.push_back(element);
}

}  // namespace freshet
