#include <vcflash/base/chat_template.hpp>

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <string>
#include <vector>

using namespace vcflash;

TEST_CASE("chat templates are values that are known while compiling", "[unit]") {
  struct Settings {
    ChatTemplate chat = ChatTemplate::qwen_2;
  };
  static constexpr Settings captions{.chat = ChatTemplate::plain};
  STATIC_CHECK(captions.chat == ChatTemplate::plain);
  STATIC_CHECK(captions.chat != Settings{}.chat);
  STATIC_CHECK(name_of(ChatTemplate::qwen_2) == "qwen_2");
  STATIC_CHECK(name_of(ChatTemplate::plain) == "plain");
}

TEST_CASE("every chat template has names that no other has", "[unit]") {
  std::set<std::string_view> names;
  for (auto const& chat : all_chat_templates) {
    CHECK_FALSE(chat.name.empty());
    CHECK(names.insert(chat.name).second);
    for_each_word(chat.aliases, [&](std::string_view name) { CHECK(names.insert(name).second); });
  }
  CHECK(names.contains("qwen_1_5"));
}

TEST_CASE("a chat template with roles learns its own marks and can end an answer", "[unit]") {
  for (auto const& chat : all_chat_templates) {
    CAPTURE(chat.name);
    CHECK_FALSE(chat.end_of_text.empty());
    if (chat.captions) continue;
    std::set<std::string_view> marks;
    for_each_word(chat.marks, [&](std::string_view mark) { marks.insert(mark); });
    CHECK(marks.contains(chat.before_role));
    CHECK(marks.contains(chat.end_of_turn));
    CHECK_FALSE(chat.behind_role.empty());
  }
}

TEST_CASE("a list is read word by word", "[unit]") {
  std::vector<std::string> words;
  for_each_word(" <a>  \n b", [&](std::string_view word) { words.emplace_back(word); });
  CHECK(words == std::vector<std::string>{"<a>", "\n", "b"});
  for_each_word("", [&](std::string_view) { FAIL(); });
}
