#include "tests/oracle/oracle_data.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace freshet::oracle {
namespace {

double ParseNumber(const std::string& text, const std::string& id) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw std::runtime_error("oracles.csv: " + id + ": \"" + text + "\" is not a number");
  }
  return value;
}

}  // namespace

std::vector<std::vector<std::string>> ReadCsv(std::string_view file_name) {
  const std::string path = std::string(FRESHET_ORACLE_DATA) + "/" + std::string(file_name);
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};

  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string field;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        field += '"';
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' || c == '\n') {
      row.push_back(std::move(field));
      field.clear();
      if (c == '\n') {
        rows.push_back(std::move(row));
        row.clear();
      }
    } else if (c != '\r') {
      field += c;
    }
  }
  return rows;
}

const std::vector<Row>& AllRows() {
  static const auto* const rows = [] {
    auto* read = new std::vector<Row>;
    const auto table = ReadCsv("oracles.csv");
    for (size_t i = 1; i < table.size(); ++i) {
      const std::vector<std::string>& fields = table[i];
      if (fields.size() < 7) throw std::runtime_error("oracles.csv: a row is too short");
      read->push_back({fields[0], fields[1], fields[2], fields[3], fields[4],
                       ParseNumber(fields[5], fields[0]), fields[6]});
    }
    return read;
  }();
  return *rows;
}

double Value(std::string_view id, std::string_view metric, std::string_view part) {
  const Row* found = nullptr;
  int fitting = 0;
  for (const Row& row : AllRows()) {
    if (row.id != id || row.metric != metric) continue;
    if (row.model.find(part) == std::string::npos && row.params.find(part) == std::string::npos) {
      continue;
    }
    found = &row;
    ++fitting;
  }
  if (fitting != 1) {
    throw std::runtime_error("oracles.csv: " + std::to_string(fitting) + " rows fit " +
                             std::string(id) + " / " + std::string(metric) + " / " +
                             std::string(part));
  }
  return found->value;
}

}  // namespace freshet::oracle
