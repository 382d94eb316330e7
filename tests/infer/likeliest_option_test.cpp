#include <vcflash/infer/likeliest_option.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <cstdint>
#include <set>
#include <vector>

#include <vcflash/llms/qwen2.hpp>
#include <vcflash/tensor/initialize.hpp>

using namespace vcflash;

namespace {

using Chooser = Qwen2<DecoderConfig{.name = "small",
                                    .hidden = 32,
                                    .layers = 3,
                                    .heads = 4,
                                    .kv_heads = 2,
                                    .intermediate = 64,
                                    .vocabulary = 97,
                                    .tied = true}>;
using DroppingChooser = Chooser::With<UniformThenAttention<DropSchedule{{1, 2}, {1.0, 0.5, 0.25}}>>;

}  // namespace

TEMPLATE_TEST_CASE("the likeliest of some tokens is that of the whole prompt computed plainly",
                   "[unit]", Chooser, DroppingChooser) {
  TestType llm;
  initialize(llm, {.weight = 0.2, .embedding = 0.5}, 3);
  at::NoGradGuard const no_grad;
  auto const embedded = [&](std::vector<std::int64_t> const& ids) {
    return llm.embed(at::tensor(ids)).unsqueeze(0);
  };
  infer::Prompt beginning(embedded({5, 80, 13, 44, 7, 9, 31, 2, 60, 61}));
  beginning.visual = {2, 3, 4, 5, 6, 7};
  infer::SharedPrefix<TestType> const prefix(llm, beginning);
  std::vector<std::int64_t> const options{70, 3, 12, 41, 90};
  std::set<std::size_t> chosen;
  for (std::int64_t last = 0; last < 24; ++last) {
    auto const rest = embedded({last * 4, 8, last});
    infer::Prompt const whole(at::cat({beginning.embeddings, rest}, 1), beginning.visual);
    typename TestType::Cache cache;
    auto const states = infer::states_of(llm, whole, cache);
    auto const logits = llm.logits(states[0][-1]);
    std::size_t expected = 0;
    for (std::size_t i = 0; i < options.size(); ++i) {
      bool const likelier = logits[options[i]].template item<float>() >
                            logits[options[expected]].template item<float>();
      if (likelier) expected = i;
    }
    CHECK(infer::likeliest_option(llm, prefix, rest, options) == expected);
    chosen.insert(expected);
  }
  CHECK(chosen.size() > 1);  // else any constant would do
  CHECK(prefix.cache.tokens() > 0);
}
