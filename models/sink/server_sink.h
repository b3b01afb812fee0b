// A store behind a server, as its writers feel it: requests over the network, so many workers, an
// answer, and a time limit after which a writer does not know what has become of its write.
//
// A request that has reached the server is carried out, also when whoever sent it has given up or
// is dead: then it is told as that (inv.I16 wants a cause). A server that goes down forgets what it
// is working on; what it has acknowledged stays. What a kind of store does with records, and when
// they can be seen, it says by Execute().
//
// Faults: the server down and slow. docs/models/sink.md has the kinds, and their sources.
#ifndef FRESHET_MODELS_SINK_SERVER_SINK_H_
#define FRESHET_MODELS_SINK_SERVER_SINK_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "models/network/network.h"
#include "models/sink/metered_sink.h"
#include "sim/station.h"

namespace freshet {

class ServerSink : public MeteredSink {
 public:
  // No defaults here: assembly fills every field from the schema, where each has its source.
  struct Config {
    ZoneId zone = 0;
    BytesPerSecond network_bandwidth;
    int64_t workers = 1;        // Requests that are worked on at a time,
    int64_t queue = INT64_MAX;  // and that may wait; beyond that one is refused at once.
    Duration time_per_request;  // Of a worker.
    Duration time_per_record;
    Duration time_per_mib;
    int64_t most_records = INT64_MAX;  // In a request; a write of more costs several of them.
    Duration request_timeout;          // Of the writer.
  };

  static constexpr MetricDef kWriteTime = {
      "sink.write_time", MetricKind::kDistribution, MetricUnit::kDuration,
      "From the call of a write to its answer, of those that went well."};

  // REQUIRES: `network` outlives it.
  ServerSink(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  WriterId AddWriter(absl::string_view name, HostId host) override;
  void Write(WriterId writer, const RecordRange& records, Completion<bool> done) override {
    WriteAll(writer, {records}, done);
  }
  void WriteAll(WriterId writer, const std::vector<RecordRange>& records,
                Completion<bool> done) override;
  // Of stores without transactions.
  void Prepare(WriterId writer, Epoch epoch, Completion<bool> done) override;
  void Commit(Epoch epoch, Completion<bool> done) override;
  void Reset(WriterId writer) override;
  void Rollback(Epoch epoch) override;

  // Fault verbs down and slow, of the server.
  void SetDown(bool down);
  void SetSpeed(Ratio speed) { workers_.SetSpeed(speed); }
  int64_t WorkTouched() const override;
  bool Readable() const override { return !down_; }
  HostId host() const { return host_; }

 protected:
  enum class Verb : uint8_t { kWrite, kPrepare, kCommit };
  static constexpr WriterId kCoordinator = -1;
  struct Request {
    Verb verb;
    WriterId writer;  // kCoordinator: of none.
    size_t line;
    Epoch epoch;
    std::vector<RecordRange> records;
    Completion<bool> done;
    Time asked_at;
    EventId timeout;
    bool at_server = false;
    bool awaited = true;  // Somebody waits for the answer,
    bool orphan = false;  // or has died.
  };
  using RequestKey = uint64_t;

  // The server's workers have done with it: it takes effect, now or later, and is answered by
  // Answer(). REQUIRES: it does.
  virtual void Execute(RequestKey key, const Request& request) = 0;
  // What the server holds in memory is gone.
  virtual void Crashed() {}
  // A writer's connection broke: what is not prepared is rolled back.
  virtual void WriterGone(WriterId /*writer*/) {}
  // Whoever sent it has given it up, or is gone; it may have been executed.
  virtual void GivenUp(RequestKey /*key*/, const Request& /*request*/) {}
  void Answer(RequestKey key, bool ok);
  // Where the key is no more, the server has been down since.
  const Request* Find(RequestKey key) const;
  // Before records of it become visible.
  void ExplainOrphan(const Request& request);
  void Send(Verb verb, WriterId writer, Epoch epoch, const std::vector<RecordRange>& records,
            Completion<bool> done);
  bool down() const { return down_; }

 private:
  struct Line {
    HostId host;
    Connection* request_on;
    Connection* reply_on;
  };

  void Arrived(RequestKey key);
  void TimedOut(RequestKey key);
  void Answered(RequestKey key, bool ok);
  Duration TimeFor(const Request& request) const;
  // Commits come from the host of the first writer that is up, over a line of their own.
  size_t LineOf(WriterId writer) const;

  const Config config_;
  Network* const network_;
  const HostId host_;
  Station workers_;
  std::vector<Line> lines_;  // Two a writer: its own, and one for commits.
  absl::btree_map<RequestKey, std::unique_ptr<Request>> requests_;
  RequestKey next_key_ = 1;
  int64_t refused_ = 0;
  bool down_ = false;
  Distribution& write_time_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_SERVER_SINK_H_
