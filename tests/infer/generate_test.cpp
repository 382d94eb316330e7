#include <vcflash/infer/generate.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>
#include <vector>

#include <vcflash/llms/qwen2.hpp>
#include <vcflash/tensor/initialize.hpp>

using namespace vcflash;

namespace {

using Small = Qwen2<DecoderConfig{.name = "small",
                                  .hidden = 32,
                                  .layers = 2,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .intermediate = 64,
                                  .vocabulary = 97,
                                  .tied = true}>;

Small const& small() {
  static Small const llm = [] {
    Small made;
    initialize(made, {.weight = 0.2, .embedding = 0.5}, 3);
    return made;
  }();
  return llm;
}

Tensor prompt(std::vector<std::int64_t> ids) { return small().embed(at::tensor(ids)).unsqueeze(0); }

/// Greedy generation that computes every state anew.
std::vector<std::int64_t> without_cache(Tensor embeddings, std::int64_t tokens) {
  std::vector<std::int64_t> ids;
  while (std::ssize(ids) < tokens) {
    Tensor const states = small().hidden_states(embeddings);
    ids.push_back(small().logits(states[0][-1]).argmax().item<std::int64_t>());
    embeddings = at::cat({embeddings, prompt({ids.back()})}, 1);
  }
  return ids;
}

}  // namespace

TEST_CASE("generation with a cache says what generation without one says", "[unit]") {
  Tensor const embeddings = prompt({5, 80, 13, 44});
  auto const ids = infer::generate(small(), embeddings, {.max_new_tokens = 12}).ids;
  CHECK(ids.size() == 12);
  CHECK(ids == without_cache(embeddings, 12));
}

TEST_CASE("generation ends before a stop id and after the most tokens asked for, and says which",
          "[unit]") {
  Tensor const embeddings = prompt({5, 80, 13, 44});
  auto const all = without_cache(embeddings, 6);
  std::int64_t const stop = all[2];
  auto const before = static_cast<std::size_t>(std::ranges::find(all, stop) - all.begin());
  auto const said = infer::generate(small(), embeddings, {.max_new_tokens = 6, .stop_ids = {stop}});
  CHECK(said.ids == std::vector(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(before)));
  CHECK(said.finish == infer::Finish::stop);
  auto const one = infer::generate(small(), embeddings, {.max_new_tokens = 1});
  CHECK(one.ids.size() == 1);
  CHECK(one.finish == infer::Finish::length);
  CHECK(infer::generate(small(), embeddings, {.max_new_tokens = 0}).ids.empty());
}

TEST_CASE("generation ends at the model's last position", "[unit]") {
  constexpr DecoderConfig eight_positions = [] {
    DecoderConfig config = Small::config;
    config.max_positions = 8;
    return config;
  }();
  Qwen2<eight_positions> llm;
  initialize(llm, {.weight = 0.2, .embedding = 0.5}, 3);
  // Five positions are taken; the last token that is chosen needs none.
  auto const said = infer::generate(llm, prompt({5, 80, 13, 44, 7}), {.max_new_tokens = 100});
  CHECK(said.ids == without_cache(prompt({5, 80, 13, 44, 7}), 4));
  CHECK(said.finish == infer::Finish::context);
}

TEST_CASE("logits that are not numbers are an error, however tokens are chosen", "[unit]") {
  Small broken;
  initialize(broken, {.weight = 0.2, .embedding = 0.5}, 3);
  at::NoGradGuard const no_grad;
  Tensor(broken.model.norm.weight)[3] = std::numeric_limits<float>::quiet_NaN();
  for (double const temperature : {0., 1.}) {
    CHECK_THROWS_WITH(
        infer::generate(broken, prompt({5, 80}), {.sampling = {.temperature = temperature}}),
        Catch::Matchers::ContainsSubstring("logits are not numbers"));
  }
}

TEST_CASE("each token is handed on as it is chosen, and the listener may end the answer",
          "[unit]") {
  Tensor const embeddings = prompt({1, 2, 3});
  std::vector<std::int64_t> heard;
  auto const said =
      infer::generate(small(), embeddings, {.max_new_tokens = 9}, [&](std::int64_t id) {
        heard.push_back(id);
        return heard.size() < 4;
      });
  CHECK(said.ids.size() == 4);
  CHECK(heard == said.ids);
  CHECK(said.finish == infer::Finish::cancelled);
}

TEST_CASE("rows of the table that no token has are never chosen", "[unit]") {
  auto const ids =
      infer::generate(small(), prompt({5, 80, 13}), {.max_new_tokens = 20, .vocabulary = 7}).ids;
  CHECK(std::ranges::all_of(ids, [](std::int64_t id) { return id < 7; }));
}

TEST_CASE("a conversation goes on from the cache of the turn before", "[unit]") {
  Small::Cache cache;
  auto const heard = [](std::int64_t) { return true; };
  auto const first =
      infer::generate(small(), prompt({5, 80, 13}), {.max_new_tokens = 3}, cache, heard).ids;
  // The last id of an answer has not been through the model yet.
  auto const second =
      infer::generate(small(), prompt({first.back(), 60, 61}), {.max_new_tokens = 4}, cache, heard)
          .ids;
  std::vector<std::int64_t> whole{5, 80, 13};
  whole.insert(whole.end(), first.begin(), first.end());
  whole.insert(whole.end(), {60, 61});
  CHECK(second == without_cache(prompt(whole), 4));
}

TEST_CASE("a prompt's visual tokens are dropped, and the conversation goes on", "[unit]") {
  using Dropping = Small::With<UniformDropping<DropSchedule{{1}, {1.0, 0.5}}>>;
  Dropping llm;
  initialize(llm, {.weight = 0.2, .embedding = 0.5}, 3);
  infer::Prompt const first{prompt({5, 80, 13, 44, 21, 7}), {1, 2, 3, 4}};
  Dropping::Cache cache;
  infer::generate(llm, first, {.max_new_tokens = 3}, cache, [](std::int64_t) { return true; });
  CHECK(cache.tokens() == 6 + 2);
  CHECK(cache.tokens(1) == 4 + 2);

  infer::Prompt const rest = first.after(3);
  CHECK(rest.tokens() == 3);
  CHECK(rest.visual == std::vector<std::int64_t>{0, 1});
  // Of a cut before the visual tokens nothing could go on.
  CHECK(cache.truncate(5) == 0);
}
