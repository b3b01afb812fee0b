// Client quotas in BrokerCluster: what an answer says, and the silence that follows it.
#include <algorithm>

#include "models/broker/broker_cluster.h"

namespace freshet {

ClientId BrokerCluster::AddClient(const Component& fleet, QuotaType traffic) {
  if (quotas_ == nullptr) return kNoClient;
  return quotas_->AddClient(fleet.name(), fleet.component_id(), traffic);
}

void BrokerCluster::ThrottleProduce(RequestIndex index) {
  ProduceRequest& request = requests_[index];
  if (request.channel->client == kNoClient) return;
  std::optional<Duration> handler;
  if (request.acks != Acks::kNone) handler = request.handler_time;
  request.throttle =
      quotas_->AnswerProduce(request.channel->client, request.broker, request.bytes, handler);
  if (request.throttle > Duration::Zero()) Mute(request.channel, request.broker, request.throttle);
}

void BrokerCluster::NoteThrottle(ProduceRequest& request) {
  for (Batch& batch : request.batches) {
    batch.throttled_at_broker = request.channel->muted_until > batch.received_at;
  }
}

void BrokerCluster::Mute(ProduceChannel* channel, BrokerId broker, Duration length) {
  channel->muted_until = std::max(channel->muted_until, Now() + length);
  if (channel->muted) return;  // Its event looks again.
  channel->muted = true;
  Unmute(channel, broker, channel->generation);
}

void BrokerCluster::Unmute(ProduceChannel* channel, BrokerId broker, uint32_t generation) {
  if (generation != channel->generation) return;  // The connection has broken.
  if (Now() < channel->muted_until) {
    At<"log.channel_unmuted">(channel->muted_until, [this, channel, broker, generation] {
      Unmute(channel, broker, generation);
    });
    return;
  }
  channel->muted = false;
  TakeNext(channel, broker);
}

bool BrokerCluster::ThrottleFetch(FetchSession* session, BrokerId broker) {
  session->throttle = Duration::Zero();
  // Who leads no more says so, and the reader goes elsewhere.
  if (session->client == kNoClient || session->failed) return false;
  session->throttle =
      quotas_->AnswerFetch(session->client, broker, session->response_bytes, session->handler_time);
  if (session->throttle == Duration::Zero()) return false;
  PutBack(session);
  return true;
}

void BrokerCluster::PutBack(FetchSession* session) {
  const auto list = [session](uint32_t index) {
    FetchSession::Position& position = session->positions[index];
    if (position.listed) return;
    position.listed = true;
    session->news.push_back(index);
  };
  for (const FetchedRange& range : session->response) {
    const auto position = std::find_if(
        session->positions.begin(), session->positions.end(),
        [&](const FetchSession::Position& each) { return each.partition == range.partition; });
    position->next = range.from;
    list(static_cast<uint32_t>(position - session->positions.begin()));
  }
  for (const uint32_t index : session->out_of_range) list(index);
  session->available += session->response_bytes;
  if (!session->news.empty()) session->available = std::max(session->available, session->min_bytes);
  session->response.clear();
  session->out_of_range.clear();
  session->response_bytes = Bytes(0);
  session->answers = 1;
  session->remote = FetchSession::kNoRemote;
}

}  // namespace freshet
