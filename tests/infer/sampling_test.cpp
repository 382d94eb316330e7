#include <vcflash/infer/sampling.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "tests/support/folder.hpp"
#include "tests/support/golden.hpp"

using namespace vcflash::infer;
using Ids = std::vector<std::int64_t>;

namespace {

/// How often each token is drawn, in parts of one.
std::map<std::int64_t, double> shares(Sampling const& sampling, std::vector<float> const& logits,
                                      Ids const& answer = {}) {
  constexpr int draws = 20'000;
  Sampler sampler(sampling);
  std::map<std::int64_t, double> counts;
  for (int i = 0; i < draws; ++i) counts[sampler.choose(logits, answer)] += 1. / draws;
  return counts;
}

std::vector<float> const logits{std::log(0.1f), std::log(0.4f), std::log(0.2f), std::log(0.3f)};

}  // namespace

TEST_CASE("without a temperature the likeliest token is chosen, the lowest of equals", "[unit]") {
  CHECK(Sampler({}).choose(logits, {}) == 1);
  CHECK(Sampler({}).choose(std::vector<float>{1, 3, 3, 2}, {}) == 1);
}

TEST_CASE("tokens are drawn as likely as they are", "[unit]") {
  auto const drawn = shares({.temperature = 1}, logits);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    CHECK(std::abs(drawn.at(std::int64_t(i)) - std::exp(logits[i])) < 0.02);
  }
  auto const cold = shares({.temperature = 0.5}, logits);
  CHECK(std::abs(cold.at(1) - 0.16 / 0.30) < 0.02);
}

TEST_CASE("top-k and top-p leave the likeliest tokens only", "[unit]") {
  CHECK(shares({.temperature = 1, .top_k = 2}, logits).size() == 2);
  CHECK(shares({.temperature = 1, .top_p = 0.65}, logits).size() == 2);
  CHECK(shares({.temperature = 1, .top_p = 0.71}, logits).size() == 3);
  CHECK(shares({.temperature = 1, .top_p = 0.01}, logits).size() == 1);
  auto const both = shares({.temperature = 1, .top_p = 0.9, .top_k = 3}, logits);
  CHECK(both.contains(1));
  CHECK_FALSE(both.contains(0));
}

TEST_CASE("a token of the answer is less likely to come again, however often it came", "[unit]") {
  Sampling const penalty{.repetition_penalty = 2};
  CHECK(Sampler(penalty).choose(std::vector<float>{3, 2, -1}, Ids{0, 0, 0}) == 1);
  CHECK(Sampler(penalty).choose(std::vector<float>{-2, -3, -3.5f}, Ids{0}) == 1);
  CHECK(Sampler(penalty).choose(std::vector<float>{3, 2, -1}, Ids{}) == 0);
}

TEST_CASE("the same seed draws the same tokens", "[unit]") {
  auto const some = [&](std::uint64_t seed) {
    Sampler sampler({.temperature = 1, .seed = seed});
    Ids ids;
    for (int i = 0; i < 50; ++i) ids.push_back(sampler.choose(logits, ids));
    return ids;
  };
  CHECK(some(1) == some(1));
  CHECK(some(1) != some(2));
}

TEST_CASE("published folders draw as they say", "[golden]") {
  using vcflash::test::golden_json;
  vcflash::test::TemporaryFolder const folder;
  for (std::string const name :
       {"qwen2-7b", "videochat-flash-qwen2_5-2b_res448", "videochat-flash-qwen2_5-7b-1m_res224"}) {
    CAPTURE(name);
    auto const published = golden_json("manifests/configs/" + name + ".generation_config.json");
    REQUIRE(published.at("do_sample") == true);
    folder.write("generation_config.json", published.dump());
    auto const sampling = sampling_of(folder.path());
    CHECK(published.at("temperature") == sampling.temperature);
    CHECK(published.at("top_p") == sampling.top_p);
    CHECK(published.at("top_k") == sampling.top_k);
    CHECK(published.at("repetition_penalty") == sampling.repetition_penalty);
  }
}

TEST_CASE("a folder's generation_config.json gives the defaults", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  CHECK(sampling_of(folder.path()).plain());
  folder.write("generation_config.json", R"({"do_sample": true, "temperature": 0.7, "top_p": 0.8,
    "top_k": 20, "repetition_penalty": 1.05})");
  auto const qwen = sampling_of(folder.path());
  CHECK(qwen.temperature == 0.7);
  CHECK(qwen.top_p == 0.8);
  CHECK(qwen.top_k == 20);
  CHECK(qwen.repetition_penalty == 1.05);
  folder.write("generation_config.json", R"({"do_sample": false, "temperature": 0.7})");
  CHECK(sampling_of(folder.path()).plain());
  folder.write("generation_config.json", R"({"repetition_penalty": "much"})");
  CHECK_THROWS_WITH(sampling_of(folder.path()),
                    Catch::Matchers::ContainsSubstring("generation_config.json"));
  folder.write("generation_config.json", R"({"repetition_penalty": 0})");
  CHECK_THROWS_AS(sampling_of(folder.path()), vcflash::InputError);
}
