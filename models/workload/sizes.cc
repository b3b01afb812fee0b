#include "models/workload/sizes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sim/check.h"
#include "sim/math.h"

namespace freshet {
namespace {

constexpr int64_t kDrawnOneByOne = 16;

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
  return EventSizes(Sampler::Lognormal(middle, sigma), mean, mean * std::sqrt(cv2));
}

EventSizes EventSizes::FromLaw(Sampler law, double sd) {
  const double mean = law.Mean();
  return EventSizes(std::move(law), mean, sd);
}

Bytes EventSizes::DrawTotal(int64_t count, RandomStream& stream) const {
  SIM_REQUIRE(count >= 0);
  if (constant_ > 0) return Bytes(constant_) * count;
  if (count <= kDrawnOneByOne) {
    Bytes total;
    for (int64_t i = 0; i < count; ++i) total += std::max(Bytes(1), law_.DrawBytes(stream));
    return total;
  }
  const auto records = static_cast<double>(count);
  const double variance_of_log = Log1p(cv2_ / records);
  const double normal = DrawNormal(stream);
  const double total =
      records * mean_ * Exp(std::sqrt(variance_of_log) * normal - variance_of_log / 2);
  return Bytes(std::max(count, RoundToInt64(total)));
}

}  // namespace freshet
