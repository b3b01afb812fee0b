#include "models/log/batch_writer.h"

#include <utility>

namespace freshet {

BatchWriter::BatchWriter(Network* network, LogService* log, HostId from, Idempotence idempotence)
    : network_(network), log_(log), from_(from), idempotence_(idempotence) {
  channels_.resize(static_cast<size_t>(log->broker_count()));
  log->OnBrokerChange([this](BrokerId broker) {
    if (!log_->IsUp(broker)) Break(broker);
  });
}

ProduceChannel* BatchWriter::ChannelTo(BrokerId broker) {
  std::unique_ptr<ProduceChannel>& channel = channels_[static_cast<size_t>(broker)];
  if (channel == nullptr) {
    channel = std::make_unique<ProduceChannel>();
    channel->request_on = network_->Connect(from_, log_->HostOf(broker));
    channel->reply_on = network_->Connect(log_->HostOf(broker), from_);
  }
  return channel.get();
}

void BatchWriter::Send(BrokerId to, const std::vector<Batch>& batches, Answered answered,
                       Completion<AppendJudgement&> judge) {
  SIM_REQUIRE(log_->IsUp(to));
  const uint32_t number = next_flight_++;
  const RequestIndex index = log_->NewRequest();
  ProduceRequest& request = log_->RequestAt(index);
  request.batches = batches;
  for (const Batch& batch : batches) request.bytes += batch.bytes;
  request.partition_count = static_cast<int32_t>(batches.size());
  request.acks = Acks::kAll;
  // Who numbers transactional batches and markers can send them again.
  request.idempotent =
      idempotence_ == Idempotence::kYes || batches.front().kind != BatchKind::kPlain;
  request.on_append = judge;
  request.on_response = [this, number](ProduceRequest& answer) {
    const auto flight = flights_.find(number);
    Answered done = flight->second.answered;
    flights_.erase(flight);
    done(&answer);
  };
  flights_[number] = {to, index, answered};
  log_->SendProduce(index, to, ChannelTo(to));
}

void BatchWriter::Break(BrokerId broker) {
  if (channels_[static_cast<size_t>(broker)] == nullptr) return;
  std::vector<Answered> broken;
  for (auto each = flights_.begin(); each != flights_.end();) {
    if (each->second.to != broker) {
      ++each;
      continue;
    }
    log_->ForgetRequest(each->second.request);
    broken.push_back(each->second.answered);
    each = flights_.erase(each);
  }
  log_->ResetChannel(channels_[static_cast<size_t>(broker)].get());
  for (Answered& answered : broken) answered(nullptr);
}

void BatchWriter::Forget() {
  for (const auto& [number, flight] : flights_) log_->ForgetRequest(flight.request);
  flights_.clear();
  for (const auto& channel : channels_) {
    if (channel != nullptr) log_->ResetChannel(channel.get());
  }
}

}  // namespace freshet
