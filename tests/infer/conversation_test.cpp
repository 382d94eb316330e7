#include <vcflash/infer/conversation.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/infer/tiny_network.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using test::quietly, test::Tiny, test::tiny_network, test::tiny_words;

namespace {

/// A conversation with random weights, without stop ids in its way.
infer::Conversation<Tiny> conversation(std::int64_t tokens = 6,
                                       infer::Sampling const& sampling = {}) {
  return {tiny_network(), tiny_words(), {.max_new_tokens = tokens, .sampling = sampling}};
}

Tensor some_video(std::uint32_t kind = 0) { return test::tiny_video(8, kind); }

/// The greedy answer to a prompt, nothing of which was computed before, without blanks at its ends.
std::string answer_to(std::vector<std::int64_t> const& ids, Tensor const& tokens) {
  auto const said = infer::generate(tiny_network().llm,
                                    infer::embed_prompt(tiny_network(), ids, std::span(&tokens, 1)),
                                    {.max_new_tokens = 6,
                                     .stop_ids = text::end_of_answer_ids(tiny_words()),
                                     .vocabulary = tiny_words().vocabulary()});
  return std::string(text::stripped(tiny_words().decode(said.ids, true)));
}

}  // namespace

TEST_CASE("each turn is answered as if the whole conversation were computed anew", "[unit]") {
  auto const tokens = some_video();
  auto talk = conversation();
  talk.show(tokens, QuestionForm::trained, "\nIt lasts 2 seconds. ");
  std::vector<text::Turn> turns{
      {text::Turn::From::human, "<image>\nIt lasts 2 seconds. \nwhat colour is it ?"}};
  for (auto const* next : {"where does it move ?", "how many are there ?", "again"}) {
    auto const expected =
        answer_to(text::encode_prompt(tiny_words(), ChatTemplate::qwen_2, turns), tokens);
    auto const question = turns.back().value.substr(turns.size() == 1 ? 29 : 0);
    std::string heard;
    auto const reply = talk.ask(question, [&](std::string const& piece) {
      heard += piece;
      return true;
    });
    CHECK(reply.text == expected);
    CHECK(text::stripped(heard) == expected);
    turns.push_back({text::Turn::From::gpt, expected});
    turns.push_back({text::Turn::From::human, next});
  }
  CHECK(talk.turns()[0].value == "<image>\nwhat colour is it ?");  // without what was told of it
  CHECK(talk.turns()[2].value == "where does it move ?");
}

TEST_CASE("a conversation is written in its LLM's chat template", "[unit]") {
  auto const tokens = some_video();
  infer::Conversation<Tiny> talk(tiny_network(), tiny_words(), {.max_new_tokens = 6},
                                 ChatTemplate::qwen_3);
  talk.show(tokens);
  std::vector<text::Turn> turns{{text::Turn::From::human, "<image>\nwhat colour is it ?"}};
  auto const prompt = [&] {
    return text::encode_prompt(tiny_words(), ChatTemplate::qwen_3, turns);
  };
  auto const first = talk.ask("what colour is it ?", quietly);
  CHECK(first.text == answer_to(prompt(), tokens));
  CHECK(first.prompt_tokens == std::ssize(prompt()) - 1 + tokens.size(0));
  // The empty thought before an answer is not part of what was said.
  turns.push_back({text::Turn::From::gpt, first.text});
  turns.push_back({text::Turn::From::human, "where does it move ?"});
  auto const second = talk.ask("where does it move ?", quietly);
  CHECK(second.text == answer_to(prompt(), tokens));
  CHECK(second.prompt_tokens == std::ssize(prompt()) - 1 + tokens.size(0));
}

TEST_CASE("<image> in a question is text and shows no medium", "[unit]") {
  auto const tokens = some_video();
  auto talk = conversation();
  talk.show(tokens);
  auto const reply = talk.ask("what does <image> mean ?", quietly);
  auto const encode = [](std::string const& text) { return tiny_words().encode(text); };
  auto ids =
      encode("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n");
  ids.push_back(media_placeholder);
  auto const rest = encode("\nwhat does <image> mean ?<|im_end|>\n<|im_start|>assistant\n");
  ids.insert(ids.end(), rest.begin(), rest.end());
  CHECK(reply.text == answer_to(ids, tokens));
  CHECK(reply.prompt_tokens == std::ssize(ids) - 1 + tokens.size(0));
  CHECK_NOTHROW(talk.ask("<image>", quietly));
  CHECK_NOTHROW(talk.ask("and now ?", quietly));
}

TEST_CASE("what a model cannot take is refused by both lengths, and the conversation stays",
          "[unit]") {
  auto talk = conversation();
  auto const video = some_video();
  for (int i = 0; i < 16; ++i) talk.show(video);  // 64 tokens each, of 1024 positions
  CHECK_THROWS_WITH(talk.show(video),
                    ContainsSubstring("1088 tokens") && ContainsSubstring("takes 1024 at most"));
  CHECK_THROWS_WITH(talk.ask("what ?", quietly),
                    ContainsSubstring("takes 1024 at most") && ContainsSubstring("fewer frames"));
  talk.reset();
  CHECK_NOTHROW(talk.ask("what ?", quietly));
  CHECK_THROWS_WITH(talk.ask(std::string(2000, '!'), quietly), ContainsSubstring("1024 at most"));
  CHECK(talk.turns().size() == 2);
}

TEST_CASE("an answer that was cancelled leaves a conversation that goes on", "[unit]") {
  auto const tokens = some_video();
  auto stopped = conversation(20);
  stopped.show(tokens);
  auto const three_tokens = [] {
    return [tokens = 0](auto const&) mutable { return ++tokens < 3; };
  };
  auto const cut = stopped.ask("what colour is it ?", three_tokens());
  CHECK(cut.finish == infer::Finish::cancelled);
  CHECK(cut.ids.size() == 3);

  // The same said at once, and nothing computed before.
  auto fresh = conversation(3);
  fresh.show(tokens);
  CHECK(fresh.ask("what colour is it ?", quietly).text == cut.text);
  CHECK((stopped.turns() == fresh.turns()));
  CHECK(fresh.ask("where ?", quietly).text == stopped.ask("where ?", three_tokens()).text);

  auto silent = conversation();
  auto const begun = silent.ask("what ?", [](auto const&) { return false; });
  CHECK(silent.turns().empty() == begun.text.empty());
}

TEST_CASE("after an error in an answer a conversation is what it was before", "[unit]") {
  auto const tokens = some_video();
  for (int fails_at = 1; fails_at <= 3; ++fails_at) {
    auto broken = conversation(), fresh = conversation();
    for (auto* talk : {&broken, &fresh}) {
      talk->show(tokens);
      talk->ask("what colour is it ?", quietly);
    }
    broken.show(some_video(1));
    fresh.show(some_video(1));
    int pieces = 0;
    CHECK_THROWS_AS(broken.ask("how many are there ?",
                               [&](auto const&) -> bool {
                                 if (++pieces == fails_at) throw std::runtime_error("no memory");
                                 return true;
                               }),
                    std::runtime_error);
    CHECK((broken.turns() == fresh.turns()));
    CHECK(broken.ask("where ?", quietly).text == fresh.ask("where ?", quietly).text);
    CHECK((broken.turns() == fresh.turns()));
  }
}

TEST_CASE("a conversation that begins again shows what was shown", "[unit]") {
  auto const tokens = some_video();
  auto talk = conversation();
  talk.show(tokens, QuestionForm::trained, "\nIt lasts 2 seconds. ");
  auto const first = talk.ask("what colour is it ?", quietly);
  talk.ask("where ?", quietly);
  talk.restart();
  CHECK(talk.turns().empty());
  auto const again = talk.ask("what colour is it ?", quietly);
  CHECK(again.text == first.text);
  CHECK(again.prompt_tokens == first.prompt_tokens);
}

TEST_CASE("each turn draws by a seed of its own, and a conversation the same again", "[unit]") {
  infer::Sampling const drawn{.temperature = 3, .seed = 5};
  auto first = conversation(12, drawn), second = conversation(12, drawn);
  auto const one = first.ask("what ?", quietly).text;
  CHECK(second.ask("what ?", quietly).text == one);
  first.restart();
  CHECK(first.ask("what ?", quietly).text == one);
  auto other = conversation(12, {.temperature = 3, .seed = 6});
  CHECK(other.ask("what ?", quietly).text != one);
}

TEST_CASE("an answer ends before a stop text and before a folder's own stop ids", "[unit]") {
  auto const whole = conversation(12).ask("what colour is it ?", quietly);
  REQUIRE(whole.text.size() > 4);
  infer::GenerationConfig config{.max_new_tokens = 12};
  config.stop_texts = {whole.text.substr(2, 2)};
  infer::Conversation<Tiny> talk(tiny_network(), tiny_words(), config);
  auto const cut = talk.ask("what colour is it ?", quietly);
  CHECK(cut.text == text::stripped(whole.text.substr(0, whole.text.find(config.stop_texts[0]))));
  CHECK(cut.finish == infer::Finish::stop);
  CHECK(talk.turns()[1].value == cut.text);

  config.stop_texts = {};
  config.stop_ids = {whole.ids.front()};
  auto const none = infer::Conversation<Tiny>(tiny_network(), tiny_words(), config)
                        .ask("what colour is it ?", quietly);
  CHECK(none.ids.empty());
  CHECK(none.finish == infer::Finish::stop);
}
