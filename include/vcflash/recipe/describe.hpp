#pragma once

#include <vcflash/recipe/recipe.hpp>

#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A recipe as the compiler sees it: what `--describe` prints. No weight exists.
namespace vcflash {

/// One part of a model.
struct PartDescription {
  std::string part, component;
  std::int64_t parameters = 0, tensors = 0;
  bool trained = false;
};

/// What a model is made of.
struct ModelDescription {
  std::vector<PartDescription> parts{};
  std::int64_t parameters = 0, tensors = 0, trained_parameters = 0;
  std::int64_t resolution = 0, clip_frames = 0, clip_patches = 0, clip_tokens = 0;
  std::int64_t image_patches = 0, image_tokens = 0;
};

/// \param trained which parts carry gradients
template <Model M>
ModelDescription describe_model(TrainedParts trained = {}) {
  using Encoder = typename M::Encoder;
  using Connector = typename M::Connector;
  ModelDescription text{.resolution = Encoder::resolution,
                        .clip_frames = Encoder::clip.frames,
                        .clip_patches = Encoder::clip.frames * Encoder::image.tokens(),
                        .clip_tokens = Connector::tokens(Encoder::clip),
                        .image_patches = Encoder::image.tokens(),
                        .image_tokens = Connector::tokens(Encoder::image)};
  auto const add = [&]<class Part>(std::string_view part, std::string_view name, bool is_trained,
                                   Part const*) {
    text.parts.push_back(
        {std::string(part), std::string(name), parameter_count<Part>, key_count<Part>, is_trained});
    text.parameters += parameter_count<Part>;
    text.tensors += key_count<Part>;
    if (is_trained) text.trained_parameters += trainable_count<Part>;
  };
  add("encoder", Encoder::name, trained.encoder, static_cast<Encoder const*>(nullptr));
  add("connector", Connector::name, trained.connector, static_cast<Connector const*>(nullptr));
  add("llm", llm_name<M>(), trained.llm, static_cast<typename M::Llm const*>(nullptr));
  return text;
}

/// `1,234,567`.
inline std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::int64_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

/// The model's parts, its parameters and its tokens, in columns.
inline std::string to_text(ModelDescription const& model) {
  std::ostringstream text;
  auto const row = [&](std::string_view part, std::string_view component, std::string_view count,
                       std::string_view tensors, std::string_view trained) {
    text << std::left << std::setw(11) << part << std::setw(20) << component << std::right
         << std::setw(15) << count << std::setw(10) << tensors << "  " << trained << '\n';
  };
  row("part", "component", "parameters", "tensors", "trained");
  for (auto const& part : model.parts) {
    row(part.part, part.component, with_commas(part.parameters), std::to_string(part.tensors),
        part.trained ? "yes" : "frozen");
  }
  row("all", "", with_commas(model.parameters), std::to_string(model.tensors),
      with_commas(model.trained_parameters) + " trained");
  text << "\npixels     " << model.resolution << " x " << model.resolution << "\nclip       "
       << model.clip_frames << " frames, " << model.clip_patches << " patches -> "
       << model.clip_tokens << " tokens\nimage      " << model.image_patches << " patches -> "
       << model.image_tokens << " tokens\n";
  return text.str();
}

/// Name and value of every hyper-parameter, spelled as a run overrides it.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// A whole recipe: the model, the stage and what the stage's training is set to.
/// \param settings the hyper-parameters as the run will use them
template <RecipeLike R>
std::string describe(Settings const& settings) {
  std::ostringstream text;
  text << type_name<R>() << ": " << std::string_view(R::Stage::name) << "\n\n"
       << to_text(describe_model<R>(R::Stage::trained)) << '\n';
  for (auto const& [name, value] : settings) {
    text << std::left << std::setw(34) << name << value << '\n';
  }
  return text.str();
}

}  // namespace vcflash
