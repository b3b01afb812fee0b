// A channel from one subtask to another: what of a stream is under way between them, in network
// buffers, with credit-based flow control.
//
// The sender queues what it emits in the buffers of its output pool; a buffer leaves when it is
// full, or with the next round of the flusher (execution.buffer-timeout.interval). It crosses the
// network only on a credit of the receiver: the channel's exclusive buffers, and the floating ones
// that all channels of a gate share. So a receiver that does not keep up fills its own buffers,
// then its senders' pools, and then they stop: that is back-pressure, and nothing else is.
//
// Barriers and watermarks take no room. An unaligned barrier goes before all records that wait.
//
// Approximated: room is counted in bytes, so that what does not fill a buffer takes no more than
// its size; what is longer than the room that is left is taken as long as there is any. Left out:
// buffer debloating. docs/models/stream_job.md has the sources.
#ifndef FRESHET_MODELS_PROCESSING_CHANNEL_H_
#define FRESHET_MODELS_PROCESSING_CHANNEL_H_

#include <cstdint>
#include <vector>

#include "models/log/record_range.h"
#include "models/network/network.h"
#include "sim/callback.h"
#include "sim/ring.h"
#include "sim/simulation.h"

namespace freshet {

using CheckpointId = int64_t;  // From 1.

// What travels through a job.
struct Element {
  enum class Kind : uint8_t { kRecords, kWatermark, kBarrier };
  Kind kind = Kind::kRecords;
  bool idle = false;            // Of a watermark: no records are to be waited for.
  bool unaligned = false;       // Of a barrier.
  CheckpointId checkpoint = 0;  // Of a barrier.
  Time watermark;               // No record to come has an earlier event time.
  RecordRange records;

  Bytes size() const { return kind == Kind::kRecords ? records.bytes : Bytes(0); }
};

// Who sits at an end of channels. Woken when there is something to take, or room to emit.
class ChannelEnd {
 public:
  virtual ~ChannelEnd() = default;
  virtual void Wake() = 0;
};

struct ChannelConfig {
  Bytes buffer;                  // taskmanager.memory.segment-size
  int64_t buffers_per_channel;   // taskmanager.network.memory.buffers-per-channel
  int64_t floating_buffers;      // taskmanager.network.memory.floating-buffers-per-gate
  int64_t most_buffers_waiting;  // taskmanager.network.memory.max-buffers-per-channel
  Duration flush_interval;       // execution.buffer-timeout.interval
};

class Channel;

// The buffers that a subtask emits into on the channels of one edge.
struct OutputPool {
  Bytes limit;
  Bytes used;
  Bytes channel_limit;    // What may wait in one channel.
  int64_t over_full = 0;  // Channels in which that much waits.
  bool HasRoom() const { return used < limit && over_full == 0; }
};

// The floating buffers that the channels of one edge share at their receiver.
struct InputGate {
  bool changes = false;  // Of a table that all subtasks keep.
  Bytes floating;
  Bytes floating_used;
  std::vector<Channel*> channels;
};

class Channel {
 public:
  // REQUIRES: all outlive it; `gate` lists it.
  Channel(Simulation& sim, const ChannelConfig& config, Network* network, ChannelEnd* sender,
          OutputPool* pool, ChannelEnd* receiver, InputGate* gate, ComponentId job,
          ComponentId receiver_id);

  // A new attempt of the job: empty, between these two hosts.
  void Open(HostId from, HostId to);
  // The attempt is over: all that was under way is gone.
  void Close();

  // --- The sender ---

  void Put(const Element& element);

  // --- The receiver ---

  bool HasElement() const { return !in_.empty(); }
  const Element& front() const { return in_.front(); }
  // REQUIRES: HasElement().
  Element Take();
  // Held back while a barrier is waited for on other channels.
  bool blocked = false;
  // Whether both of its ends run; where a job is rescaled, some rest.
  bool in_use = true;
  // Its watermark, as far as it has come.
  Time watermark = Time::FromNanos(INT64_MIN);
  bool idle = false;

  // --- Unaligned checkpoints: records under way are part of the state ---

  // Adds the records that wait at the sender.
  void CopyWaiting(std::vector<RecordRange>* records) const;
  // Adds those at the receiver, or on their way to it, that came before the barrier of
  // `checkpoint`; true if that has arrived. Until then what arrives is added to `records`, which
  // must stay.
  bool CopyArrived(CheckpointId checkpoint, std::vector<RecordRange>* records);
  // Told when an unaligned barrier arrives, ahead of its turn.
  void OnBarrier(Completion<CheckpointId> arrived) { on_barrier_ = arrived; }
  void StopCopying() { copies_ = nullptr; }
  // Restored: they wait at the receiver, before all else.
  void PutBack(const RecordRange& records);

  int64_t records_under_way() const { return records_; }

 private:
  void Flush();
  void FlushLater();
  void SendWaiting();
  void Arrive(const Element& element);
  bool HasCredit() const;
  void Hold(Bytes change);
  void CountWaiting(Bytes change);

  Simulation& sim_;
  const ChannelConfig config_;
  const Bytes exclusive_;
  Network* const network_;
  ChannelEnd* const sender_;
  OutputPool* const pool_;
  ChannelEnd* const receiver_;
  InputGate* const gate_;
  const ComponentId job_;
  const ComponentId receiver_id_;
  Connection* connection_ = nullptr;  // Null within one host.
  HostId from_ = 0;
  HostId to_ = 0;
  uint32_t life_ = 0;
  Ring<Element> out_;
  size_t flushed_ = 0;  // The first ones, which may leave.
  Bytes open_;          // Of those that may not yet.
  Bytes waiting_;       // In `out_`.
  EventId flush_;
  bool flush_pending_ = false;
  bool sending_ = false;
  Ring<Element> travelling_;
  Ring<Element> in_;
  Bytes held_;  // Of the receiver's buffers, those travelling included.
  int64_t records_ = 0;
  std::vector<RecordRange>* copies_ = nullptr;
  CheckpointId copied_for_ = 0;
  Completion<CheckpointId> on_barrier_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_PROCESSING_CHANNEL_H_
