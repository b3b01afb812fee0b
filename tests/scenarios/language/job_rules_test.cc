// Findings about stream jobs: every promise that a job cannot keep is told, with its place.
#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSteps[] =
    "step { name: \"read\" source { reads: \"orders\" } }\n"
    "step { name: \"count\" by_key: true window { size: \"10s\" keys: 100 row_size: \"100B\" "
    "state_per_key: \"100B\" } }\n"
    "step { name: \"out\" blackhole {} }\n";
constexpr char kTimes[] =
    "checkpoints { interval: \"10s\" rate: \"100MB/s\" } watermarks { out_of_orderness: \"1s\" }\n";

std::string Job(const std::string& more, const std::string& steps = kSteps,
                const std::string& head = "task_managers: 2 vcpus: 2 deploy_time: \"5s\" ") {
  return SmallScenario() + "component { name: \"sessions\" stream_job {\n" + head + more + steps +
         "} }\n";
}

TEST(JobRulesTest, APlainJobIsRight) { EXPECT_THAT(ProblemsOf(Job(kTimes)), IsEmpty()); }

TEST(JobRulesTest, StepsTakeFromStepsAboveAndLeadToAnEnd) {
  EXPECT_THAT(ProblemsOf(Job(kTimes, "step { name: \"out\" blackhole {} }\n")),
              Contains(HasSubstr("the first operator of a job reads; add step { source { reads: "
                                 "... } } above it")));
  EXPECT_THAT(ProblemsOf(Job(kTimes, "step { name: \"read\" source { reads: \"orders\" } }\n")),
              Contains(HasSubstr("nothing takes what operator \"read\" passes on; end with step { "
                                 "sink { name: ... } }, step { topic { name: ... } } or step { "
                                 "blackhole {} }")));
  EXPECT_THAT(
      ProblemsOf(Job(kTimes, std::string(kSteps) + "step { name: \"more\" input: \"raed\" map {} }"
                                                   "step { name: \"end\" blackhole {} }")),
      Contains(HasSubstr("input \"raed\" is no operator of the job; closest: \"read\"")));
  EXPECT_THAT(ProblemsOf(Job(kTimes, std::string(kSteps) + "step { name: \"out\" input: \"read\" "
                                                           "blackhole {} }")),
              Contains(HasSubstr("operator \"out\" is there twice; rename one")));
  EXPECT_THAT(ProblemsOf(Job(kTimes,
                             "step { name: \"read\" input: \"out\" source { reads: "
                             "\"orders\" } } step { name: \"out\" blackhole {} }")),
              Contains(HasSubstr("operator \"read\" reads a topic and nothing else; remove it")));
  EXPECT_THAT(ProblemsOf(Job(kTimes,
                             "step { name: \"read\" source { reads: \"orders\" } }\n"
                             "step { name: \"a\" input: \"b\" map {} }\n"
                             "step { name: \"b\" map {} } step { name: \"out\" blackhole "
                             "{} }")),
              Contains(HasSubstr("input \"b\" does not stand above it")));
  EXPECT_THAT(ProblemsOf(Job(kTimes, std::string(kSteps) + "step { name: \"odd\" }")),
              Contains(HasSubstr("operator \"odd\" has no kind")));
}

TEST(JobRulesTest, WindowsNeedEventTimeAndWholeSlides) {
  EXPECT_THAT(ProblemsOf(Job("checkpoints { interval: \"10s\" rate: \"100MB/s\" }\n")),
              ElementsAre(HasSubstr("window \"count\" never ends without event time; add "
                                    "watermarks { out_of_orderness: ... } to the job")));
  const std::string sliding =
      "step { name: \"read\" source { reads: \"orders\" } }\n"
      "step { name: \"count\" window { size: \"10s\" slide: \"3s\" keys: 100 row_size: \"100B\" "
      "state_per_key: \"100B\" } }\n"
      "step { name: \"out\" blackhole {} }\n";
  EXPECT_THAT(ProblemsOf(Job(kTimes, sliding)),
              ElementsAre(HasSubstr("size 10s is no multiple of slide 3s; change one")));
}

TEST(JobRulesTest, SessionsNeedEventTime) {
  const std::string steps =
      "step { name: \"read\" source { reads: \"orders\" } }\n"
      "step { name: \"visits\" by_key: true session { gap: \"30s\" length: \"5min\" records: 12 "
      "row_size: \"200B\" state_per_session: \"1KiB\" } }\n"
      "step { name: \"out\" blackhole {} }\n";
  EXPECT_THAT(ProblemsOf(Job(kTimes, steps)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Job("checkpoints { interval: \"10s\" rate: \"100MB/s\" }\n", steps)),
              ElementsAre(HasSubstr("window \"visits\" never ends without event time")));
}

TEST(JobRulesTest, AJoinHasTwoInputsByKey) {
  const auto joined = [](const std::string& how) {
    return "step { name: \"read\" source { reads: \"orders\" } }\n"
           "step { name: \"paid\" source { reads: \"orders\" } }\n"
           "step { name: \"both\" " +
           how +
           " join { size: \"10s\" matched: \"80%\" row_size: \"100B\" } }\n"
           "step { name: \"out\" blackhole {} }\n";
  };
  EXPECT_THAT(ProblemsOf(Job(kTimes, joined("by_key: true input: \"read\" input: \"paid\""))),
              IsEmpty());
  EXPECT_THAT(
      ProblemsOf(Job(kTimes, joined("input: \"read\" input: \"paid\""))),
      ElementsAre(HasSubstr("join \"both\" finds no partners in other subtasks; set by_key: "
                            "true")));
  EXPECT_THAT(ProblemsOf(Job(kTimes, joined("by_key: true"))),
              Contains(HasSubstr("join \"both\" has one input; name two operators above it")));
  EXPECT_THAT(ProblemsOf(Job("checkpoints { interval: \"10s\" rate: \"100MB/s\" }\n",
                             joined("by_key: true input: \"read\" input: \"paid\""))),
              ElementsAre(HasSubstr("never ends without event time")));
}

TEST(JobRulesTest, ALookupStatesItsService) {
  const auto asked = [](const std::string& service) {
    return "step { name: \"read\" source { reads: \"orders\" } }\n"
           "step { name: \"enrich\" lookup { " +
           service + " } }\nstep { name: \"out\" blackhole {} }\n";
  };
  EXPECT_THAT(ProblemsOf(Job(kTimes, asked("workers: 4 service_time { constant: \"5ms\" } "
                                           "round_trip: \"1ms\""))),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(Job(kTimes, asked("workers: 0 service_time { constant: \"5ms\" } "
                                           "round_trip: \"1ms\" cache_hits: \"120%\""))),
              ElementsAre(HasSubstr("workers"), HasSubstr("cache_hits")));
}

TEST(JobRulesTest, ABroadcastHasChangesAndAnotherInput) {
  const auto enriched = [](const std::string& how, const std::string& changes) {
    return "step { name: \"read\" source { reads: \"orders\" } }\n"
           "step { name: \"table\" source { reads: \"orders\" } }\n"
           "step { name: \"enrich\" " +
           how + " broadcast { changes: \"" + changes +
           "\" keys: 1000 state_per_key: \"100B\" } }\n"
           "step { name: \"out\" blackhole {} }\n";
  };
  const std::string idle =
      "checkpoints { interval: \"10s\" rate: \"100MB/s\" }\n"
      "watermarks { out_of_orderness: \"1s\" idleness: \"10s\" }\n";
  EXPECT_THAT(ProblemsOf(Job(idle, enriched("input: \"read\"", "table"))), IsEmpty());
  EXPECT_THAT(ProblemsOf(Job(kTimes, enriched("input: \"read\"", "table"))),
              ElementsAre(HasSubstr("changes that come seldom hold the watermark back")));
  EXPECT_THAT(ProblemsOf(Job(idle, enriched("", "table"))),
              Contains(HasSubstr("takes records and changes from \"table\"; name its input")));
  EXPECT_THAT(ProblemsOf(Job(idle, enriched("input: \"read\"", "tables"))),
              Contains(HasSubstr("input \"tables\" is no operator of the job; closest: "
                                 "\"table\"")));
}

TEST(JobRulesTest, ARescaleNeedsSlotsCheckpointsAndAnOperatorThatScales) {
  const auto rescaled = [](const std::string& job, const std::string& to,
                           const std::string& which = "sessions") {
    return job + "operation { at: \"1min\" rescale { job: \"" + which + "\" parallelism: " + to +
           " } }\n";
  };
  EXPECT_THAT(ProblemsOf(rescaled(Job(kTimes), "2")), IsEmpty());
  EXPECT_THAT(ProblemsOf(rescaled(Job(kTimes), "3")),
              ElementsAre(HasSubstr("job \"sessions\" has 2 slots; add task managers or slots, or "
                                    "lower parallelism")));
  EXPECT_THAT(ProblemsOf(rescaled(Job(kTimes), "0")), ElementsAre(HasSubstr("parallelism")));
  EXPECT_THAT(ProblemsOf(rescaled(Job(kTimes), "2", "shop")),
              ElementsAre(HasSubstr("\"shop\" has no parallelism; name a component of kind "
                                    "stream_job")));
  EXPECT_THAT(ProblemsOf(rescaled(Job(kTimes), "2", "nobody")), ElementsAre(HasSubstr("nobody")));
  EXPECT_THAT(
      ProblemsOf(rescaled(Job("checkpoints { interval: \"10s\" rate: \"100MB/s\" unaligned: true } "
                              "watermarks { out_of_orderness: \"1s\" }\n"),
                          "2")),
      ElementsAre(HasSubstr("has unaligned checkpoints, and a savepoint is aligned")));
  EXPECT_THAT(ProblemsOf(rescaled(Job(kTimes,
                                      "step { name: \"read\" source { reads: \"orders\" } }\n"
                                      "step { name: \"out\" blackhole {} }\n"),
                                  "2")),
              ElementsAre(HasSubstr("has no operator that scales")));
}

TEST(JobRulesTest, SubtasksNeedSlotsAndSourcesPartitions) {
  EXPECT_THAT(ProblemsOf(Job(std::string(kTimes) + "parallelism: 3 ")),
              ElementsAre(HasSubstr("2 task managers with 1 slot cannot run 3 subtasks of an "
                                    "operator; add task managers or slots")));
  EXPECT_THAT(ProblemsOf(Job(std::string(kTimes) + "parallelism: 1024 slots: 1024 ")),
              Contains(HasSubstr("channels between subtasks; at most 65536 are simulated")));
  EXPECT_THAT(ProblemsOf(Job(std::string(kTimes) + "slots: 100 parallelism: 200 ")),
              Contains(HasSubstr("and hold the watermark back for good; state idleness or a lower "
                                 "parallelism")));
}

TEST(JobRulesTest, LatenessThatTheJobCannotSeeIsToldOf) {
  const auto with = [](const std::string& event_time, const std::string& timestamps) {
    return absl::StrReplaceAll(
        Job("checkpoints { interval: \"10s\" rate: \"100MB/s\" }\n"
            "watermarks { out_of_orderness: \"1s\" " +
            timestamps + " }\n"),
        {{"event_size: \"1KiB\"", "event_size: \"1KiB\" event_time { " + event_time + " }"}});
  };
  constexpr char kLate[] = "lateness { share: \"100%\" delay { constant: \"5s\" } }";
  constexpr char kOffline[] = "offline { event_at: \"1s\" sent_at: \"5s\" }";
  constexpr char kSkew[] = "clock_skew { constant: \"5s\" }";
  for (const char* unseen : {kLate, kOffline}) {
    EXPECT_THAT(ProblemsOf(with(unseen, "")),
                ElementsAre(HasSubstr("warning: the job goes by when records of topic \"orders\" "
                                      "were sent, so the lateness that \"shop\" states makes none "
                                      "late; state timestamps: EVENT")));
    EXPECT_THAT(ProblemsOf(with(unseen, "timestamps: EVENT")), IsEmpty());
  }
  EXPECT_THAT(ProblemsOf(with(kSkew, "")), IsEmpty());  // Clocks stamp records as well.
}

TEST(JobRulesTest, WhatIsGuaranteedHasCheckpointsAndAPlaceForThem) {
  EXPECT_THAT(ProblemsOf(Job("watermarks { out_of_orderness: \"1s\" }\n")),
              ElementsAre(HasSubstr("EXACTLY_ONCE goes back to a checkpoint; add checkpoints { "
                                    "interval: ... }, or state delivery: AT_MOST_ONCE")));
  EXPECT_THAT(ProblemsOf(Job(std::string(kTimes) + "delivery: AT_MOST_ONCE ")),
              ElementsAre(HasSubstr("a job with delivery AT_MOST_ONCE never goes back to a "
                                    "checkpoint; remove them")));
  EXPECT_THAT(ProblemsOf(Job("delivery: AT_LEAST_ONCE checkpoints { interval: \"10s\" rate: "
                             "\"1MB/s\" unaligned: true } watermarks { out_of_orderness: \"1s\" "
                             "}\n")),
              ElementsAre(HasSubstr("unaligned barriers are of EXACTLY_ONCE")));
  EXPECT_THAT(ProblemsOf(Job("checkpoints { interval: \"10s\" } watermarks { out_of_orderness: "
                             "\"1s\" }\n")),
              ElementsAre(HasSubstr("there is no object store for checkpoints; add component { "
                                    "object_store { ... } }, or state their rate")));
}

TEST(JobRulesTest, AStateBackendHasWhatIsItsOwn) {
  const std::string incremental =
      "checkpoints { interval: \"10s\" rate: \"100MB/s\" incremental: true }\n"
      "watermarks { out_of_orderness: \"1s\" }\n";
  const std::string rocks = "state_backend: ROCKSDB ";
  const std::string access = "state_access_time: \"20us\" ";
  const std::string memory = "state_memory: \"1GiB\" ";
  EXPECT_THAT(ProblemsOf(Job(kTimes + memory)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Job(kTimes + rocks + access)), IsEmpty());
  EXPECT_THAT(ProblemsOf(Job(incremental + rocks + access)), IsEmpty());
  EXPECT_THAT(
      ProblemsOf(Job(incremental)),
      ElementsAre(HasSubstr("HASHMAP takes full snapshots only; state state_backend: ROCKSDB with "
                            "its state_access_time: ..., or remove incremental")));
  EXPECT_THAT(ProblemsOf(Job(kTimes + rocks)),
              ElementsAre(HasSubstr("ROCKSDB reads and writes its state for each record; add "
                                    "state_access_time: ...")));
  EXPECT_THAT(
      ProblemsOf(Job(kTimes + rocks + access + memory)),
      ElementsAre(HasSubstr("ROCKSDB keeps its state on disk, which state_memory does not limit; "
                            "remove it, or state state_backend: HASHMAP")));
  EXPECT_THAT(ProblemsOf(Job(kTimes + access)),
              ElementsAre(HasSubstr("HASHMAP has its state in memory, and its access is part of "
                                    "cpu_per_record; remove state_access_time, or state "
                                    "state_backend: ROCKSDB")));
  // What cannot be read is one problem, not two.
  EXPECT_THAT(ProblemsOf(Job(kTimes + rocks + "state_access_time: \"fast\" ")),
              ElementsAre(HasSubstr("state_access_time")));
}

// A side output is of what has windows, and is no result: the window still needs a taker of those.
TEST(JobRulesTest, LateRecordsComeFromWindows) {
  const std::string late =
      "step { name: \"late\" input: \"count\" late_records: true blackhole {} }\n";
  EXPECT_THAT(ProblemsOf(Job(kTimes, kSteps + late)), IsEmpty());
  EXPECT_THAT(
      ProblemsOf(Job(kTimes, std::string(kSteps) +
                                 "step { name: \"late\" input: \"read\" late_records: true "
                                 "blackhole {} }\n")),
      ElementsAre(HasSubstr("nothing is too late for operator \"read\", which has no windows; "
                            "name a window, a session or a join as input")));
  const std::string without_result =
      "step { name: \"read\" source { reads: \"orders\" } }\n"
      "step { name: \"count\" by_key: true window { size: \"10s\" keys: 100 row_size: \"100B\" "
      "state_per_key: \"100B\" } }\n";
  EXPECT_THAT(ProblemsOf(Job(kTimes, without_result + late)),
              ElementsAre(HasSubstr("nothing takes what operator \"count\" passes on")));
  EXPECT_THAT(ProblemsOf(Job(kTimes,
                             "step { name: \"read\" late_records: true source { reads: \"orders\" "
                             "} }\n step { name: \"out\" blackhole {} }\n")),
              ElementsAre(HasSubstr("operator \"read\" takes no side output")));
}

TEST(JobRulesTest, TimesAreInOrder) {
  EXPECT_THAT(ProblemsOf(Job(std::string(kTimes) + "heartbeat_timeout: \"10s\" ")),
              ElementsAre(HasSubstr("heartbeat_timeout 10s is not above heartbeat_interval 10s; "
                                    "raise it")));
  EXPECT_THAT(ProblemsOf(Job(std::string(kTimes) + "restart { delay: \"2min\" } ")),
              ElementsAre(HasSubstr("delay 2min is above max_delay 1min; lower it")));
}

TEST(JobRulesTest, FaultsNameTaskManagers) {
  const auto down = [](const std::string& target) {
    return Job(kTimes) + "fault { at: \"1min\" lasts: \"1s\" down { target: \"" + target +
           "\" } }\n";
  };
  EXPECT_THAT(ProblemsOf(down("sessions/task-manager-2")), IsEmpty());
  for (const char* wrong : {"sessions", "sessions/task-manager-3", "sessions/task-manager-02",
                            "sessions/worker-1", "sessions/task-manager-1/disk"}) {
    EXPECT_THAT(ProblemsOf(down(wrong)),
                ElementsAre(HasSubstr("is no task manager; write \"sessions/task-manager-1\" to "
                                      "\"sessions/task-manager-2\"")))
        << wrong;
  }
}

}  // namespace
}  // namespace freshet
