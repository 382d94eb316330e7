#include <vcflash/eval/time_spans.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash::eval;

namespace {

bool reads(std::optional<TimeSpan> span, double start, double end) {
  return span && span->start == start && span->end == end;
}

}  // namespace

TEST_CASE("upstream's script finds a span in three ways", "[unit]") {
  CHECK(reads(upstream_span("It happens in 3 - 7.5 seconds"), 3, 7.5));
  CHECK(reads(upstream_span("from 9 to 4"), 4, 9));
  CHECK(reads(upstream_span("It starts at 3.\nIt ends at 8."), 3, 8));
  CHECK(reads(upstream_span("１ - ５"), 1, 5));
  CHECK_FALSE(upstream_span("It starts at 3 and ends at 8."));
  CHECK_FALSE(upstream_span(""));
  CHECK_THROWS_AS(upstream_span("1..2 - 3"), vcflash::InputError);
}

TEST_CASE("read strictly, a range is the span, and else the first two times", "[unit]") {
  CHECK(reads(strict_span("In the 30 s video it is 3 - 5"), 3, 5));
  CHECK(reads(strict_span("The 1st event is from 3 to 5"), 3, 5));
  CHECK(reads(strict_span("The 2nd event starts at 3 and ends at 8"), 3, 8));
  CHECK(reads(strict_span("from the 3rd second to the 5th"), 3, 5));
  CHECK(reads(strict_span("00:00:05,500 --> 00:00:07,000"), 5.5, 7));
  CHECK(reads(strict_span("Of 60 seconds, between 9.5 s and 12.25 s"), 9.5, 12.25));
  CHECK(reads(strict_span("24.3–30.4 seconds"), 24.3, 30.4));
  CHECK(reads(strict_span("it is 1:05 ~ 1:10"), 65, 70));
  CHECK(reads(strict_span("２ to ４"), 2, 4));
  CHECK(reads(strict_span("<think>1 - 2?</think>7 to 6"), 6, 7));
  CHECK_FALSE(strict_span("3 <think>- 5"));
  CHECK(reads(strict_span("It starts at 3 and ends at 8."), 3, 8));
  CHECK(reads(strict_span("0:01:05 until 1:02"), 62, 65));
  CHECK_FALSE(strict_span("at 5 seconds"));
}

TEST_CASE("overlap over extent", "[unit]") {
  CHECK(intersection_over_union({0, 2}, {1, 3}) == 1. / 3);
  CHECK(intersection_over_union({0, 1}, {2, 3}) == 0);
  CHECK(intersection_over_union({1, 1}, {1, 1}) == 1);
}
