#include "sim/histogram.h"

#include <numeric>

#include "sim/floating_point.h"

namespace freshet {
namespace {

using Wide = unsigned __int128;

struct Division {
  uint64_t quotient;
  uint64_t remainder;
};

// REQUIRES: the quotient fits in 64 bits.
Division Divide(Wide dividend, uint64_t divisor) {
  if (dividend >> 64 == 0) {
    const auto narrow = static_cast<uint64_t>(dividend);
    return {narrow / divisor, narrow % divisor};
  }
  const auto quotient = static_cast<uint64_t>(dividend / divisor);
  return {quotient, static_cast<uint64_t>(dividend - static_cast<Wide>(quotient) * divisor)};
}

// start + floor(i * step) for i = 0, 1, 2 ..., step being a fraction, without a division in
// between.
class Ramp {
 public:
  Ramp(Division start, Division step, uint64_t divisor)
      : at_(start), step_(step), divisor_(divisor) {}
  uint64_t floor() const { return at_.quotient; }
  void Advance() {
    at_.quotient += step_.quotient;
    // Remainders are below the divisor, itself below 2^63: their sum does not overflow.
    at_.remainder += step_.remainder;
    if (at_.remainder >= divisor_) {
      at_.remainder -= divisor_;
      ++at_.quotient;
    }
  }
  void SetStep(Division step) { step_ = step; }

 private:
  Division at_;
  Division step_;
  uint64_t divisor_;
};

}  // namespace

void Histogram::AddPage(int32_t page) {
  place_[page] = static_cast<uint8_t>(counts_.size() / kPageBuckets);
  counts_.resize(counts_.size() + kPageBuckets);
}

__int128 Histogram::EvenSum(int64_t low, int64_t high, int64_t weight) {
  SIM_REQUIRE(low <= high && weight >= 0);
  if (weight == 0) return 0;
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  if (weight == 1) return __int128{low} + (range >> 1);
  // floor(i r / m) and floor((m - i) r / m) add up to r where m divides i r, and to r - 1
  // elsewhere; m divides i r for gcd(r, m) + 1 of the i in [0, m].
  const uint64_t m = static_cast<uint64_t>(weight) - 1;
  const uint64_t divisor = std::gcd(range % m, m);
  const Wide twice = static_cast<Wide>(range) * (m + 1) - m + divisor;
  return __int128{low} * weight + static_cast<__int128>(twice >> 1);
}

void Histogram::RecordEvenly(int64_t low, int64_t high, int64_t weight) {
  SIM_REQUIRE(0 <= low && low <= high && weight >= 0);
  if (weight == 0) return;
  const auto range = static_cast<uint64_t>(high - low);
  if (range == 0 || weight == 1) {
    Record(low + static_cast<int64_t>(range >> 1), weight);
    return;
  }
  const uint64_t m = static_cast<uint64_t>(weight) - 1;
  const int32_t first = BucketOf(low);
  const int32_t last = BucketOf(high);

  if (weight <= 2 * int64_t{last - first} + 32) {
    // Few values for the number of buckets: value by value, the i-th as i times a step in 64.64
    // fixed point. The step is rounded up by less than 1 / m^2, so value i by less than 1 / m,
    // which brings no fraction of m-ths to the next integer.
    const Division step = Divide(range, m);
    const uint64_t step_fraction =
        m < (1 << 16)
            ? ((step.remainder << 32) + (m - 1)) / m << 32  // The quick division suffices.
            : static_cast<uint64_t>(((static_cast<Wide>(step.remainder) << 64) + (m - 1)) / m);
    const Wide increment = (static_cast<Wide>(step.quotient) << 64) | step_fraction;
    Wide value = static_cast<Wide>(low) << 64;
    int64_t left = weight;
    while (true) {
      // All buckets of a page are of one width.
      const int32_t bucket = BucketOf(static_cast<int64_t>(value >> 64));
      const int32_t page_start = bucket & ~(kPageBuckets - 1);
      const int shift = ShiftOf(bucket);
      const auto lowest = static_cast<uint64_t>(LowestOf(page_start)) >> shift;
      int64_t* const cells = &Cell(page_start);
      if (page_start == (last & ~(kPageBuckets - 1))) {
        for (; left > 0; --left) {
          ++cells[(static_cast<uint64_t>(value >> 64) >> shift) - lowest];
          value += increment;
        }
        break;
      }
      const auto end = static_cast<uint64_t>(LowestOf(page_start + kPageBuckets));
      while (static_cast<uint64_t>(value >> 64) < end) {
        ++cells[(static_cast<uint64_t>(value >> 64) >> shift) - lowest];
        value += increment;
        --left;
      }
    }
  } else {
    // Bucket by bucket. The number of values up to low + y is floor(y * m / range + m / range)
    // rounded up, that is floor(((y + 1) * m + range - 1) / range), for y < range; a bucket's share
    // is the growth of that over its width, which is the same for all buckets of a page.
    uint64_t before = 0;
    int32_t bucket = first;
    const auto up_to = [&](int64_t highest) {
      const Wide y = static_cast<uint64_t>(highest - low);
      return Divide((y + 1) * m + (range - 1), range);
    };
    while (bucket < last) {
      // `bucket` is the first, or the first of a page.
      const int32_t page_end = std::min((bucket | (kPageBuckets - 1)) + 1, last);
      const uint64_t width = uint64_t{1} << ShiftOf(bucket);
      int64_t* cell = &Cell(bucket);
      Ramp count(up_to(HighestOf(bucket)),
                 page_end - bucket > 1 ? Divide(static_cast<Wide>(width) * m, range) : Division{},
                 range);
      for (; bucket < page_end; ++bucket) {
        *cell++ += static_cast<int64_t>(count.floor() - before);
        before = count.floor();
        count.Advance();
      }
    }
    Cell(last) += weight - static_cast<int64_t>(before);
  }
  count_ += weight;
  sum_ += EvenSum(low, high, weight);
  min_ = std::min(min_, low);
  max_ = std::max(max_, high);
}

void Histogram::Merge(const Histogram& other) {
  if (&other == this) {
    Merge(Histogram(other));
    return;
  }
  for (int32_t page = 0; page < kPages; ++page) {
    const int64_t* from = other.PageAt(page);
    if (from == nullptr) continue;
    int64_t* to = &Cell(page * kPageBuckets);
    for (int32_t i = 0; i < kPageBuckets; ++i) to[i] += from[i];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

double Histogram::Mean() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

int64_t Histogram::Quantile(int64_t numerator, int64_t denominator) const {
  SIM_REQUIRE(0 <= numerator && numerator <= denominator && denominator > 0);
  if (count_ == 0) return 0;
  const __int128 scaled = static_cast<__int128>(numerator) * count_;
  const auto rank =
      std::max<int64_t>(1, static_cast<int64_t>((scaled + denominator - 1) / denominator));
  int64_t passed = 0;
  for (int32_t page = 0; page < kPages; ++page) {
    const int64_t* cells = PageAt(page);
    if (cells == nullptr) continue;
    for (int32_t i = 0; i < kPageBuckets; ++i) {
      passed += cells[i];
      if (passed < rank) continue;
      const int32_t bucket = page * kPageBuckets + i;
      const int64_t lowest = LowestOf(bucket);
      return std::clamp(lowest + (HighestOf(bucket) - lowest) / 2, min_, max_);
    }
  }
  return max_;
}

int64_t Histogram::CountAbove(int64_t value) const {
  SIM_REQUIRE(value >= 0);
  const int32_t last = BucketOf(value);
  int64_t above = 0;
  for (int32_t page = last >> kSubBucketBits; page < kPages; ++page) {
    const int64_t* cells = PageAt(page);
    if (cells == nullptr) continue;
    for (int32_t i = std::max(last + 1 - page * kPageBuckets, 0); i < kPageBuckets; ++i) {
      above += cells[i];
    }
  }
  return above;
}

std::vector<Histogram::Filled> Histogram::FilledBuckets() const {
  std::vector<Filled> filled;
  for (int32_t page = 0; page < kPages; ++page) {
    const int64_t* cells = PageAt(page);
    if (cells == nullptr) continue;
    for (int32_t i = 0; i < kPageBuckets; ++i) {
      if (cells[i] != 0) filled.push_back({page * kPageBuckets + i, cells[i]});
    }
  }
  return filled;
}

bool operator==(const Histogram& a, const Histogram& b) {
  return a.count_ == b.count_ && a.sum_ == b.sum_ && a.min_ == b.min_ && a.max_ == b.max_ &&
         a.FilledBuckets() == b.FilledBuckets();
}

}  // namespace freshet
