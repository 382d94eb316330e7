#include <vcflash/eval/needle_run.hpp>

#include <ATen/ops/randn.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <vector>

#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "recipes/models/tiny.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
namespace needle = vcflash::eval::needle;
using Tiny = recipes::models::tiny;

namespace {

/// A model of random weights, a video of so many seconds and two pictures.
struct Scene {
  Scene() {
    media::Frames frames{40, 48, 64, {}};
    for (int i = 0; i < 40 * 48 * 64 * 3; ++i) {
      frames.rgb.push_back(std::uint8_t(i / (48 * 64 * 3) * 6 + i % 48));
    }
    media::write_video(folder / "hay.mp4", frames, {.fps = 2});
    for (int p = 0; p < 2; ++p) {
      media::Image picture{30, 40, std::vector<std::uint8_t>(30 * 40 * 3, std::uint8_t(90 * p))};
      auto const png = media::encode_png(picture);
      folder.write(p == 0 ? "a.png" : "b.png", std::string(png.begin(), png.end()));
    }
    initialize_model<Tiny>(network, 5);
  }

  test::TemporaryFolder folder;
  Tiny::Network network;
  text::Tokenizer tokenizer =
      text::write_word_tokenizer(folder / "tokenizer", data::shapes::vocabulary());
};

/// The same, computed whole and without a cache.
std::vector<std::int64_t> predicted_whole(Tiny::Network const& network, Tensor const& hay,
                                          std::vector<Tensor> const& needles,
                                          needle::Case const& asked, std::int64_t first_needle) {
  at::NoGradGuard const no_grad;
  std::vector<Tensor> parts;
  auto const add_text = [&](std::vector<std::int64_t> const& ids) {
    Tensor const row = at::empty({std::ssize(ids)}, at::kLong);
    std::ranges::copy(ids, row.mutable_data_ptr<std::int64_t>());
    parts.push_back(network.llm.embed(row));
  };
  for (auto const& piece : asked.layout) {
    if (piece.kind == needle::Piece::Kind::text) add_text(piece.ids);
    if (piece.kind == needle::Piece::Kind::hay) {
      parts.push_back(hay.narrow(0, 8 * piece.from, 8 * (piece.to - piece.from)));
    }
    if (piece.kind == needle::Piece::Kind::needle) {
      parts.push_back(needles[static_cast<std::size_t>(first_needle + piece.needle)]);
    }
  }
  add_text(asked.answer_ids);
  Tensor const states = network.llm.hidden_states(at::cat(parts).unsqueeze(0));
  auto const answer = std::ssize(asked.answer_ids);
  Tensor const ids =
      network.llm.logits(states[0].narrow(0, states.size(1) - answer - 1, answer)).argmax(-1);
  return {ids.const_data_ptr<std::int64_t>(), ids.const_data_ptr<std::int64_t>() + answer};
}

}  // namespace

TEST_CASE("a haystack has 8 tokens a second of the video, and a needle those of a clip", "[unit]") {
  Scene const hay;
  std::vector<std::int64_t> seen;
  auto const tokens =
      needle::look_at_haystack<Tiny>(hay.network, hay.folder / "hay.mp4", 10,
                                     [&](std::int64_t frames) { seen.push_back(frames); });
  CHECK(tokens.size(0) == 12 * 8);  // whole clips of 4
  CHECK(seen == std::vector<std::int64_t>{12});
  CHECK(needle::look_at_needle<Tiny>(hay.network, hay.folder / "a.png").size(0) == 32);

  // each second's frame, in a square with a border of the mean colour
  auto const frames = media::read_frames(hay.folder / "hay.mp4", {0, 2, 4, 6});
  media::Frames squares{4, 48, 48, {}};
  for (int i = 0; i < 4; ++i) {
    auto const pixels = frames.frame(i);
    auto const square = media::resize_bicubic(
        media::pad_to_square({48, 64, {pixels.begin(), pixels.end()}}), 48, 48);
    squares.rgb.insert(squares.rgb.end(), square.rgb.begin(), square.rgb.end());
  }
  auto const expected = infer::look_at<Tiny>(hay.network, squares, Modality::video);
  CHECK((tokens.narrow(0, 0, 32) - expected).abs().max().item<float>() < 1e-5F);

  CHECK_THROWS_MATCHES(
      needle::look_at_haystack<Tiny>(hay.network, hay.folder / "hay.mp4", 21, [](auto) {}),
      InputError, Catch::Matchers::MessageMatches(Catch::Matchers::ContainsSubstring("hay.mp4")));
}

TEST_CASE("a search that goes on from what it knows finds what a whole pass finds", "[unit]") {
  Scene const hay;
  at::manual_seed(3);
  Tensor const haystack = at::randn({160 * 8, 128});
  std::vector<Tensor> needles;
  for (int i = 0; i < 4; ++i) needles.push_back(at::randn({32, 128}));
  std::vector<needle::Row> const single{{{"a"}, {{"what colour is it ?", "red B"}}},
                                        {{"b"}, {{"where does it move ?", "left"}}}};
  auto const cases =
      needle::cases_of(needle::Hops::single, single, {20, 160, 70, 0.4}, hay.tokenizer);
  needle::Search<Tiny> search(hay.network, haystack, needles, {0, 1});
  for (auto const& asked : cases) {
    INFO(asked.id);
    CHECK(search.predict(asked) == predicted_whole(hay.network, haystack, needles, asked,
                                                   static_cast<std::int64_t>(asked.row)));
  }
  std::vector<needle::Row> const multi{
      {{"a", "b", "c"}, {{"what colour is it ?", "red"}, {"how many are there ?", "one A"}}}};
  needle::Search<Tiny> hops(hay.network, haystack, needles, {1});
  for (auto const& asked :
       needle::cases_of(needle::Hops::multi, multi, {10, 20, 5}, hay.tokenizer)) {
    INFO(asked.id);
    CHECK(hops.predict(asked) == predicted_whole(hay.network, haystack, needles, asked, 1));
  }
}

TEST_CASE("a haystack that is longer than what was seen goes through it again", "[unit]") {
  Scene const hay;
  at::manual_seed(4);
  Tensor const once = at::randn({10 * 8, 128}), picture = at::randn({32, 128});
  std::vector<needle::Row> const rows{{{"a"}, {{"what colour is it ?", "red B"}}}};
  needle::Search<Tiny> seen_once(hay.network, once, {picture}, {0});
  needle::Search<Tiny> seen_twice(hay.network, at::cat({once, once}), {picture}, {0});
  for (auto const& asked :
       needle::cases_of(needle::Hops::single, rows, {20, 20, 1, 0.4}, hay.tokenizer)) {
    INFO(asked.id);
    CHECK(seen_once.states(asked).equal(seen_twice.states(asked)));
  }
}
