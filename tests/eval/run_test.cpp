#include <vcflash/eval/run.hpp>

#include <algorithm>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>
#include <map>
#include <new>
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

/// Asks about clips; an answer is worth having any letters.
struct Clips {
  static constexpr std::string_view name = "clips";
  static constexpr std::int64_t max_new_tokens = 4;
  struct Question {
    eval::MediumRequest medium;
    std::string text = "what happens ?";
    std::size_t options = 4;
  };
  std::vector<Question> load(std::filesystem::path const& folder) const {
    return {{{.video = folder / "a.mp4"}},
            {{.video = folder / "b.mp4"}},
            {{.video = folder / "a.mp4", .reversed = true}},
            {{.video = folder / "a.mp4"}, "what colour is it ?"}};
  }
  std::string id(Question const& question) const {
    return question.medium.video.filename().string() + question.text;
  }
  std::string prompt(Question const& question) const { return question.text; }
  eval::MediumRequest medium(Question const& question) const { return question.medium; }
  bool counts(Question const&) const { return true; }
  std::size_t options(Question const& question) const { return question.options; }
  std::string parse(Question const&, std::string const& text) const { return text; }
  double score(Question const&, std::string const& parsed) const { return parsed.empty() ? 0 : 1; }
  nlohmann::json record(Question const&) const { return nlohmann::json::object(); }
  eval::Scores aggregate(std::vector<Question> const&,
                         std::vector<eval::Answer> const& answers) const {
    return {.questions = std::ssize(answers)};
  }
};

/// The tiny model with fewer visual tokens in its later layers.
struct DroppingTiny
    : ModelOf<Tiny::Encoder, ToMeKind<8, 16, "ToMe8">,
              Tiny::Llm::With<UniformThenAttention<DropSchedule{{1, 2}, {1.0, 0.5, 0.25}}>>> {
  static constexpr Name name = "dropping tiny";
  static constexpr InitialDeviations initial = Tiny::initial;
};

template <class M = Tiny>
struct Asked {
  Asked() {
    media::write_video(folder / "a.mp4", frames());
    text::write_word_tokenizer(folder / "tokenizer", data::shapes::vocabulary());
    initialize_model<M>(network, 5);
    options.frames.min_frames = options.frames.max_frames = 8;
    options.time_message = false;
  }

  static media::Frames frames() {
    media::Frames frames{8, 64, 64, {}};
    for (int i = 0; i < 8 * 64 * 64 * 3; ++i) {
      frames.rgb.push_back(std::uint8_t(i / (64 * 64 * 3) * 30 + i % 64));
    }
    return frames;
  }

  /// What is said to some questions, in the order in which they were asked.
  std::vector<std::pair<std::size_t, eval::Said>> ask(
      std::vector<Clips::Question> const& all, std::vector<std::size_t> const& questions) const {
    eval::ExamOf<Clips> const exam({}, all);
    auto const tokenizer = text::Tokenizer::from_folder(folder / "tokenizer");
    std::vector<std::pair<std::size_t, eval::Said>> said;
    eval::run<M>(network, tokenizer, exam, questions, options,
                 [&](std::size_t i, eval::Said const& answer) { said.emplace_back(i, answer); });
    return said;
  }

  test::TemporaryFolder folder;
  typename M::Network network;
  eval::RunOptions options;
};

}  // namespace

TEST_CASE("questions are asked video by video, and broken videos by their problem", "[unit]") {
  Asked<> asked;
  asked.folder.write("b.mp4", "not a video");
  auto const said = asked.ask(Clips{}.load(asked.folder.path()), {0, 1, 2, 3});
  REQUIRE(said.size() == 4);
  CHECK(said[2].first == 2);  // the only one that is shown the video backwards
  CHECK(said[3].first == 1);
  for (std::size_t const i : {0, 1, 2}) CHECK(said[i].second.problem.empty());
  CHECK_THAT(said[3].second.problem, Catch::Matchers::ContainsSubstring("b.mp4"));
  CHECK(asked.ask(Clips{}.load(asked.folder.path()), {}).empty());
}

TEST_CASE("an answer is the same whichever other questions are asked", "[unit]") {
  Asked<> const asked;
  auto const questions = Clips{}.load(asked.folder.path());
  std::map<std::size_t, eval::Said> together;
  for (auto const& [i, answer] : asked.ask(questions, {0, 2, 3})) together[i] = answer;
  for (std::size_t const i : {0, 2, 3}) {
    auto const alone = asked.ask(questions, {i});
    REQUIRE(alone.size() == 1);
    CHECK(alone[0].second == together.at(i));
  }
}

TEMPLATE_TEST_CASE("batches of any size say what is said one by one", "[unit]", Tiny,
                   DroppingTiny) {
  Asked<TestType> asked;
  auto const tokenizer = text::Tokenizer::from_folder(asked.folder / "tokenizer");
  auto const frames =
      media::read_video(asked.folder / "a.mp4", asked.options.frames, Tiny::Encoder::resolution)
          .frames;
  std::vector<Clips::Question> questions;
  std::map<std::size_t, eval::Said> expected;
  std::string text = "what happens ?";
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < 7; ++i) {
    bool const backwards = i % 3 == 0;
    questions.push_back({{.video = asked.folder / "a.mp4", .reversed = backwards}, text});
    all.push_back(i);

    // The whole prompt by itself, nothing of which was computed before.
    auto const tokens = infer::look_at<TestType>(
        asked.network, backwards ? media::reversed(frames) : frames, Modality::video);
    std::vector<text::Turn> const turns{{text::Turn::From::human, "<image>\n" + text}};
    auto const prompt = infer::embed_prompt(
        asked.network, text::encode_prompt(tokenizer, ChatTemplate::qwen_2, turns),
        std::span(&tokens, 1));
    expected[i].text =
        tokenizer.decode(infer::generate(asked.network.llm, prompt,
                                         {.max_new_tokens = Clips::max_new_tokens,
                                          .stop_ids = text::end_of_answer_ids(tokenizer),
                                          .vocabulary = tokenizer.vocabulary()})
                             .ids,
                         true);
    text += i % 2 == 0 ? " what colour is it ?" : " how many are there ?";
  }
  for (std::int64_t const batch : {1, 2, 3, 8}) {
    asked.options.batch = batch;
    std::map<std::size_t, eval::Said> said;
    for (auto const& [i, answer] : asked.ask(questions, all)) said[i] = answer;
    INFO("batches of " << batch);
    CHECK((said == expected));
  }
}

TEMPLATE_TEST_CASE("the likeliest letter is that of the whole prompt computed plainly", "[unit]",
                   Tiny, DroppingTiny) {
  Asked<TestType> asked;
  asked.options.by_likelihood = true;
  auto const tokenizer = text::Tokenizer::from_folder(asked.folder / "tokenizer");
  auto const frames =
      media::read_video(asked.folder / "a.mp4", asked.options.frames, Tiny::Encoder::resolution)
          .frames;
  auto const tokens = infer::look_at<TestType>(asked.network, frames, Modality::video);
  std::vector<Clips::Question> questions;
  std::vector<std::size_t> all;
  std::string text = "what";
  for (std::size_t i = 0; i < 8; ++i) {
    questions.push_back({{.video = asked.folder / "a.mp4"}, text, 2 + i % 3});
    all.push_back(i);
    text += i % 2 == 0 ? " colour is it ?" : " how many are there ?";
  }
  auto const said = asked.ask(questions, all);
  REQUIRE(said.size() == questions.size());
  for (auto const& [i, answer] : said) {
    std::vector<text::Turn> const turns{{text::Turn::From::human, "<image>\n" + questions[i].text}};
    auto const prompt = infer::embed_prompt(
        asked.network, text::encode_prompt(tokenizer, ChatTemplate::qwen_2, turns),
        std::span(&tokens, 1));
    typename TestType::Llm::Cache cache;
    auto const states = infer::states_of(asked.network.llm, prompt, cache);
    auto const logits = asked.network.llm.logits(states[0][-1]);
    std::int64_t best = -1;
    for (char letter = 'A'; letter < 'A' + static_cast<char>(questions[i].options); ++letter) {
      for (auto const& text : {std::string(1, letter), std::string(" ") + letter}) {
        auto const ids = tokenizer.encode(text);
        if (ids.size() != 1) continue;
        auto const logit = [&](std::int64_t id) { return logits[id].template item<float>(); };
        if (best < 0 || logit(ids[0]) > logit(best)) best = ids[0];
      }
    }
    CHECK(answer.text == tokenizer.decode(std::vector{best}));
  }
}

TEST_CASE("a picture is looked at as one, and nothing is said of its length", "[unit]") {
  Asked<> asked;
  asked.options.time_message = true;
  auto const tokenizer = text::Tokenizer::from_folder(asked.folder / "tokenizer");
  media::Image picture{40, 56, {}};
  for (int i = 0; i < 40 * 56 * 3; ++i) picture.rgb.push_back(std::uint8_t(i * 7 % 251));
  auto const png = media::encode_png(picture);
  asked.folder.write("a.png", {reinterpret_cast<char const*>(png.data()), png.size()});
  auto const said = asked.ask({{{.video = asked.folder / "a.png", .image = true}},
                               {{.video = asked.folder / "none.png", .image = true}}},
                              {0, 1});
  REQUIRE(said.size() == 2);
  CHECK_THAT(said[1].second.problem, Catch::Matchers::ContainsSubstring("none.png"));

  constexpr int side = Tiny::Encoder::resolution;
  auto square = media::resize_bicubic(picture, side, side);
  auto const tokens = infer::look_at<Tiny>(
      asked.network, media::Frames{1, side, side, std::move(square.rgb)}, Modality::image);
  std::vector<text::Turn> const turns{{text::Turn::From::human, "<image>\nwhat happens ?"}};
  auto const expected = infer::generate(
      asked.network.llm,
      infer::embed_prompt(asked.network,
                          text::encode_prompt(tokenizer, ChatTemplate::qwen_2, turns),
                          std::span(&tokens, 1)),
      {.max_new_tokens = 4,
       .stop_ids = text::end_of_answer_ids(tokenizer),
       .vocabulary = tokenizer.vocabulary()});
  CHECK(said[0].second.text == tokenizer.decode(expected.ids, true));
}

TEST_CASE("a prompt that is too long for the model is named, and the others are asked", "[unit]") {
  Asked<> const asked;
  std::string text = "what";
  for (int i = 0; i < 2000; ++i) text += " what";
  auto const said = asked.ask(
      {{{.video = asked.folder / "a.mp4"}, text}, {{.video = asked.folder / "a.mp4"}}}, {0, 1});
  REQUIRE(said.size() == 2);
  CHECK(said[0].first == 0);
  CHECK_THAT(said[0].second.problem, Catch::Matchers::ContainsSubstring("takes 1024 at most"));
  CHECK(said[1].second.problem.empty());
}

TEST_CASE("an answer is the greedy one to the prompt that the model was trained with", "[unit]") {
  Asked<> asked;
  auto const tokenizer = text::Tokenizer::from_folder(asked.folder / "tokenizer");
  asked.options.time_message = true;
  auto const said = asked.ask(Clips{}.load(asked.folder.path()), {0, 2});
  auto const video =
      media::read_video(asked.folder / "a.mp4", asked.options.frames, Tiny::Encoder::resolution);
  for (bool const backwards : {false, true}) {
    auto const tokens = infer::look_at<Tiny>(
        asked.network, backwards ? media::reversed(video.frames) : video.frames, Modality::video);
    std::vector<text::Turn> const turns{
        {text::Turn::From::human,
         "<image>" + text::time_message(video.duration, 8) + "\nwhat happens ?"}};
    auto const ids = text::encode_prompt(tokenizer, ChatTemplate::qwen_2, turns);
    auto const expected = infer::generate(
        asked.network.llm, infer::embed_prompt(asked.network, ids, std::span(&tokens, 1)),
        {.max_new_tokens = 4,
         .stop_ids = text::end_of_answer_ids(tokenizer),
         .vocabulary = tokenizer.vocabulary()});
    CHECK(said[backwards ? 1 : 0].second.text == tokenizer.decode(expected.ids, true));
  }
}

TEST_CASE("a model is asked in its family's chat template and ends an answer by it", "[unit]") {
  Asked<> asked;
  auto const tokenizer = text::Tokenizer::from_folder(asked.folder / "tokenizer");
  auto const video =
      media::read_video(asked.folder / "a.mp4", asked.options.frames, Tiny::Encoder::resolution);
  auto const tokens = infer::look_at<Tiny>(asked.network, video.frames, Modality::video);
  std::vector<text::Turn> const turns{{text::Turn::From::human, "<image>\nwhat happens ?"}};
  auto const ids = text::encode_prompt(tokenizer, ChatTemplate::qwen_3, turns);
  auto const answer = [&](ChatTemplate const& chat) {
    return infer::generate(asked.network.llm,
                           infer::embed_prompt(asked.network, ids, std::span(&tokens, 1)),
                           {.max_new_tokens = 4,
                            .stop_ids = text::end_of_answer_ids(tokenizer, chat),
                            .vocabulary = tokenizer.vocabulary()})
        .ids;
  };
  auto const said_by = [&](ChatTemplate const& chat) {
    asked.options.chat = chat;
    return asked.ask({{{.video = asked.folder / "a.mp4"}}}, {0}).at(0).second.text;
  };
  auto const whole = answer(ChatTemplate::qwen_3);
  REQUIRE(whole.size() > 1);
  CHECK(said_by(ChatTemplate::qwen_3) == tokenizer.decode(whole, true));
  auto shorter = ChatTemplate::qwen_3;
  std::string const end(tokenizer.bytes_of_id(whole[1]));
  shorter.end_of_text = end;
  REQUIRE(answer(shorter).size() < whole.size());
  CHECK(said_by(shorter) == tokenizer.decode(answer(shorter), true));
}

TEST_CASE("a part of a video, and a folder of frames, are looked at as upstream does", "[unit]") {
  Asked<> asked;
  asked.options.frames.min_frames = asked.options.frames.max_frames = 4;
  auto const info = media::probe_video(asked.folder / "a.mp4");
  Clips::Question part{{.video = asked.folder / "a.mp4"}};
  part.medium.start = 0.0;
  part.medium.end = info.duration / 2;
  Clips::Question folder{{.video = asked.folder / "frames", .frame_folder = true}};
  Clips::Question whole{{.video = asked.folder / "a.mp4"}};
  auto const said = asked.ask({part, folder, whole}, {0, 1, 2});
  CHECK(said[0].second.problem.empty());
  CHECK_THAT(said[1].second.problem, Catch::Matchers::ContainsSubstring("frames"));
  CHECK(said[2].second.problem.empty());

  auto request = asked.options.frames;
  request.start = part.medium.start;
  request.end = part.medium.end;
  request.clip_rule = media::ClipRule::evaluation;
  CHECK(eval::detail::decode(part.medium, asked.options, 64).video.indices ==
        media::read_video(asked.folder / "a.mp4", request, 64).indices);
}

TEST_CASE("a tag for media that stands in a question is text", "[unit]") {
  Asked<> const asked;
  auto const said = asked.ask({{{.video = asked.folder / "a.mp4"}, "what is <image> ?"},
                               {{.video = asked.folder / "a.mp4"}}},
                              {0, 1});
  REQUIRE(said.size() == 2);
  for (auto const& [question, answer] : said) CHECK(answer.problem.empty());
}

TEST_CASE("a weight that is not a number ends the run by its name", "[unit]") {
  Asked<> asked;
  Tensor(asked.network.llm.model.norm.weight)[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(asked.ask(Clips{}.load(asked.folder.path()), {0, 3}), infer::NotNumbers);
  CHECK_THROWS_WITH(asked.ask(Clips{}.load(asked.folder.path()), {0}),
                    Catch::Matchers::ContainsSubstring("model.norm.weight"));
}

TEST_CASE("a video that is not read in its time is a question's problem", "[unit]") {
  Asked<> asked;
  asked.options.video_timeout = 1e-9;
  auto const said = asked.ask({{{.video = asked.folder / "a.mp4"}}}, {0});
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0].second.problem, Catch::Matchers::ContainsSubstring("given up"));
}

TEST_CASE("where memory is short half as much is tried at once, and again", "[unit]") {
  std::vector<std::int64_t> tried;
  std::int64_t at_once = 64;
  auto const takes = [&](std::int64_t most) {
    return [&tried, most](std::int64_t count) {
      tried.push_back(count);
      if (count > most) throw std::bad_alloc();
      return count;
    };
  };
  CHECK(eval::detail::with_less_at_once(at_once, 4, takes(20)) == 16);
  CHECK(tried == std::vector<std::int64_t>{64, 32, 16});
  CHECK(at_once == 16);
  CHECK_THROWS_AS(eval::detail::with_less_at_once(at_once, 4, takes(3)), std::bad_alloc);
  CHECK(at_once == 4);
  CHECK_THROWS_AS(
      eval::detail::with_less_at_once(at_once, 1, [](auto) -> int { throw Error("other"); }),
      Error);
}

TEST_CASE("what hears the answers may fail, which is no question's problem", "[unit]") {
  Asked<> const asked;
  eval::ExamOf<Clips> const exam({}, Clips{}.load(asked.folder.path()));
  auto const tokenizer = text::Tokenizer::from_folder(asked.folder / "tokenizer");
  std::vector<std::size_t> const questions{0, 3};
  int heard = 0;
  auto const full = [&](std::size_t, eval::Said const&) {
    ++heard;
    throw Error("the disk is full");
  };
  CHECK_THROWS_WITH(eval::run<Tiny>(asked.network, tokenizer, exam, questions, asked.options, full),
                    Catch::Matchers::ContainsSubstring("the disk is full"));
  CHECK(heard == 1);
}
