// What BrokerCluster does for transactions: which batches a partition takes, and how far its
// readers with read_committed may go.
#include <algorithm>

#include "models/broker/broker_cluster.h"

namespace freshet {

ProduceError BrokerCluster::CheckTransactional(Partition& partition, const Batch& batch,
                                               bool* duplicate) {
  const TransactionIndex* transactions = partition.log.transactions();
  if (partition.producers.size() <= batch.producer) partition.producers.resize(batch.producer + 1);
  ProducerState& state = partition.producers[batch.producer];
  if (IsMarker(batch.kind)) {
    // A coordinator that has not heard of the first one writes it again.
    *duplicate = transactions != nullptr && transactions->HasEnded(batch.producer, batch.sequence);
    // A marker of a higher epoch fences what its producer has sent before.
    if (batch.producer_epoch > state.epoch) state = {batch.producer_epoch, 0};
    return ProduceError::kNone;
  }
  if (batch.producer_epoch < state.epoch) return ProduceError::kFenced;
  const bool repeats = batch.producer_epoch == state.epoch && batch.sequence < state.next_sequence;
  const bool begins = transactions == nullptr || !transactions->IsOpen(batch.producer);
  if (!repeats && begins && verifier_ != nullptr) {
    const ProduceError unfit =
        verifier_->Judge(batch.producer, batch.producer_epoch, batch.partition);
    if (unfit != ProduceError::kNone) return unfit;
  }
  return CheckSequence(partition, batch, true, duplicate);
}

Offset BrokerCluster::StableLimitOf(const FetchSession& session,
                                    const FetchSession::Position& position) const {
  const Offset stable = partitions_[position.partition].log.last_stable_offset();
  // A follower learns of the last stable offset as it does of the high watermark.
  if (position.at_follower) {
    return std::min(stable, FollowerLimit(position.partition, session.broker));
  }
  return stable;
}

}  // namespace freshet
