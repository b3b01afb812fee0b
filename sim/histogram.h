// A mergeable histogram of non-negative integers with a stated error bound.
//
// Buckets are log-linear: values below 256 have one each; above, every power of two is cut into 128.
// A reported quantile is the midpoint of its bucket, so it differs from the exact order statistic by
// at most kRelativeError of the value (and is exact below 256). Counts are integers, so merging is
// exact, commutative and associative; count, sum, min and max are exact always.
#ifndef FRESHET_SIM_HISTOGRAM_H_
#define FRESHET_SIM_HISTOGRAM_H_

#include <cstdint>
#include <vector>

namespace freshet {

class Histogram {
 public:
  static constexpr int kSubBucketBits = 7;
  // Half a bucket's width over its smallest value: 1 / 2^8.
  static constexpr double kRelativeError = 1.0 / 256.0;

  // REQUIRES: value >= 0, weight >= 0.
  void Record(int64_t value, int64_t weight = 1);
  // `weight` values spread evenly over [low, high], both ends included: value i (from 0) is
  // low + floor(i * (high - low) / (weight - 1)); a single one lies at the middle.
  void RecordEvenly(int64_t low, int64_t high, int64_t weight);
  // The exact sum of the values that RecordEvenly() stands for.
  static __int128 EvenSum(int64_t low, int64_t high, int64_t weight);

  void Merge(const Histogram& other);

  int64_t count() const { return count_; }
  __int128 sum() const { return sum_; }
  int64_t min() const { return min_; }  // 0 when empty.
  int64_t max() const { return max_; }
  double Mean() const;
  // The value at rank ceil(numerator / denominator * count), as its bucket's midpoint clamped to
  // [min, max]: Quantile(999, 1000) is p99.9. 0 when empty.
  // REQUIRES: 0 <= numerator <= denominator.
  int64_t Quantile(int64_t numerator, int64_t denominator) const;
  // How many values are recorded in buckets wholly above `value`'s bucket.
  int64_t CountAbove(int64_t value) const;

  // For the run record: bucket index and count of each bucket in use, ascending.
  struct Filled {
    int32_t bucket;
    int64_t count;
  };
  std::vector<Filled> FilledBuckets() const;
  static int64_t LowestOf(int32_t bucket);
  static int64_t HighestOf(int32_t bucket);
  static int32_t BucketOf(int64_t value);

  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  int64_t& CellOf(int64_t value);

  std::vector<int64_t> counts_;  // Grows to the largest bucket in use.
  int64_t count_ = 0;
  __int128 sum_ = 0;
  int64_t min_ = 0;
  int64_t max_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SIM_HISTOGRAM_H_
