#include <vcflash/train/sample_source.hpp>

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/checkpoint/small_recipe.hpp"
#include "tests/train/in_memory.hpp"

using namespace vcflash;
using Network = test::Small<>::Network;

static_assert(train::SampleSource<test::InMemory>);
static_assert(!train::SampleSource<std::vector<Sample>>);

TEST_CASE("a sample's size counts visual tokens, and labels that are learned from", "[unit]") {
  // Two tokens a frame, two an image; the first token of all is predicted by none.
  Sample sample{.input_ids = at::tensor({5, -200, 6, -200, 7, 8}, at::kLong),
                .labels = at::tensor({5, -100, -100, -100, 7, 8}, at::kLong),
                .media = {{Modality::video, at::zeros({8, 3, 16, 16})},
                          {Modality::image, at::zeros({1, 3, 16, 16})}}};
  auto const size = train::size_of<Network>(sample, 1000);
  CHECK(size.tokens == 4 + 16 + 2);
  CHECK(size.labels == 2);
  auto const cut = train::size_of<Network>(sample, 21);
  CHECK(cut.tokens == 21);
  CHECK(cut.labels == 1);
  sample.labels = Tensor();
  CHECK(train::size_of<Network>(sample, 1000).labels == 0);
}
