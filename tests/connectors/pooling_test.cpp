#include <vcflash/connectors/pooling.hpp>
#include <vcflash/encoders/clip.hpp>
#include <vcflash/encoders/siglip.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/tensor/initialize.hpp>

#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;

namespace {

constexpr PoolingConfig small(PoolingMode mode, Newline newline = Newline::none,
                              bool before_mlp = false, std::int64_t factor = 2) {
  return {.name = "small",
          .input = 4,
          .output = 6,
          .factor = factor,
          .mode = mode,
          .before_mlp = before_mlp,
          .newline = newline};
}

template <PoolingConfig C>
PoolingConnector<C> drawn() {
  PoolingConnector<C> connector;
  initialize(connector, {.weight = 0.5}, 1);
  return connector;
}

/// Of one frame with three rows and five columns.
constexpr View view{.frames = 1, .rows = 3, .columns = 5};

double error(at::Tensor const& a, at::Tensor const& b) {
  return (a - b).abs().max().item<double>();
}

/// The pixels of the square that ends in a corner, [width, pixels].
at::Tensor square(at::Tensor const& frame, std::int64_t row, std::int64_t column,
                  std::int64_t factor) {
  auto const part = [&](at::Tensor const& x, std::int64_t dim, std::int64_t i) {
    return x.narrow(dim, i * factor, std::min(factor, x.size(dim) - i * factor));
  };
  return part(part(frame, 0, row), 1, column).flatten(0, 1).transpose(0, 1);
}

template <PoolingMode mode, std::int64_t factor>
void check_squares() {
  auto const connector = drawn<small(mode, Newline::none, /*before_mlp=*/true, factor)>();
  at::Tensor const x = at::randn({2, 15, 4});
  at::Tensor const tokens = connector(x, view);
  std::int64_t const rows = (3 + factor - 1) / factor, columns = (5 + factor - 1) / factor;
  REQUIRE(tokens.sizes().vec() == std::vector<std::int64_t>{2, rows * columns, 6});
  REQUIRE(connector.tokens(view) == rows * columns);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      at::Tensor const pixels = square(x[1].view({3, 5, 4}), row, column, factor);
      at::Tensor const one = mode == PoolingMode::max ? std::get<0>(pixels.max(1)) : pixels.mean(1);
      CHECK(error(tokens[1][row * columns + column], connector.layers(one)) < 1e-5);
    }
  }
}

}  // namespace

TEST_CASE("pooling takes the mean or the largest of each square, and of a rest what there is",
          "[unit]") {
  check_squares<PoolingMode::average, 2>();
  check_squares<PoolingMode::max, 2>();
  check_squares<PoolingMode::average, 3>();
  check_squares<PoolingMode::max, 4>();
}

TEST_CASE("bilinear pooling looks between patches, rounded up", "[unit]") {
  auto const connector = drawn<small(PoolingMode::bilinear, Newline::none, true)>();
  at::Tensor const x = at::randn({1, 15, 4});
  at::Tensor const grid = x.view({3, 5, 4});
  // Three rows become two of 1.5 each: their middles are at 0.25 and 1.75. Five columns become
  // three of 5/3 each: at 1/3, 2 and 11/3.
  at::Tensor const rows =
      at::stack({grid[0] * 0.75 + grid[1] * 0.25, grid[1] * 0.25 + grid[2] * 0.75});
  at::Tensor const both =
      at::stack({rows.select(1, 0) * (2.0 / 3) + rows.select(1, 1) * (1.0 / 3), rows.select(1, 2),
                 rows.select(1, 3) * (1.0 / 3) + rows.select(1, 4) * (2.0 / 3)},
                1);
  CHECK(error(connector(x, view)[0], connector.layers(both.flatten(0, 1))) < 1e-5);
}

TEST_CASE("behind the MLP pooling sees what it gives, and images keep their patches", "[unit]") {
  auto const connector = drawn<small(PoolingMode::max)>();
  auto const before = drawn<small(PoolingMode::max, Newline::none, true)>();
  at::Tensor const x = at::randn({1, 15, 4});
  at::Tensor const mapped = connector.layers(x)[0].view({3, 5, 6});
  CHECK(error(connector(x, view)[0][0], std::get<0>(square(mapped, 0, 0, 2).max(1))) < 1e-6);
  CHECK(error(connector(x, view), before(x, view)) > 1e-3);

  constexpr View image{.image = true, .rows = 3, .columns = 5};
  STATIC_CHECK(decltype(connector)::tokens(image) == 15);
  STATIC_CHECK(decltype(connector)::grid(image).columns == 5);
  CHECK(connector(x, image).equal(connector.layers(x)));
}

TEST_CASE("a line break stands behind each row, each frame, or the video", "[unit]") {
  constexpr View video{.frames = 2, .rows = 3, .columns = 5};
  at::Tensor const x = at::randn({2, 30, 4});
  auto const plain = drawn<small(PoolingMode::average)>();
  at::Tensor const tokens = plain(x, video).view({2, 2, 2, 3, 6});
  STATIC_CHECK(decltype(plain)::tokens(video) == 12);
  STATIC_CHECK(key_count<decltype(plain)> == 4);

  auto const by_row = drawn<small(PoolingMode::average, Newline::per_row)>();
  STATIC_CHECK(decltype(by_row)::tokens(video) == 16);
  at::Tensor const rows = by_row(x, video).view({2, 2, 2, 4, 6});
  CHECK(rows.narrow(3, 0, 3).equal(tokens));
  CHECK(error(rows.select(3, 3), by_row.image_newline.value) == 0);

  auto const by_frame = drawn<small(PoolingMode::average, Newline::per_frame)>();
  STATIC_CHECK(decltype(by_frame)::tokens(video) == 14);
  at::Tensor const frames = by_frame(x, video).view({2, 2, 7, 6});
  CHECK(frames.narrow(2, 0, 6).equal(tokens.flatten(2, 3)));
  CHECK(error(frames.select(2, 6), by_frame.image_newline.value) == 0);

  auto const once = drawn<small(PoolingMode::average, Newline::one)>();
  STATIC_CHECK(decltype(once)::tokens(video) == 12);
  at::Tensor const all = once(x, video).flatten(0, 1), ended = once.ended_video(all);
  CHECK(ended.narrow(0, 0, 24).equal(all));
  CHECK(ended[24].equal(once.image_newline.value));
  CHECK(by_row.ended_video(all).equal(all));
}

TEST_CASE("an image ends with a line break, and so does each row of its tiles", "[unit]") {
  auto const connector = drawn<small(PoolingMode::average, Newline::one)>();
  at::Tensor const whole = at::randn({15, 6}), raster = at::randn({3, 10, 6});
  at::Tensor const& newline = connector.image_newline.value;
  CHECK(connector.ended_image(whole, {}).narrow(0, 0, 15).equal(whole));
  CHECK(connector.ended_image(whole, {})[15].equal(newline));
  at::Tensor const cut = connector.ended_image(whole, raster);
  REQUIRE(cut.size(0) == 15 + 33);
  CHECK(cut.narrow(0, 15, 33).view({3, 11, 6}).narrow(1, 0, 10).equal(raster));
  CHECK(cut[47].equal(newline));
}

TEST_CASE("Pool2x2 fits itself between its neighbours and has upstream's names", "[unit]") {
  using Connector = Fitted<Pool2x2, Siglip_So400m_384, Qwen2_0_5B>;
  STATIC_CHECK(Connector::tokens(Siglip_So400m_384::clip) == 14 * 14);
  STATIC_CHECK(Connector::tokens(Siglip_So400m_384::image) == 729);
  STATIC_CHECK(Connector::input_width == 1152 && Connector::output_width == 896);
  CHECK(Connector::upstream_name() == "mlp2x_gelu");
  auto const keys = keys_of<Connector>(connector_prefix<Connector>());
  REQUIRE(keys.size() == 5);
  CHECK(keys.front().key == "model.mm_projector.0.weight");
  CHECK(keys.back().key == "model.image_newline");
}
