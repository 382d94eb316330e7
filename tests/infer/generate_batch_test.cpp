#include <vcflash/infer/generate_batch.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <type_traits>
#include <vector>

#include "tests/support/golden_dropping.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {

using Ids = std::vector<std::int64_t>;

/// A golden LLM, a beginning that prompts share, and what each goes on with.
template <class Llm = GoldenQwen2>
struct Prompts {
  /// \param shared_tokens of the beginning, of which `visual` are visual ones, behind the first two
  /// \param lengths of what follows the beginning
  Prompts(std::int64_t shared_tokens, std::vector<std::int64_t> const& lengths,
          std::int64_t visual = 0) {
    load_golden_weights(llm, golden.with_prefix("w."));
    at::manual_seed(5);
    auto const random = [&](std::int64_t tokens) {
      return llm.embed(at::randint(Llm::vocabulary, {1, tokens}, at::kLong).to(test_device()));
    };
    if (shared_tokens > 0) {
      for (std::int64_t i = 0; i < visual; ++i) beginning.visual.push_back(2 + i);
      beginning.embeddings = random(shared_tokens);
      prefix = {llm, beginning};
    }
    for (std::int64_t const length : lengths) rests.push_back(random(length));
  }

  /// Each prompt answered by itself, from its first token on.
  std::vector<Ids> one_by_one(infer::GenerateOptions const& options) const {
    std::vector<Ids> answers;
    for (auto const& rest : rests) {
      infer::Prompt const whole(at::cat({beginning.embeddings, rest}, 1), beginning.visual);
      auto own = options;
      own.sampling.seed = infer::seed_of_answer(options.sampling.seed, answers.size());
      answers.push_back(infer::generate(llm, whole, own).ids);
    }
    return answers;
  }

  /// All answered in batches; `order` is that in which answers came.
  std::vector<Ids> in_batches(infer::GenerateOptions const& options, std::int64_t rows) {
    std::vector<Ids> answers(rests.size());
    order.clear();
    infer::generate_batch(llm, prefix, rests, options, rows, [&](std::size_t i, Ids const& ids) {
      answers[i] = ids;
      order.push_back(i);
    });
    CHECK(order.size() == rests.size());
    return answers;
  }

  at::NoGradGuard no_grad;
  Golden golden{"model/qwen2"};
  Llm llm;
  infer::Prompt beginning{at::zeros({1, 0, Llm::hidden})};
  infer::SharedPrefix<Llm> prefix;
  std::vector<at::Tensor> rests;
  std::vector<std::size_t> order;
};

/// Ids that end answers early and at different places.
Ids common_ids(std::vector<Ids> const& answers) {
  std::map<std::int64_t, int> counts;
  for (auto const& answer : answers) {
    for (std::int64_t const id : answer) ++counts[id];
  }
  Ids ids;
  for (auto const& [id, count] : counts) {
    if (count >= 3) ids.push_back(id);
  }
  return ids;
}

}  // namespace

TEST_CASE("upstream's greedy ids come out of a batch, too", "[golden]") {
  Prompts<> prompts(0, {3, 14, 6});
  prompts.rests.insert(prompts.rests.begin() + 1, prompts.llm.embed(prompts.golden["in.prompt"]));
  auto const expected = prompts.golden["out.gen_ids"].cpu();
  auto const answers = prompts.in_batches({.max_new_tokens = expected.size(0)}, 3);
  CHECK(answers[1] == Ids(expected.const_data_ptr<std::int64_t>(),
                          expected.const_data_ptr<std::int64_t>() + expected.numel()));
}

TEST_CASE("answers in batches of any size are those given one by one", "[golden]") {
  for (std::int64_t const shared : {0, 40}) {
    Prompts<> prompts(shared, {7, 3, 12, 1, 9, 9, 5, 30, 2, 16, 4});
    infer::GenerateOptions options{.max_new_tokens = 24};
    options.stop_ids = common_ids(prompts.one_by_one(options));
    auto const expected = prompts.one_by_one(options);
    auto const shorter = [](Ids const& a, Ids const& b) { return a.size() < b.size(); };
    auto const [least, most] = std::ranges::minmax_element(expected, shorter);
    REQUIRE(least->size() < most->size());  // rows end at different steps
    for (std::int64_t const rows : {1, 2, 3, 5, 8, 11, 20}) {
      INFO(shared << " shared tokens, " << rows << " rows");
      CHECK(prompts.in_batches(options, rows) == expected);
      CHECK(prompts.prefix.cache.tokens() == shared);
    }
  }
}

TEST_CASE("a model that drops visual tokens says in batches what it says one by one", "[golden]") {
  using Policies = std::tuple<AttentionDropping<after_three>, UniformThenAttention<after_three>,
                              UniformThenAttention<after_three, 2>, UniformDropping<after_three>,
                              AttentionDropping<after_two>>;
  auto const compare = [&]<class Policy>(std::type_identity<Policy>) {
    using Llm = GoldenQwen2::With<Policy>;
    INFO("decided for a prefix in " << Llm::prefix_layers << " layers");
    for (std::int64_t const visual : {0, 37}) {
      Prompts<Llm> prompts(45, {7, 3, 12, 1, 9, 30, 2}, visual);
      infer::GenerateOptions options{.max_new_tokens = 16};
      options.stop_ids = common_ids(prompts.one_by_one(options));
      auto const expected = prompts.one_by_one(options);
      // What matters to one question does not to another, so that they drop different tokens.
      for (std::int64_t const rows : {1, 2, 4, 7}) {
        INFO(visual << " visual tokens, " << rows << " rows");
        CHECK(prompts.in_batches(options, rows) == expected);
      }
    }
    Prompts<Llm> text(0, {5, 8, 2});
    CHECK(text.in_batches({.max_new_tokens = 6}, 2) == text.one_by_one({.max_new_tokens = 6}));
  };
  [&]<class... Policy>(std::type_identity<std::tuple<Policy...>>) {
    (compare(std::type_identity<Policy>{}), ...);
  }(std::type_identity<Policies>{});
}

TEST_CASE("the prompts that are left pass together behind the prefix", "[golden]") {
  Prompts<> prompts(30, {4, 9, 2, 6});
  auto const prompt_states = [&](std::size_t i) {
    return prompts.llm.hidden_states(at::cat({prompts.beginning.embeddings, prompts.rests[i]}, 1));
  };
  auto cache = repeated(prompts.prefix.cache, 2);
  at::Tensor const batch = at::zeros({2, 9, GoldenQwen2::hidden});
  batch[0].copy_(prompts.rests[1][0]);
  batch[1].narrow(0, 0, 6).copy_(prompts.rests[3][0]);
  at::Tensor const states = prompts.llm.hidden_states(batch, &cache);
  CHECK((states[0][8] - prompt_states(1)[0][38]).abs().max().item<float>() < 1e-5F);
  CHECK((states[1][5] - prompt_states(3)[0][35]).abs().max().item<float>() < 1e-5F);

  // And go on together from there, all ending alike.
  align_right(cache, {9, 6}, 9);
  CHECK(cache.padding() == Ids{0, 3});
  at::Tensor const next =
      prompts.llm.embed(at::randint(GoldenQwen2::vocabulary, {1, 1}, at::kLong));
  at::Tensor const stepped = prompts.llm.hidden_states(next.expand({2, 1, -1}), &cache);
  for (std::int64_t row = 0; row < 2; ++row) {
    at::Tensor const alone = prompts.llm.hidden_states(
        at::cat({prompts.beginning.embeddings, prompts.rests[row == 0 ? 1 : 3], next}, 1));
    CHECK((stepped[row][0] - alone[0][-1]).abs().max().item<float>() < 1e-5F);
  }
}

TEST_CASE("an answer is handed on when it is whole, whatever the others do", "[golden]") {
  Prompts<> prompts(20, {4, 9, 4, 6, 3, 5});
  infer::GenerateOptions options{.max_new_tokens = 30};
  options.stop_ids = common_ids(prompts.one_by_one(options));
  auto const expected = prompts.one_by_one(options);
  auto const shorter = [](Ids const& a, Ids const& b) { return a.size() < b.size(); };
  auto const [least, most] = std::ranges::minmax_element(expected, shorter);
  REQUIRE(least->size() < most->size());
  prompts.rests = {prompts.rests[static_cast<std::size_t>(most - expected.begin())],
                   prompts.rests[static_cast<std::size_t>(least - expected.begin())]};
  CHECK(prompts.in_batches(options, 2) == std::vector<Ids>{*most, *least});
  CHECK(prompts.order == std::vector<std::size_t>{1, 0});
}

TEST_CASE("padding that all rows have is cut away, and the answers stay", "[golden]") {
  Prompts<> prompts(10, std::vector<std::int64_t>(9, 5));
  infer::GenerateOptions const options{.max_new_tokens = 150};
  CHECK(prompts.in_batches(options, 2) == prompts.one_by_one(options));
}

TEST_CASE("tokens that were said are less likely again in a batch, and drawn ones draw alike",
          "[golden]") {
  Prompts<> prompts(12, {4, 9, 2, 6});
  for (infer::Sampling const sampling :
       {infer::Sampling{.repetition_penalty = 1.3}, infer::Sampling{.temperature = 1, .seed = 4}}) {
    infer::GenerateOptions const options{.max_new_tokens = 12, .sampling = sampling};
    CHECK(prompts.in_batches(options, 3) == prompts.one_by_one(options));
  }
}

TEST_CASE("one prompt several times in a batch draws several answers", "[golden]") {
  Prompts<> prompts(12, {4});
  prompts.rests.assign(4, prompts.rests.front());
  auto const answers =
      prompts.in_batches({.max_new_tokens = 12, .sampling = {.temperature = 1, .seed = 4}}, 4);
  CHECK(std::set(answers.begin(), answers.end()).size() == 4);
}

TEST_CASE("answers in a batch end at the model's last position", "[golden]") {
  constexpr DecoderConfig few_positions = [] {
    DecoderConfig config = GoldenQwen2::config;
    config.max_positions = 20;
    return config;
  }();
  Prompts<Qwen2<few_positions>> prompts(10, {7, 3, 9});
  infer::GenerateOptions const options{.max_new_tokens = 24};
  auto const answers = prompts.in_batches(options, 2);
  CHECK(answers == prompts.one_by_one(options));
  CHECK(answers[0].size() == 20 - 17 + 1);
}

TEST_CASE("a batch whose logits are not numbers is an error", "[golden]") {
  Prompts<> prompts(5, {3, 3});
  prompts.rests[1].fill_(std::numeric_limits<float>::quiet_NaN());
  for (double const temperature : {0., 1.}) {
    CHECK_THROWS_AS(prompts.in_batches({.sampling = {.temperature = temperature}}, 2),
                    infer::NotNumbers);
  }
}

TEST_CASE("answers of no tokens, and no prompts at all, come out as such", "[golden]") {
  Prompts<> prompts(5, {3, 3});
  CHECK(prompts.in_batches({.max_new_tokens = 0}, 2) == std::vector<Ids>(2));
  CHECK(prompts.in_batches({.max_new_tokens = 1}, 2) == prompts.one_by_one({.max_new_tokens = 1}));
  prompts.rests.clear();
  CHECK(prompts.in_batches({}, 2).empty());
}
