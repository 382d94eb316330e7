#pragma once

#include <vcflash/tensor/placement.hpp>

#include <string>
#include <vector>

#include "tests/support/golden_models.hpp"

/// Encoders against golden files of the form that umt224 and internvideo2 have.
namespace vcflash::test {

/// Features and gradients of a clip and of an image.
template <class Encoder>
void compare_encoder_with_golden(std::string const& name) {
  Golden golden(name);
  Encoder encoder;
  load_golden_weights(encoder, golden.with_prefix("w."));
  auto const& inputs = golden.json().at("inputs");
  auto const definition = golden.json().at("grad_definition").get<std::string>();

  at::Tensor const video = encoder(formula(inputs.at("video").get<std::string>()), Encoder::clip);
  golden.check("out.video", video, within(2e-5));
  (video * formula(definition, video.sizes().vec())).sum().backward();
  check_gradients(golden, "grad.", encoder, within_relative_l2(1e-4));
  for (auto const& without :
       golden.json().value("params_without_grad", std::vector<std::string>{})) {
    CAPTURE(without);
    for_each_parameter(encoder, [&](std::string const& key, auto const& parameter) {
      if (key == without) CHECK_FALSE(parameter.value.grad().defined());
    });
  }

  clear_gradients(encoder);
  at::Tensor const image = encoder(formula(inputs.at("image").get<std::string>()), Encoder::image);
  golden.check("out.image", image, within(2e-5));
  (image * formula(definition, image.sizes().vec())).sum().backward();
  auto const& image_gradients = golden.json().at("grad_image_l2");
  std::size_t compared = 0;
  for_each_parameter(encoder, [&](std::string const& key, auto const& parameter) {
    CAPTURE(key);
    at::Tensor const& gradient = parameter.value.grad();
    CHECK(gradient.defined() == image_gradients.contains(key));
    if (!gradient.defined()) return;
    check_checksum(image_gradients.at(key), gradient, within_relative_l2(1e-4));
    ++compared;
  });
  CHECK(compared == image_gradients.size());
  golden.require_all_checked();
}

/// How far the features of a clip in bf16 are from those in fp32, relative to these.
template <class Encoder>
double bf16_error(std::string const& name) {
  at::NoGradGuard const no_grad;
  Golden const golden(name);
  Encoder encoder;
  load_golden_weights(encoder, golden.with_prefix("w."));
  at::Tensor const video = formula(golden.json().at("inputs").at("video").get<std::string>());
  at::Tensor const exact = encoder(video, Encoder::clip);
  convert_to(encoder, at::kBFloat16);
  at::Tensor const difference =
      encoder(video.to(at::kBFloat16), Encoder::clip).to(at::kFloat) - exact;
  return difference.norm().item<double>() / exact.norm().item<double>();
}

}  // namespace vcflash::test
