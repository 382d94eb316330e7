#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <thread>

#include <tests/text/golden_tokenizers.hpp>

using namespace vcflash;
using namespace vcflash::test;
using Catch::Matchers::ContainsSubstring;
using text::Tokenizer;

TEST_CASE("Qwen2.5's tokenizer gives the reference's ids and texts", "[golden]") {
  auto const& tokenizer = qwen_tokenizer();
  for (auto const& row : golden_jsonl("data/tokenizer.jsonl")) {
    auto const text = row.at("text").get<std::string>();
    auto const ids = row.at("ids").get<Ids>();
    auto const decoded = row.at("decoded").get<std::string>();
    CAPTURE(text);
    CHECK(tokenizer.encode(text) == ids);
    CHECK(tokenizer.decode(ids) == decoded);
    CHECK(tokenizer.decode(ids, true) == row.value("decoded_skip_special", decoded));
    CHECK((decoded == text) == row.value("roundtrip", true));
  }
}

TEST_CASE("a tokenizer of 512 ids gives the reference's ids and texts", "[golden]") {
  auto const& tokenizer = tiny_tokenizer();
  for (auto const& row : golden_jsonl("data/tokenizer.jsonl")) {
    auto const text = row.at("text").get<std::string>();
    auto const ids = row.at("ids_tiny").get<Ids>();
    CAPTURE(text);
    CHECK(tokenizer.encode(text) == ids);
    CHECK(tokenizer.decode(ids) == row.at("decoded_tiny").get<std::string>());
  }
}

TEST_CASE("tokenizers in the form of Llama 3's, Qwen3's and SmolLM2's give the reference's ids",
          "[unit]") {
  for (std::string const family : {"llama_3", "qwen_3", "smollm2"}) {
    auto const tokenizer = family_tokenizer(family);
    auto const rows = family_rows(family + "/texts.jsonl");
    CHECK(rows.size() > 80);
    for (auto const& row : rows) {
      auto const text = row.at("text").get<std::string>();
      auto const ids = row.at("ids").get<Ids>();
      CAPTURE(family, text);
      CHECK(tokenizer.encode(text) == ids);
      CHECK(tokenizer.encode_whole(text) == row.value("whole", ids));
      CHECK(tokenizer.decode(ids) == row.value("decoded", text));
    }
  }
}

TEST_CASE("a tokenizer puts around a whole text what its file says, and nothing around a part",
          "[unit]") {
  auto const llama = family_tokenizer("llama_3"), smol = family_tokenizer("smollm2");
  auto const begin = llama.id_of("<|begin_of_text|>").value();
  CHECK(std::ranges::equal(llama.ids_before(), Ids{begin}));
  CHECK(llama.ids_behind().empty());
  CHECK(llama.encode_whole("") == Ids{begin});
  CHECK(llama.encode("").empty());
  CHECK(smol.ids_before().empty());
  CHECK(smol.encode_whole("").empty());
}

TEST_CASE("arbitrary ids decode as in the reference", "[golden]") {
  auto const& tokenizer = qwen_tokenizer();
  for (auto const& row : golden_jsonl("data/tokenizer_decode.jsonl")) {
    auto const ids = row.at("ids").get<Ids>();
    CAPTURE(ids);
    CHECK(tokenizer.decode(ids) == row.at("decoded").get<std::string>());
    CHECK(tokenizer.decode(ids, true) == row.at("decoded_skip_special").get<std::string>());
  }
}

TEST_CASE("vocab.json, merges.txt and the configuration's added tokens are a tokenizer too",
          "[golden]") {
  TemporaryFolder const tiny, large;
  for (std::string const name : {"vocab.json", "merges.txt", "tokenizer_config.json"}) {
    tiny.write(name, golden_text("data/tokenizer/tiny512/" + name));
  }
  auto const whole = nlohmann::json::parse(golden_text("data/tokenizer/qwen2_5/tokenizer.json.gz"));
  large.write("vocab.json", whole.at("model").at("vocab").dump());
  large.write("merges.txt", golden_text("data/tokenizer/qwen2_5/merges.txt.gz"));
  large.write("tokenizer_config.json", golden_text("data/tokenizer/qwen2_5/tokenizer_config.json"));
  auto const small_one = Tokenizer::from_folder(tiny.path());
  auto const large_one = Tokenizer::from_folder(large.path());
  CHECK(small_one.vocabulary() == tiny_tokenizer().vocabulary());
  CHECK(large_one.vocabulary() == qwen_tokenizer().vocabulary());
  for (auto const& row : golden_jsonl("data/tokenizer.jsonl")) {
    auto const text = row.at("text").get<std::string>();
    CAPTURE(text);
    CHECK(small_one.encode(text) == row.at("ids_tiny").get<Ids>());
    CHECK(large_one.encode(text) == row.at("ids").get<Ids>());
  }
}

TEST_CASE("tokens are found by their text", "[unit]") {
  TemporaryFolder const folder;
  folder.write("tokenizer.json", small_tokenizer_json().dump());
  auto const tokenizer = Tokenizer::from_folder(folder.path());
  CHECK(tokenizer.vocabulary() == 258);
  CHECK(tokenizer.id_of("ab") == 256);
  CHECK(tokenizer.id_of("\n") == 198);
  CHECK(tokenizer.id_of("<|im_end|>") == 257);
  CHECK_FALSE(tokenizer.id_of("ba"));
  CHECK(tokenizer.is_special(257));
  CHECK_FALSE(tokenizer.is_special(256));
  CHECK_FALSE(tokenizer.is_special(-200));
  CHECK_FALSE(tokenizer.is_special(1'000'000));
}

TEST_CASE("bytes that are no text count as the replacement character", "[unit]") {
  TemporaryFolder const folder;
  folder.write("tokenizer.json", small_tokenizer_json().dump());
  auto const tokenizer = Tokenizer::from_folder(folder.path());
  CHECK(tokenizer.encode("a\xFF") == tokenizer.encode("a\xEF\xBF\xBD"));
  CHECK(tokenizer.encode("").empty());
  CHECK(tokenizer.decode(Ids{-200, 258, INT64_MAX, INT64_MIN}).empty());
}

TEST_CASE("an id's bytes are those that its text is made of", "[golden]") {
  auto const& tokenizer = qwen_tokenizer();
  std::string bytes;
  for (auto const id : tokenizer.encode("é 日本 <|im_end|>")) bytes += tokenizer.bytes_of_id(id);
  CHECK(bytes == "é 日本 <|im_end|>");
  auto const mark = tokenizer.id_of("<|im_end|>").value();
  CHECK(tokenizer.bytes_of_id(mark, true).empty());
  CHECK(tokenizer.bytes_of_id(-1).empty());
  CHECK(tokenizer.bytes_of_id(tokenizer.vocabulary()).empty());
}

TEST_CASE("the tokenizer's files are handed on byte for byte", "[unit]") {
  TemporaryFolder const from, to;
  auto const json = small_tokenizer_json().dump(3);
  from.write("tokenizer.json", json);
  from.write("merges.txt", "not read \r\n beside tokenizer.json");
  from.write("tokenizer_config.json", "{ }\n");
  from.write("model.safetensors", "no tokenizer file");
  Tokenizer::from_folder(from.path()).copy_to(to.path());
  CHECK(read_file(to / "tokenizer.json") == json);
  CHECK(read_file(to / "merges.txt") == "not read \r\n beside tokenizer.json");
  CHECK(read_file(to / "tokenizer_config.json") == "{ }\n");
  CHECK_FALSE(std::filesystem::exists(to / "model.safetensors"));
  CHECK_THROWS_AS(Tokenizer::from_folder(from.path()).copy_to(to / "missing"), Error);
}

TEST_CASE("many threads share a tokenizer", "[unit]") {
  TemporaryFolder const folder;
  folder.write("tokenizer.json", small_tokenizer_json().dump());
  auto const tokenizer = Tokenizer::from_folder(folder.path());
  std::string text;
  for (int i = 0; i < 200; ++i) text += "ab abab ba<|im_end|>\n" + std::to_string(i);
  auto const expected = tokenizer.encode(text);
  auto const fresh = Tokenizer::from_folder(folder.path());
  std::vector<Ids> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) result = fresh.encode(text);
      });
    }
  }
  for (auto const& result : results) CHECK(result == expected);
}

TEST_CASE("a text without any break is encoded in a moment", "[unit]") {
  TemporaryFolder const folder;
  folder.write("tokenizer.json", small_tokenizer_json().dump());
  auto const tokenizer = Tokenizer::from_folder(folder.path());
  for (std::string const unit : {"ab", " ", "\n", "!", "\xE4\xB8\xAD"}) {
    std::string text;
    while (text.size() < 2'000'000) text += unit;
    CAPTURE(unit);
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  }
}
