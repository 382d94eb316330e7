#include <vcflash/llms/llama.hpp>

#include "tests/support/golden_family.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {
constexpr DecoderConfig plain{.name = "golden Llama",
                              .hidden = 64,
                              .layers = 3,
                              .heads = 4,
                              .kv_heads = 2,
                              .intermediate = 112,
                              .vocabulary = 310,
                              .rope_base = 1e4,
                              .rms_epsilon = 1e-5,
                              .tied = true,
                              .max_positions = 8192};
constexpr DecoderConfig scaled{.name = "golden Llama",
                               .hidden = 64,
                               .layers = 2,
                               .heads = 4,
                               .kv_heads = 1,
                               .intermediate = 112,
                               .vocabulary = 310,
                               .rope_base = 5e5,
                               .rms_epsilon = 1e-5,
                               .max_positions = 131072,
                               .scaling = kernels::llama3_scaling(8, 1024)};
}  // namespace

TEST_CASE("Llama gives transformers' logits, gradients and greedy tokens", "[golden]") {
  Llama<plain> llm;
  compare_family(llm, "llama");
}

TEST_CASE("Llama 3's stretching of positions is transformers'", "[golden]") {
  Llama<scaled> llm;
  compare_family(llm, "llama3_scaled");
}

TEST_CASE("Llama's and SmolLM2's sizes have the keys and numbers of the published ones",
          "[golden]") {
  check_family_size<Llama3_2_1B>("llama3_2-1b");
  check_family_size<Llama3_2_3B>("llama3_2-3b");
  check_family_size<Llama3_1_8B>("llama3_1-8b");
  check_family_size<SmolLM2_135M>("smollm2-135m");
  check_family_size<SmolLM2_360M>("smollm2-360m");
  check_family_size<SmolLM2_1_7B>("smollm2-1_7b");
}

TEST_CASE("Llama 3.2 takes as many tokens as its configuration says", "[unit]") {
  STATIC_CHECK(Llama3_2_1B::facts.longest_input() == 131072);
}
