#pragma once

#include <vcflash/encoders/vision_encoder.hpp>

#include <string>
#include <vector>

#include "tests/support/golden_manifest.hpp"
#include "tests/support/golden_models.hpp"

/// Image encoders against the folders of tests/golden/families/.
namespace vcflash::test {

/// A runner that keeps what goes into each layer, and what comes out of the last.
struct KeepStates {
  std::vector<at::Tensor>* states;

  template <class Layer>
  at::Tensor operator()(Layer const& layer, at::Tensor const& x) const {
    if (states->empty()) states->push_back(x);
    states->push_back(layer(x));
    return states->back();
  }
};

/// A folder's weights, but those that an encoder that stops earlier has not.
template <class Transformer>
std::map<std::string, at::Tensor> weights_of(std::string const& folder) {
  auto weights = read_golden_safetensors(folder + "model.safetensors");
  auto const keys = compiled_keys<Transformer>();
  std::erase_if(weights, [&](auto const& entry) { return !keys.contains(entry.first); });
  return weights;
}

/// The hidden states of every layer and the last norm; gradients and frames of the layer that LLaVA
/// takes.
/// \tparam Whole runs all layers
/// \tparam Taken stops at the second-to-last layer
/// \param normalizes_last whether transformers' own output of patches is normalized
/// \param rounded how many times the file's tolerance its own rounding takes
template <class Whole, class Taken>
void compare_image_encoder(std::string const& name, bool normalizes_last, double rounded = 1) {
  std::string const folder = "families/" + name + "/";
  Golden golden(folder + "expected");
  auto const tolerance = within(rounded * golden.json().at("tolerance_fp32").get<double>());
  auto const config = golden_json(folder + "config.json");
  CHECK(config.at("hidden_size") == Whole::width);
  CHECK(config.at("image_size") == Whole::resolution);
  at::Tensor const pixels = golden["in.pixels"].unsqueeze(1);
  {
    at::NoGradGuard const no_grad;
    Whole encoder;
    load_golden_weights(encoder.vision_model,
                        read_golden_safetensors(folder + "model.safetensors"));
    std::vector<at::Tensor> states;
    at::Tensor const features = encoder(pixels, Whole::image, KeepStates{&states});
    REQUIRE(states.size() == 5);
    for (std::size_t i = 0; i < states.size(); ++i) {
      golden.check("out.hidden_states." + std::to_string(i), states[i], tolerance);
    }
    CHECK(features.equal(states.back()));
    golden.check("out.last_hidden_state",
                 normalizes_last ? encoder.vision_model.post_layernorm(features) : features,
                 tolerance);
  }
  Taken encoder;
  load_golden_weights(encoder.vision_model,
                      weights_of<std::remove_cvref_t<decltype(encoder.vision_model)>>(folder));
  (encoder(pixels, Taken::image) * golden["in.weight"]).sum().backward();
  // Whatever is added to all keys, queries look alike: the gradient is nothing but rounding.
  std::string const key_bias = "encoder.layers.1.self_attn.k_proj.bias";
  golden.check("grad." + key_bias, gradient_of(encoder.vision_model, key_bias), within(1e-4));
  check_gradients(golden, "grad.", encoder.vision_model, within_relative_l2(1e-4), key_bias);
  CHECK_FALSE(encoder.vision_model.post_layernorm.weight.value.grad().defined());

  at::NoGradGuard const no_grad;
  View const clip{false, 4, Taken::clip.rows, Taken::clip.columns};
  at::Tensor const frames = encoder(golden["in.frames"].unsqueeze(0), clip);
  golden.check("out.frames", frames.view_as(golden["out.frames"]), tolerance);
  golden.require_all_checked();
}

/// The keys of a published encoder that LLaVA runs.
/// \param depth layers that are published, the last of which is not run
template <class Encoder>
void check_published_image_encoder(std::string const& name, std::int64_t depth) {
  auto published = published_keys("families/" + name);
  auto const entry = golden_json("manifests/families/families.json").at(name);
  CHECK(published.size() == entry.at("keys").get<std::size_t>());
  std::string const last = "encoder.layers." + std::to_string(depth - 1) + ".";
  CHECK(std::erase_if(published, [&](auto const& key) { return key.first.starts_with(last); }) ==
        16);
  std::erase_if(published, [](auto const& key) { return key.first.starts_with("head."); });
  CHECK(compiled_keys<typename Encoder::Transformer>() == published);
  auto const& config = entry.at("config");
  constexpr auto ours = Encoder::config;
  CHECK(config.at("hidden_size") == ours.width);
  CHECK(config.at("intermediate_size") == ours.intermediate);
  CHECK(config.at("num_hidden_layers") == ours.depth);
  CHECK(config.at("num_attention_heads") == ours.heads);
  CHECK(config.at("image_size") == ours.resolution);
  CHECK(config.at("patch_size") == ours.patch);
}

}  // namespace vcflash::test
