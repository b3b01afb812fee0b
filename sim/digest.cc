#include "sim/digest.h"

namespace freshet {

void RunDigest::AddCheckpoint() {
  checkpoints_.push_back(order_);
  if (checkpoints_.size() < kMostCheckpoints) return;
  size_t kept = 0;
  for (size_t i = 1; i < checkpoints_.size(); i += 2) checkpoints_[kept++] = checkpoints_[i];
  checkpoints_.resize(kept);
  checkpoint_mask_ = checkpoint_mask_ * 2 + 1;
}

}  // namespace freshet
