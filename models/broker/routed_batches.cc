// Batches of BrokerCluster that a broker took which does not lead their partition: where they end.
#include "models/broker/broker_cluster.h"

namespace freshet {

void BrokerCluster::AppendRouted(RequestIndex index, uint32_t batch_index, BrokerId leader) {
  ProduceRequest& request = requests_[index];
  Batch& batch = request.batches[batch_index];
  Partition& partition = partitions_[batch.partition];
  const Offset end_before = partition.log.log_end_offset();
  const ProduceError error = AppendBatch(request, batch, leader);
  if (error != ProduceError::kNone) {
    RefuseRouted(index, batch_index, error);
    return;
  }
  const Offset end = partition.log.log_end_offset();
  request.end_offsets[batch_index] = end;
  // Whoever passes batches on holds no handler thread for them.
  if (end > end_before) Store(batch.partition, batch, leader, Callback());
  if (AwaitsCommit(request.acks) && partition.log.high_watermark() < end) {
    AwaitAck(partition, end, index);
  }
  AfterRequest(batch.partition, batch.bytes);
  if (--request.waiting_for_acks == 0) Complete(index, leader);
}

void BrokerCluster::RefuseRouted(RequestIndex index, uint32_t batch, ProduceError error) {
  ProduceRequest& request = requests_[index];
  request.errors[batch] = error;
  if (request.acks == Acks::kNone) lost_acked_.Add(request.batches[batch].record_count);
  if (--request.waiting_for_acks == 0) Respond(index);
}

void BrokerCluster::ForgetRouted(RequestIndex index) {
  if (--requests_[index].waiting_for_acks == 0) FreeRequest(index);
}

}  // namespace freshet
