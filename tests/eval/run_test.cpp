#include <vcflash/eval/run.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "recipes/models/tiny.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using Tiny = recipes::models::tiny;

namespace {

/// Asks three times about two clips; an answer is worth its number of letters.
struct Lengths {
  static constexpr std::string_view name = "lengths";
  static constexpr std::int64_t max_new_tokens = 4;
  struct Question {
    int id;
    eval::MediumRequest medium;
  };
  std::vector<Question> load(std::filesystem::path const& folder) const {
    return {{0, {.video = folder / "a.mp4"}},
            {1, {.video = folder / "b.mp4"}},
            {2, {.video = folder / "a.mp4", .reversed = true}}};
  }
  std::string id(Question const& question) const { return std::to_string(question.id); }
  std::string prompt(Question const&) const { return "what happens ?"; }
  eval::MediumRequest medium(Question const& question) const { return question.medium; }
  bool counts(Question const&) const { return true; }
  std::string parse(Question const&, std::string const& text) const { return text; }
  double score(Question const&, std::string const& parsed) const { return parsed.empty() ? 0 : 1; }
  nlohmann::json record(Question const&) const { return nlohmann::json::object(); }
  nlohmann::json aggregate(std::vector<Question> const&,
                           std::vector<eval::Answer> const& answers) const {
    return {{"answers", answers.size()}};
  }
};

struct Asked {
  Asked() {
    media::Frames frames{8, 64, 64, {}};
    for (int i = 0; i < 8 * 64 * 64 * 3; ++i) {
      frames.rgb.push_back(std::uint8_t(i / (64 * 64 * 3) * 30 + i % 64));
    }
    media::write_video(folder / "a.mp4", frames);
    text::write_word_tokenizer(folder / "tokenizer", data::shapes::vocabulary());
    initialise_model<Tiny>(network, 5);
    options.frames.min_frames = options.frames.max_frames = 8;
    options.time_message = false;
  }
  test::TemporaryFolder folder;
  Tiny::Network network;
  eval::RunOptions options;
};

}  // namespace

TEST_CASE("every question is answered in its place, broken videos by their problem", "[unit]") {
  Asked asked;
  asked.folder.write("b.mp4", "not a video");
  auto const tokenizer = text::Tokenizer::from_folder(asked.folder / "tokenizer");
  Lengths const lengths;
  auto const questions = lengths.load(asked.folder.path());
  std::vector<std::int64_t> done;
  auto const answers = eval::run<Tiny>(
      asked.network, tokenizer, lengths, questions, asked.options,
      [&](std::int64_t count, double, eval::Answer const&) { done.push_back(count); });
  REQUIRE(answers.size() == 3);
  CHECK(done == std::vector<std::int64_t>{1, 2, 3});
  CHECK(answers[0].problem.empty());
  CHECK_THAT(answers[1].problem, Catch::Matchers::ContainsSubstring("b.mp4"));
  CHECK(answers[1].score == 0);
  CHECK(answers[2].problem.empty());

  eval::write_results(asked.folder.path(), lengths, questions, answers, {{"model", "tiny"}});
  auto const results = nlohmann::json::parse(test::read_file(asked.folder / "results.json"));
  CHECK(results["benchmark"] == "lengths");
  CHECK(results["model"] == "tiny");
  CHECK(results["broken"].size() == 1);
  auto const lines = test::read_file(asked.folder / "answers.jsonl");
  CHECK(std::ranges::count(lines, '\n') == 3);
}

TEST_CASE("an answer is the greedy one to the prompt that the model was trained with", "[unit]") {
  Asked asked;
  auto const tokenizer = text::Tokenizer::from_folder(asked.folder / "tokenizer");
  Lengths const lengths;
  auto questions = lengths.load(asked.folder.path());
  questions.erase(questions.begin() + 1);
  asked.options.time_message = true;
  auto const answers = eval::run<Tiny>(asked.network, tokenizer, lengths, questions, asked.options,
                                       [](std::int64_t, double, eval::Answer const&) {});
  auto const video =
      media::read_video(asked.folder / "a.mp4", asked.options.frames, Tiny::Encoder::resolution);
  for (bool const backwards : {false, true}) {
    auto const tokens = infer::look_at<Tiny>(
        asked.network, backwards ? infer::reversed(video.frames) : video.frames, Modality::video);
    std::vector<text::Turn> const turns{
        {text::Turn::From::human,
         "<image>" + text::time_message(video.duration, 8) + "\nwhat happens ?"}};
    auto const ids = text::encode_prompt(tokenizer, ChatTemplate::qwen_2, turns);
    auto const said = infer::generate(
        asked.network.llm, infer::embed_prompt(asked.network, ids, std::span(&tokens, 1)),
        {.max_new_tokens = 4,
         .stop_ids = text::end_of_answer_ids(tokenizer),
         .vocabulary = tokenizer.vocabulary()});
    CHECK(answers[backwards ? 1 : 0].text == tokenizer.decode(said, true));
  }
}
