#include <vcflash/checkpoint/torch_tensors.hpp>

#include <ATen/ops/arange.h>

#include <catch2/catch_test_macros.hpp>
#include <span>
#include <vcflash/checkpoint/tensor_pickler.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;

namespace {

/// Reads the pickle of {"a": arange(6).view(2, 3)}, of fp32, whose storage is `bytes`.
NamedTensors collected(std::span<std::byte const> bytes, std::string pickle = {}) {
  auto const tensor = at::arange(6, at::kFloat).view({2, 3});
  if (pickle.empty()) pickle = checkpoint::detail::TensorPickler().dictionary({{"a", tensor}});
  test::TemporaryFolder const folder;
  MappedFile const file(folder.write("x", "mapped for as long as its tensors"));
  auto const values = read_pickle(std::as_bytes(std::span(pickle)));
  return checkpoint::detail::TorchTensors(file, values, {{"0", bytes}}).collect();
}

std::string pickled() {
  return checkpoint::detail::TensorPickler().dictionary(
      {{"a", at::arange(6, at::kFloat).view({2, 3})}});
}

}  // namespace

TEST_CASE("a tensor is a view of its storage", "[unit]") {
  std::vector<float> const values{0, 1, 2, 3, 4, 5};
  auto const tensors = collected(std::as_bytes(std::span(values)));
  REQUIRE(tensors.size() == 1);
  CHECK(tensors[0].first == "a");
  CHECK(tensors[0].second.equal(at::arange(6, at::kFloat).view({2, 3})));
}

TEST_CASE("a storage of another length is refused", "[unit]") {
  std::vector<float> const values{0, 1, 2, 3, 4, 5, 6};
  auto const bytes = std::as_bytes(std::span(values));
  CHECK_THROWS_AS(collected(bytes), InputError);
  CHECK_THROWS_AS(collected(bytes.first(23)), InputError);
  CHECK_THROWS_AS(collected({}), InputError);
}

TEST_CASE("a description with any byte changed is a view inside the storage, or refused",
          "[unit]") {
  std::vector<float> const values{0, 1, 2, 3, 4, 5};
  auto pickle = pickled();
  for (std::size_t at = 0; at < pickle.size(); ++at) {
    for (char const flip : {'\x01', '\x02', '\x7f', '\xff'}) {
      pickle[at] ^= flip;
      try {
        for (auto const& [name, tensor] : collected(std::as_bytes(std::span(values)), pickle)) {
          (void)tensor.clone();
          CHECK(tensor.numel() <= 1 << 24);
        }
      } catch (InputError const&) {
        // As good as reading what cannot be told from another sound description.
      }
      pickle[at] ^= flip;
    }
  }
}
