// A database, or a store in memory, that is written row by row or in batches over JDBC or the like.
//
// A write commits by itself: its rows are visible when the commit is durable, `commit_latency`
// after its workers have done with it. Plain rows are inserted; idempotent ones have a key and
// replace themselves. With transactions (XA) rows are written into the writer's open transaction;
// Prepare() makes it durable and safe, Commit() visible; whatever is not prepared is rolled back
// with the writer.
#ifndef FRESHET_MODELS_SINK_DATABASE_SINK_H_
#define FRESHET_MODELS_SINK_DATABASE_SINK_H_

#include <vector>

#include "absl/container/btree_map.h"
#include "models/sink/server_sink.h"
#include "sim/sampler.h"

namespace freshet {

class DatabaseSink : public ServerSink {
 public:
  struct Config : ServerSink::Config {
    SinkPromise promise = SinkPromise::kPlain;
    Sampler commit_latency;
  };

  static constexpr MetricDef kPrepared = {"sink.prepared_records", MetricKind::kGauge,
                                          MetricUnit::kCount,
                                          "Records of transactions that are prepared and neither "
                                          "committed nor rolled back."};

  DatabaseSink(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  SinkPromise promise() const override { return config_.promise; }
  void Rollback(Epoch epoch) override;

 protected:
  void Execute(RequestKey key, const Request& request) override;
  void WriterGone(WriterId writer) override { open_.erase(writer); }
  void Crashed() override { open_.clear(); }
  void GivenUp(RequestKey key, const Request& request) override;

 private:
  // Durable.
  void Apply(RequestKey key);
  void CommitUpTo(Epoch epoch);
  void ShowPrepared();

  const Config config_;
  RandomStream commit_stream_;
  struct Statement {
    RequestKey key;
    std::vector<RecordRange> records;
  };
  absl::btree_map<WriterId, std::vector<Statement>> open_;
  struct Transaction {
    RequestKey key;  // Of its Prepare().
    std::vector<Statement> statements;
  };
  absl::btree_map<Epoch, std::vector<Transaction>> prepared_;
  Gauge* prepared_records_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_DATABASE_SINK_H_
