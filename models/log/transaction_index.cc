#include "models/log/transaction_index.h"

#include "absl/strings/str_cat.h"
#include "sim/check.h"

namespace freshet {

void TransactionIndex::AppendData(ProducerId producer, Offset base, Offset end, Time now,
                                  ComponentId component) {
  auto open = std::find_if(
      transactions_.begin(), transactions_.end(),
      [producer](const Transaction& each) { return each.producer == producer && !each.marker; });
  if (open == transactions_.end()) {
    Transaction added;
    added.producer = producer;
    added.first = base;
    added.since = now;
    added.component = component;
    transactions_.push_back(added);
    open = transactions_.end() - 1;
  }
  if (!open->data.empty() && open->data.back().second == base) {
    open->data.back().second = end;
  } else {
    open->data.emplace_back(base, end);
  }
}

void TransactionIndex::AppendMarker(ProducerId producer, int64_t number, Offset offset,
                                    bool commits) {
  for (Transaction& each : transactions_) {
    if (each.producer != producer || each.marker) continue;
    each.marker = offset;
    each.commits = commits;
  }
  markers_.push_back({offset, producer, number});
  ended_[producer] = number;
  withheld_.Assign(offset, offset + 1, Withheld::kMarker);
}

bool TransactionIndex::HasEnded(ProducerId producer, int64_t number) const {
  const auto last = ended_.find(producer);
  return last != ended_.end() && last->second >= number;
}

bool TransactionIndex::IsOpen(ProducerId producer) const {
  return std::any_of(
      transactions_.begin(), transactions_.end(),
      [producer](const Transaction& each) { return each.producer == producer && !each.marker; });
}

void TransactionIndex::Decide(Offset high_watermark, Time now) {
  const auto committed = std::find_if(markers_.begin(), markers_.end(), [=](const Marker& each) {
    return each.offset >= high_watermark;
  });
  if (committed == markers_.begin()) return;
  markers_.erase(markers_.begin(), committed);
  const Offset before = first_unstable_offset();
  ComponentId oldest = transactions_.empty() ? 0 : transactions_.front().component;
  const auto decided = [&](const Transaction& each) {
    if (!each.marker || *each.marker >= high_watermark) return false;
    if (!each.commits) {
      for (const auto& [from, to] : each.data) withheld_.Assign(from, to, Withheld::kAborted);
    }
    return true;
  };
  transactions_.erase(std::remove_if(transactions_.begin(), transactions_.end(), decided),
                      transactions_.end());
  const Offset after = std::min(first_unstable_offset(), high_watermark);
  if (before >= after) return;
  if (held_.size() == kMostHeld) held_.pop_front();
  held_.push_back({before, after, now, oldest});
}

void TransactionIndex::Truncate(Offset end) {
  while (!markers_.empty() && markers_.back().offset >= end) {
    const Marker& cut = markers_.back();
    ended_[cut.producer] = cut.number - 1;
    markers_.pop_back();
  }
  while (!transactions_.empty() && transactions_.back().first >= end) transactions_.pop_back();
  for (Transaction& each : transactions_) {
    if (each.marker && *each.marker >= end) each.marker.reset();
    while (!each.data.empty() && each.data.back().first >= end) each.data.pop_back();
    if (!each.data.empty()) each.data.back().second = std::min(each.data.back().second, end);
  }
  withheld_.Erase(end, INT64_MAX);
  while (!held_.empty() && held_.back().to > end) held_.pop_back();
}

void TransactionIndex::ForgetBelow(Offset offset) {
  if (offset > 0) withheld_.Erase(0, offset);
}

const TransactionIndex::Held* TransactionIndex::HolderOf(Offset offset) const {
  size_t low = 0;
  size_t high = held_.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (held_[middle].to <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < held_.size() && held_[low].from <= offset ? &held_[low] : nullptr;
}

int64_t TransactionIndex::WithheldIn(Offset from, Offset to, Isolation isolation) const {
  int64_t count = 0;
  Split(from, to, isolation, [&count](Offset low, Offset high, std::optional<Withheld> why) {
    if (why) count += high - low;
  });
  return count;
}

void TransactionIndex::Audit(Offset high_watermark, Offset log_end) const {
  Offset last = -1;
  for (const Transaction& each : transactions_) {
    SIM_CHECK(each.first > last, "inv.I8", "undecided transactions are not in order");
    last = each.first;
    SIM_CHECK(!each.data.empty() && each.data.back().second <= log_end, "inv.I7",
              "a transaction has records beyond the log end");
    SIM_CHECK(!each.marker || (*each.marker >= high_watermark && *each.marker < log_end), "inv.I8",
              absl::StrCat("a transaction whose marker is committed at ", *each.marker,
                           " is not decided"));
  }
}

}  // namespace freshet
