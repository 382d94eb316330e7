#include <vcflash/infer/generate_batch.hpp>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <map>
#include <vector>

#include "tests/support/golden_models.hpp"

using namespace vcflash;
using namespace vcflash::test;

namespace {

using Ids = std::vector<std::int64_t>;

/// The golden model, a beginning that prompts share, and what each goes on with.
struct Prompts {
  /// \param lengths of what follows the beginning
  Prompts(std::int64_t shared_tokens, std::vector<std::int64_t> const& lengths) {
    load_golden_weights(llm, golden.with_prefix("w."));
    at::manual_seed(5);
    auto const random = [&](std::int64_t tokens) {
      return llm.embed(
          at::randint(GoldenQwen2::vocabulary, {1, tokens}, at::kLong).to(test_device()));
    };
    if (shared_tokens > 0) llm.hidden_states(random(shared_tokens), &shared);
    for (std::int64_t const length : lengths) rests.push_back(random(length));
  }

  /// Each prompt answered by itself.
  std::vector<Ids> one_by_one(infer::GenerateOptions const& options) {
    std::int64_t const known = shared.tokens();
    std::vector<Ids> answers;
    for (auto const& rest : rests) {
      answers.push_back(
          infer::generate(llm, rest, options, shared, [](std::int64_t) { return true; }));
      shared.truncate(known);
    }
    return answers;
  }

  /// All answered in batches; `order` is that in which answers came.
  std::vector<Ids> in_batches(infer::GenerateOptions const& options, std::int64_t rows) {
    std::vector<Ids> answers(rests.size());
    order.clear();
    infer::generate_batch(llm, shared, rests, options, rows, [&](std::size_t i, Ids const& ids) {
      answers[i] = ids;
      order.push_back(i);
    });
    CHECK(order.size() == rests.size());
    return answers;
  }

  at::NoGradGuard no_grad;
  Golden golden{"model/qwen2"};
  GoldenQwen2 llm;
  GoldenQwen2::Cache shared;
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
  Prompts prompts(0, {3, 14, 6});
  prompts.rests.insert(prompts.rests.begin() + 1, prompts.llm.embed(prompts.golden["in.prompt"]));
  auto const expected = prompts.golden["out.gen_ids"].cpu();
  auto const answers = prompts.in_batches({.max_new_tokens = expected.size(0)}, 3);
  CHECK(answers[1] == Ids(expected.const_data_ptr<std::int64_t>(),
                          expected.const_data_ptr<std::int64_t>() + expected.numel()));
}

TEST_CASE("answers in batches of any size are those given one by one", "[golden]") {
  for (std::int64_t const shared : {0, 40}) {
    Prompts prompts(shared, {7, 3, 12, 1, 9, 9, 5, 30, 2, 16, 4});
    infer::GenerateOptions options{.max_new_tokens = 24};
    options.stop_ids = common_ids(prompts.one_by_one(options));
    auto const expected = prompts.one_by_one(options);
    auto const shorter = [](Ids const& a, Ids const& b) { return a.size() < b.size(); };
    auto const [least, most] = std::ranges::minmax_element(expected, shorter);
    REQUIRE(least->size() < most->size());  // rows end at different steps
    for (std::int64_t const rows : {1, 2, 3, 5, 8, 11, 20}) {
      INFO(shared << " shared tokens, " << rows << " rows");
      CHECK(prompts.in_batches(options, rows) == expected);
      CHECK(prompts.shared.tokens() == shared);
    }
  }
}

TEST_CASE("an answer is handed on when it is whole, whatever the others do", "[golden]") {
  Prompts prompts(20, {4, 9, 4, 6, 3, 5});
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
  Prompts prompts(10, std::vector<std::int64_t>(9, 5));
  infer::GenerateOptions const options{.max_new_tokens = 150};
  CHECK(prompts.in_batches(options, 2) == prompts.one_by_one(options));
}

TEST_CASE("tokens that were said are less likely again in a batch, and drawn ones draw alike",
          "[golden]") {
  Prompts prompts(12, {4, 9, 2, 6});
  for (infer::Sampling const sampling :
       {infer::Sampling{.repetition_penalty = 1.3}, infer::Sampling{.temperature = 1, .seed = 4}}) {
    infer::GenerateOptions const options{.max_new_tokens = 12, .sampling = sampling};
    CHECK(prompts.in_batches(options, 3) == prompts.one_by_one(options));
  }
}

TEST_CASE("answers of no tokens, and no prompts at all, come out as such", "[golden]") {
  Prompts prompts(5, {3, 3});
  CHECK(prompts.in_batches({.max_new_tokens = 0}, 2) == std::vector<Ids>(2));
  CHECK(prompts.in_batches({.max_new_tokens = 1}, 2) == prompts.one_by_one({.max_new_tokens = 1}));
  prompts.rests.clear();
  CHECK(prompts.in_batches({}, 2).empty());
}
