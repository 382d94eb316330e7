#include <vcflash/llms/decoder.hpp>
#include <vcflash/llms/qwen2.hpp>

#include "tests/support/golden_family.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {
constexpr DecoderConfig config{.name = "golden Qwen2",
                               .hidden = 64,
                               .layers = 2,
                               .heads = 4,
                               .kv_heads = 2,
                               .intermediate = 96,
                               .vocabulary = 320};
constexpr DecoderConfig stretched = [] {
  DecoderConfig result = config;
  result.scaling = kernels::yarn(4, 8192);
  return result;
}();
}  // namespace

TEST_CASE("positions that a type stretches are transformers'", "[golden]") {
  Qwen2<stretched> llm;
  compare_family(llm, "qwen2_yarn");
}

TEST_CASE("positions that a program stretches are those that a type stretches", "[golden]") {
  Qwen2<config> llm;
  llm.scaling = kernels::yarn(4, 8192);
  compare_family(llm, "qwen2_yarn");
}

TEST_CASE("what is built alike is one type, whatever its weights are called", "[unit]") {
  STATIC_CHECK(std::same_as<Qwen2_7B, Qwen2_5_7B>);
  STATIC_CHECK(Qwen2_7B::facts.model_type == "qwen2");
  STATIC_CHECK(Qwen2_7B::facts.head_dim == 128);
}
