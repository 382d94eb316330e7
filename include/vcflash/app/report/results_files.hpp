#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <vcflash/base/error.hpp>

/// The files that a report is made from, which a run left.
namespace vcflash::app {

/// \throws InputError naming the file if it is missing or no JSON
inline nlohmann::ordered_json read_results(std::filesystem::path const& path) {
  std::ifstream file(path);
  auto json = nlohmann::ordered_json::parse(file, nullptr, false);
  if (!file || json.is_discarded()) {
    throw InputError(
        fmt::format("{}: is missing or no JSON; did the run get so far?", path.string()));
  }
  return json;
}

/// A JSON value a line.
/// \throws InputError naming the file, and the line that is no JSON
inline std::vector<nlohmann::json> read_results_lines(std::filesystem::path const& path) {
  std::ifstream file(path);
  if (!file) throw InputError(fmt::format("{}: is missing.", path.string()));
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(file, line);) {
    rows.push_back(nlohmann::json::parse(line, nullptr, false));
    if (rows.back().is_discarded()) {
      throw InputError(fmt::format("{}: line {} is no JSON.", path.string(), rows.size()));
    }
  }
  return rows;
}

}  // namespace vcflash::app
