// Where a stream job or a connector puts records, and from when on they can be seen there.
//
// One seam for all stores: whoever writes does not know which it is, only what it promises.
//
//   kPlain          a write is visible as it is taken; written again, it is there twice
//   kIdempotent     the same, but what is written again replaces itself: by key, or by offset
//   kTransactional  writes are staged; those of an epoch (a checkpoint, a commit interval) become
//                   visible together, once, when the epoch is committed
//
// A sink of a scenario counts, record by record, what is visible in it once, twice and more
// (metered_sink.h, effect_ledger.h).
#ifndef FRESHET_MODELS_SINK_SINK_H_
#define FRESHET_MODELS_SINK_SINK_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "models/log/record_range.h"
#include "models/network/network.h"
#include "sim/callback.h"
#include "sim/component.h"

namespace freshet {

class MeteredSink;

enum class SinkPromise : uint8_t { kPlain, kIdempotent, kTransactional };

class Sink : public Component {
 public:
  using Component::Component;
  using WriterId = int32_t;
  using Epoch = int64_t;

  virtual SinkPromise promise() const = 0;
  // The same, as one that counts what is visible in it and has to be told what never will be; null
  // if it does not.
  virtual MeteredSink* metered() { return nullptr; }
  // One that writes, from `host`; at most once a name.
  virtual WriterId AddWriter(absl::string_view name, HostId host) = 0;

  // `done(ok)` fires once, never re-entrantly: when the records are visible (kPlain, kIdempotent)
  // or staged and out of the writer's hands (kTransactional). Not ok: they may or may not be there;
  // who wants them there writes again. A writer may have many writes under way; they may end in any
  // order.
  virtual void Write(WriterId writer, const RecordRange& records, Completion<bool> done) = 0;
  // Ranges that go as one write: a batch of rows, a bulk request.
  virtual void WriteAll(WriterId writer, const std::vector<RecordRange>& records,
                        Completion<bool> done) {
    SIM_REQUIRE(records.size() == 1);  // More, where a kind of store does that.
    Write(writer, records.front(), done);
  }

  // --- kTransactional ---

  // All that the writer has written since its last Prepare() is of `epoch` and safe: the sink keeps
  // it whatever happens to the writer. `done(ok)` fires once, when it is. REQUIRES: no write of the
  // writer under way; epochs of a writer ascend.
  virtual void Prepare(WriterId writer, Epoch epoch, Completion<bool> done) = 0;
  // Whether a writer may write for the next epoch meanwhile. A transaction that is being prepared,
  // or files that are being closed, hold their writer up.
  virtual bool WritesWhilePreparing() const { return false; }
  // What all writers have prepared up to `epoch` becomes visible, in the order of epochs.
  // `done(ok)` fires once. Committing again what is committed is no error and changes nothing.
  virtual void Commit(Epoch epoch, Completion<bool> done) = 0;
  // Epochs are committed from where this writer runs; nobody said: from where any of them does.
  virtual void SetCommitter(WriterId /*writer*/) {}
  // A writer that another one has replaced as the committer, and that does not know it, commits the
  // epoch beside it. Where to commit twice is no error it changes nothing.
  virtual void CommitBeside(WriterId /*zombie*/, Epoch /*epoch*/) {}
  // The writer is gone: its writes under way and what it has not prepared are dropped, and no
  // `done` of it fires any more. It may write again, as the same writer.
  virtual void Reset(WriterId writer) = 0;
  // What is prepared for later epochs than `epoch` will never be committed.
  virtual void Rollback(Epoch epoch) = 0;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_SINK_H_
