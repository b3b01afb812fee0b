// What transactions make of the offsets of one partition: which of them are not decided yet, which
// hold records of aborted ones, and which hold markers.
//
// A transaction is open in the partition from its producer's first batch on. Its marker ends it;
// readers may know when the high watermark has passed the marker, since an election may cut it off
// before. The first offset of the oldest one that is not decided for them is the first unstable
// offset: readers with read_committed stop there, whatever follows.
//
// Kafka keeps the first in its producer state and the second in the transaction index of each
// segment; a reader filters by producer. Here offsets are remembered as intervals, since old ranges
// of the log lose their producer. Memory: the intervals that the log still has; beyond kMostKept
// those that every reader has passed are forgotten, and whoever goes back there is given them.
#ifndef FRESHET_MODELS_LOG_TRANSACTION_INDEX_H_
#define FRESHET_MODELS_LOG_TRANSACTION_INDEX_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/log/batch.h"
#include "models/log/segments.h"
#include "sim/interval_map.h"
#include "sim/ring.h"
#include "sim/time.h"

namespace freshet {

enum class Isolation : uint8_t { kReadUncommitted, kReadCommitted };

class TransactionIndex {
 public:
  static constexpr size_t kMostKept = 65'536;
  // Why a reader is not given an offset: nobody is given markers, read_committed no aborted record.
  enum class Withheld : uint8_t { kMarker, kAborted };
  struct Transaction {
    ProducerId producer = 0;
    Offset first = 0;
    Time since;  // Its first batch here.
    ComponentId component = 0;
    std::vector<std::pair<Offset, Offset>> data;  // Half-open; those that touch are one.
    std::optional<Offset> marker;                 // Not committed yet.
    bool commits = false;
  };
  // Offsets [from, to) that were committed, and withheld from read_committed by a transaction of
  // `component` until `until`.
  struct Held {
    Offset from;
    Offset to;
    Time until;
    ComponentId component;
  };

  // Batches as they are appended: offsets [base, end), or a marker of one offset. `number`: of the
  // producer's transactions, ascending.
  void AppendData(ProducerId producer, Offset base, Offset end, Time now, ComponentId component);
  void AppendMarker(ProducerId producer, int64_t number, Offset offset, bool commits);
  // The marker of that transaction, or of a later one of its producer, is here.
  bool HasEnded(ProducerId producer, int64_t number) const;
  // Whether the producer has a transaction here that no marker has ended.
  bool IsOpen(ProducerId producer) const;
  // The high watermark is at `high_watermark` from now on: markers below it hold.
  void Decide(Offset high_watermark, Time now);
  // The log ends at `end`: what is above was cut off, markers too.
  void Truncate(Offset end);
  void ForgetBelow(Offset offset);
  bool IsLarge() const { return withheld_.size() > kMostKept; }

  // INT64_MAX when all is decided.
  Offset first_unstable_offset() const {
    return transactions_.empty() ? INT64_MAX : transactions_.front().first;
  }
  // Those that are not decided, by first offset.
  const std::vector<Transaction>& transactions() const { return transactions_; }
  // Who held back the record at `offset`, if the last few thousand who did are among them.
  const Held* HolderOf(Offset offset) const;

  // Calls visit(a, b, std::optional<Withheld>) for [from, to) part by part: without a value, that
  // is given to readers of this isolation.
  template <class Visit>
  void Split(Offset from, Offset to, Isolation isolation, Visit&& visit) const;
  // How many of [from, to) readers are not given.
  int64_t WithheldIn(Offset from, Offset to, Isolation isolation) const;

  void Audit(Offset high_watermark, Offset log_end) const;

 private:
  static constexpr size_t kMostHeld = 4096;
  struct Marker {  // Above the high watermark.
    Offset offset;
    ProducerId producer;
    int64_t number;
  };

  std::vector<Transaction> transactions_;
  std::vector<Marker> markers_;  // By offset.
  absl::btree_map<ProducerId, int64_t> ended_;
  IntervalMap<Withheld> withheld_;
  Ring<Held> held_;  // Ascending.
};

template <class Visit>
void TransactionIndex::Split(Offset from, Offset to, Isolation isolation, Visit&& visit) const {
  Offset at = from;
  for (auto each = withheld_.LowerBound(from); each != withheld_.end() && (*each).low < to;
       ++each) {
    const Withheld why = (*each).value;
    if (why == Withheld::kAborted && isolation == Isolation::kReadUncommitted) continue;
    const Offset low = std::max<Offset>((*each).low, from);
    const Offset high = std::min<Offset>((*each).high, to);
    if (at < low) visit(at, low, std::optional<Withheld>());
    visit(low, high, std::optional<Withheld>(why));
    at = high;
  }
  if (at < to) visit(at, to, std::optional<Withheld>());
}

}  // namespace freshet

#endif  // FRESHET_MODELS_LOG_TRANSACTION_INDEX_H_
