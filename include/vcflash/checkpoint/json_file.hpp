#pragma once

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

#include <vcflash/meta/separate.hpp>

namespace vcflash::checkpoint {

/// \throws InputError if the file, or its folder, is missing, or the file is no JSON object
nlohmann::json read_json(std::filesystem::path const& path);

/// As `transformers` writes its JSON files: two blanks, sorted keys, a final newline.
void write_json(std::filesystem::path const& path, nlohmann::json const& json);

}  // namespace vcflash::checkpoint

#ifndef VCFLASH_SEPARATE
#include <vcflash/checkpoint/json_file.ipp>
#endif
