#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/scenarios/language/scenario_text.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;

TEST(TenMistakesTest, AreTenFindingsEachAtItsPlace) {
  const absl::StatusOr<LoadResult> result = Load(FRESHET_TEN_MISTAKES);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(
      Lines(*result),
      ElementsAre(
          "6:1: run_for: \"8\" has no unit; write a duration such as \"5ms\"",
          "8:1: recording has no value \"SPANNS\"; did you mean SPANS? choose OFF, STATE, SPANS, "
          "REQUESTS",
          "10:39: topic \"orders\" wants 4 replicas of 3 brokers; lower replication_factor or add "
          "brokers",
          "11:22: topic.partitions: \"12\" is not a whole number from 1 to 1000000; write one "
          "without quotes",
          "13:50: topic \"ordres\" is no topic; closest topic: \"orders\"",
          "14:66: Consumers has no field \"fetch_max_wiat\"; did you mean \"fetch_max_wait\"?",
          "15:27: component[meter].consumers has no members; state it: The members of the group, "
          "each on a host of its own.",
          "16:66: topic is given twice in one block; keep one",
          "17:114: idempotence needs acks ALL, not NONE; change it or set idempotence: false",
          "25:37: fault target \"log/broker-4\" is no handle; write \"log/broker-1\" to "
          "\"log/broker-3\", and behind it \"/disk\" or \"/nic\" for a part"));
}

}  // namespace
}  // namespace freshet
