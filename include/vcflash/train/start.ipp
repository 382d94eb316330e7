#pragma once

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/train/start.hpp>

namespace vcflash::train {

VCFLASH_INLINE std::string Start::name() const {
  return weights ? std::filesystem::absolute(*weights).lexically_normal().string() : "";
}

namespace detail {

/// The folder of the base model that stage 1 started from.
inline std::filesystem::path base_of_stage1(std::filesystem::path const& stage1) {
  auto const config = checkpoint::read_json(stage1 / "config.json");
  auto const noted = config.find("_name_or_path");
  std::filesystem::path const base =
      noted != config.end() && noted->is_string() ? noted->get<std::string>() : std::string();
  if (auto const found = checkpoint::find_base(base, stage1)) return *found;
  throw InputError(
      fmt::format("{}: holds a connector only, and the model that it was trained in "
                  "({}) is not there; give --init MODEL --connector {}.",
                  stage1.string(), base.empty() ? "random weights" : base.string(),
                  (stage1 / "mm_projector.bin").string()));
}

}  // namespace detail

VCFLASH_INLINE Start start_of(RunFiles const& files) {
  Start start{.weights = files.init,
              .connector = files.connector,
              .encoder = files.encoder,
              .allow_missing = files.allow_missing};
  if (!files.init) return start;
  auto source = checkpoint::source_of(*files.init);
  start.weights = std::move(source.weights);
  start.adapter = std::move(source.adapter);
  auto const connector = *files.init / "mm_projector.bin";
  if (!checkpoint::has_weights(*files.init) && std::filesystem::exists(connector)) {
    start.weights = detail::base_of_stage1(*files.init);
    if (!start.connector) start.connector = connector;
  }
  return start;
}

}  // namespace vcflash::train
