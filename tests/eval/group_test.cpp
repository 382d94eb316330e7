#include <vcflash/eval/group.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

using vcflash::eval::GroupValue;

TEST_CASE("a group's value weighs its tasks by their questions", "[unit]") {
  GroupValue group;
  CHECK(group.value() == 0);
  CHECK(group.stderr_value() == 0);
  group.add(10, 100);
  CHECK(group.value() == 100);
  CHECK(group.stderr_value() == 0);
  group.add(30, 50);
  CHECK(group.value() == 62.5);
  CHECK(group.questions() == 40);
  // t n / ((t + n)(t + n - 1)) (M - v)^2 with t = 10, n = 30, M = 62.5, v = 50
  CHECK_THAT(group.stderr_value() * group.stderr_value(),
             Catch::Matchers::WithinRel(300. / (40 * 39) * 12.5 * 12.5, 1e-12));
}
