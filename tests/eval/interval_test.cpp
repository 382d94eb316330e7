#include <vcflash/eval/interval.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace vcflash::eval;
using Catch::Matchers::WithinRel;

TEST_CASE("apart from each other, values give the textbook's interval", "[unit]") {
  std::vector<double> const values{0, 1, 1, 1, 0, 0, 1, 1, 1, 0};
  std::vector<std::string> const apart{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
  auto const interval = clustered_interval(values, apart);
  CHECK_THAT(interval.mean, WithinRel(0.6, 1e-12));
  CHECK(interval.clusters == 10);
  // Student's t of 9 degrees, and the sample's variance over its size
  CHECK_THAT(*interval.half, WithinRel(2.262157 * std::sqrt(0.6 * 0.4 / 9), 1e-4));
}

TEST_CASE("quantiles of Student's t are the tables'", "[unit]") {
  for (auto const& [degrees, quantile] : {std::pair{9., 2.262157},
                                          {10., 2.228139},
                                          {19., 2.093024},
                                          {99., 1.984217},
                                          {1e9, 1.959964}}) {
    CHECK_THAT(t_quantile(degrees), WithinRel(quantile, 5e-5));
  }
}

TEST_CASE("values that say the same in a cluster count as one", "[unit]") {
  std::vector<double> twice, once;
  std::vector<std::string> pairs, apart;
  for (int i = 0; i < 12; ++i) {
    once.push_back(i % 3 == 0 ? 0 : 1);
    apart.push_back(std::to_string(i));
    twice.insert(twice.end(), 2, once.back());
    pairs.insert(pairs.end(), 2, apart.back());
  }
  CHECK_THAT(*clustered_interval(twice, pairs).half,
             WithinRel(*clustered_interval(once, apart).half, 1e-12));
}

TEST_CASE("of less than ten clusters there is no interval, and none beyond what a mean can be",
          "[unit]") {
  std::vector<double> const two{0, 1};
  std::vector<std::string> const names{"a", "b"};
  CHECK_FALSE(clustered_interval(two, names).half);
  CHECK_FALSE(to_json(clustered_interval(two, names)).contains("low"));
  CHECK(clustered_interval({}, {}).mean == 0);
  std::vector<double> values(10, 1);
  values[0] = 0;
  std::vector<std::string> apart;
  for (int i = 0; i < 10; ++i) apart.push_back(std::to_string(i));
  auto const json = to_json(clustered_interval(values, apart));
  CHECK(json.at("high") == 1);
  CHECK(json.at("low") > 0.5);
  CHECK(to_json(clustered_interval(values, apart), -1, 2).at("high") > 1);
}

TEST_CASE("the interval holds the true mean in about 95 of 100 repeats", "[unit]") {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform;
  int held = 0;
  constexpr int repeats = 2000;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    std::vector<double> values;
    std::vector<std::string> clusters;
    for (int video = 0; video < 80; ++video) {
      double const ease = uniform(random);  // of the video: its questions are alike
      for (int question = 0; question < 4; ++question) {
        values.push_back(uniform(random) < ease ? 1 : 0);
        clusters.push_back(std::to_string(video));
      }
    }
    auto const interval = clustered_interval(values, clusters);
    held += std::abs(interval.mean - 0.5) <= *interval.half;
  }
  CHECK(held > 0.93 * repeats);
  CHECK(held < 0.97 * repeats);
}
