#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include <vcflash/text/chat.hpp>
#include <vcflash/text/question.hpp>
#include <vcflash/text/time_message.hpp>
#include "tests/support/golden.hpp"
#include "tests/text/golden_tokenizers.hpp"

using namespace vcflash;
using namespace vcflash::text;

TEST_CASE("a question follows the time message as the model knows it", "[unit]") {
  std::string const message = "\nIt lasts long. ";
  CHECK(first_question(QuestionForm::trained, message, "Why?") == "<image>\nIt lasts long. \nWhy?");
  CHECK(first_question(QuestionForm::released, message, "Why?") == "<image>\nIt lasts long. Why?");
  for (auto const form : {QuestionForm::trained, QuestionForm::released}) {
    CHECK(first_question(form, "", "Why?") == "<image>\nWhy?");
  }
}

TEST_CASE("the trained form is what training makes of the same conversation", "[unit]") {
  std::string const message = time_message(12.5, 16);
  std::vector<Turn> turns{{Turn::From::human, "<image>\nWhy?"}};
  place_media(turns, {.time_message = message});
  CHECK(first_question(QuestionForm::trained, message, "Why?") == turns.front().value);
}

TEST_CASE("a released model gets the prompts of its own chat, id by id", "[golden]") {
  auto const& tokenizer = test::qwen_tokenizer();
  auto const golden = test::golden_json("data/chat_calls.json");
  REQUIRE(!golden.at("chats").empty());
  for (auto const& chat : golden.at("chats")) {
    CAPTURE(chat.at("video"));
    // What is said of the same video, looked at with the same limit.
    auto const row = std::ranges::find_if(golden.at("frames"), [&](auto const& frames) {
      return frames.at("video") == chat.at("video") && frames.at("clip").is_null() &&
             frames.at("max_num_frames") == chat.at("max_num_frames");
    });
    REQUIRE(row != golden.at("frames").end());
    std::string const message = row->at("message");
    std::vector<Turn> turns;
    for (auto const& turn : chat.at("turns")) {
      std::string const asked = turn.at("question");
      turns.push_back(
          {Turn::From::human,
           turns.empty() ? first_question(QuestionForm::released, message, asked) : asked});
      std::vector<std::size_t> media(turns.size());
      media.front() = 1;
      CHECK(nlohmann::json(encode_prompt(tokenizer, ChatTemplate::qwen_2, turns, media)) ==
            turn.at("input_ids"));
      auto const reply = tokenizer.encode(turn.at("reply").get<std::string>());
      std::string const answer(stripped(tokenizer.decode(reply, true)));
      CHECK(answer == turn.at("answer"));
      turns.push_back({Turn::From::gpt, answer});
    }
    for (std::size_t i = 0; i < turns.size(); ++i) {
      CHECK(turns[i].value == chat.at("history")[i].at("content"));
    }
  }
}
