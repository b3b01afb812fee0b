#include "models/sink/server_sink.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace freshet {
namespace {

// Ours: what a request and an answer take beside records. They skip the cards.
constexpr Bytes kRequestBytes(200);
constexpr Bytes kAnswerBytes(100);

Station::Config WorkersOf(const ServerSink::Config& config) {
  Station::Config workers;
  workers.workers = config.workers;
  workers.room =
      config.queue > INT64_MAX - config.workers ? INT64_MAX : config.queue + config.workers;
  return workers;
}

}  // namespace

ServerSink::ServerSink(Simulation& sim, absl::string_view name, Network* network,
                       const Config& config)
    : MeteredSink(sim, name),
      config_(config),
      network_(network),
      host_(network->AddHost(absl::StrCat(name, "/server"), config.zone, config.network_bandwidth)),
      workers_(sim, absl::StrCat(name, "/workers"), WorkersOf(config)),
      write_time_(AddDistribution(kWriteTime)) {}

Sink::WriterId ServerSink::AddWriter(absl::string_view /*name*/, HostId host) {
  for (int i = 0; i < 2; ++i) {
    lines_.push_back({host, network_->Connect(host, host_), network_->Connect(host_, host)});
  }
  return static_cast<WriterId>(lines_.size() / 2) - 1;
}

size_t ServerSink::LineOf(WriterId writer) const {
  if (writer != kCoordinator) return static_cast<size_t>(writer) * 2;
  for (size_t line = 1; line < lines_.size(); line += 2) {
    if (!network_->down(lines_[line].host)) return line;
  }
  return 1;
}

void ServerSink::WriteAll(WriterId writer, const std::vector<RecordRange>& records,
                          Completion<bool> done) {
  Send(Verb::kWrite, writer, 0, records, done);
}

void ServerSink::Prepare(WriterId writer, Epoch epoch, Completion<bool> done) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional);
  Send(Verb::kPrepare, writer, epoch, {}, done);
}

void ServerSink::Commit(Epoch epoch, Completion<bool> done) {
  SIM_REQUIRE(promise() == SinkPromise::kTransactional && !lines_.empty());
  Send(Verb::kCommit, kCoordinator, epoch, {}, done);
}

void ServerSink::Rollback(Epoch /*epoch*/) {}

void ServerSink::Send(Verb verb, WriterId writer, Epoch epoch,
                      const std::vector<RecordRange>& records, Completion<bool> done) {
  const RequestKey key = next_key_++;
  auto request = std::make_unique<Request>();
  request->verb = verb;
  request->writer = writer;
  request->line = LineOf(writer);
  request->epoch = epoch;
  request->records = records;
  request->done = done;
  request->asked_at = Now();
  request->timeout =
      After<"sink.request_timeout">(config_.request_timeout, [this, key] { TimedOut(key); });
  requests_.emplace(key, std::move(request));
  Bytes size = kRequestBytes;
  for (const RecordRange& range : records) size += range.bytes;
  lines_[LineOf(writer)].request_on->Send(size, TrafficCause::kControl,
                                          [this, key] { Arrived(key); });
}

Duration ServerSink::TimeFor(const Request& request) const {
  int64_t records = 0;
  Bytes bytes;
  for (const RecordRange& range : request.records) {
    records += range.record_count();
    bytes += range.bytes;
  }
  const int64_t requests = std::max<int64_t>(1, MulDivCeil(records, 1, config_.most_records));
  return config_.time_per_request * requests + config_.time_per_record * records +
         Nanoseconds(MulDivFloor(config_.time_per_mib.nanos(), bytes.count(), MiB(1).count()));
}

void ServerSink::Arrived(RequestKey key) {
  const auto entry = requests_.find(key);
  if (entry == requests_.end() || down_) return;
  Request& request = *entry->second;
  request.at_server = true;
  const bool taken = workers_.Serve(TimeFor(request), [this, key] {
    const Request* served = Find(key);
    if (served != nullptr) Execute(key, *served);
  });
  if (taken) return;
  ++refused_;
  Answer(key, false);
}

const ServerSink::Request* ServerSink::Find(RequestKey key) const {
  const auto entry = requests_.find(key);
  return entry == requests_.end() || !entry->second->at_server ? nullptr : entry->second.get();
}

void ServerSink::ExplainOrphan(const Request& request) {
  if (request.awaited) return;
  for (const RecordRange& range : request.records) {
    ledger().Explain(range, request.orphan ? EffectCause::kZombie : EffectCause::kRetry);
  }
}

void ServerSink::Answer(RequestKey key, bool ok) {
  Request& request = *requests_.at(key);
  request.at_server = false;
  if (!request.awaited) {
    requests_.erase(key);
    return;
  }
  lines_[request.line].reply_on->Send(kAnswerBytes, TrafficCause::kControl,
                                      [this, key, ok] { Answered(key, ok); });
}

void ServerSink::Answered(RequestKey key, bool ok) {
  const auto entry = requests_.find(key);
  if (entry == requests_.end()) return;
  const std::unique_ptr<Request> request = std::move(entry->second);
  requests_.erase(entry);
  sim().Cancel(request->timeout);
  if (request->verb == Verb::kWrite) {
    WriteEnded(ok);
    if (ok) write_time_.Record(Now() - request->asked_at);
  }
  request->done(ok);
}

void ServerSink::TimedOut(RequestKey key) {
  const auto entry = requests_.find(key);
  Request& request = *entry->second;
  Completion<bool> done = request.done;
  if (request.verb == Verb::kWrite) {
    WriteEnded(false);
    for (const RecordRange& range : request.records) {
      ledger().Explain(range, EffectCause::kRetry);
    }
  }
  request.awaited = false;
  GivenUp(key, request);
  // On its way it is lost with the connection, and so is an answer that is.
  if (!request.at_server) requests_.erase(entry);
  done(false);
}

void ServerSink::Reset(WriterId writer) {
  Line& line = lines_[LineOf(writer)];
  line.request_on->Reset();
  line.reply_on->Reset();
  for (auto entry = requests_.begin(); entry != requests_.end();) {
    Request& request = *entry->second;
    if (request.writer != writer) {
      ++entry;
      continue;
    }
    if (request.awaited) sim().Cancel(request.timeout);
    request.awaited = false;
    request.orphan = true;
    GivenUp(entry->first, request);
    entry = request.at_server ? std::next(entry) : requests_.erase(entry);
  }
  ledger().ExplainAll(EffectCause::kRestart);
  WriterGone(writer);
}

void ServerSink::SetDown(bool down) {
  if (down_ == down) return;
  down_ = down;
  network_->SetDown(host_, down);
  if (!down) return;
  workers_.DropAll();
  for (auto entry = requests_.begin(); entry != requests_.end();) {
    // Who waits for one hears nothing, until its time is over.
    entry->second->at_server = false;
    entry = entry->second->awaited ? std::next(entry) : requests_.erase(entry);
  }
  Crashed();
}

int64_t ServerSink::WorkTouched() const {
  return MeteredSink::WorkTouched() + refused_ + static_cast<int64_t>(requests_.size()) +
         workers_.offered() + (down_ ? 1 : 0);
}

}  // namespace freshet
