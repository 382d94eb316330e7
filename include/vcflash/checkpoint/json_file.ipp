#pragma once

#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/json_file.hpp>

namespace vcflash::checkpoint {

VCFLASH_INLINE nlohmann::json read_json(std::filesystem::path const& path) {
  std::ifstream file(path);
  if (!file) {
    std::error_code none;
    bool const folder =
        path.parent_path().empty() || std::filesystem::is_directory(path.parent_path(), none);
    throw InputError(
        folder ? fmt::format("{}: cannot be opened.", path.string())
               : fmt::format("{}: there is no such folder.", path.parent_path().string()));
  }
  // The callback bounds the depth, so that parsing builds nothing deep.
  auto const shallow = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > 100) throw InputError("nested too deeply");
    return true;
  };
  try {
    auto json = nlohmann::json::parse(file, shallow);
    if (json.is_object()) return json;
  } catch (std::exception const&) {
  }
  throw InputError(fmt::format("{}: is not a JSON object.", path.string()));
}

VCFLASH_INLINE void write_json(std::filesystem::path const& path, nlohmann::json const& json) {
  write_file(path, json.dump(2) + "\n");
}

}  // namespace vcflash::checkpoint
