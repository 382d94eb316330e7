#pragma once

#include <vcflash/app/program.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/adapter.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/folder.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>

namespace vcflash::app {

namespace detail {

/// Copies what stands beside a model's weights in its folder: configurations, tokenizer.
inline void copy_company(std::filesystem::path const& from, std::filesystem::path const& to) {
  for (auto const& entry : std::filesystem::directory_iterator(from)) {
    auto const name = entry.path().filename().string();
    auto const extension = entry.path().extension();
    bool const company = extension == ".json" || extension == ".txt" || extension == ".jinja";
    bool const about_run = name == checkpoint::adapter_config_file ||
                           name == "trainer_state.json" || name == "training.json" ||
                           name == checkpoint::index_file;
    if (!entry.is_regular_file() || !company || about_run) continue;
    std::filesystem::copy_file(entry.path(), to / name,
                               std::filesystem::copy_options::overwrite_existing);
  }
}

}  // namespace detail

/// The program `merge-adapter`.
inline int merge_adapter_main(int argc, char** argv) {
  Program program("merge-adapter",
                  "Merges a low-rank adapter into the model that it was trained on, and writes the "
                  "whole model: W + scaling * B A in fp32, in the model's own type.",
                  "merge-adapter --adapter runs/lora --out runs/merged\n"
                  "merge-adapter --model BASE --adapter downloaded-adapter --out merged");
  std::filesystem::path model, adapter, out;
  auto& flags = program.flags();
  flags
      .add_option("--model", model, "Folder of the model; default: the one that the adapter names")
      ->type_name("FOLDER");
  flags.add_option("--adapter", adapter, "Folder of the adapter, in PEFT's layout")
      ->type_name("FOLDER")
      ->required();
  flags.add_option("--out", out, "Folder of the merged model; a new one")
      ->type_name("FOLDER")
      ->required();
  return program.run(argc, argv, [&] {
    auto const weights = model.empty() ? checkpoint::source_of(adapter).weights : model;
    if (checkpoint::has_weights(out)) {
      throw InputError(
          fmt::format("--out {}: holds a model already; a new folder is expected.", out.string()));
    }
    auto tensors = checkpoint::read_weights(weights);
    checkpoint::merge_adapter(tensors, checkpoint::read_adapter(adapter), adapter.string());
    checkpoint::make_folder(out);
    detail::copy_company(weights, out);
    if (std::filesystem::exists(adapter / "config.json")) detail::copy_company(adapter, out);
    checkpoint::save_weights({tensors.begin(), tensors.end()}, out);
    fmt::print("{}: {} with the adapter of {}\n", out.string(), weights.string(), adapter.string());
  });
}

}  // namespace vcflash::app
