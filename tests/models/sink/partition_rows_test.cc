#include "models/sink/partition_rows.h"

#include <gtest/gtest.h>

#include <tuple>
#include <vector>

namespace freshet {
namespace {

using Parts = std::vector<std::tuple<PartitionId, Offset, Offset>>;

Parts Beyond(const PartitionRows& rows, const PartitionRows& other) {
  Parts parts;
  rows.VisitBeyond(other, [&parts](PartitionId source, Offset from, Offset to) {
    parts.emplace_back(source, from, to);
  });
  return parts;
}

TEST(PartitionRowsTest, EachRowIsThereOnce) {
  PartitionRows rows;
  EXPECT_EQ(rows.Add(1, 10, 20), 10);
  EXPECT_EQ(rows.Add(1, 15, 30), 10);
  EXPECT_EQ(rows.Add(2, 15, 30), 15);
  EXPECT_EQ(rows.Add(1, 5, 40), 15);
  EXPECT_EQ(rows.count(), 50);
  EXPECT_EQ(rows.interval_count(), 2U);
}

TEST(PartitionRowsTest, WhatAnotherHasNot) {
  PartitionRows rows, other;
  rows.Add(1, 0, 100);
  rows.Add(2, 0, 10);
  other.Add(1, 20, 30);
  other.Add(1, 90, 200);
  EXPECT_EQ(Beyond(rows, other), (Parts{{1, 0, 20}, {1, 30, 90}, {2, 0, 10}}));
  EXPECT_EQ(Beyond(other, rows), (Parts{{1, 100, 200}}));
  EXPECT_EQ(Beyond(rows, rows), Parts());
  EXPECT_EQ(Beyond(rows, PartitionRows()), (Parts{{1, 0, 100}, {2, 0, 10}}));
  other.AddAll(rows);
  EXPECT_EQ(other.count(), 210);
}

}  // namespace
}  // namespace freshet
