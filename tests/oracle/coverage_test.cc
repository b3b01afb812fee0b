// coverage.md lists every oracle once, and what it says of each is so.
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/oracle/oracle_data.h"

namespace freshet::oracle {
namespace {

std::string ReadFile(const std::string& name) {
  std::ifstream file(std::string(FRESHET_ORACLE_DIR) + "/" + name);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What coverage.md says of each id: the third cell, and the fourth.
std::map<std::string, std::pair<std::string, std::string>> ReadCoverage() {
  std::map<std::string, std::pair<std::string, std::string>> held;
  std::istringstream text(ReadFile("coverage.md"));
  for (std::string line; std::getline(text, line);) {
    if (line.rfind("| ", 0) != 0 || line.rfind("| id", 0) == 0 || line.rfind("| -", 0) == 0)
      continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(1));
    for (std::string cell; std::getline(row, cell, '|');) {
      const size_t first = cell.find_first_not_of(' ');
      cells.push_back(first == std::string::npos
                          ? ""
                          : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
    }
    EXPECT_EQ(cells.size(), 4u) << line;
    if (cells.size() != 4) continue;
    EXPECT_TRUE(held.emplace(cells[0], std::pair(cells[2], cells[3])).second)
        << cells[0] << " is listed twice";
  }
  return held;
}

// Full names of this program's tests that are, or are not, of the long suite.
std::string Registered(bool is_long) {
  std::string names;
  const auto* all = ::testing::UnitTest::GetInstance();
  for (int i = 0; i < all->total_test_suite_count(); ++i) {
    const auto* suite = all->GetTestSuite(i);
    if ((std::string(suite->name()).rfind("Long", 0) == 0) != is_long) continue;
    for (int j = 0; j < suite->total_test_count(); ++j) {
      names += std::string(suite->name()) + "." + suite->GetTestInfo(j)->name() + " ";
    }
  }
  return names;
}

TEST(OracleCoverage, EveryOracleIsListedOnce) {
  std::set<std::string> in_table;
  for (const Row& row : AllRows()) in_table.insert(row.id);
  std::set<std::string> listed;
  for (const auto& [id, held] : ReadCoverage()) listed.insert(id);
  EXPECT_EQ(listed, in_table);
}

TEST(OracleCoverage, WhatIsListedAsHeldIsHeld) {
  const std::string quick = Registered(false);
  const std::string slow = Registered(true);
  const std::string samplers = ReadFile("sampler_oracle_test.cc");
  std::string models = ReadFile("../models/storage/object_client_test.cc");
  for (const char* test : {"disk_test.cc", "failover_test.cc", "producer_test.cc"}) {
    models += ReadFile(std::string("../models/kafka/") + test);
  }
  for (const char* test : {"checkpoint_oracle_test.cc", "checkpoint_test.cc",
                           "event_time_oracle_test.cc", "job_test.cc", "topic_sink_test.cc"}) {
    models += ReadFile(std::string("../models/processing/") + test);
  }
  for (const auto& [id, what] : ReadCoverage()) {
    const std::string& held = what.first;
    const auto says = [&](const char* word) { return held.find(word) != std::string::npos; };
    EXPECT_EQ(says("quick"), quick.find(id) != std::string::npos) << id;
    EXPECT_EQ(says("slow"), slow.find(id) != std::string::npos) << id;
    if (says("samplers")) {
      EXPECT_NE(samplers.find(id), std::string::npos) << id;
    }
    if (says("models")) {
      EXPECT_NE(models.find(id), std::string::npos) << id;
    }
    if (says("not modelled yet")) {
      EXPECT_NE(what.second, "") << id << " has no reason";
    }
    EXPECT_TRUE(says("quick") || says("slow") || says("samplers") || says("models") ||
                says("not modelled yet"))
        << id;
  }
}

}  // namespace
}  // namespace freshet::oracle
