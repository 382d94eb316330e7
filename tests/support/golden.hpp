#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

/// Every golden file is opened through this header: it finds the directory and leaves a mark for
/// each file, so that a test can tell which golden files no test looks at (golden_coverage.cmake).
namespace vcflash::test {

/// The root of the source tree: VCFLASH_SOURCE, else the nearest parent that holds tests/golden.
inline std::filesystem::path source_root() {
  if (char const* given = std::getenv("VCFLASH_SOURCE")) return given;
  auto folder = std::filesystem::current_path();
  while (!std::filesystem::exists(folder / "tests/golden/README.md")) {
    if (folder == folder.root_path()) {
      throw std::runtime_error("no tests/golden above " + std::filesystem::current_path().string() +
                               ": run from the source tree, or set VCFLASH_GOLDEN");
    }
    folder = folder.parent_path();
  }
  return folder;
}

/// The directory of golden data: VCFLASH_GOLDEN, else tests/golden.
inline std::filesystem::path golden_root() {
  if (char const* given = std::getenv("VCFLASH_GOLDEN"); given && *given) return given;
  return source_root() / "tests/golden";
}

/// Path of a folder, for code that is given a folder. Marks nothing: the test says which of its
/// files were read with golden_file.
inline std::filesystem::path golden_folder(std::string const& relative) {
  auto const path = golden_root() / relative;
  if (!std::filesystem::is_directory(path)) {
    throw std::runtime_error(path.string() + " is not a folder of golden data");
  }
  return path;
}

/// Path of a file that the test is about to read, marked as opened.
/// \param relative e.g. "model/umt224.json"
inline std::filesystem::path golden_file(std::string const& relative) {
  auto const path = golden_root() / relative;
  if (!std::filesystem::is_regular_file(path)) {
    throw std::runtime_error(path.string() + " is missing from the golden data");
  }
  if (char const* record = std::getenv("VCFLASH_GOLDEN_OPENED")) {
    auto const mark = std::filesystem::path(record) / relative;
    std::filesystem::create_directories(mark.parent_path());
    std::ofstream{mark};
  }
  return path;
}

/// The bytes of a file; those of a `.gz` come unpacked.
inline std::string golden_text(std::string const& relative) {
  auto const path = golden_file(relative);
  if (path.extension() != ".gz") {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  std::string text, chunk(1 << 16, '\0');
  int count;
  while ((count = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()))) > 0) {
    text.append(chunk, 0, static_cast<std::size_t>(count));
  }
  if (count < 0) throw std::runtime_error("cannot unpack " + path.string());
  return text;
}

inline nlohmann::json golden_json(std::string const& relative) {
  return nlohmann::json::parse(golden_text(relative));
}

/// A number that may be written as text.
inline double golden_number(nlohmann::json const& value) {
  return value.is_string() ? std::stod(value.get<std::string>()) : value.get<double>();
}

/// One JSON value a line.
inline std::vector<nlohmann::json> golden_jsonl(std::string const& relative) {
  auto const text = golden_text(relative);
  std::vector<nlohmann::json> rows;
  for (std::size_t begin = 0; begin < text.size();) {
    auto const end = std::min(text.find('\n', begin), text.size());
    if (end > begin) rows.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return rows;
}

}  // namespace vcflash::test
