#include <vcflash/infer/conversation.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include <vcflash/data/shapes/questions.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

#include "tests/infer/tiny_network.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using test::Tiny, test::tiny_network;

namespace {

text::Tokenizer tokenizer() {
  test::TemporaryFolder const folder;
  return text::write_word_tokenizer(folder.path(), data::shapes::vocabulary());
}

Tensor some_video() {
  constexpr int side = Tiny::Encoder::resolution;
  media::Frames frames{8, side, side, {}};
  for (int i = 0; i < 8 * side * side * 3; ++i) frames.rgb.push_back(std::uint8_t(i * 40503U >> 9));
  return infer::look_at<Tiny>(tiny_network(), frames, Modality::video);
}

}  // namespace

TEST_CASE("each turn is answered as if the whole conversation were computed anew", "[unit]") {
  auto const tokens = some_video();
  auto const words = tokenizer();
  infer::Conversation<Tiny> conversation(tiny_network(), words, 6);
  conversation.show(tokens, "\nIt lasts 2 seconds. ");
  std::vector<text::Turn> turns{
      {text::Turn::From::human, "<image>\nIt lasts 2 seconds. \nwhat colour is it ?"}};
  for (auto const* next : {"where does it move ?", "how many are there ?", "again"}) {
    auto const ids = text::encode_prompt(words, ChatTemplate::qwen_2, turns);
    auto const expected = words.decode(
        infer::generate(tiny_network().llm,
                        infer::embed_prompt(tiny_network(), ids, std::span(&tokens, 1)),
                        {.max_new_tokens = 6,
                         .stop_ids = text::end_of_answer_ids(words),
                         .vocabulary = words.vocabulary()})
            .ids,
        true);
    auto const question = turns.back().value.substr(turns.size() == 1 ? 29 : 0);
    std::string heard;
    CHECK(conversation.ask(question, [&](std::string const& piece) { heard += piece; }) ==
          expected);
    CHECK(heard == expected);
    turns.push_back({text::Turn::From::gpt, expected});
    turns.push_back({text::Turn::From::human, next});
  }
}
