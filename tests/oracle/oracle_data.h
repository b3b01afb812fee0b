// The oracle tables of tests/oracle/data: values that a formula gives, computed apart from this
// program and checked by a second method. Rows are named by id, part of the model or its
// parameters, and metric.
#ifndef FRESHET_TESTS_ORACLE_ORACLE_DATA_H_
#define FRESHET_TESTS_ORACLE_ORACLE_DATA_H_

#include <string>
#include <string_view>
#include <vector>

namespace freshet::oracle {

// Rows of fields of a CSV file in tests/oracle/data, its header first: fields between commas, or
// between quotes with "" for one. Throws std::runtime_error when it cannot be read.
std::vector<std::vector<std::string>> ReadCsv(std::string_view file_name);

// One row of oracles.csv.
struct Row {
  std::string id;
  std::string group;
  std::string model;
  std::string params;
  std::string metric;
  double value;
  std::string formula;
};

const std::vector<Row>& AllRows();

// The value of the one row with this id whose metric is `metric` and whose model or params contain
// `part`. Throws std::runtime_error, naming what was asked, when none or several fit.
double Value(std::string_view id, std::string_view metric, std::string_view part = "");

}  // namespace freshet::oracle

#endif  // FRESHET_TESTS_ORACLE_ORACLE_DATA_H_
