#include <vcflash/infer/engine.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>
#include <string>
#include <vector>

#include "tests/infer/tiny_network.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using test::quietly, test::Tiny, test::tiny_network, test::tiny_words;

namespace {

infer::Request request(std::vector<std::int64_t> ids, std::vector<Tensor> visual = {}) {
  return {.ids = std::move(ids),
          .visual = std::move(visual),
          .options = {.max_new_tokens = 6, .vocabulary = tiny_words().vocabulary()}};
}

}  // namespace

TEST_CASE("a reply says its text, its ids, why it ended and how long the prompt was", "[unit]") {
  infer::Engine<Tiny> engine(tiny_network(), tiny_words());
  auto const video = test::tiny_video(8);
  auto const reply = engine.reply(request({3, media_placeholder, 9}, {video}), quietly);
  CHECK(reply.ids.size() == 6);
  CHECK(reply.text == tiny_words().decode(reply.ids, true));
  CHECK(reply.finish == infer::Finish::length);
  CHECK(reply.prompt_tokens == 2 + video.size(0));
}

TEST_CASE("an engine answers as a new one does, whatever it was asked before", "[unit]") {
  infer::Engine<Tiny> engine(tiny_network(), tiny_words());
  auto const one = test::tiny_video(8), other = test::tiny_video(8, 1);
  std::vector<std::int64_t> const seen{3, media_placeholder, 9};
  for (auto const& asked :
       {request(seen, {one}), request(seen, {other}), request({3, 9}), request({3, 9, 14}),
        request({3, media_placeholder, 9, 14, 5}, {other}), request(seen, {one})}) {
    infer::Engine<Tiny> fresh(tiny_network(), tiny_words());
    CHECK(engine.reply(asked, quietly).ids == fresh.reply(asked, quietly).ids);
  }
}

TEST_CASE("a weight that is not a number is named when an answer fails for it", "[unit]") {
  Tiny::Network broken;
  initialize_model<Tiny>(broken, 7);
  {
    at::NoGradGuard const no_grad;
    auto parameters = named_parameters(broken);
    for (auto& [key, tensor] : parameters) {
      if (key == "model.layers.1.mlp.up_proj.weight") {
        tensor[2][3] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  }
  infer::Engine<Tiny> engine(broken, tiny_words());
  CHECK_THROWS_WITH(engine.reply(request({3, 9}), quietly),
                    ContainsSubstring("logits are not numbers") &&
                        ContainsSubstring("model.layers.1.mlp.up_proj.weight"));
}
