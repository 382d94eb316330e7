#include <vcflash/infer/sampling.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <vector>

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

TEST_CASE("tokens as likely as the last of top-k stay", "[unit]") {
  std::vector<float> const equals{1, 2, 2, 2, 0};
  CHECK(shares({.temperature = 1, .top_k = 2}, equals).size() == 3);
  CHECK(shares({.temperature = 1, .top_k = 4}, equals).size() == 4);
}

TEST_CASE("min-p leaves tokens that are not much less likely than the likeliest", "[unit]") {
  CHECK(shares({.temperature = 1, .min_p = 0.7}, logits).size() == 2);
  CHECK(shares({.temperature = 1, .min_p = 0.3}, logits).size() == 3);
  CHECK(shares({.temperature = 1, .min_p = 1}, logits).size() == 1);
  CHECK(shares({.temperature = 1, .top_p = 0.5, .min_p = 0.3}, logits).size() == 2);
}

TEST_CASE("of logits that are not numbers no token is chosen", "[unit]") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(),
                  infinity = std::numeric_limits<float>::infinity();
  for (Sampling const& sampling :
       {Sampling{}, Sampling{.repetition_penalty = 2}, Sampling{.temperature = 1, .top_k = 2}}) {
    for (auto const& broken : {std::vector{1.F, nan, 3.F}, std::vector{infinity, 1.F},
                               std::vector{-infinity, -infinity}}) {
      CHECK_THROWS_AS(Sampler(sampling).choose(broken, Ids{0}), NotNumbers);
    }
    CHECK(Sampler(sampling).choose(std::vector{-infinity, 1.F}, {}) == 1);
  }
}

TEST_CASE("answers that share a seed are drawn by seeds of their own", "[unit]") {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    for (std::uint64_t number = 0; number < 30; ++number) {
      seeds.insert(seed_of_answer(seed, number));
    }
  }
  CHECK(seeds.size() == 900);
}
