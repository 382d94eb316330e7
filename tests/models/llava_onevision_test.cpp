#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/connectors/pooling.hpp>
#include <vcflash/encoders/siglip.hpp>
#include <vcflash/models/video_chat.hpp>
#include <vcflash/tensor/initialize.hpp>
#include <vcflash/tensor/placement.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <set>

#include "recipes/models/llava_onevision_qwen2_0_5b.hpp"
#include "recipes/models/llava_onevision_qwen2_7b.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/golden_manifest.hpp"
#include "tests/support/golden_models.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {

using OneVisionEncoder = Siglip<SiglipConfig{.name = "golden SigLIP",
                                             .resolution = 56,
                                             .width = 48,
                                             .depth = 3,
                                             .heads = 4,
                                             .intermediate = 96,
                                             .take_layer = -1}>;
using OneVisionLlm = Qwen2<DecoderConfig{.name = "golden decoder",
                                         .hidden = 64,
                                         .layers = 2,
                                         .heads = 4,
                                         .kv_heads = 2,
                                         .intermediate = 96,
                                         .vocabulary = 330}>;
using OneVision =
    VideoChat<OneVisionEncoder, Fitted<Pool2x2, OneVisionEncoder, OneVisionLlm>, OneVisionLlm>;

std::set<std::string> keys_of_model() {
  std::set<std::string> keys;
  for (auto const& [key, shape] : keys_of<OneVision>()) keys.insert(key);
  return keys;
}

/// The ids with one placeholder where the visual tokens stand, and their labels.
Sample sample_of(at::Tensor const& ids, at::Tensor const& labels, std::int64_t visual,
                 at::Tensor const& frames) {
  auto const first = ids.eq(visual).nonzero()[0].item<std::int64_t>();
  auto const count = ids.eq(visual).sum().item<std::int64_t>();
  auto const without = [&](at::Tensor const& x, std::int64_t instead) {
    return at::cat(
        {x.narrow(0, 0, first), at::full({1}, instead, at::kLong), x.slice(0, first + count)});
  };
  return {.input_ids = without(ids, media_placeholder),
          .labels = without(labels, ignore_label),
          .media = {{.modality = Modality::video, .pixels = frames}}};
}

OneVision drawn(std::uint64_t seed) {
  OneVision model;
  initialize(model, {.weight = 0.1, .embedding = 0.1}, seed);
  return model;
}

bool same(OneVision const& a, OneVision const& b) {
  return std::ranges::equal(
      named_parameters(a), named_parameters(b),
      [](auto const& x, auto const& y) { return x.first == y.first && x.second.equal(y.second); });
}

/// A key with another beginning, if it has that beginning.
bool respell(std::string& key, std::string_view ours, std::string_view theirs) {
  if (!key.starts_with(ours)) return false;
  key = std::string(theirs) + key.substr(ours.size());
  return true;
}

/// As transformers' files of before its fifth version have it.
std::string in_released_file(std::string key) {
  respell(key, "model.vision_tower.vision_tower.", "vision_tower.") ||
      respell(key, "model.mm_projector.0.", "multi_modal_projector.linear_1.") ||
      respell(key, "model.mm_projector.2.", "multi_modal_projector.linear_2.") ||
      respell(key, "model.image_newline", "image_newline") || respell(key, "", "language_model.");
  return key;
}

/// As transformers names its parameters since.
std::string in_memory(std::string key) {
  respell(key, "model.vision_tower.vision_tower.vision_model.", "model.vision_tower.") ||
      respell(key, "model.mm_projector.0.", "model.multi_modal_projector.linear_1.") ||
      respell(key, "model.mm_projector.2.", "model.multi_modal_projector.linear_2.") ||
      respell(key, "model.image_newline", "model.image_newline") ||
      respell(key, "model.", "model.language_model.");
  return key;
}

template <class M>
void check_published_model(std::string const& name) {
  CAPTURE(name);
  using Network = typename M::Network;
  auto const entry = golden_json("manifests/families/families.json").at(name);
  CHECK(entry.at("parameters") == parameter_count<Network>);
  CHECK(entry.at("keys") == key_count<Network>);
  CHECK(entry.at("tied") == M::Llm::facts.tied);
  auto const ours = compiled_keys<Network>();
  Network network;
  auto const spelling = checkpoint::parameters_of_parts(network).spelling;
  std::map<std::string, std::string> published;
  for (auto const& [key, shape] : published_keys("families/" + name)) {
    published[spelling(key, [&](std::string const& wanted) { return ours.contains(wanted); })] =
        shape;
  }
  CHECK(published == ours);
}

}  // namespace

TEST_CASE("LLaVA-OneVision sees, predicts and learns as transformers'", "[golden]") {
  Golden golden("families/llava_onevision/expected");
  auto const tolerance = within(golden.json().at("tolerance_fp32").get<double>());
  golden_file("families/llava_onevision/model.safetensors");
  OneVision model;
  auto const parameters = checkpoint::parameters_of_parts(model);
  checkpoint::load_model(parameters, {.folder = golden_folder("families/llava_onevision")},
                         at::kFloat);
  set_trained(model, true);

  auto const config = golden_json("families/llava_onevision/config.json");
  Sample const sample =
      sample_of(golden["in.input_ids"][0], golden["in.labels"][0],
                config.at("video_token_index").get<std::int64_t>(), golden["in.frames"][0]);
  Medium const* const medium = &sample.media[0];
  golden.check("out.video_features", model.visual_tokens(std::span(&medium, 1))[0].unsqueeze(0),
               tolerance);
  Embedded const batch = model.embed(std::span(&sample, 1));
  golden.check("out.logits", model.llm.logits(model.states_of(batch).first), tolerance);
  at::Tensor const loss = model.loss(std::span(&sample, 1));
  golden.check("out.loss", loss.view({1}), within(1e-5));
  loss.backward();
  auto const keys = keys_of_model();
  for (auto const& [name, entry] : golden.json().at("tensors").items()) {
    if (!name.starts_with("grad.")) continue;
    auto const ours = parameters.spelling(
        name.substr(5), [&](std::string const& wanted) { return keys.contains(wanted); });
    REQUIRE(keys.contains(ours));
    // What is added to all keys changes nothing: its gradient is rounding.
    golden.check(name, gradient_of(model, ours),
                 name.ends_with("k_proj.bias") ? within(1e-5) : within_relative_l2(2e-4));
  }
  golden.require_all_checked();
}

TEST_CASE("LLaVA-OneVision opens in each spelling of its keys", "[unit]") {
  OneVision const model = drawn(1);
  for (auto const spelled : {+[](std::string key) { return key; }, &in_released_file, &in_memory}) {
    NamedTensors tensors;
    for (auto const& [key, tensor] : named_parameters(model)) {
      tensors.emplace_back(spelled(key), tensor);
    }
    CAPTURE(tensors.front().first);
    TemporaryFolder const folder;
    checkpoint::write_safetensors(folder / "model.safetensors", tensors);
    OneVision loaded;
    checkpoint::load_model(checkpoint::parameters_of_parts(loaded), {.folder = folder.path()},
                           at::kFloat);
    CHECK(same(model, loaded));
  }
}

TEST_CASE("a plain LLM's folder is completed by SigLIP's own and a connector's file", "[unit]") {
  OneVision const model = drawn(1), other = drawn(2);
  TemporaryFolder const folder;
  checkpoint::write_safetensors(folder / "model.safetensors", named_parameters(model.llm));
  NamedTensors released = named_parameters(model.encoder.vision_model, "vision_model.");
  released.emplace_back("text_model.x", at::full({1}, 1));
  std::filesystem::create_directory(folder / "siglip");
  checkpoint::write_safetensors(folder / "siglip/model.safetensors", released);
  checkpoint::save_connector(named_parameters(model.connector, OneVision::key_prefixes[1]),
                             folder.path());

  OneVision loaded = drawn(3);
  checkpoint::Weights weights{.folder = folder.path(),
                              .connector = folder / "mm_projector.bin",
                              .encoder = folder / "siglip"};
  checkpoint::load_model(checkpoint::parameters_of_parts(loaded), weights, at::kFloat);
  CHECK(same(model, loaded));

  weights.connector.reset();
  weights.fresh_connector = true;
  OneVision fresh = drawn(2);
  checkpoint::load_model(checkpoint::parameters_of_parts(fresh), weights, at::kFloat);
  CHECK(fresh.connector.image_newline.value.equal(other.connector.image_newline.value));
  CHECK(fresh.llm.model.norm.weight.value.equal(model.llm.model.norm.weight.value));

  weights.encoder = folder / "siglip/model.safetensors";
  CHECK_NOTHROW(
      checkpoint::load_model(checkpoint::parameters_of_parts(fresh), weights, at::kFloat));
}

TEST_CASE("a line break ends a video, an image, and each row of an image's tiles", "[unit]") {
  at::NoGradGuard const no_grad;
  OneVision const model = drawn(1);
  at::Tensor const newline = model.connector.image_newline.value;
  auto const tokens = [&](Medium const& medium, bool whole = true) {
    Medium const* const one = &medium;
    return model.visual_tokens(std::span(&one, 1), RunDirectly{}, whole)[0];
  };
  at::Tensor const frames = at::randn({5, 3, 56, 56});
  Medium const video{.modality = Modality::video, .pixels = frames};
  CHECK(tokens(video).size(0) == 5 * 4 + 1);
  CHECK(tokens(video)[20].equal(newline));
  CHECK(tokens(video, /*whole=*/false).equal(tokens(video).narrow(0, 0, 20)));
  CHECK(tokens({.modality = Modality::image, .pixels = frames.narrow(0, 0, 1)})[16].equal(newline));
  at::Tensor const cut =
      tokens({.modality = Modality::image, .pixels = frames, .tile_rows = 2, .tile_columns = 2});
  REQUIRE(cut.size(0) == 16 + 8 * 9);
  for (std::int64_t row = 0; row < 8; ++row) CHECK(cut[16 + 9 * row + 8].equal(newline));
}

TEST_CASE("LLaVA-OneVision has the published keys and counts", "[golden]") {
  check_published_model<recipes::models::llava_onevision_qwen2_0_5b>("llava-onevision-qwen2-0_5b");
  check_published_model<recipes::models::llava_onevision_qwen2_7b>("llava-onevision-qwen2-7b");
}
