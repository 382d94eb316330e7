#include <vcflash/checkpoint/safetensors.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/golden_tensor.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

TEST_CASE("tensors of every dtype survive a file", "[unit]") {
  test::TemporaryFolder const folder;
  NamedTensors written;
  for (auto const dtype : checkpoint::detail::torch_types) {
    written.emplace_back(std::string(safetensors_name(dtype)), at::ones({2, 3}, dtype));
  }
  written.emplace_back("scalar", at::zeros({}));
  written.emplace_back("empty", at::zeros({0, 4}));
  written.emplace_back("a \"key\" of ünïcode", at::arange(5));
  write_safetensors(folder / "a.safetensors", written);
  SafetensorsFile const file(folder / "a.safetensors");
  CHECK(file.entries().size() == written.size());
  CHECK(file.metadata().at("format") == "pt");
  for (auto const& [name, tensor] : written) {
    CAPTURE(name);
    auto const read = file.tensor(name);
    CHECK(read.scalar_type() == tensor.scalar_type());
    CHECK(read.sizes() == tensor.sizes());
    // One of no elements may stand nowhere.
    CHECK((tensor.numel() == 0 ||
           std::memcmp(read.const_data_ptr(), tensor.const_data_ptr(), tensor.nbytes()) == 0));
  }
}

TEST_CASE("what is not contiguous is written as it reads", "[unit]") {
  test::TemporaryFolder const folder;
  auto const tensor = at::arange(6).view({2, 3}).t();
  write_safetensors(folder / "a.safetensors", {{"t", tensor}});
  CHECK(SafetensorsFile(folder / "a.safetensors").tensor("t").equal(tensor));
}

TEST_CASE("tensors outlive the file object and may be written to", "[unit]") {
  test::TemporaryFolder const folder;
  write_safetensors(folder / "a.safetensors", {{"t", at::ones({3})}});
  auto const before = test::read_file(folder / "a.safetensors");
  Tensor tensor = SafetensorsFile(folder / "a.safetensors").tensor("t");
  tensor.mul_(2);
  CHECK(tensor.sum().item<float>() == 6);
  CHECK(test::read_file(folder / "a.safetensors") == before);
}

TEST_CASE("a tensor that is not there is refused by name", "[unit]") {
  test::TemporaryFolder const folder;
  write_safetensors(folder / "a.safetensors", {{"t", at::ones({3})}});
  CHECK_THROWS_MATCHES(SafetensorsFile(folder / "a.safetensors").tensor("u"), InputError,
                       MessageMatches(ContainsSubstring("a.safetensors: has no tensor 'u'")));
}

TEST_CASE("sound files are accepted and malformed ones refused, as the index says", "[golden]") {
  std::string const folder = "model/safetensors_bad/";
  auto const index = test::golden_json(folder + "index.json");
  REQUIRE_FALSE(index.at("files").empty());
  for (auto const& [name, entry] : index.at("files").items()) {
    CAPTURE(name);
    auto const verdict = entry.at("verdict").get<std::string>();
    auto const path = test::golden_file(folder + name);
    bool accepted = true;
    try {
      SafetensorsFile const file(path);
      for (auto const& tensor : file.entries()) (void)file.tensor(tensor.name).clone();
    } catch (InputError const& error) {
      accepted = false;
      CHECK_THAT(error.what(), ContainsSubstring(name));
    }
    if (verdict.starts_with("accept")) CHECK(accepted);
    if (verdict.starts_with("reject")) CHECK_FALSE(accepted);
  }
}

TEST_CASE("accepted files give the tensors that a plain reader finds", "[golden]") {
  for (std::string const name : {"model/safetensors_bad/ok_bf16_f16_u8_bool_f64",
                                 "model/safetensors_bad/ok_unpadded_header", "model/umt224"}) {
    auto const expected = test::read_golden_safetensors(name + ".safetensors");
    SafetensorsFile const file(test::golden_file(name + ".safetensors"));
    CHECK(file.entries().size() == expected.size());
    for (auto const& [key, tensor] : expected) {
      CAPTURE(name, key);
      CHECK(file.tensor(key).scalar_type() == tensor.scalar_type());
      CHECK(file.tensor(key).equal(tensor));
    }
  }
}
