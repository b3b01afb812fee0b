// What each design is known for has to come out of its mechanism. These are the claims, held
// against the goldens of the library, and against runs where a golden does not have the figure.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "results/bill.h"
#include "results/report.h"
#include "tests/scenarios/library/library_run.h"

namespace freshet {
namespace {

// The figures of one golden, by "component metric".
class Golden {
 public:
  explicit Golden(const std::string& name) : name_(name) {
    std::ifstream file(absl::StrCat(FRESHET_GOLDEN, "/", name, ".txt"));
    EXPECT_TRUE(file.good()) << name;
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string kind;
      std::string component;
      std::string metric;
      words >> kind;
      if (kind == "exit_code") words >> exit_code_;
      if (kind != "metric") continue;
      words >> component >> metric;
      std::getline(words >> std::ws, values_[absl::StrCat(component, " ", metric)]);
    }
  }

  double operator[](const std::string& metric) const {
    const auto it = values_.find(metric);
    if (it == values_.end()) {
      ADD_FAILURE() << name_ << " has no " << metric;
      return 0;
    }
    char* end = nullptr;
    const double value = std::strtod(it->second.c_str(), &end);
    EXPECT_EQ(*end, '\0') << name_ << ": " << metric << " is " << it->second;
    return value;
  }
  int exit_code() const { return exit_code_; }

 private:
  std::string name_;
  std::map<std::string, std::string> values_;
  int exit_code_ = -1;
};

constexpr char kMean[] = "shop producer.latency_ms_mean";
constexpr char kP99[] = "shop producer.latency_ms_p99";

// --- Engines that are driven by events, and by micro-batches (engines_floor) ---

TEST(EmergenceTest, AMicroBatchCannotBeFresherThanItsIntervalAndItsRun) {
  constexpr char kFreshness[] = "orders_db sink.freshness_ms_mean";
  const auto before_tasks = [](const Golden& golden) {
    return golden["writer spark.latest_offset_time_ms_mean"] +
           golden["writer spark.wal_commit_time_ms_mean"] +
           golden["writer spark.query_planning_time_ms_mean"] + 30;  // task_overhead
  };
  const Golden slow("engines_floor.spark_10s");
  EXPECT_GT(slow[kFreshness], 5'000 + before_tasks(slow));
  // The writes of 10 s, on average half done, and the way of all variants to the log.
  EXPECT_LT(slow[kFreshness], 5'000 + before_tasks(slow) + 200);
  const Golden quick("engines_floor.spark_asap");
  const double half = quick["writer spark.batch_duration_ms_mean"] / 2;
  EXPECT_GT(quick[kFreshness], half + before_tasks(quick));
  EXPECT_LT(quick[kFreshness], half + before_tasks(quick) + 60);
  for (const char* variant : {"consumers", "flink", "kafka_streams"}) {
    const Golden by_events(absl::StrCat("engines_floor.", variant));
    EXPECT_LT(by_events[kFreshness], 40) << variant;
    EXPECT_GT(by_events[kFreshness], 15) << variant;
  }
}

// --- A replay of six hours ---

// The old records are in no page cache; they take the volumes' bandwidth from the flusher, dirty
// pages reach their limit, and appends wait for the disk.
TEST(CatchUpReadTest, RaisesProduceLatencyOnSharedNothing) {
  const Golden alone("catch_up_read.alone");
  const Golden replay("catch_up_read.replay");
  EXPECT_LT(alone[kP99], 10);
  EXPECT_GT(replay[kP99], 100 * alone[kP99]);
  EXPECT_GT(replay[kMean], 100 * alone[kMean]);
  // The cause: the disk had to be read, and network threads slept until it was.
  EXPECT_EQ(alone["log/broker-1 broker.page_cache_miss_bytes_bytes_total"], 0);
  EXPECT_GT(replay["log/broker-1 broker.page_cache_miss_bytes_bytes_total"], 1e9);
  for (const char* broker : {"1", "2", "3"}) {
    const std::string asleep =
        absl::StrCat("log/broker-", broker, " broker.network_threads_reading_disk_mean");
    EXPECT_EQ(alone[asleep], 0);
    EXPECT_GT(replay[asleep], 2);  // Of three.
  }
  // The reader at the tail, who asked for nothing old, waits with the producers.
  EXPECT_GT(replay["dashboard consumer.end_to_end_latency_ms_mean"],
            100 * alone["dashboard consumer.end_to_end_latency_ms_mean"]);
}

constexpr double kCard = 195.25e6;  // 1.562 Gbit/s.
constexpr double kMetered = 460;    // Seconds after the warm-up; the replay begins 40 s in.
constexpr double kReplaying = 420;

// What a card sends a second while the replay runs: all that it sent less what it sends without.
double SentWhileReplaying(const Golden& replay, const Golden& alone) {
  const std::string sent = "log/broker-1/nic-out bandwidth.bytes_bytes_total";
  return (replay[sent] - alone[sent] / kMetered * (kMetered - kReplaying)) / kReplaying;
}

// With room on the card the same replay reads more and the producers hardly notice.
TEST(CatchUpReadTest, HardlyRaisesItOnSharedStorageWhileTheCardHasRoom) {
  const Golden alone("catch_up_read.shared_storage_alone");
  const Golden replay("catch_up_read.shared_storage_replay");
  EXPECT_LT(SentWhileReplaying(replay, alone), 0.85 * kCard);
  EXPECT_LT(replay[kMean], 1.2 * alone[kMean]);
  EXPECT_LT(replay[kP99], 1.5 * alone[kP99]);
  const Golden shared_nothing("catch_up_read.replay");
  EXPECT_GT(replay["replay consumer.bytes_bytes_total"],
            shared_nothing["replay consumer.bytes_bytes_total"]);
}

// Without the limiter the readers fill the card, and batches of the write-ahead log leave by it.
TEST(CatchUpReadTest, RaisesItOnSharedStorageWhenTheCardBinds) {
  const Golden alone("catch_up_read.shared_storage_alone");
  const Golden replay("catch_up_read.shared_storage_card_binds");
  EXPECT_GT(SentWhileReplaying(replay, alone), 0.98 * kCard);
  EXPECT_LE(SentWhileReplaying(replay, alone), 1.001 * kCard);
  EXPECT_GT(replay[kMean], 4 * alone[kMean]);
  EXPECT_GT(replay[kP99], 4 * alone[kP99]);
  // It is the PUTs that take longer, not only the wait for a batch.
  const std::string put = "log/broker-1/object-client object_client.put_latency_ms_mean";
  EXPECT_GT(replay[put], 4 * alone[put]);
}

// --- An append that comes alone ---

// A batch of the log is due 250 ms after the one before, and at least 10 ms after its first record:
// alone an append waits for those 10 ms and for 15 ms of the store.
TEST(IsolatedAppendTest, AloneItWaitsForTenMilliseconds) {
  const Golden alone("isolated_append.alone");
  EXPECT_NEAR(alone[kMean], 10 + 15, 0.3);
  EXPECT_NEAR(alone["shop producer.latency_ms_max"], 10 + 15, 0.3);
}

// In a steady stream it waits for U(0, 250): mean and median of 125, and 247.5 at 99 %.
TEST(IsolatedAppendTest, InASteadyStreamUniformlyForUpToAQuarterOfASecond) {
  const Golden steady("isolated_append.steady");
  EXPECT_NEAR(steady[kMean], 125 + 15, 2);
  EXPECT_NEAR(steady["shop producer.latency_ms_p50"], 125 + 15, 2);
  EXPECT_NEAR(steady[kP99], 247.5 + 15, 1);
  EXPECT_LE(steady["shop producer.latency_ms_max"], 250 + 15 + 0.5);
  EXPECT_GT(steady[kMean], 5 * Golden("isolated_append.alone")[kMean]);
}

// --- A broker with an empty disk ---

// All 36 partitions miss a replica from the end of the session to the end of the copy, nearly all
// at once: 29 min x mean / 36. For 52 s of it the broker is away.
double CopyingSeconds(const Golden& golden) {
  return 29 * 60 * golden["log log.under_replicated_partitions_mean"] / 36 - 52;
}
double ToCopy(const Golden& golden) { return golden["log log.rebuild_left_bytes_max"]; }

TEST(RebuildTest, TakesAsLongAsRetainedBytesOnSharedNothing) {
  const Golden six("rebuild.kafka_6h");
  const Golden three("rebuild.kafka_3h");
  const double bytes = ToCopy(six) / ToCopy(three);
  EXPECT_NEAR(bytes, 2, 0.05);  // Twice the retention.
  EXPECT_NEAR(CopyingSeconds(six) / CopyingSeconds(three), bytes, 0.02 * bytes);
}

// Six hours are retained there, too; the disks keep the last twenty minutes.
TEST(RebuildTest, TakesAsLongAsTheLocalTailWhenTiered) {
  const Golden whole("rebuild.kafka_6h");
  const Golden tiered("rebuild.tiered");
  const double bytes = ToCopy(whole) / ToCopy(tiered);
  EXPECT_GT(bytes, 15);
  EXPECT_NEAR(CopyingSeconds(whole) / CopyingSeconds(tiered), bytes, 0.1 * bytes);
}

// Nothing is copied to a broker. A survivor reads from the log what was not uploaded, no byte
// twice; with more of that it takes longer, at the rate of a card at the most and of some streams
// of the store at the least.
TEST(RebuildTest, TakesAsLongAsTheTailThatWasNotUploadedOnSharedStorage) {
  const Golden usual("rebuild.s3stream");
  const Golden more("rebuild.s3stream_long_tail");
  const std::string tail = "log log.recovered_bytes_bytes_total";
  const std::string away = "log log.partition_unavailable_ms_max";
  for (const Golden* golden : {&usual, &more}) {
    EXPECT_EQ((*golden)[tail], (*golden)["s3 object_store.recovery_bytes_out_bytes_total"]);
    EXPECT_EQ((*golden)["log log.under_replicated_partitions_max"], 0);
    EXPECT_LT((*golden)[tail], ToCopy(Golden("rebuild.kafka_6h")) / 100);
    EXPECT_LT((*golden)[away] / 1000, CopyingSeconds(Golden("rebuild.tiered")) / 2);
  }
  EXPECT_GT(more[tail], 5 * usual[tail]);
  const double rate = (more[tail] - usual[tail]) / (more[away] - usual[away]) * 1000;
  EXPECT_LT(rate, 8.4e9 / 8);
  EXPECT_GT(rate, 0.3 * 8.4e9 / 8);
}

// --- A throttle below what comes in ---

TEST(ThrottleBelowIngressTest, NeverFinishesAndTheReportSaysSo) {
  const Golden below("throttle_below_ingress.below");
  const Golden above("throttle_below_ingress.above");
  EXPECT_EQ(above["operations operation.moves_total"], 12);
  EXPECT_EQ(below["operations operation.moves_total"], 0);
  // All three replicas of all twelve partitions fall behind; none does above the ingress.
  EXPECT_EQ(below["log log.replicas_falling_behind_max"], 36);
  EXPECT_EQ(above["log log.replicas_falling_behind_max"], 0);
  // There is more to copy at the end than when the move began, and no end in sight.
  EXPECT_GT(below["log log.rebuild_left_bytes_max"], above["log log.rebuild_left_bytes_max"]);
  EXPECT_EQ(below["log log.rebuild_projected_ms_max"], 0);

  std::string report;
  v1::Scenario scenario = VariantOf("throttle_below_ingress", "below");
  scenario.set_run_for("3min");
  WriteTextReport(OutcomeOf(scenario).summary, {}, &report);
  EXPECT_NE(report.find("not finished           0 of 12"), std::string::npos) << report;
}

// --- The credits of a path to network storage ---

// The path sustains 78.75 MB/s and takes 98.75 as long as it has credits: in 220 s it carries what
// it sustains and what was lent, and no more. Then producers get what it sustains.
TEST(EbsCreditsTest, RunOut) {
  const Golden spent("ebs_credits.nearly_spent");
  const Golden full("ebs_credits.just_replaced");
  const std::string path = "log/broker-1/volume-path bandwidth.";
  const double sustained = 78.75e6 * 220;
  const double carried = spent[path + "bytes_bytes_total"];
  EXPECT_NEAR(carried, sustained + spent[path + "credits_bytes_max"], 0.001 * carried);
  EXPECT_GT(full[path + "bytes_bytes_total"], 1.2 * sustained);
  EXPECT_GT(full[path + "credits_bytes_mean"], 0.99 * full[path + "credits_bytes_max"]);
  EXPECT_EQ(full.exit_code(), 0);
  EXPECT_LT(full[kP99], 20);
  EXPECT_EQ(spent.exit_code(), 1);
  EXPECT_GT(spent[kP99], 10'000);
  EXPECT_LT(spent["shop producer.latency_ms_p50"], 20);  // More than half came before.
}

// --- Event times, and schemas ---

// A consumer without lag, of events that came late: nine of ten follow an exponential law.
TEST(LatePhonesTest, AConsumerWithoutLagShowsOldEvents) {
  const Golden late("late_phones");
  EXPECT_LT(late["dashboard consumer.lag_max"], 20);
  EXPECT_LT(late["dashboard consumer.end_to_end_latency_ms_p99"], 20);
  const std::string event = "dashboard freshness.event_to_visible_ms_";
  EXPECT_NEAR(late[event + "mean"], 0.9 * 65'144, 300);
  EXPECT_NEAR(late[event + "p50"], 38'290, 400);     // 65.144 s x ln 1.8
  EXPECT_NEAR(late[event + "p99"], 293'137, 6'000);  // 65.144 s x ln 90
  EXPECT_NEAR(late[event + "max"], 32 * 60'000, 100);
}

TEST(SchemaBreakTest, ABreakCostsWhatTheProducersPolicySays) {
  const std::string lost = "shop producer.records_unserialized_total";
  EXPECT_EQ(Golden("schema_break.rolled_back")[lost], 0);
  EXPECT_EQ(Golden("schema_break.unchecked")[lost], 0);
  EXPECT_EQ(Golden("schema_break.unchecked")["registry schema.registered_versions_max"], 2);
  EXPECT_EQ(Golden("schema_break.rolled_back")["registry schema.registered_versions_max"], 1);
  // Poisson: five standard deviations.
  EXPECT_NEAR(Golden("schema_break.not_rolled_back")[lost], 270'000, 5 * 520);
  EXPECT_NEAR(Golden("schema_break.registry_down")[lost], 27'000, 5 * 165 + 300);
}

// --- Kafka Connect ---

// Noticed after 7 to 10 s, told within 3 s, five minutes, and 3 s for the task's consumer to join.
TEST(ConnectTest, AWorkerThatComesBackWaitsForTheEndOfTheDelay) {
  const std::string stale = "orders_db freshness.staleness_ms_max";
  const std::string doubled = "orders_db effects.duplicated_total";
  for (const char* variant : {"shared_nothing", "shared_storage"}) {
    const Golden one(absl::StrCat("connect_worker_loss.", variant));
    EXPECT_GT(one[stale], 310'000) << variant;
    EXPECT_LT(one[stale], 317'000) << variant;
    EXPECT_GT(one[doubled], 0) << variant;
    EXPECT_LE(one[doubled], 61'000) << variant;  // A flush of 60 s, and a poll.
  }
  // Tasks that are left have its partitions after the session of 45 s.
  const Golden three("connect_worker_loss.three_tasks");
  EXPECT_LT(three[stale], 50'000);
  EXPECT_GT(three["pipes connect.unassigned_time_ms_max"], 307'000);
  EXPECT_LE(three[doubled], 21'000);
  for (const char* variant : {"no_delay", "leader_lost"}) {
    const Golden soon(absl::StrCat("connect_worker_loss.", variant));
    EXPECT_LT(soon["pipes connect.unassigned_time_ms_max"], 14'000) << variant;
    EXPECT_LT(soon[stale], 50'000) << variant;
  }
}

TEST(ConnectTest, APoisonRecordStopsLeavesOutOrIsSetAside) {
  const Golden stop("connect_poison.stop");
  EXPECT_EQ(stop["pipes connect.failed_tasks_max"], 3);
  EXPECT_EQ(stop["pipes connect.failures_unreadable_total"], 6);  // And once more each at 10 min.
  EXPECT_EQ(stop["pipes group.rebalances_total"], 0);
  const Golden skip("connect_poison.skip");
  const Golden dead("connect_poison.dead_letter");
  // 890 s of 1000 records, one in 20 000, by Poisson's law; the same ones in both.
  EXPECT_NEAR(skip["profiles effects.filtered_total"], 44.5, 5 * 6.7);
  EXPECT_EQ(dead["profiles effects.dead_lettered_total"], skip["profiles effects.filtered_total"]);
  EXPECT_EQ(dead["pipes/dead-letters dead_letter_topic.records_total"],
            dead["profiles effects.dead_lettered_total"]);
  EXPECT_EQ(dead.exit_code(), 0);
}

TEST(ConnectTest, ExpiredCredentialsCostTheTimeUntilSomebodyRenewsThem) {
  const Golden renewed("connect_credentials");
  EXPECT_GT(renewed["orders_db freshness.staleness_ms_max"], 480'000);
  EXPECT_LT(renewed["orders_db freshness.staleness_ms_max"], 490'000);
  EXPECT_EQ(renewed["pipes connect.failures_credentials_total"], 3);
  EXPECT_EQ(renewed["orders_db effects.duplicated_total"], 0);
}

TEST(ConnectTest, AZombieCoordinatorDoublesAllThatIsCommittedBesideIt) {
  const std::string doubled = "orders_rows effects.duplicated_total";
  EXPECT_EQ(Golden("connect_zombie.fenced")[doubled], 0);
  for (const char* variant : {"unfenced", "unfenced_shared_storage"}) {
    const Golden zombie(absl::StrCat("connect_zombie.", variant));
    // Five minutes of a third, a minute of the rest, and four minutes of all, or five.
    EXPECT_GT(zombie[doubled], 333.0 * 300 + 667 * 60 + 4 * 60'000 - 30'000) << variant;
    EXPECT_LT(zombie[doubled], 333.0 * 300 + 667 * 60 + 5 * 60'000 + 30'000) << variant;
    EXPECT_EQ(zombie["orders_rows effects.lost_max"], 0) << variant;
  }
  EXPECT_EQ(Golden("connect_zombie.unfenced")["pipes/sink-writer connect.zombie_commits_total"],
            Golden("connect_zombie.fenced")["pipes/sink-writer connect.zombie_commits_total"]);
}

// --- One zone, little retention ---

int64_t MonthDollars(const RunOutcome& run) {
  int64_t nanodollars = 0;
  for (const BillLine& line : run.summary.bill().line()) {
    nanodollars += line.month_amount_nanodollars();
  }
  return nanodollars / 1'000'000'000;
}

// No byte crosses a zone, an hour fits small volumes: the classic design is faster and cheaper.
TEST(OneZoneTest, TheClassicDesignWinsOnLatencyAndOnPrice) {
  const Golden kafka("one_zone.kafka");
  const int64_t price = MonthDollars(OutcomeOf(VariantOf("one_zone", "kafka")));
  EXPECT_EQ(kafka.exit_code(), 0);
  EXPECT_EQ(kafka["network network.cross_zone_bytes_bytes_total"], 0);
  // 3 x 0.126 $/h x 730 h and 3 x 50 GiB x 0.08 $.
  EXPECT_EQ(price, 287);
  for (const char* variant : {"s3stream", "s3stream_two_brokers"}) {
    const Golden shared(absl::StrCat("one_zone.", variant));
    EXPECT_GT(shared[kMean], 50 * kafka[kMean]) << variant;
    EXPECT_GT(shared[kP99], 50 * kafka[kP99]) << variant;
    EXPECT_GT(MonthDollars(OutcomeOf(VariantOf("one_zone", variant))), price) << variant;
  }
}

// --- A table that is overwritten by partition ---

// Eleven rows are written anew for each that comes: 5.5 million for 480 000, by the commits that
// are due; some fewer come, since each waits for the one before. New rows alone leave the last
// minute, 12 000 rows, and a few late ones.
TEST(OverwritePartitionsTest, MergingWritesAllAnewAndNewRowsAloneLoseTheRest) {
  const std::string rows = "orders_rows ";
  const Golden merged("overwrite_partitions.merged");
  EXPECT_EQ(merged[rows + "effects.lost_max"], 0);
  EXPECT_GT(merged[rows + "lakehouse_sink.rows_rewritten_total"],
            10 * merged[rows + "effects.visible_total"]);
  EXPECT_LT(merged[rows + "lakehouse_sink.rows_rewritten_total"], 5'520'000);
  const Golden alone("overwrite_partitions.new_only");
  EXPECT_EQ(alone[rows + "effects.lost_max"],
            alone[rows + "lakehouse_sink.rows_overwritten_total"]);
  const double left = alone[rows + "effects.visible_total"] - alone[rows + "effects.lost_max"];
  EXPECT_GT(left, 10'000);
  EXPECT_LT(left, 14'000);
  EXPECT_NE(alone.exit_code(), 0);
  const Golden appended("overwrite_partitions.appended");
  EXPECT_EQ(appended[rows + "effects.lost_max"], 0);
  // Nobody notices by looking at how fresh it is.
  EXPECT_LT(alone[rows + "sink.freshness_ms_p99"], appended[rows + "sink.freshness_ms_p99"] * 1.05);
}

// --- Iceberg's procedures ---

// 360 snapshots an hour, or those of ten to fifteen minutes; a hundred manifests before they are
// merged, or those of five minutes. Who goes back after 20 min finds the snapshot only if it is
// kept.
TEST(TableProceduresTest, KeepMetadataSmallAndOldSnapshotsAway) {
  const Golden alone("table_procedures.left_alone");
  const Golden expired("table_procedures.expired");
  const Golden rewritten("table_procedures.expired_and_rewritten");
  EXPECT_GT(alone["lake table.snapshots_kept_max"], 300);
  EXPECT_LT(expired["lake table.snapshots_kept_max"], 100);
  EXPECT_EQ(alone["lake/planner planner.snapshots_expired_total"], 0);
  EXPECT_GT(alone["lake/planner planner.went_back_total"], 30);
  EXPECT_EQ(expired["lake/planner planner.went_back_total"], 0);
  EXPECT_GT(expired["lake/planner planner.snapshots_expired_total"], 30);
  EXPECT_GT(expired["lake table.manifests_max"], 90);
  EXPECT_LT(rewritten["lake table.manifests_max"], 40);
  EXPECT_LT(rewritten["lake table.planning_time_ms_mean"],
            expired["lake table.planning_time_ms_mean"]);
}

// --- A producer that hangs in its transaction ---

// It begins in the second before 123 s; timeout and sweep end it at 190 s, or at 140 s. Readers
// that do not ask for committed records notice nothing.
TEST(HangingTransactionTest, CostsItsTimeoutAndASweep) {
  const Golden minute("hanging_transaction.timeout_60s");
  EXPECT_GT(minute["settled freshness.staleness_ms_max"], 67'000);
  EXPECT_LT(minute["settled freshness.staleness_ms_max"], 68'500);
  EXPECT_LT(minute["glance freshness.staleness_ms_max"], 100);
  EXPECT_NE(minute.exit_code(), 0);
  const Golden seconds("hanging_transaction.timeout_10s");
  EXPECT_GT(seconds["settled freshness.staleness_ms_max"], 17'000);
  EXPECT_LT(seconds["settled freshness.staleness_ms_max"], 18'500);
  EXPECT_EQ(seconds.exit_code(), 0);
  // The next process of that id does not wait for the timeout.
  const Golden restarted("hanging_transaction.restarted");
  EXPECT_EQ(restarted["transactions transaction.timed_out_total"], 0);
  EXPECT_EQ(restarted["transactions transaction.aborted_total"], 1);
  for (const Golden& each : {minute, seconds}) {
    EXPECT_EQ(each["transactions transaction.timed_out_total"], 1);
    EXPECT_GT(each["settled consumer.aborted_records_total"], 0);
    EXPECT_EQ(each["shop producer.records_failed_total"], 0);
  }
}

// --- Offsets committed before processing, by a timer, or after ---

TEST(CommitEarlyLateTest, EarlyLosesAPollAndLateRepeatsACommitInterval) {
  const Golden early("commit_early_late.early");
  EXPECT_EQ(early["billing consumer.skipped_records_max"], 500);
  EXPECT_EQ(early["billing consumer.redelivered_records_total"], 0);
  const Golden late("commit_early_late.late");
  EXPECT_EQ(late["billing consumer.skipped_records_max"], 0);
  EXPECT_GT(late["billing consumer.redelivered_records_total"], 0);
  EXPECT_LE(late["billing consumer.redelivered_records_total"], 5'500);
  const Golden each_poll("commit_early_late.each_poll");
  EXPECT_EQ(each_poll["billing consumer.skipped_records_max"], 0);
  EXPECT_EQ(each_poll["billing consumer.redelivered_records_total"], 0);
}

// --- The feed patterns ---

constexpr const char* kDesigns[] = {"shared_nothing", "shared_storage"};

// The task manager dies at 307 s; noticed after 13 s, a delay of 1 s and 5 s to deploy. The commit
// of 336 s is the first, and its oldest order is that of 290 s.
TEST(FeedProcessorTopicTest, ACrashCostsTimeAndNoSum) {
  for (const char* design : kDesigns) {
    const Golden feed(absl::StrCat("feed_processor_topic.", design));
    EXPECT_EQ(feed["sums stream_job.detection_time_ms_max"], 13'000) << design;
    EXPECT_NEAR(feed["sums stream_job.downtime_ms_max"], 19'000, 100) << design;
    EXPECT_NEAR(feed["sums.out sink.freshness_ms_max"], 46'000, 500) << design;
    for (const char* hop : {"sums.out", "cache"}) {
      EXPECT_EQ(feed[absl::StrCat(hop, " effects.duplicated_total")], 0) << design;
    }
    EXPECT_EQ(feed["sums.out effects.lost_max"], 0) << design;
    // Markers, and the sums of the job that died, are nobody's loss.
    EXPECT_EQ(feed["cache effects.lost_max"], 0) << design;
    // What was open when it died, nobody is given who asks for what is committed.
    EXPECT_GT(feed["service consumer.aborted_records_total"], 0) << design;
    EXPECT_EQ(feed["service consumer.records_total"], feed["sums.out topic_sink.records_total"]);
    // Behind the topic it is not much: of a second and a half a write-ahead log in objects takes
    // most.
    const double behind =
        feed["cache sink.freshness_ms_max"] - feed["sums.out sink.freshness_ms_max"];
    EXPECT_GT(behind, 0) << design;
    EXPECT_LT(behind, 2'000) << design;
  }
}

// An order waits 0 to 60 s for a load that takes 5.6 s. Brokers that take a quarter of a second
// longer for it make that difference, and consumer lag shows nothing.
TEST(FeedConnectWarehouseTest, TheLoadIntervalIsTheFreshness) {
  for (const char* design : kDesigns) {
    const Golden feed(absl::StrCat("feed_connect_warehouse.", design));
    EXPECT_NEAR(feed["facts sink.freshness_ms_mean"], 35'600, 400) << design;
    EXPECT_LE(feed["facts sink.freshness_ms_max"], 66'200) << design;
    EXPECT_LT(feed["pipes/tasks consumer.lag_max"], 500) << design;
    EXPECT_EQ(feed["facts effects.duplicated_total"], 0) << design;
    // A report of each half minute adds a quarter in the mean, and more as it ages itself.
    EXPECT_GT(feed["board freshness.staleness_ms_mean"],
              feed["facts freshness.staleness_ms_mean"] + 15'000)
        << design;
  }
}

// 0 to 60 s for the checkpoint and about a second for its commit; four writers with two partitions
// leave eight files. Each 10 s it is a sixth of the wait and six times the files.
TEST(FeedStreamTableTest, TheCheckpointIntervalBuysFreshnessWithFiles) {
  for (const char* design : kDesigns) {
    const Golden feed(absl::StrCat("feed_stream_table.", design));
    EXPECT_NEAR(feed["rows sink.freshness_ms_mean"], 31'000, 500) << design;
    EXPECT_LT(feed["rows sink.freshness_ms_max"], 62'000) << design;
    EXPECT_EQ(feed["rows lakehouse_sink.files_total"], 8 * feed["lake table.snapshots_total"]);
  }
  const Golden minute("feed_stream_table.shared_storage");
  const Golden often("feed_stream_table.shared_storage_10s");
  EXPECT_NEAR(often["rows sink.freshness_ms_mean"], 6'000, 200);
  EXPECT_EQ(often["rows lakehouse_sink.files_total"],
            6 * minute["rows lakehouse_sink.files_total"]);
  const std::string size = "rows lakehouse_sink.file_bytes_bytes_mean";
  EXPECT_NEAR(minute[size] / often[size], 6, 0.1);
}

// Five windows of two minutes, 707 late orders each (five standard deviations of all: 297), and
// 20 000 twice in the third. Without the delay 10 000 are missing in each but the third, which the
// crash leaves with 20 000, less those whose window is older: 0.8 of one in a hundred; and what is
// twice later is not found.
TEST(FeedDualPathTest, TheBatchFindsWhatTheStreamHasLateAndTwice) {
  for (const char* design : kDesigns) {
    const Golden feed(absl::StrCat("feed_dual_path.", design));
    EXPECT_EQ(feed.exit_code(), 0) << design;
    EXPECT_EQ(feed["recount batch.runs_total"], 5) << design;
    EXPECT_NEAR(feed["recount batch.records_total"], 600'000, 5 * 775) << design;
    EXPECT_EQ(feed["recount drift.missing_records_total"], 0) << design;
    EXPECT_NEAR(feed["recount drift.late_records_total"], 5 * 707, 297) << design;
    EXPECT_NEAR(feed["recount drift.doubled_records_total"], 20'000, 5 * 141) << design;
    EXPECT_EQ(feed["recount drift.wrong_records_total"], 0) << design;
    EXPECT_EQ(feed["recount batch.deleted_records_total"], 0) << design;
    // The host of one of its tasks was away for 20 s.
    EXPECT_EQ(feed["recount batch.lost_attempts_total"], 1) << design;
    EXPECT_GT(feed["recount batch.repeated_records_total"], 0) << design;
    EXPECT_NEAR(feed["recount batch.reconciled_after_ms_max"], 53'000, 1'000) << design;
    // What is final is a minute and a half old, what is not is ten seconds old.
    EXPECT_GT(feed["recount batch.freshness_ms_p50"], 8 * feed["revenue_db sink.freshness_ms_p50"])
        << design;
  }
  const Golden early("feed_dual_path.no_delay");
  EXPECT_EQ(early.exit_code(), 1);
  EXPECT_NEAR(early["recount drift.missing_records_total"], 60'000 * 0.992, 5 * 244);
  EXPECT_EQ(early["recount drift.doubled_records_total"], 0);
  EXPECT_GT(early["revenue_db effects.duplicated_total"], 19'000);
}

// With producers that stop a second before the fifth window ends, batch and stream speak of the
// same records: the drift is what the stream's own counters say.
TEST(FeedDualPathTest, TheDriftIsWhatTheStreamsOwnCountersSay) {
  v1::Scenario scenario = VariantOf("feed_dual_path", "shared_nothing");
  scenario.set_warm_up("0s");
  scenario.clear_objective();
  for (v1::Component& component : *scenario.mutable_component()) {
    if (component.has_producers()) component.mutable_producers()->set_sends_until("599s");
  }
  const RunOutcome run = OutcomeOf(scenario);
  EXPECT_EQ(TotalOf(run, "recount", "batch.records"),
            TotalOf(run, "shop", "producer.records_acked"));
  EXPECT_EQ(TotalOf(run, "recount", "drift.late_records"),
            TotalOf(run, "revenue_db", "effects.late_dropped"));
  EXPECT_EQ(TotalOf(run, "recount", "drift.doubled_records"),
            TotalOf(run, "revenue_db", "effects.duplicated"));
  EXPECT_GT(TotalOf(run, "recount", "drift.late_records"), 0);
  EXPECT_GT(TotalOf(run, "recount", "drift.doubled_records"), 0);
}

// Windows of 5 s and a watermark 2 s behind: 4.6 s in the mean, and what the log takes; 7.2 s at
// the most with a beat of it and two linger times.
TEST(FiveLayersTest, TheWindowIsMostOfTheTime) {
  for (const char* design : kDesigns) {
    const Golden feed(absl::StrCat("five_layers.", design));
    const double log = feed["shop producer.latency_ms_mean"];
    const double mean = feed["cache sink.freshness_ms_mean"];
    EXPECT_GT(mean, 4'500 + log) << design;
    EXPECT_LT(mean, 4'700 + 3 * log + 1'000) << design;
    EXPECT_EQ(feed["cache effects.lost_max"], 0) << design;
    EXPECT_EQ(feed["cache effects.duplicated_total"], 0) << design;
    // 0.027 of one in a hundred of 456 000 would be late without a beat and a log in between.
    EXPECT_GT(feed["cache effects.late_dropped_total"], 30) << design;
    EXPECT_LT(feed["cache effects.late_dropped_total"], 123 + 5 * 11) << design;
  }
}

// 3000 late orders, of which e^(-2.8/20) x 2 (1 - e^(-10/20)) are too late for their window; a
// minute of lateness and two minutes of waiting divide that by e^3 and e^5.9. Tolerances: five
// standard deviations, and a fifth of a second of the watermark.
TEST(LateRecordsTest, WhatIsTooLateIsDroppedUpdatedOrHandedOn) {
  const Golden dropped("late_records.dropped");
  const double late = dropped["revenue_db effects.late_dropped_total"];
  EXPECT_NEAR(late, 2'053, 5 * 45 + 21);
  const Golden updated("late_records.allowed_lateness");
  EXPECT_NEAR(updated["revenue_db effects.late_dropped_total"], 102, 5 * 10);
  EXPECT_NEAR(updated["revenue/per_shop task.late_updates_total"], late * 0.95, 5 * 45);
  const Golden waits("late_records.longer_wait");
  EXPECT_LT(waits["revenue_db effects.late_dropped_total"], 6 + 5 * 3);
  EXPECT_NEAR(
      waits["revenue_db sink.freshness_ms_mean"] - dropped["revenue_db sink.freshness_ms_mean"],
      118'000, 500);
  // To the last record, but for those that are on their way at the end.
  const Golden handed("late_records.side_output");
  EXPECT_NEAR(handed["late_db effects.visible_total"],
              handed["revenue_db effects.late_dropped_total"], 5);
  EXPECT_LT(handed["late_db sink.freshness_ms_mean"], 500);
}

// --- Jobs that stand still ---

// 2000 orders a second for 180 s; one by one 667 of them, with 100 questions at a time 1600, and
// with nine of ten known or all known, all.
TEST(NaiveLookupTest, TheServiceIsTheLimitUntilItIsNotAsked) {
  const Golden one("naive_lookup.one_by_one");
  EXPECT_NEAR(one["profiles stream_job.lag_max"], 1'333 * 180, 3'000);
  EXPECT_LT(one["profiles/enrich/service/workers station.busy_mean"], 4);  // Of eight.
  const Golden many("naive_lookup.asynchronous");
  EXPECT_NEAR(many["profiles stream_job.lag_max"], 400 * 180, 3'000);
  EXPECT_EQ(many["profiles/enrich/service/workers station.busy_mean"], 8);
  const Golden cached("naive_lookup.cached");
  EXPECT_NEAR(cached["profiles/enrich/service lookup.questions_total"], 200 * 150, 5 * 180);
  for (const Golden& each : {cached, Golden("naive_lookup.broadcast")}) {
    EXPECT_LT(each["profiles stream_job.lag_max"], 100);
    EXPECT_EQ(each.exit_code(), 0);
  }
  EXPECT_EQ(one.exit_code(), 1);
  EXPECT_EQ(many.exit_code(), 1);
}

// No lag, and nothing to see; with idleness a window of 10 s is out after its end, a second and a
// beat of the watermark.
TEST(IdlePartitionTest, HoldsBackAllWindowsUntilItDoesNotCount) {
  const Golden stuck("idle_partition.stuck");
  EXPECT_LT(stuck["revenue stream_job.lag_max"], 20);
  EXPECT_EQ(stuck["board_db effects.visible_total"], 0);
  EXPECT_GT(stuck["board_db freshness.staleness_ms_max"], 179'000);
  const Golden cured("idle_partition.with_idleness");
  EXPECT_NEAR(cured["board_db freshness.staleness_ms_max"], 11'200, 200);
  EXPECT_EQ(cured["board_db effects.late_dropped_total"], 0);
}

}  // namespace
}  // namespace freshet
