#include <vcflash/eval/interval.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>
#include <random>
#include <string>
#include <vector>

using namespace vcflash::eval;
using Catch::Matchers::WithinRel;

TEST_CASE("apart from each other, values give the textbook's interval", "[unit]") {
  std::vector<double> const values{0, 1, 1, 1, 0};
  std::vector<std::string> const apart{"a", "b", "c", "d", "e"};
  auto const interval = clustered_interval(values, apart);
  CHECK_THAT(interval.mean, WithinRel(0.6, 1e-12));
  CHECK(interval.clusters == 5);
  // the sample's variance over its size
  CHECK_THAT(*interval.half, WithinRel(1.959963984540054 * std::sqrt(0.3 / 5), 1e-12));
}

TEST_CASE("values that say the same in a cluster count as one", "[unit]") {
  std::vector<double> const twice{0, 0, 1, 1, 1, 1}, once{0, 1, 1};
  std::vector<std::string> const pairs{"a", "a", "b", "b", "c", "c"}, apart{"a", "b", "c"};
  CHECK_THAT(*clustered_interval(twice, pairs).half,
             WithinRel(*clustered_interval(once, apart).half, 1e-12));
}

TEST_CASE("one cluster has no interval, and no values have no mean", "[unit]") {
  std::vector<double> const values{0, 1};
  std::vector<std::string> const same{"a", "a"};
  CHECK_FALSE(clustered_interval(values, same).half);
  CHECK_FALSE(to_json(clustered_interval(values, same)).contains("low"));
  CHECK(clustered_interval({}, {}).mean == 0);
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
