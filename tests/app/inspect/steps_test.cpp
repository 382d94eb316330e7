#include <vcflash/app/inspect/steps.hpp>

#include <cstdint>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace vcflash;
using namespace vcflash::app;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("steps are counted as training counts them", "[unit]") {
  SurveySettings settings;
  settings.global_batch = 8;
  settings.epochs = 3;
  auto const all = [](std::int64_t rows) {
    SetSurvey all;
    all.rows = all.of_modality[2] = rows;
    return all;
  };
  auto const steps = [&](std::int64_t rows) { return expected_steps(all(rows), settings); };
  CHECK(steps(1) == 0);
  CHECK(steps(7) == 2);
  CHECK(steps(15) == 5);
  CHECK(steps(17) == 6);
  CHECK(too_few_rows(all(3), settings).empty());
  CHECK_THAT(too_few_rows(all(2), settings), ContainsSubstring("2 rows do not fill one step of 8"));
  settings.micro_batch = 4;
  CHECK(steps(7) == 1);
  CHECK(steps(3) == 0);
  CHECK_THAT(too_few_rows(all(3), settings),
             ContainsSubstring("3 rows do not fill one micro-batch of 4") &&
                 ContainsSubstring("train.global_batch and train.micro_batch to at most 3"));
  settings.max_steps = 50;
  CHECK(steps(7) == 50);
  settings.micro_batch = 1;
  CHECK(too_few_rows(all(2), settings).empty());  // a run of so many steps sees them again
}
