#include <vcflash/app/merge_adapter_main.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::checkpoint;

namespace {

int merge(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "merge-adapter");
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  return app::merge_adapter_main(static_cast<int>(argv.size()), argv.data());
}

}  // namespace

TEST_CASE("merge-adapter writes the whole model with what stands beside it", "[unit]") {
  test::TemporaryFolder const folder;
  std::filesystem::create_directories(folder / "base");
  std::filesystem::create_directories(folder / "adapter");
  save_weights({{"model.a.weight", at::ones({3, 4})}, {"model.b.weight", at::ones({2})}},
               folder / "base");
  folder.write("base/config.json", R"({"hidden_size": 4})");
  folder.write("base/tokenizer.json", "{}");
  save_adapter(
      {{"model.a.lora_A.weight", at::ones({1, 4})}, {"model.a.lora_B.weight", at::ones({3, 1})}},
      {.rank = 1, .alpha = 2, .base = (folder / "base").string()}, folder / "adapter");
  auto const adapter = (folder / "adapter").string(), out = (folder / "merged").string();
  REQUIRE(merge({"--adapter", adapter, "--out", out}) == 0);
  auto const merged = read_weights(out);
  CHECK(merged.at("model.a.weight").equal(at::ones({3, 4}) * 3));
  CHECK(merged.at("model.b.weight").equal(at::ones({2})));
  CHECK(std::filesystem::exists(folder / "merged" / "tokenizer.json"));
  CHECK(merge({"--adapter", adapter, "--out", out}) == 2);  // a model is never written over
}
