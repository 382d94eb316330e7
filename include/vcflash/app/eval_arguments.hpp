#pragma once

#include <vcflash/app/trained_model.hpp>
#include <vcflash/app/viewing.hpp>
#include <vcflash/dist/device.hpp>
#include <vcflash/eval/benchmark.hpp>
#include <vcflash/eval/needle_exam.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/recipe/recipe.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the evaluations of a model have in common: what the command line says, and the model.
namespace vcflash::app::detail {

struct EvalArguments {
  std::filesystem::path model, data, media, out;
  std::vector<std::string> benchmarks, allow_missing;
  std::string dtype = "auto", device = "auto", scoring = "upstream", choose = "text", layout,
              rope_scaling;
  std::int64_t batch = 8;
  double limit = 0, max_broken = 0.01, video_timeout = 0;
  bool fresh = false, plan = false, beyond_length = false;
  Viewing viewing;
  eval::needle::Grid grid;
  std::filesystem::path haystack, adapter;

  void add_flags(CLI::App& flags);
};

/// Tells one model folder from another without reading all of its weights: the names, sizes, first
/// and last bytes of the files that a model is read from. A copy of a folder is the same.
std::string folder_fingerprint(std::filesystem::path const& folder);

/// The same of what a run is asked of: the model, and the adapter if there is one.
std::string weights_fingerprint(EvalArguments const& arguments);

/// The same of one file, by its size, first and last bytes.
std::string file_fingerprint(std::filesystem::path const& file);

/// A model that is loaded when it is first needed, onto a device that must be there before.
template <Model M>
class LazyModel {
 public:
  /// \param arguments which are told what "auto" is
  explicit LazyModel(EvalArguments& arguments)
      : arguments_(arguments), device_(dist::device_of(arguments.device)) {
    // A plan needs no weights; those of the released models are bfloat16.
    bool const planned = arguments.plan && !checkpoint::has_weights(arguments.model);
    arguments.dtype = dtype_for(planned && arguments.dtype == "auto" ? "bfloat16" : arguments.dtype,
                                arguments.model, device_);
    arguments.device = device_.is_cpu() ? "cpu" : "cuda";
  }

  TrainedModel<M> const& operator()() {
    if (!model_) {
      model_ = TrainedModel<M>::from({.folder = arguments_.model,
                                      .dtype = dtype_of(arguments_.dtype),
                                      .device = device_,
                                      .allow_missing = arguments_.allow_missing,
                                      .adapter = arguments_.adapter,
                                      .rope_scaling = arguments_.rope_scaling});
    }
    return *model_;
  }

 private:
  EvalArguments const& arguments_;
  at::Device device_;
  std::optional<TrainedModel<M>> model_;
};

/// What an evaluation needs to know of a model's type.
struct ModelFacts {
  std::string_view name;
  std::int64_t clip_frames;  ///< that the encoder sees together
  Asking asking;
  LlmFacts const* llm;
};

template <Model M>
inline constexpr ModelFacts facts_of{type_name<M>(), M::Encoder::clip.frames, asking_of<M>(),
                                     &M::Llm::facts};

/// How the model is asked.
/// \param wanted frames of the benchmark, where the command line says nothing; no more than a model
/// was trained on that is asked as it was trained
eval::RunOptions run_options(ModelFacts const& model, EvalArguments const& arguments,
                             eval::FrameLimits wanted = {});

/// What is said of the model beside its scores.
nlohmann::ordered_json about_model(ModelFacts const& model, EvalArguments const& arguments);

/// What answers depend on, of all that is said of a run: not where the model's folder lies, which
/// may be another on each machine.
nlohmann::json about_answers(nlohmann::json about, EvalArguments const& arguments);

/// And of how it was asked.
nlohmann::ordered_json about_run(ModelFacts const& model, EvalArguments const& arguments,
                                 eval::RunOptions const& viewing);

/// Says that others left so many questions of a benchmark, which are asked here.
void warn_of_left_behind(std::string_view benchmark, std::size_t questions);

}  // namespace vcflash::app::detail

#ifndef VCFLASH_SEPARATE
#include <vcflash/app/eval_arguments.ipp>
#endif
