#include "models/client/producers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "models/client/producer.h"
#include "sim/math.h"

namespace freshet {
namespace {

// How many records of the mean size a batch of batch.size bytes holds.
int64_t RecordsPerBatch(const Producers::Config& config) {
  const double record =
      config.event_size.Mean() + static_cast<double>(Producers::kRecordOverhead.count());
  const double stored = record * config.compression_ratio.ToDouble();
  const double room = static_cast<double>((config.batch_size - Producers::kBatchOverhead).count());
  return std::max<int64_t>(1, FloorToInt64(room / stored));
}

}  // namespace

Producers::Producers(Simulation& sim, absl::string_view name, Network* network, LogService* log,
                     const Config& config)
    : Component(sim, name),
      config_(config),
      log_(log),
      network_(network),
      client_id_(log->AddClient(*this, QuotaType::kProduce)),
      partitions_(log->PartitionsOf(config.topic)),
      records_per_batch_(RecordsPerBatch(config)),
      latency_(AddDistribution(kLatency)),
      batch_wait_(AddDistribution(kBatchWait)),
      batch_records_(AddDistribution(kBatchRecords)),
      requests_(AddCounter(kRequests)),
      taken_(AddCounter(kTaken)),
      acked_(AddCounter(kAcked)),
      bytes_acked_(AddCounter(kBytesAcked)),
      failed_(AddCounter(kFailed)),
      refused_(AddCounter(kRefused)),
      retries_(AddCounter(kRetries)),
      buffered_(AddGauge(kBuffered)),
      blocked_(AddGauge(kBlocked)) {
  if (config.transactions) {
    SIM_REQUIRE(config.acks == Acks::kAll && config.idempotent && config.batches_per_parcel == 1);
    committed_ = &AddCounter(kCommitted);
    aborted_ = &AddCounter(kAborted);
    aborted_records_ = &AddCounter(kAbortedRecords);
    commit_time_ = &AddDistribution(kCommitTime);
  }
  if (config.schema) {
    unserialized_ = &AddCounter(kUnserialized);
    without_schema_ = &AddGauge(kWithoutSchema);
    rolled_back_ = &AddCounter(kRolledBack);
  }
  if (config.poison_share > Ratio()) poison_ = &AddCounter(kPoison);
  if (!config.offline.empty()) offline_ = &AddCounter(kOffline);
  if (config.keys.kind != KeyDistribution::Kind::kNone) {
    log->profiles().AddKeys(partitions_.first, partitions_.count, config.keys);
  }
  for (size_t i = 0; i < config.client_zones.size(); ++i) {
    const HostId host = network->AddHost(absl::StrCat(name, "/client-", i + 1),
                                         config.client_zones[i], config.network_bandwidth);
    hosts_.push_back(host);
    clients_.push_back(std::make_unique<Producer>(this, static_cast<int>(i), host));
  }
  log->OnBrokerChange([this](BrokerId broker) {
    for (const auto& client : clients_) client->BrokerChanged(broker);
  });
  for (const auto& client : clients_) {
    log->OnMetadataRefresh([raw = client.get()] { raw->RefreshMetadata(); });
  }
  sim.AddAudit([this] { Audit(); });
}

Producers::~Producers() = default;

void Producers::Start() {
  for (const auto& client : clients_) client->Start();
}

void Producers::SetClientHung(int client, bool hung) {
  clients_[static_cast<size_t>(client)]->SetHung(hung);
}

void Producers::SetClientDown(int client, bool down) {
  clients_[static_cast<size_t>(client)]->SetDown(down);
}

int64_t Producers::WorkOf(int client) const {
  return clients_[static_cast<size_t>(client)]->work();
}

void Producers::Audit() const {
  SIM_CHECK(taken_.Value() == acked_.Value() + failed_.Value() + held_records_, "inv.I9",
            absl::StrCat("records taken ", taken_.Value(), ", acknowledged ", acked_.Value(),
                         ", failed ", failed_.Value(), ", held ", held_records_));
}

}  // namespace freshet
