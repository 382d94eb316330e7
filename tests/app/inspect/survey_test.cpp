#include <vcflash/app/inspect/survey.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/app/inspect/small_mixture.hpp"

using namespace vcflash;
using namespace vcflash::app;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("an index tells rows, modalities, words and broken rows by set", "[unit]") {
  test::SmallMixture const small;
  auto const survey = survey_index(data::Mixture(small.yaml));
  REQUIRE(survey.sets.size() == 2);
  CHECK(survey.sets[0].rows == 4);
  CHECK(survey.sets[0].broken == 1);
  CHECK(survey.sets[0].lost() == 1);
  CHECK(survey.sets[0].of_modality[2] == 4);
  CHECK(survey.sets[1].of_modality[1] == 2);
  CHECK(survey.sets[0].words.sum() == 4 + 3 * 3);
  CHECK_THAT(survey.sets[0].problems.at(0), ContainsSubstring("videos.jsonl: row 5"));
  CHECK(survey.all().rows == 6);
  CHECK_FALSE(survey.media_opened);
}

TEST_CASE("rows are surveyed with their media, frames and tokens", "[unit]") {
  test::SmallMixture const small;
  data::Mixture const mixture(small.yaml);
  auto const tokenizer = text::Tokenizer::from_folder(small.folder / "tokenizer");
  SurveySettings settings;
  settings.max_frames = 4;
  settings.max_length = 85;
  for (int const threads : {1, 3}) {
    auto const closed = survey_rows(mixture, settings, nullptr, nullptr, threads);
    CHECK(closed.media == 4);
    CHECK(closed.sets[0].missing == 1);
    CHECK(closed.sets[0].unreadable == 0);
    CHECK(closed.sets[0].tokens.count() == 0);

    MediaJournal journal(small.folder / "journal.jsonl");
    auto const opened = survey_rows(mixture, settings, &tokenizer, &journal, threads);
    CHECK(opened.sets[0].missing == 1);
    CHECK(opened.sets[0].unreadable == 1);
    CHECK(opened.sets[0].frames.count() == 2);
    CHECK(opened.sets[0].frames.sum() == 8);
    CHECK(opened.sets[0].tokens.count() == 2);
    CHECK(opened.sets[0].tokens.most() == opened.sets[0].tokens.least() + 1);  // " what"
    CHECK(opened.sets[1].unusable == 1);
    CHECK(opened.sets[1].tokens.least() == opened.sets[0].tokens.least());  // 64 of either medium
    CHECK(opened.all().lost() == 4);
    CHECK(opened.all().problems.size() == 4);
    CHECK(opened.all().too_long == 3);
  }
}

TEST_CASE("steps are whole batches of rows in each epoch", "[unit]") {
  SurveySettings settings;
  settings.global_batch = 8;
  settings.epochs = 3;
  CHECK(expected_steps(7, settings) == 0);
  CHECK(expected_steps(17, settings) == 6);
}
