#include "models/processing/changelog_reader.h"

#include <algorithm>

namespace freshet {
namespace {

// KSRC, ConsumerConfig: fetch.max.bytes, max.partition.fetch.bytes, fetch.max.wait.ms,
// retry.backoff.ms. The restore consumer has the client's defaults.
constexpr Bytes kFetchMaxBytes = MiB(50);
constexpr Bytes kMaxPartitionFetchBytes = MiB(1);
constexpr Duration kFetchMaxWait = Milliseconds(500);
constexpr Duration kRetryBackoff = Milliseconds(100);

}  // namespace

ChangelogReader::ChangelogReader(Simulation& sim, absl::string_view name, Network* network,
                                 LogService* log, HostId host, PartitionId partition,
                                 Isolation isolation, Arrived arrived)
    : Component(sim, name),
      network_(network),
      log_(log),
      host_(host),
      partition_(partition),
      isolation_(isolation),
      arrived_(arrived) {
  sessions_.resize(static_cast<size_t>(log->broker_count()));
  log->OnBrokerChange([this](BrokerId broker) {
    if (!reads_ || broker != at_ || log_->IsUp(broker)) return;
    Close();
    OpenLater();
  });
  log->OnTruncate([this](PartitionId cut) {
    if (!reads_ || cut != partition_) return;
    next_ = std::min(next_, log_->LogOf(cut).high_watermark());
    Close();
    OpenLater();
  });
}

FetchSession* ChangelogReader::SessionAt(BrokerId broker) {
  std::unique_ptr<FetchSession>& session = sessions_[static_cast<size_t>(broker)];
  if (session == nullptr) {
    session = std::make_unique<FetchSession>();
    session->request_on = network_->Connect(host_, log_->HostOf(broker));
    session->reply_on = network_->Connect(log_->HostOf(broker), host_);
    session->max_wait = kFetchMaxWait;
    session->max_bytes = kFetchMaxBytes;
    session->max_partition_bytes = kMaxPartitionFetchBytes;
    session->isolation = isolation_;
    session->on_response = [this, broker] { Answered(broker); };
  }
  return session.get();
}

void ChangelogReader::Start(Offset from) {
  SIM_REQUIRE(!reads_);
  reads_ = true;
  next_ = from;
  Open();
}

void ChangelogReader::Stop() {
  if (!reads_) return;
  reads_ = false;
  Close();
}

void ChangelogReader::Open() {
  const BrokerId leader = log_->CurrentMetadata(host_)->leader[partition_];
  if (leader == kNoBroker || !log_->IsUp(leader)) {
    OpenLater();
    return;
  }
  at_ = leader;
  const PartitionLog& log = log_->LogOf(partition_);
  next_ = std::clamp(next_, log.log_start_offset(), log.log_end_offset());
  FetchSession* const session = SessionAt(leader);
  session->positions = {{partition_, next_}};
  log_->OpenSession(session, leader);
  log_->Fetch(session, leader);
}

void ChangelogReader::Close() {
  ++life_;
  if (at_ == kNoBroker) return;
  FetchSession* const session = SessionAt(at_);
  if (session->open) log_->CloseSession(session, at_);
  at_ = kNoBroker;
}

void ChangelogReader::OpenLater() {
  After<"changelog.open_again">(kRetryBackoff, [this, life = life_] {
    if (life == life_ && reads_ && at_ == kNoBroker) Open();
  });
}

void ChangelogReader::Answered(BrokerId broker) {
  if (!reads_ || broker != at_) return;
  FetchSession* const session = SessionAt(broker);
  const uint32_t life = life_;
  for (const FetchedRange& range : session->response) {
    next_ = range.to;
    arrived_(range);
    if (life != life_) return;
  }
  if (session->failed) {
    Close();
    OpenLater();
    return;
  }
  for (const uint32_t index : session->out_of_range) {
    next_ = log_->EarliestOffset(partition_);
    log_->Seek(session, index, next_);
  }
  if (session->throttle > Duration::Zero()) {
    After<"changelog.throttled">(session->throttle, [this, broker, life] {
      if (life == life_) log_->Fetch(SessionAt(broker), broker);
    });
    return;
  }
  log_->Fetch(session, broker);
}

}  // namespace freshet
