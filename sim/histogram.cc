#include "sim/histogram.h"

#include <numeric>

#include "sim/floating_point.h"

#ifdef __SSE2__
#include <emmintrin.h>  // tidy: allowed, because every x86-64 has it.
#endif

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

void Histogram::Cover(int32_t bucket) {
  const int32_t page = bucket & ~(kPageBuckets - 1);
  if (counts_.empty()) first_ = page;
  if (page < first_) {
    counts_.insert(counts_.begin(), static_cast<size_t>(first_ - page), 0);
    first_ = page;
  } else {
    counts_.resize(std::max(counts_.size(), static_cast<size_t>(page - first_) + kPageBuckets));
  }
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

#ifdef __SSE2__

// What is left of a StepThrough<uint64_t, 32, uint64_t>() whose values take 31 bits at the most and
// are no longer small, two at a time.
uint64_t Histogram::StepInLanes(uint64_t value, uint64_t increment, int64_t left) {
  __m128i values =
      _mm_set_epi64x(static_cast<int64_t>(value + increment), static_cast<int64_t>(value));
  const __m128i step = _mm_set1_epi64x(static_cast<int64_t>(2 * increment));
  const __m128i before = _mm_set1_epi64x(static_cast<int64_t>(kBucketBias) + first_);
  int64_t* const cells = counts_.data();
  __m128i sums = _mm_setzero_si128();
  for (; left > 0; left -= 2) {
    const __m128d reals = _mm_cvtepi32_pd(_mm_shuffle_epi32(values, _MM_SHUFFLE(3, 1, 3, 1)));
    const __m128i buckets =
        _mm_sub_epi64(_mm_srli_epi64(_mm_castpd_si128(reals), 52 - kSubBucketBits), before);
    __m128i wholes = _mm_srli_epi64(values, 32);
    ++cells[_mm_cvtsi128_si64(buckets)];
    if (__builtin_expect(left > 1, 1)) {
      ++cells[_mm_cvtsi128_si64(_mm_unpackhi_epi64(buckets, buckets))];
    } else {
      wholes = _mm_move_epi64(wholes);  // The first of the two alone.
    }
    sums = _mm_add_epi64(sums, wholes);
    values = _mm_add_epi64(values, step);
  }
  return static_cast<uint64_t>(
      _mm_cvtsi128_si64(_mm_add_epi64(sums, _mm_unpackhi_epi64(sums, sums))));
}

#endif  // __SSE2__

// Value by value, the i-th as i times a step in fixed point. The step is rounded up by less than
// 1 / m^2, so value i by less than 1 / m, which brings no fraction of m-ths to the next integer.
// REQUIRES: the buckets of both ends are covered.
template <typename Fixed, int kFractionBits, typename Sum>
Sum Histogram::StepThrough(int64_t low, int64_t high, int64_t weight) {
  const uint64_t m = static_cast<uint64_t>(weight) - 1;
  const Fixed range = static_cast<uint64_t>(high - low);
  const Fixed increment = ((range << kFractionBits) + (m - 1)) / m;
  Fixed value = static_cast<Fixed>(low) << kFractionBits;
  int64_t* const cells = counts_.data();
  Sum sum = 0;
  int64_t left = weight;
  // Small values, and the huge ones that no double holds.
  const Fixed simple = Fixed{kPageBuckets} << kFractionBits;
  const auto step = [&](int32_t bucket, uint64_t whole) {
    ++cells[IndexOf(bucket)];
    sum += whole;
    value += increment;
    --left;
  };
  while (left > 0 && (value < simple || high >= kExactInDouble)) {
    const auto whole = static_cast<uint64_t>(value >> kFractionBits);
    step(BucketOf(static_cast<int64_t>(whole)), whole);
  }
  // All others: without a decision that depends on the value.
#ifdef __SSE2__
  if constexpr (kFractionBits == 32) return sum + StepInLanes(value, increment, left);
#endif
  while (left > 0) {
    const auto whole = static_cast<uint64_t>(value >> kFractionBits);
    step(static_cast<int32_t>(BucketByExponent(static_cast<int64_t>(whole))), whole);
  }
  return sum;
}

// The number of values up to low + y is floor(y * m / range + m / range) rounded up, that is
// floor(((y + 1) * m + range - 1) / range), for y < range; a bucket's share is the growth of that
// over its width, which is the same for all buckets of a page.
void Histogram::CountByBucket(int64_t low, int64_t high, int64_t weight) {
  const auto range = static_cast<uint64_t>(high - low);
  const uint64_t m = static_cast<uint64_t>(weight) - 1;
  const int32_t last = BucketOf(high);
  uint64_t before = 0;
  int32_t bucket = BucketOf(low);
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

__int128 Histogram::RecordEvenly(int64_t low, int64_t high, int64_t weight) {
  SIM_REQUIRE(0 <= low && low <= high && weight >= 0);
  if (weight == 0) return 0;
  if (low == high || weight == 1) {
    const int64_t middle = low + (high - low) / 2;
    Record(middle, weight);
    return static_cast<__int128>(middle) * weight;
  }
  const int32_t first = BucketOf(low);
  const int32_t last = BucketOf(high);
  Cell(first);
  Cell(last);
  __int128 sum = 0;
  if (weight > 2 * int64_t{last - first} + 32) {
    CountByBucket(low, high, weight);
    sum = EvenSum(low, high, weight);
  } else if (weight < (1 << 16) && high < (int64_t{1} << 31)) {
    // What lasts two seconds at the most, and that is nearly everything, is quickly divided.
    sum = StepThrough<uint64_t, 32, uint64_t>(low, high, weight);
  } else {
    sum = static_cast<__int128>(StepThrough<Wide, 64, Wide>(low, high, weight));
  }
  count_ += weight;
  sum_ += sum;
  min_ = std::min(min_, low);
  max_ = std::max(max_, high);
  return sum;
}

void Histogram::Merge(const Histogram& other) {
  if (&other == this) {
    Merge(Histogram(other));
    return;
  }
  if (!other.counts_.empty()) {
    Cell(other.first_);
    int64_t* last = &Cell(other.first_ + static_cast<int32_t>(other.counts_.size()) - 1);
    for (size_t i = other.counts_.size(); i-- > 0;) *last-- += other.counts_[i];
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
  for (size_t i = 0; i < counts_.size(); ++i) {
    passed += counts_[i];
    if (passed < rank) continue;
    const int32_t bucket = first_ + static_cast<int32_t>(i);
    const int64_t lowest = LowestOf(bucket);
    return std::clamp(lowest + (HighestOf(bucket) - lowest) / 2, min_, max_);
  }
  return max_;
}

int64_t Histogram::CountAbove(int64_t value) const {
  SIM_REQUIRE(value >= 0);
  const int32_t next = BucketOf(value) + 1;
  int64_t above = 0;
  for (size_t i = next > first_ ? IndexOf(next) : 0; i < counts_.size(); ++i) above += counts_[i];
  return above;
}

std::vector<Histogram::Filled> Histogram::FilledBuckets() const {
  std::vector<Filled> filled;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) filled.push_back({first_ + static_cast<int32_t>(i), counts_[i]});
  }
  return filled;
}

bool operator==(const Histogram& a, const Histogram& b) {
  return a.count_ == b.count_ && a.sum_ == b.sum_ && a.min_ == b.min_ && a.max_ == b.max_ &&
         a.FilledBuckets() == b.FilledBuckets();
}

}  // namespace freshet
