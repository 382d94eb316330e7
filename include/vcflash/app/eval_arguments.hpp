#pragma once

#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/dist/device.hpp>
#include <vcflash/eval/benchmark.hpp>
#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/eval/sha256.hpp>
#include <vcflash/infer/sampling.hpp>
#include <vcflash/recipe/recipe.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

/// What the evaluations of a model have in common: what the command line says, and the model.
namespace vcflash::app::detail {

struct EvalArguments {
  std::filesystem::path model, data, media, out;
  std::vector<std::string> benchmarks, allow_missing;
  std::string dtype = "float32", device = "cpu", scoring = "upstream", layout;
  std::int64_t limit = 0, batch = 8;
  bool fresh = false, plan = false;
  Viewing viewing;
  eval::needle::Grid grid;
  std::filesystem::path haystack;
};

/// Tells one model folder from another without reading its weights: its files, their sizes and when
/// they were written.
inline std::string folder_fingerprint(std::filesystem::path const& folder) {
  std::map<std::string, std::string> files;
  std::error_code none;
  for (auto const& entry : std::filesystem::directory_iterator(folder, none)) {
    if (!entry.is_regular_file(none)) continue;
    files[entry.path().filename().string()] = fmt::format(
        "{} {}", entry.file_size(none), entry.last_write_time(none).time_since_epoch().count());
  }
  return eval::sha256(nlohmann::json(files).dump()).substr(0, 16);
}

/// A model that is loaded when it is first needed, onto a device that must be there before.
template <Model M>
class LazyModel {
 public:
  explicit LazyModel(EvalArguments const& arguments)
      : arguments_(arguments), device_(dist::device_of(arguments.device)) {}

  TrainedModel<M> const& operator()() {
    if (!model_) {
      model_ = TrainedModel<M>::from_folder(arguments_.model, dtype_of(arguments_.dtype), device_,
                                            arguments_.allow_missing);
    }
    return *model_;
  }

 private:
  EvalArguments const& arguments_;
  at::Device device_;
  std::optional<TrainedModel<M>> model_;
};

/// How the model is asked.
template <Model M>
eval::RunOptions run_options(EvalArguments const& arguments) {
  auto options =
      arguments.viewing.options(arguments.model, M::Encoder::clip_frames, M::time_message);
  options.batch = arguments.batch;
  options.repetition_penalty = infer::sampling_of(arguments.model).repetition_penalty;
  return options;
}

/// What is said of the model beside its scores.
template <Model M>
nlohmann::ordered_json about_model(EvalArguments const& arguments) {
  return {{"model", std::string(std::string_view(M::name))},
          {"folder", arguments.model.string()},
          {"dtype", arguments.dtype}};
}

/// And of how it was asked.
template <Model M>
nlohmann::ordered_json about_run(EvalArguments const& arguments, eval::RunOptions const& viewing) {
  auto about = about_model<M>(arguments);
  about["frames"] = {{"least", viewing.frames.min_frames},
                     {"most", viewing.frames.max_frames},
                     {"sampling", std::string(name_of(viewing.frames.sampling))}};
  about["time_message"] = viewing.time_message;
  about["repetition_penalty"] = viewing.repetition_penalty;
  return about;
}

}  // namespace vcflash::app::detail
