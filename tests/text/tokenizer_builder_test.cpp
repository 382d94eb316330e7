#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <tests/support/folder.hpp>
#include <vcflash/text/tokenizer_builder.hpp>

using namespace vcflash;
using namespace vcflash::test;
using Catch::Matchers::ContainsSubstring;
using Ids = std::vector<std::int64_t>;

namespace {

std::vector<std::string> const words = {"a",           "red",
                                        "green",       "blue",
                                        "yellow",      "ring",
                                        "square",      "triangle",
                                        "moves",       "left",
                                        "right",       "in",
                                        "all",         "1",
                                        "2",           ".",
                                        "?",           "A",
                                        "B",           "which",
                                        "colour",      "comes",
                                        "first",       "last",
                                        "caf\xC3\xA9", "\xE4\xB8\xAD\xE6\x96\x87"};

}  // namespace

TEST_CASE("each word of a built vocabulary is one token, alone and behind a space", "[unit]") {
  TemporaryFolder const folder;
  auto const tokenizer = text::write_word_tokenizer(folder / "made", words);
  for (auto const& word : words) {
    CAPTURE(word);
    CHECK(tokenizer.encode(word).size() == 1);
    // Qwen's pattern keeps a digit apart from the space before it.
    bool const digit = word == "1" || word == "2";
    CHECK(tokenizer.encode(" " + word).size() == (digit ? 2 : 1));
  }
  CHECK(tokenizer.encode("a red ring moves left .").size() == 6);
  auto const text = std::string("<|im_start|>which colour ? it's\n10 \xF0\x9F\x98\x80<|im_end|>");
  CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
}

TEST_CASE("a built vocabulary ends with the added tokens", "[unit]") {
  TemporaryFolder const folder;
  auto const tokenizer = text::write_word_tokenizer(folder.path(), words);
  auto const size = tokenizer.vocabulary();
  CHECK(tokenizer.id_of("<|endoftext|>") == size - 3);
  CHECK(tokenizer.id_of("<|im_start|>") == size - 2);
  CHECK(tokenizer.id_of("<|im_end|>") == size - 1);
  CHECK(tokenizer.is_special(size - 3));
  CHECK(tokenizer.id_of("\n") == 198);
}

TEST_CASE("the same words give the same files, and both sets of files the same ids", "[unit]") {
  TemporaryFolder const one, two, pair;
  auto const tokenizer = text::write_word_tokenizer(one.path(), words);
  text::write_word_tokenizer(two.path(), words);
  for (auto const name : {"tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"}) {
    CHECK(read_file(one / name) == read_file(two / name));
    if (name != std::string("tokenizer.json")) pair.write(name, read_file(one / name));
  }
  auto const from_pair = text::Tokenizer::from_folder(pair.path());
  auto const text = "<|im_start|>a yellow triangle moves right . first red\n2<|im_end|>";
  CHECK(from_pair.encode(text) == tokenizer.encode(text));
  CHECK(from_pair.vocabulary() == tokenizer.vocabulary());
}

TEST_CASE("no words make the vocabulary of the bytes", "[unit]") {
  CHECK(text::word_vocabulary({}).tokens.size() == 256);
  CHECK(text::word_vocabulary({}).merges.empty());
}

TEST_CASE("a word with white space in it is refused", "[unit]") {
  std::vector<std::string> const wrong = {"two words"}, broken = {"\xFF"};
  CHECK_THROWS_WITH(text::word_vocabulary(wrong), ContainsSubstring("\"two words\" is no word"));
  CHECK_THROWS_AS(text::word_vocabulary(broken), InputError);
}
