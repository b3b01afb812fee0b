#include "models/log/oldest_event.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace freshet {
namespace {

Batch Made(Time at, int64_t records) {
  Batch batch;
  batch.record_count = records;
  batch.bytes = Bytes(100 * records);
  batch.created = {at, 1, at, at};
  return batch;
}

TEST(OldestEventTest, TheFirstRecordIsNotAlwaysTheOldest) {
  PartitionLog log;
  const RecordProfiles profiles;
  OldestEvent oldest;
  log.Append(Made(Time() + Seconds(5), 10));
  log.Append(Made(Time() + Seconds(3), 10));
  log.Append(Made(Time() + Seconds(4), 10));
  EXPECT_EQ(oldest.From(0, 0, log, profiles), Time() + Seconds(3));
  EXPECT_EQ(oldest.From(15, 0, log, profiles), Time() + Seconds(3));
  EXPECT_EQ(oldest.From(20, 0, log, profiles), Time() + Seconds(4));
  EXPECT_EQ(oldest.From(30, 0, log, profiles), Time::Max());
  log.Append(Made(Time() + Seconds(1), 10));
  EXPECT_EQ(oldest.From(30, 0, log, profiles), Time() + Seconds(1));
  // A reader that goes back is told of what it had passed.
  EXPECT_EQ(oldest.From(10, 0, log, profiles), Time() + Seconds(1));
}

TEST(OldestEventTest, WhatAnElectionCutsIsForgotten) {
  PartitionLog log;
  const RecordProfiles profiles;
  OldestEvent oldest;
  log.Append(Made(Time() + Seconds(5), 10));
  log.Append(Made(Time() + Seconds(1), 10));
  EXPECT_EQ(oldest.From(0, 0, log, profiles), Time() + Seconds(1));
  log.Truncate(10, [](const LogRange&, int64_t) {});
  oldest.Forget();
  log.Append(Made(Time() + Seconds(6), 10));
  EXPECT_EQ(oldest.From(0, 0, log, profiles), Time() + Seconds(5));
}

RC_GTEST_PROP(OldestEventTest, IsTheLeastOfAllThatAreLeft, ()) {
  PartitionLog log;
  const RecordProfiles profiles;
  OldestEvent oldest;
  std::vector<int64_t> made;
  Offset from = 0;
  for (int i = 0; i < 30; ++i) {
    for (int more = *rc::gen::inRange(0, 4); more > 0; --more) {
      made.push_back(*rc::gen::inRange<int64_t>(0, 1'000));
      log.Append(Made(Time() + Nanoseconds(made.back()), 1));
    }
    const auto end = static_cast<Offset>(made.size());
    from = *rc::gen::inRange<Offset>(from, end + 1);
    const Time least =
        from == end ? Time::Max()
                    : Time() + Nanoseconds(*std::min_element(made.begin() + from, made.end()));
    RC_ASSERT(oldest.From(from, 0, log, profiles) == least);
  }
}

}  // namespace
}  // namespace freshet
