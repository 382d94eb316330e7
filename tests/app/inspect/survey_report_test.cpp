#include <vcflash/app/inspect/survey_report.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/app/inspect/small_mixture.hpp"

using namespace vcflash;
using namespace vcflash::app;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a survey is written for programs and for people", "[unit]") {
  test::SmallMixture const small;
  data::Mixture const mixture(small.yaml);
  auto const tokenizer = text::Tokenizer::from_folder(small.folder / "tokenizer");
  SurveySettings settings;
  settings.global_batch = 2;
  auto const survey = survey_rows(mixture, settings, &tokenizer, nullptr, 1);
  auto const json = survey_json(mixture, survey, settings, "a<b.yaml");
  CHECK(json.at("all").at("rows") == 6);
  CHECK(json.at("all").at("lost") == 3);
  CHECK(json.at("steps") == 3);
  CHECK(json.at("sets").size() == 2);
  CHECK(json.at("sets")[0].at("json_path") == "videos.jsonl");
  CHECK(json.at("sets")[0].at("video") == 4);
  CHECK(json.at("sets")[0].at("tokens").at("count") == 3);
  CHECK_FALSE(json.at("sets")[0].contains("frames"));
  auto const page = survey_page(mixture, survey, settings, "a<b.yaml");
  CHECK_THAT(page, ContainsSubstring("a&lt;b.yaml") && ContainsSubstring("videos.jsonl") &&
                       ContainsSubstring("none.mp4") && ContainsSubstring("Tokens of a row") &&
                       ContainsSubstring("--check-media"));
  CHECK(page.find("<script") == page.npos);
  CHECK(page.find("Rows of") == page.npos);
  CHECK_THAT(survey_page(mixture, survey, settings, "x", examples_of(mixture, settings, 1)),
             ContainsSubstring("Rows of videos.jsonl") &&
                 ContainsSubstring("<img alt=\"the row's medium, its frames in order\" "
                                   "src=\"data:image/jpeg;base64,") &&
                 ContainsSubstring("user: &lt;image&gt;\nwhat what"));
  CHECK_THAT(survey_page(mixture, survey_index(mixture), settings, "x"),
             ContainsSubstring("Words of a row"));
}
