#include <vcflash/connectors/tome.hpp>

#include "tests/support/golden_models.hpp"

using namespace vcflash;
using namespace vcflash::test;

TEST_CASE("a clip, a whole video and an image leave ToMe as upstream's tokens", "[golden]") {
  Golden golden("model/tome");
  ToMe<ToMeConfig{.name = "golden ToMe", .input = 32, .output = 40, .heads = 4}> connector;
  load_golden_weights(connector, golden.with_prefix("w."));
  for (auto const& [name, entry] : golden.json().at("cases").items()) {
    if (!name.starts_with("proj_")) continue;
    CAPTURE(name);
    at::Tensor input = formula(entry.at("input").get<std::string>()).requires_grad_(true);
    auto const& arguments = entry.at("kwargs");
    bool const image = !arguments.at("compress").get<bool>();
    std::int64_t const frames = image ? 1 : arguments.value("local_num_frames", input.size(0));
    at::Tensor const out =
        connector(input.view({input.size(0) / frames, frames * input.size(1), -1}),
                  {.image = image, .frames = frames, .rows = input.size(1), .columns = 1});
    golden.check("out." + name, out, within(1e-5));

    clear_gradients(connector);
    (out * formula(entry.at("cotangent").get<std::string>(), out.sizes().vec())).sum().backward();
    golden.check("grad." + name + ".input", input.grad(), within_relative_l2(1e-5));
    check_gradients(golden, "grad." + name + ".", connector, within_relative_l2(1e-5));
  }
  golden.require_all_checked({"out.proj", "grad."});
}

TEST_CASE("a clip of four frames leaves as 64 tokens, an image too", "[unit]") {
  using Connector = ToMe16To<3584>;
  STATIC_CHECK(Connector::tokens({.frames = 4, .rows = 14, .columns = 14}) == 64);
  STATIC_CHECK(Connector::tokens({.image = true, .rows = 14, .columns = 14}) == 64);
}

TEST_CASE("a clip of one frame is no image", "[unit]") {
  STATIC_CHECK(ToMe16To<3584>::tokens({.frames = 1, .rows = 27, .columns = 27}) == 16);
}

TEST_CASE("an image's tokens lie in a square, or have no place in it", "[unit]") {
  constexpr View image{.image = true, .rows = 14, .columns = 14};
  STATIC_CHECK(ToMe16To<3584>::grid(image).rows == 8);
  STATIC_CHECK(ToMe<ToMeConfig{.name = "uneven", .image_tokens = 20}>::grid(image).rows == 0);
}
