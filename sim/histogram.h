// A mergeable histogram of non-negative integers with a stated error bound.
//
// Buckets are log-linear: values below 256 have one each; above, every power of two is cut into
// 128. A reported quantile is the midpoint of its bucket, so it differs from the exact order
// statistic by at most kRelativeError of the value (and is exact below 256). Counts are integers,
// so merging is exact, commutative and associative; count, sum, min and max are exact always.
//
// Buckets are kept in pages of one power of two, each made when it is first touched: the latencies
// of one kind of request lie on a few pages of 1 KiB, wherever they are on the scale.
#ifndef FRESHET_SIM_HISTOGRAM_H_
#define FRESHET_SIM_HISTOGRAM_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "sim/check.h"

namespace freshet {

class Histogram {
 public:
  static constexpr int kSubBucketBits = 7;
  // Half a bucket's width over its smallest value: 1 / 2^8.
  static constexpr double kRelativeError = 1.0 / 256.0;

  // REQUIRES: value >= 0, weight >= 0.
  void Record(int64_t value, int64_t weight = 1) {
    SIM_REQUIRE((value | weight) >= 0);
    if (__builtin_expect(weight == 0, 0)) return;
    Cell(BucketOf(value)) += weight;
    count_ += weight;
    sum_ += static_cast<__int128>(value) * weight;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  // `weight` values spread evenly over [low, high], both ends included: value i (from 0) is
  // low + floor(i * (high - low) / (weight - 1)); a single one lies at the middle, rounded down.
  // Costs as much as the smaller of `weight` and the number of buckets in between. REQUIRES: 0 <=
  // low <= high, weight >= 0.
  // Returns their exact sum.
  __int128 RecordEvenly(int64_t low, int64_t high, int64_t weight);
  // The exact sum of the values that RecordEvenly() stands for; same requirements, but either end
  // may be negative.
  static __int128 EvenSum(int64_t low, int64_t high, int64_t weight);

  void Merge(const Histogram& other);

  int64_t count() const { return count_; }
  __int128 sum() const { return sum_; }
  int64_t min() const { return count_ == 0 ? 0 : min_; }  // 0 when empty.
  int64_t max() const { return max_; }
  double Mean() const;
  // The value at rank ceil(numerator / denominator * count), as its bucket's midpoint clamped to
  // [min, max]: Quantile(999, 1000) is p99.9. 0 when empty.
  // REQUIRES: 0 <= numerator <= denominator, denominator > 0.
  int64_t Quantile(int64_t numerator, int64_t denominator) const;
  // How many values are recorded in buckets wholly above `value`'s bucket.
  int64_t CountAbove(int64_t value) const;

  // For the run record: bucket index and count of each bucket in use, ascending.
  struct Filled {
    int32_t bucket;
    int64_t count;
    friend bool operator==(const Filled&, const Filled&) = default;
  };
  std::vector<Filled> FilledBuckets() const;
  static constexpr int64_t LowestOf(int32_t bucket) {
    const int shift = ShiftOf(bucket);
    return static_cast<int64_t>(bucket - (shift << kSubBucketBits)) << shift;
  }
  static constexpr int64_t HighestOf(int32_t bucket) {
    return LowestOf(bucket) + ((int64_t{1} << ShiftOf(bucket)) - 1);
  }
  static constexpr int32_t BucketOf(int64_t value) {
    // Below 256 the shift is 0 and the value its own bucket. Above, the value shifted down to
    // [128, 256) goes after the buckets of all smaller shifts.
    if (value < kPageBuckets) return static_cast<int32_t>(value);
    if (__builtin_expect(value < kExactInDouble, 1)) {
      return static_cast<int32_t>(BucketByExponent(value));
    }
    const int shift = std::bit_width(static_cast<uint64_t>(value)) - 1 - kSubBucketBits;
    return static_cast<int32_t>((shift << kSubBucketBits) + (value >> shift));
  }

  // Same values recorded, in whatever order and by however many.
  friend bool operator==(const Histogram& a, const Histogram& b);

 private:
  static constexpr int32_t kPageBuckets = 1 << kSubBucketBits;
  static constexpr int64_t kExactInDouble = int64_t{1} << 53;
  static constexpr uint64_t kBucketBias = uint64_t{1023 + kSubBucketBits - 1} << kSubBucketBits;

  static constexpr int ShiftOf(int32_t bucket) {
    return std::max((bucket >> kSubBucketBits) - 1, 0);
  }

  // A double has the shift as its exponent and what follows the leading bit on top of its mantissa,
  // which is the bucket but for a constant. REQUIRES: kPageBuckets <= value < kExactInDouble.
  static constexpr uint64_t BucketByExponent(int64_t value) {
    const auto bits = std::bit_cast<uint64_t>(static_cast<double>(value));
    return (bits >> (52 - kSubBucketBits)) - kBucketBias;
  }

  int64_t& Cell(int32_t bucket) {
    if (__builtin_expect(IndexOf(bucket) >= counts_.size(), 0)) Cover(bucket);
    return counts_[IndexOf(bucket)];
  }
  // Beyond any size for a bucket before the first.
  size_t IndexOf(int32_t bucket) const { return static_cast<uint32_t>(bucket - first_); }
  void Cover(int32_t bucket);
  uint64_t StepInLanes(uint64_t value, uint64_t increment, int64_t left);
  template <typename Fixed, int kFractionBits, typename Sum>
  Sum StepThrough(int64_t low, int64_t high, int64_t weight);
  void CountByBucket(int64_t low, int64_t high, int64_t weight);

  // Of consecutive buckets, whole pages of them, from first_ on.
  std::vector<int64_t> counts_;
  int32_t first_ = 0;
  int64_t count_ = 0;
  __int128 sum_ = 0;
  int64_t min_ = std::numeric_limits<int64_t>::max();
  int64_t max_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_HISTOGRAM_H_
