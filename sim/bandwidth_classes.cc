// Where transfers differ: classes with tiers, weights and caps, own caps, credits. bandwidth.cc has
// what all transfers go through, and the short ways of those that are all alike.
#include <algorithm>

#include "sim/bandwidth.h"
#include "sim/bandwidth_work.h"

namespace freshet {

using bandwidth_work::Divide;
using bandwidth_work::kByte;
using bandwidth_work::kShortestBurstNanos;
using bandwidth_work::kSlack;
using bandwidth_work::NanosFor;
using bandwidth_work::ShareOf;
using bandwidth_work::Wide;

void Bandwidth::InsertCapped(Slot slot, Group& group) {
  Transfer& transfer = transfers_[slot];
  transfer.left = kByte * transfer.size;
  transfer.share = 0;
  const auto place =
      std::upper_bound(group.capped.begin(), group.capped.end(), transfer.own_cap,
                       [this](int64_t cap, Slot other) { return cap < transfers_[other].own_cap; });
  const auto first = static_cast<size_t>(place - group.capped.begin());
  group.capped.insert(place, slot);
  for (size_t i = first; i < group.capped.size(); ++i) {
    transfers_[group.capped[i]].position = static_cast<uint32_t>(i);
  }
  CountCapped(+1);
}

void Bandwidth::AdvanceApart(int64_t span) {
  if (has_credits_) {
    credits_ += (ShareOf(credits_config_.baseline.count()) - in_use_) * span;
    credits_ = std::clamp(credits_, Wide{0}, kByte * credits_config_.capacity.count());
  }
  for (Group& group : groups_) {
    if (!group.heap.empty()) group.work += group.share * span;
    for (const Slot slot : group.capped) {
      transfers_[slot].left -= transfers_[slot].share * span;
    }
  }
}

void Bandwidth::PlanApart() {
  if (has_credits_) {
    const Wide above = ShareOf(capacity_.count()) - ShareOf(credits_config_.baseline.count());
    const Wide worth_it =
        std::min(above * kShortestBurstNanos, kByte * credits_config_.capacity.count());
    SettleAllowed();
    if (credits_ <= 0) bursting_ = false;
    if (!bursting_ && credits_ > 0 && credits_ >= worth_it) bursting_ = true;
    NoteCapacity();
  }
  Share left = all_;
  for (const std::vector<uint32_t>& tier : tiers_) PlanTier(tier, left);
  in_use_ = all_ - left;
}

void Bandwidth::SetShares(Group& group, Share share) {
  group.share = share;
  for (size_t i = group.next_capped; i < group.capped.size(); ++i) {
    transfers_[group.capped[i]].share = share;
  }
}

// Progressive filling: a common level rises, a transfer's share being level x weight, until each
// stops at its own cap, with its class at the class's cap, or when nothing is left.
void Bandwidth::PlanTier(const std::vector<uint32_t>& tier, Share& left) {
  Wide weights = 0;
  for (const uint32_t index : tier) {
    Group& group = groups_[index];
    group.taken = 0;
    group.next_capped = 0;
    group.open = static_cast<int64_t>(group.heap.size() + group.capped.size());
    weights += Wide{classes_[index].weight} * group.open;
  }
  while (weights > 0) {
    const Share level = Divide(left, weights);
    // Who stops first on the way to `level`.
    Share lowest = level;
    Group* stops = nullptr;
    bool whole_class = false;
    int64_t weight = 0;
    for (const uint32_t index : tier) {
      Group& group = groups_[index];
      if (group.open == 0) continue;
      const Class& its_class = classes_[index];
      if (group.next_capped < group.capped.size()) {
        const Share cap = ShareOf(transfers_[group.capped[group.next_capped]].own_cap);
        const Share at = Divide(cap, its_class.weight);
        if (at < lowest) {
          lowest = at;
          stops = &group;
          whole_class = false;
          weight = its_class.weight;
        }
      }
      const Share at =
          Divide(ShareOf(its_class.cap.count()) - group.taken, Wide{its_class.weight} * group.open);
      if (at < lowest) {
        lowest = at;
        stops = &group;
        whole_class = true;
        weight = its_class.weight;
      }
    }
    if (stops == nullptr) {
      for (const uint32_t index : tier) {
        Group& group = groups_[index];
        if (group.open == 0) continue;
        const Share share = level * classes_[index].weight;
        SetShares(group, share);
        left -= share * group.open;
      }
      return;
    }
    if (whole_class) {
      const auto index = static_cast<size_t>(stops - groups_.data());
      const Share share = Divide(ShareOf(classes_[index].cap.count()) - stops->taken, stops->open);
      SetShares(*stops, share);
      left -= share * stops->open;
      weights -= Wide{weight} * stops->open;
      stops->open = 0;
    } else {
      Transfer& transfer = transfers_[stops->capped[stops->next_capped++]];
      transfer.share = ShareOf(transfer.own_cap);
      stops->taken += transfer.share;
      left -= transfer.share;
      weights -= weight;
      --stops->open;
    }
  }
}

void Bandwidth::ArmApart() {
  Wide soonest = INT64_MAX;  // In nanoseconds from now.
  const auto consider = [&soonest](Wide work, Share share) {
    if (work <= kSlack) {
      soonest = 0;
    } else if (share > 0) {
      soonest = std::min(soonest, NanosFor(work - kSlack, share));
    }
  };
  if (all_ > 0) {
    for (const Group& group : groups_) {
      if (!group.heap.empty()) consider(group.heap.front().target - group.work, group.share);
      for (const Slot slot : group.capped) {
        consider(transfers_[slot].left, transfers_[slot].share);
      }
    }
    const Share baseline = ShareOf(credits_config_.baseline.count());
    if (has_credits_ && bursting_ && in_use_ > baseline) {
      const Wide dry = (credits_ + in_use_ - baseline - 1) / (in_use_ - baseline);
      if (dry < soonest) soonest = dry;
    }
  }
  ArmIn(soonest);
}

void Bandwidth::ShowCredits() {
  if (credits_metric_ != nullptr) credits_metric_->Set(CreditsLeft().count());
}

BytesPerSecond Bandwidth::SustainedCapacity() const {
  return has_credits_ ? std::min(capacity_, credits_config_.baseline) : capacity_;
}

Bytes Bandwidth::CreditsLeft() const {
  const int64_t span = Now().nanos() - advanced_to_;
  const Work credits = credits_ + (ShareOf(credits_config_.baseline.count()) - in_use_) * span;
  return Bytes(static_cast<int64_t>(
      std::clamp(credits, Wide{0}, kByte * credits_config_.capacity.count()) / kByte));
}

Bandwidth::Config BurstableBandwidth(BytesPerSecond baseline, const BandwidthBurst& burst) {
  Bandwidth::Config config;
  config.capacity = baseline;
  if (burst.credits == Bytes(0)) return config;
  SIM_REQUIRE(burst.rate >= baseline);
  config.capacity = burst.rate;
  config.has_credits = true;
  config.credits = {baseline, burst.credits, burst.initial};
  return config;
}

}  // namespace freshet
