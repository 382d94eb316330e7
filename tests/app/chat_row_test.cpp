#include <vcflash/app/chat_row.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

#include <vcflash/data/annotation.hpp>
#include <vcflash/data/sample_maker.hpp>
#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using From = text::Turn::From;

namespace {

/// A folder with a picture, and what reads rows as training does.
struct Training {
  test::TemporaryFolder folder;
  std::filesystem::path picture = [this] {
    auto const png = media::encode_png({8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 90)});
    return folder.write("a picture.png", {reinterpret_cast<char const*>(png.data()), png.size()});
  }();
  std::filesystem::path file = folder / "said.jsonl";
  text::Tokenizer words = text::write_word_tokenizer(folder.path(), data::shapes::vocabulary());

  data::Row row(std::int64_t number) const { return data::AnnotationFile(file).row(number); }

  /// What a row teaches, with `?` for a medium.
  std::string text_of(data::Row const& row) const {
    data::SampleConfig config;
    config.image_size = 16;
    auto const sample = data::SampleMaker(config, words)(row, 1);
    std::vector<std::int64_t> ids(
        sample.input_ids.data_ptr<std::int64_t>(),
        sample.input_ids.data_ptr<std::int64_t>() + sample.input_ids.numel());
    std::ranges::replace(ids, media_placeholder, words.encode("?").front());
    return words.decode(ids);
  }
};

std::vector<text::Turn> const turns{{From::human, "<image>\nwhat is it ?"},
                                    {From::gpt, "a \"ring\""},
                                    {From::human, "sure ?"},
                                    {From::gpt, "yes"}};

}  // namespace

TEST_CASE("a conversation that is saved is a row that training reads", "[unit]") {
  Training const training;
  app::append_row(training.file, app::chat_row({.image = training.picture}, turns));
  app::append_row(training.file,
                  app::chat_row({}, std::vector<text::Turn>{{From::human, "what is a tag ?"},
                                                            {From::gpt, "a tag"}}));
  auto const shown = training.row(0);
  CHECK(shown.problem.empty());
  CHECK(shown.modality == Modality::image);
  CHECK(shown.media == std::vector<std::string>{training.picture.string()});
  CHECK((shown.turns == turns));
  CHECK_THAT(training.text_of(shown),
             ContainsSubstring("<|im_start|>user\n?\nwhat is it ?<|im_end|>") &&
                 ContainsSubstring("<|im_start|>assistant\na \"ring\"<|im_end|>"));
  auto const text = training.row(1);
  CHECK(text.modality == Modality::text);
  CHECK_THAT(training.text_of(text), ContainsSubstring("what is a tag ?"));
}

TEST_CASE("a row says where its video is, however it was named, and which part was seen",
          "[unit]") {
  Training const training;
  auto const frames = training.folder / "frames";
  std::filesystem::create_directory(frames);
  std::vector<text::Turn> const said{{From::human, "<image>\nwhat ?"}, {From::gpt, "a"}};
  auto const relative = std::filesystem::relative(training.folder / "clips/../film.mp4");
  app::append_row(training.file, app::chat_row({.video = relative, .clip = {{1.5, 3}}}, said));
  app::append_row(training.file, app::chat_row({.video = frames}, said));
  auto const clip = training.row(0);
  CHECK(clip.problem.empty());
  CHECK(clip.media == std::vector<std::string>{(training.folder / "film.mp4").string()});
  CHECK(clip.start == 1.5);
  CHECK(clip.end == 3);
  CHECK(clip.read_type.empty());
  CHECK(training.row(1).read_type == "img");
}

TEST_CASE("rows are added behind those that are there, on lines of their own", "[unit]") {
  test::TemporaryFolder const folder;
  auto const file = folder.write("said.jsonl", "{\"id\": 1}");  // no new line
  app::append_row(file, "{\"id\": 2}\n");
  app::append_row(file, "{\"id\": 3}\n");
  CHECK(test::read_file(file) == "{\"id\": 1}\n{\"id\": 2}\n{\"id\": 3}\n");
  CHECK_THROWS_WITH(app::append_row(folder / "said.json", "{}\n"), ContainsSubstring(".jsonl"));
  CHECK_THROWS_WITH(app::append_row(folder / "no/said.jsonl", "{}\n"),
                    ContainsSubstring("cannot be written"));
}

TEST_CASE("what training would not read as it was said is not saved", "[unit]") {
  CHECK_THROWS_WITH(app::chat_row({}, {}), ContainsSubstring("nothing was said"));
  std::vector<text::Turn> const tagged{{From::human, "<image>\nwhat ?"}, {From::gpt, "<image>"}};
  CHECK_THROWS_WITH(app::chat_row({.image = "a.png"}, tagged), ContainsSubstring("<image>"));
}
