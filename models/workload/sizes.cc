#include "models/workload/sizes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "sim/check.h"
#include "sim/math.h"

namespace freshet {
namespace {

constexpr int64_t kDrawnOneByOne = 16;
// At least so many records of a skewed batch are its tail, on the average.
constexpr double kTailRecords = 4;
// Above this squared coefficient of variation a sum is skewed.
constexpr double kSkewed = 1.0 / 32;

// The sum of `count` values with this mean and squared coefficient of variation, as one variate.
double DrawSum(int64_t count, double mean, double cv2, RandomStream& stream) {
  if (count == 0) return 0;
  const auto records = static_cast<double>(count);
  const double variance_of_log = Log1p(cv2 / records);
  const double normal = DrawNormal(stream);
  return records * mean * Exp(std::sqrt(variance_of_log) * normal - variance_of_log / 2);
}

Bytes ToBytes(int64_t count, double total) {
  return Bytes(std::max(count, std::min(RoundToInt64(total), Sampler::kLargestDraw)));
}

}  // namespace

EventSizes::EventSizes(Sampler law, double mean, double sd)
    : law_(std::move(law)), mean_(mean), cv2_(sd * sd / (mean * mean)), constant_(0) {
  SIM_REQUIRE(mean > 0 && mean < std::numeric_limits<double>::infinity());
  SIM_REQUIRE(sd >= 0 && sd < std::numeric_limits<double>::infinity());
  if (law_.IsConstant()) constant_ = std::max<int64_t>(1, RoundToInt64(mean));
}

EventSizes EventSizes::Constant(Bytes size) {
  SIM_REQUIRE(size > Bytes(0));
  const auto bytes = static_cast<double>(size.count());
  return EventSizes(Sampler::Constant(bytes), bytes, 0);
}

EventSizes EventSizes::Uniform(Bytes low, Bytes high) {
  SIM_REQUIRE(Bytes(0) < low && low <= high);
  const auto from = static_cast<double>(low.count());
  const auto to = static_cast<double>(high.count());
  return EventSizes(Sampler::Uniform(from, to), (from + to) / 2, (to - from) / std::sqrt(12.0));
}

EventSizes EventSizes::Lognormal(Bytes median, double sigma) {
  SIM_REQUIRE(median > Bytes(0) && sigma >= 0);
  const auto middle = static_cast<double>(median.count());
  const double mean = middle * Exp(sigma * sigma / 2);
  const double cv2 = Exp(sigma * sigma) - 1;
  EventSizes sizes(Sampler::Lognormal(middle, sigma), mean, mean * std::sqrt(cv2));
  sizes.median_ = middle;
  sizes.sigma_ = sigma;
  double count = 1;
  while (count * kSkewed < cv2) {
    Split split = {};
    if (count > kTailRecords) {
      split.tail_share = kTailRecords / count;
      // The moments of what lies below the cut.
      const double cut = -Probit(split.tail_share);
      const double body_share = 1 - split.tail_share;
      const double below = NormalCdf(cut - sigma);
      const double below_square = NormalCdf(cut - 2 * sigma);
      split.body_mean = mean * below / body_share;
      const double square = mean * mean * (1 + cv2) * below_square / body_share;
      split.body_cv2 = std::max(0.0, square / (split.body_mean * split.body_mean) - 1);
    }
    sizes.splits_.push_back(split);
    count *= 2;
  }
  return sizes;
}

EventSizes EventSizes::FromLaw(Sampler law, double sd) {
  const double mean = law.Mean();
  return EventSizes(std::move(law), mean, sd);
}

EventSizes EventSizes::Scaled(Ratio factor, Bytes header) const {
  SIM_REQUIRE(factor > Ratio());
  EventSizes scaled = *this;
  scaled.factor_ = factor;
  scaled.header_ = header;
  return scaled;
}

Bytes EventSizes::DrawTotal(int64_t count, RandomStream& stream) const {
  const Bytes total = DrawUnscaled(count, stream);
  if (factor_ == Ratio::One() && header_ == Bytes(0)) return total;
  return std::max(Bytes(count), factor_ * total) + header_ * count;
}

Bytes EventSizes::DrawUnscaled(int64_t count, RandomStream& stream) const {
  SIM_REQUIRE(count >= 0);
  if (constant_ > 0) return Bytes(constant_) * count;
  if (count <= kDrawnOneByOne) {
    Bytes total;
    for (int64_t i = 0; i < count; ++i) total += std::max(Bytes(1), law_.DrawBytes(stream));
    return total;
  }
  const auto power = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(count)) - 1);
  if (power >= splits_.size()) {
    return ToBytes(count, DrawSum(count, mean_, cv2_, stream));
  }
  const Split& split = splits_[power];
  int64_t body = count;
  const double tail = DrawTail(split, body, stream);
  const double sum = DrawSum(body, split.body_mean, split.body_cv2, stream);
  return ToBytes(count, tail + sum);
}

double EventSizes::DrawTail(const Split& split, int64_t& count, RandomStream& stream) const {
  const int64_t tail = DrawBinomial(stream, count, split.tail_share);
  count -= tail;
  double sum = 0;
  for (int64_t i = 0; i < tail; ++i) {
    sum += median_ * Exp(-sigma_ * Probit(split.tail_share * stream.NextUniform()));
  }
  return sum;
}

}  // namespace freshet
