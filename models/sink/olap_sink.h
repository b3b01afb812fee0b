// An OLAP store of ClickHouse's kind: each insert is a part, merges in the background keep the
// number of parts down, and inserts that are quicker than the merges are delayed and then refused
// ("too many parts").
//
// An insert that is a repetition of one of the last blocks (the same rows in the same order) is
// taken and thrown away; rows that come again in another block are there twice.
//
// Approximated: one table partition takes all inserts; of adjacent parts those are merged that
// score best by size and number, as ClickHouse's simple selector does, without its regard for age.
#ifndef FRESHET_MODELS_SINK_OLAP_SINK_H_
#define FRESHET_MODELS_SINK_OLAP_SINK_H_

#include <vector>

#include "models/sink/server_sink.h"
#include "sim/ring.h"

namespace freshet {

class OlapSink : public ServerSink {
 public:
  struct Config : ServerSink::Config {
    Ratio column_ratio;       // Of a part's bytes to those of its records.
    int64_t parts_to_delay;   // parts_to_delay_insert
    int64_t parts_to_refuse;  // parts_to_throw_insert
    Duration min_delay;
    Duration max_delay;
    int64_t merges_at_once;     // background_pool_size
    BytesPerSecond merge_rate;  // Of one merge.
    int64_t blocks_remembered;  // replicated_deduplication_window; 0: none.
  };

  static constexpr MetricDef kParts = {"olap.parts", MetricKind::kGauge, MetricUnit::kCount,
                                       "Active parts."};
  static constexpr MetricDef kMerges = {"olap.merges", MetricKind::kCounter, MetricUnit::kCount,
                                        "Merges that were done."};
  static constexpr MetricDef kMergedBytes = {"olap.merged_bytes", MetricKind::kCounter,
                                             MetricUnit::kBytes, "Bytes that merges have written."};
  static constexpr MetricDef kDelayed = {"olap.inserts_delayed", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Inserts that were delayed because of too many parts."};
  static constexpr MetricDef kRefused = {"olap.inserts_refused", MetricKind::kCounter,
                                         MetricUnit::kCount,
                                         "Inserts that were refused because of too many parts."};
  static constexpr MetricDef kDeduplicated = {
      "olap.blocks_deduplicated", MetricKind::kCounter, MetricUnit::kCount,
      "Inserts that were thrown away as repetitions of a block."};

  OlapSink(Simulation& sim, absl::string_view name, Network* network, const Config& config);

  // A repetition counts only while its block is remembered, and if it is cut the same way.
  SinkPromise promise() const override { return SinkPromise::kPlain; }
  size_t part_count() const { return parts_.size(); }

 protected:
  void Execute(RequestKey key, const Request& request) override;

 private:
  friend class OlapSinkTestPeer;

  struct Part {
    uint64_t number;  // Of its youngest insert.
    Bytes bytes;
    bool merging = false;
  };

  Duration DelayNow() const;
  void Insert(RequestKey key);
  void StartMerges();
  void Merged(uint64_t first, uint64_t last);
  static uint64_t BlockOf(const Request& request);

  const Config config_;
  std::vector<Part> parts_;  // Oldest first; neighbours may be merged.
  uint64_t next_part_ = 1;
  int64_t merging_ = 0;
  Ring<uint64_t> blocks_;
  Gauge& parts_gauge_;
  Counter& merges_;
  Counter& merged_bytes_;
  Counter& delayed_;
  Counter& refused_;
  Counter& deduplicated_;
};

}  // namespace freshet

#endif  // FRESHET_MODELS_SINK_OLAP_SINK_H_
