#include <vcflash/app/inspect/survey.hpp>

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
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
  settings.images = ImageLayout::square;
  settings.time_message = false;
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

TEST_CASE("a clip that passes its film's end is found as training finds it", "[unit]") {
  test::SmallMixture const small;  // good.mp4 has 16 frames in 8 seconds
  auto const clip = [](double start, double end) {
    auto row = test::SmallMixture::row("video", "good.mp4", "<image>\nwhat");
    return row.insert(1, fmt::format("\"start\": {}, \"end\": {}, ", start, end));
  };
  small.folder.write("clips.jsonl", clip(0, 8) + clip(2, 10) + clip(7.5, 60) + clip(50, 60));
  data::Mixture const mixture(
      small.folder.write("clips.yaml", "datasets: [{json_path: clips.jsonl}]"));
  MediaJournal journal(small.folder / "journal.jsonl");
  auto const survey = survey_rows(mixture, {}, nullptr, &journal, 1);
  REQUIRE(survey.sets[0].unusable == 2);
  CHECK(survey.sets[0].frames.count() == 2);
  CHECK_THAT(survey.sets[0].problems.at(0), ContainsSubstring("passes the film's end at second 8"));
  CHECK_THAT(survey.sets[0].problems.at(1), ContainsSubstring("the film ends at second 8"));
  for (std::int64_t row = 0; row < 4; ++row) {
    auto const clipped = mixture.row(row);
    media::FrameRequest const request{
        FrameSampling::dynamic_fps1, 1, 8, 4, clipped.start, clipped.end};
    if (row < 2)
      CHECK_NOTHROW(media::read_video(clipped.media[0], request, 16));
    else
      CHECK_THROWS_AS(media::read_video(clipped.media[0], request, 16), InputError);
  }
}

TEST_CASE("a mixture whose data_root is not used is remarked on", "[unit]") {
  test::SmallMixture const small;
  data::Mixture const mixture(small.folder.write(
      "mixed.yaml", "datasets: [{json_path: pictures.jsonl, data_root: media, media_type: mix}]"));
  CHECK_THAT(survey_index(mixture).all().remarks.at(0),
             ContainsSubstring("mix does not use the data_root media"));
}

TEST_CASE("tiles, the time message and the chat template decide how many tokens a row has",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto const png = media::encode_png({60, 100, std::vector<std::uint8_t>(60 * 100 * 3, 200)});
  folder.write("wide.png", {reinterpret_cast<char const*>(png.data()), png.size()});
  media::write_video(folder / "good.mp4",
                     {16, 32, 32, std::vector<std::uint8_t>(16 * 32 * 32 * 3, 90)}, {.fps = 2});
  folder.write("pictures.jsonl", test::SmallMixture::row("image", "wide.png", "<image>\nwhat"));
  folder.write("videos.jsonl", test::SmallMixture::row("video", "good.mp4", "<image>\nwhat"));
  auto const yaml = folder.write(
      "mix.yaml", "datasets: [{json_path: pictures.jsonl}, {json_path: videos.jsonl}]");
  std::vector<std::string> const words{"what", "grey", "user", "assistant"};
  text::write_word_tokenizer(folder / "tokenizer", words);
  auto const tokenizer = text::Tokenizer::from_folder(folder / "tokenizer");
  data::Mixture const mixture(yaml);
  MediaJournal journal(folder / "journal.jsonl");
  auto const tokens = [&](SurveySettings const& settings, std::size_t set) {
    return survey_rows(mixture, settings, &tokenizer, &journal, 1).sets[set].tokens.sum();
  };

  SurveySettings plain;
  plain.images = ImageLayout::square;
  plain.image_size = 32;
  plain.time_message = false;
  auto changed = plain;
  changed.images = ImageLayout::pad;
  CHECK(tokens(changed, 0) == tokens(plain, 0));
  changed.images = ImageLayout::anyres_nopad;  // 100 x 60 pixels: the whole, and 4 x 2 tiles of 32
  auto const grid = media::best_grid({100, 60}, media::grids({1, 1}, {6, 6}, 32), 32);
  CHECK(tokens(changed, 0) - tokens(plain, 0) == 64 * (grid.width / 32) * (grid.height / 32));
  CHECK(grid.width / 32 * (grid.height / 32) > 1);

  changed = plain;
  changed.time_message = true;
  auto const message = std::ssize(tokenizer.encode(text::time_message(8, 8)));
  CHECK(std::abs(tokens(changed, 1) - tokens(plain, 1) - message) <= 1);  // its ends may join
  CHECK(tokens(changed, 0) == tokens(plain, 0));

  changed = plain;
  changed.tokens_of_frame = 20;
  CHECK(tokens(changed, 1) - tokens(plain, 1) == 8 * 4);

  // Of a caption the medium, the answer and a newline are left.
  changed = plain;
  changed.chat = ChatTemplate::plain;
  CHECK(tokens(changed, 0) == 64 + std::ssize(tokenizer.encode("grey\n")));
}

TEST_CASE("rows that the chat template does not take are counted, not fatal", "[unit]") {
  test::SmallMixture const small;
  data::Mixture const mixture(small.yaml);
  auto const tokenizer = text::Tokenizer::from_folder(small.folder / "tokenizer");
  SurveySettings settings;
  settings.chat = ChatTemplate::plain;
  auto const survey = survey_rows(mixture, settings, &tokenizer, nullptr, 1);
  CHECK(survey.sets[1].unusable == 1);  // the row without <image>
  CHECK_THAT(survey.sets[1].problems.at(0), ContainsSubstring("the first turn has no <image>"));
}
