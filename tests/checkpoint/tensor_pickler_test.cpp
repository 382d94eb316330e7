#include <vcflash/checkpoint/tensor_pickler.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>
#include <span>
#include <vcflash/checkpoint/zip.hpp>

#include "tests/support/golden_tensor.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;

TEST_CASE("the pickle of a connector is torch's, byte for byte", "[golden]") {
  MappedFile const file(test::golden_file("model/pt_files/mm_projector.t26.bin"));
  auto const theirs = read_zip(file.bytes()).at("mm_projector.t26/data.pkl");
  auto const kept =
      test::read_golden_safetensors("model/pt_files/mm_projector.t26.bin.expected.safetensors");
  NamedTensors tensors;
  for (auto const* const key : {"mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias"}) {
    tensors.emplace_back(std::string("model.mm_projector.") + key, kept.at(key));
  }
  auto const ours = checkpoint::detail::TensorPickler().dictionary(tensors);
  CHECK(std::ranges::equal(std::as_bytes(std::span(ours)), theirs));
}

TEST_CASE("a dtype that torch files do not know is refused", "[unit]") {
  CHECK_THROWS_AS(
      checkpoint::detail::TensorPickler().dictionary({{"a", at::ones({1}, at::kComplexFloat)}}),
      Error);
}
