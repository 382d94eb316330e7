#include <vcflash/llms/qwen3.hpp>

#include "tests/support/golden_family.hpp"

using namespace vcflash;
using namespace vcflash::test;

TEST_CASE("Qwen3 gives transformers' logits, gradients and greedy tokens", "[golden]") {
  Qwen3<DecoderConfig{.name = "golden Qwen3",
                      .hidden = 48,
                      .layers = 3,
                      .heads = 4,
                      .kv_heads = 2,
                      .intermediate = 96,
                      .vocabulary = 320,
                      .own_head_dim = 32,
                      .tied = true}>
      tied;
  compare_family(tied, "qwen3");
  Qwen3<DecoderConfig{.name = "golden Qwen3",
                      .hidden = 64,
                      .layers = 2,
                      .heads = 8,
                      .kv_heads = 2,
                      .intermediate = 80,
                      .vocabulary = 300,
                      .own_head_dim = 16}>
      untied;
  compare_family(untied, "qwen3_untied");
}

TEST_CASE("Qwen3's sizes have the keys and numbers of the published ones", "[golden]") {
  check_family_size<Qwen3_0_6B>("qwen3-0_6b");
  check_family_size<Qwen3_1_7B>("qwen3-1_7b");
  check_family_size<Qwen3_4B>("qwen3-4b");
  check_family_size<Qwen3_8B>("qwen3-8b");
}
