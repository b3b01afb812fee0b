// Bytes of n records at once, from the law of the size of one.
//
// Up to 16 records are drawn one by one, exactly. More are drawn as one lognormal variate with the
// exact mean and variance of the sum (Fenton and Wilkinson): it tends to the normal law as n grows,
// like the sum itself, is never negative, and for skewed sizes lies nearer to the sum than the
// normal law does. The largest of very skewed lognormal sizes, four to eight records of a batch,
// are drawn on their own: one of them can outweigh the others together. docs/models/workload.md has
// the errors.
#ifndef FRESHET_MODELS_WORKLOAD_SIZES_H_
#define FRESHET_MODELS_WORKLOAD_SIZES_H_

#include <cstdint>
#include <vector>

#include "sim/random.h"
#include "sim/sampler.h"
#include "sim/units.h"

namespace freshet {

class EventSizes {
 public:
  // REQUIRES: size > 0.
  static EventSizes Constant(Bytes size);
  static EventSizes Uniform(Bytes low, Bytes high);
  static EventSizes Lognormal(Bytes median, double sigma);
  // Any law with its standard deviation in bytes. REQUIRES: a finite mean > 0, 0 <= sd, finite.
  static EventSizes FromLaw(Sampler law, double sd);

  // The same records in another format: sizes times `factor`, and `header` bytes more each.
  EventSizes Scaled(Ratio factor, Bytes header) const;

  // Total of `count` records: at least 1 byte each, 0 for none.
  Bytes DrawTotal(int64_t count, RandomStream& stream) const;
  // Of one record, in bytes.
  double Mean() const { return mean_ * factor_.ToDouble() + static_cast<double>(header_.count()); }

 private:
  EventSizes(Sampler law, double mean, double sd);

  // Sizes above the quantile 1 - tail_share are the tail, the others the body.
  struct Split {
    double tail_share;
    double body_mean;
    double body_cv2;
  };

  Bytes DrawUnscaled(int64_t count, RandomStream& stream) const;
  // Bytes of the tail's part of `count` records; sets `count` to the number of the others.
  double DrawTail(const Split& split, int64_t& count, RandomStream& stream) const;

  Sampler law_;
  double mean_;
  double cv2_;        // Squared coefficient of variation of one size.
  int64_t constant_;  // 0: not constant.
  // For skewed lognormal sizes: splits_[k] serves batches of 2^k records and more.
  std::vector<Split> splits_;
  double median_ = 0;
  double sigma_ = 0;
  Ratio factor_ = Ratio::One();
  Bytes header_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_WORKLOAD_SIZES_H_
