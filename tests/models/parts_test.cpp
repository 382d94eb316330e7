#include <vcflash/models/parts.hpp>

#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>
#include <utility>
#include <vector>

using namespace vcflash;

TEST_CASE("who follows a batch is told of each part, and nobody else is", "[unit]") {
  struct Follower : PartObserver {
    std::vector<std::pair<Part, Part>> told;
    Tensor passing(Part from, Part to, Tensor const& x) override {
      told.emplace_back(from, to);
      return x * 2;
    }
  } follower;
  Tensor const x = at::ones({2});
  CHECK(passing(Part::encoder, Part::connector, x).is_same(x));
  PartObserver::current = &follower;
  CHECK(passing(Part::llm, Part::loss, x).equal(x * 2));
  PartObserver::current = nullptr;
  CHECK(passing(Part::llm, Part::loss, x).is_same(x));
  REQUIRE(follower.told.size() == 1);
  CHECK(follower.told[0].first == Part::llm);
  CHECK(follower.told[0].second == Part::loss);
}

TEST_CASE("parts have the names that are printed", "[unit]") {
  CHECK(name_of(Part::encoder) == "encoder");
  CHECK(name_of(Part::connector) == "connector");
  CHECK(name_of(Part::llm) == "llm");
  CHECK(name_of(Part::loss) == "loss");
}
