#include "models/client/record_marker.h"

#include <gtest/gtest.h>

#include <vector>

namespace freshet {
namespace {

RandomStream Stream() { return RandomStream(7, "shop", "client-0/poison"); }

CreatedTimes Between(Time low, Time high) { return {low, 1, low, high}; }

std::vector<int64_t> PoisonOf(const std::vector<int64_t>& batches) {
  RecordMarker marker(Ratio::Percent(5), {}, Stream());
  std::vector<int64_t> found;
  int64_t before = 0;
  for (const int64_t records : batches) {
    const BatchMarks* marks = marker.Mark(records, Between(Time(), Time()));
    if (marks != nullptr) {
      for (const BatchMarks::Stretch& each : marks->stretches) {
        EXPECT_EQ(each.to, each.from + 1);
        EXPECT_EQ(each.mark.kind, RecordKind::kPoison);
        found.push_back(before + each.from);
      }
    }
    before += records;
  }
  EXPECT_EQ(marker.poison_records(), static_cast<int64_t>(found.size()));
  return found;
}

TEST(RecordMarkerTest, PoisonFallsOnTheSameRecordsWhateverTheBatches) {
  const std::vector<int64_t> one = PoisonOf({10'000});
  EXPECT_EQ(PoisonOf({1, 2, 997, 4'000, 5'000}), one);
  EXPECT_EQ(PoisonOf(std::vector<int64_t>(10'000, 1)), one);
  EXPECT_NEAR(static_cast<double>(one.size()), 500, 5 * 22);
}

TEST(RecordMarkerTest, WithoutAnythingToMarkThereIsNothing) {
  RecordMarker marker(Ratio(), {}, Stream());
  EXPECT_EQ(marker.Mark(1'000, Between(Time(), Time())), nullptr);
}

TEST(RecordMarkerTest, BatchesOfOneVersionShareTheirMarks) {
  RecordMarker marker(Ratio(), {}, Stream());
  marker.SetSchemaVersion(1);
  const BatchMarks* first = marker.Mark(10, Between(Time(), Time()));
  EXPECT_EQ(first->schema_version, 1);
  EXPECT_EQ(marker.Mark(20, Between(Time(), Time())), first);
  marker.SetSchemaVersion(2);
  EXPECT_EQ(marker.Mark(10, Between(Time(), Time()))->schema_version, 2);
}

TEST(RecordMarkerTest, OfflineRecordsAreTheFirstFromTheirTimeOn) {
  // Five of them at 10 s; batches of four records, a second apart, from 9 s to 12 s.
  const Time at = Time() + Seconds(10);
  RecordMarker marker(Ratio(), {{Time() + Seconds(1), at, 5}}, Stream());
  EXPECT_EQ(marker.Mark(4, Between(Time(), Time() + Seconds(9))), nullptr);
  const BatchMarks* marks = marker.Mark(4, Between(Time() + Seconds(9), Time() + Seconds(12)));
  ASSERT_EQ(marks->stretches.size(), 1U);
  EXPECT_EQ(marks->stretches[0].from, 1);
  EXPECT_EQ(marks->stretches[0].to, 4);
  EXPECT_EQ(marks->stretches[0].mark.event_time, Time() + Seconds(1));
  // The other two are in the next batch.
  marks = marker.Mark(4, Between(Time() + Seconds(13), Time() + Seconds(16)));
  EXPECT_EQ(marks->stretches[0].from, 0);
  EXPECT_EQ(marks->stretches[0].to, 2);
  EXPECT_EQ(marker.Mark(4, Between(Time() + Seconds(17), Time() + Seconds(18))), nullptr);
  EXPECT_EQ(marker.offline_records(), 5);
}

}  // namespace
}  // namespace freshet
