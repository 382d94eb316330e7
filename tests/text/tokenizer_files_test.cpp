#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <tuple>

#include <tests/media/measure.hpp>
#include <tests/text/golden_tokenizers.hpp>

using namespace vcflash;
using namespace vcflash::test;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using text::Tokenizer;

namespace {

/// What reading a folder with this tokenizer.json says; empty where it is taken.
std::string refusal(std::string const& bytes, std::string const& config = "{}") {
  TemporaryFolder const folder;
  folder.write("tokenizer.json", bytes);
  folder.write("tokenizer_config.json", config);
  try {
    Tokenizer::from_folder(folder.path()).encode("ab <|im_end|>\n");
  } catch (InputError const& error) {
    return error.what();
  }
  return "";
}

std::string refusal_with(std::function<void(json&)> const& change) {
  auto whole = small_tokenizer_json();
  change(whole);
  return refusal(whole.dump());
}

json& split_step(json& whole) { return whole["pre_tokenizer"]["pretokenizers"][0]; }

/// A step behind the last.
json& step_behind(json& whole) {
  auto& steps = whole["pre_tokenizer"]["pretokenizers"];
  steps.push_back(json::object());
  return steps.back();
}

/// A post-processor that puts ids around the text, which it names `texts` times.
json template_around(Ids const& before, Ids const& behind, int texts = 1) {
  json single = json::array(), tokens = json::object();
  auto const add = [&](std::string const& name, Ids const& ids) {
    if (ids.empty()) return;
    single.push_back({{"SpecialToken", {{"id", name}, {"type_id", 0}}}});
    tokens[name] = {{"id", name}, {"ids", ids}, {"tokens", {name}}};
  };
  add("<t>", before);
  for (int i = 0; i < texts; ++i) {
    single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  }
  add("<e>", behind);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", tokens}};
}

}  // namespace

namespace {

text::TokenizerDescription described(std::string const& file) {
  text::TokenizerDescription description;
  text::detail::read_tokenizer_json(file, golden_text(file), description);
  return description;
}

/// As Python's json writes a vocabulary, by id.
std::string vocab_json(text::TokenizerDescription const& description) {
  std::map<std::int64_t, std::string> by_id;
  for (auto const& [token, id] : description.vocabulary) by_id[id] = token;
  std::string text;
  for (auto const& [id, token] : by_id)
    text += (text.empty() ? "{" : ", ") + json(token).dump() + ": " + std::to_string(id);
  return text + "}";
}

std::string merges_txt(text::TokenizerDescription const& description) {
  std::string text = "#version: 0.2\n";
  for (auto const& [left, right] : description.merges) text += left + " " + right + "\n";
  return text;
}

std::string hash_of(std::string const& bytes) {
  return sha256({reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()});
}

}  // namespace

TEST_CASE("the golden tokenizers' files say the same in each of their forms", "[golden]") {
  for (std::string const name : {"qwen2_5", "tiny512"}) {
    CAPTURE(name);
    bool const large = name == "qwen2_5";
    std::string const folder = "data/tokenizer/" + name + "/", packed = large ? ".gz" : "";
    auto const whole = described(folder + "tokenizer.json" + packed);
    auto const merges = golden_text(folder + "merges.txt" + packed);
    CHECK(merges_txt(whole) == merges);
    if (large) {
      std::istringstream sums(golden_text(folder + "SHA256SUMS"));
      std::map<std::string, std::string> expected;
      for (std::string sum, file; sums >> sum >> file;) expected[file] = sum;
      CHECK(expected == std::map<std::string, std::string>{
                            {"tokenizer.json", hash_of(golden_text(folder + "tokenizer.json.gz"))},
                            {"merges.txt", hash_of(merges)},
                            {"vocab.json", hash_of(vocab_json(whole))}});
    } else {
      CHECK(vocab_json(whole) == golden_text(folder + "vocab.json"));
    }
    auto const config = golden_text(folder + "tokenizer_config.json");
    text::TokenizerDescription from_config;
    text::detail::read_tokenizer_config(folder + "tokenizer_config.json", config, from_config);
    auto const by_id = [](text::AddedToken const& a, text::AddedToken const& b) {
      return a.id < b.id;
    };
    auto expected = whole.added;
    std::ranges::sort(expected, by_id);
    std::ranges::sort(from_config.added, by_id);
    REQUIRE(from_config.added.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      auto const& [a, b] = std::tie(expected[i], from_config.added[i]);
      CAPTURE(a.content);
      CHECK(
          std::tuple(a.content, a.id, a.special, a.normalized, a.lstrip, a.rstrip, a.single_word) ==
          std::tuple(b.content, b.id, b.special, b.normalized, b.lstrip, b.rstrip, b.single_word));
    }
    auto const& tokenizer = large ? qwen_tokenizer() : tiny_tokenizer();
    auto const facts = json::parse(config);
    for (char const* const role : {"eos_token", "pad_token"}) {
      auto const id = tokenizer.id_of(facts.at(role).get<std::string>());
      REQUIRE(id);
      CHECK(tokenizer.is_special(*id));
    }
    for (auto const& token : facts.at("additional_special_tokens"))
      CHECK(tokenizer.is_special(tokenizer.id_of(token.get<std::string>()).value_or(-1)));
  }
}

TEST_CASE("the small tokenizer of these tests is taken as it is", "[unit]") {
  CHECK(refusal(small_tokenizer_json().dump()).empty());
}

TEST_CASE("a tokenizer.json of the wrong shape is refused in a sentence", "[unit]") {
  struct Case {
    std::function<void(json&)> change;
    std::string says;
  };
  std::vector<Case> const cases = {
      {[](json& j) { j = json::array(); }, "the whole is an array, but an object"},
      {[](json& j) { j.erase("model"); }, "model is missing"},
      {[](json& j) { j["model"] = 3; }, "model is an integer, but an object"},
      {[](json& j) { j["model"]["type"] = "Unigram"; }, "model.type is \"Unigram\", but BPE"},
      {[](json& j) { j["model"].erase("vocab"); }, "vocab is missing in model"},
      {[](json& j) { j["model"]["vocab"] = json::array(); }, "model.vocab is an array"},
      {[](json& j) { j["model"]["vocab"]["x"] = "1"; }, "model.vocab[\"x\"] is a string"},
      {[](json& j) { j["model"]["vocab"]["x"] = 1.5; }, "is a fraction, but a token id"},
      {[](json& j) { j["model"]["vocab"]["x"] = -1; }, "is -1, but an id from 0"},
      {[](json& j) { j["model"]["vocab"]["xy"] = 4'000'000'000; }, "is 4000000000, but an id"},
      {[](json& j) { j["model"]["vocab"]["xy"] = UINT64_MAX; }, "is over 2^63"},
      {[](json& j) { j["model"]["vocab"]["xy"] = 5; }, "the id 5 of another token"},
      {[](json& j) { j["model"]["vocab"].erase("x"); }, "lacks byte 0x78 (\"x\")"},
      {[](json& j) { j["model"]["merges"] = "a b"; }, "model.merges is a string"},
      {[](json& j) { j["model"]["merges"][0] = 3; }, "model.merges[0] is an integer"},
      {[](json& j) { j["model"]["merges"][0] = "ab"; }, "is \"ab\", but two tokens"},
      {[](json& j) { j["model"]["merges"][0] = "a b c"; }, "but two tokens"},
      {[](json& j) {
         j["model"]["merges"][0] = {"a", "b", "c"};
       },
       "is 3 strings, but two"},
      {[](json& j) {
         j["model"]["merges"][0] = {"a", 3};
       },
       "model.merges[0][1] is an integer"},
      {[](json& j) { j["model"]["merges"][0] = "b a"; }, "lacks what they make"},
      {[](json& j) { j["model"]["merges"][0] = "zz a"; }, "lacks the left token"},
      {[](json& j) {
         j["model"]["merges"][0] = {"a", " "};
       },
       "lacks the right token"},
      {[](json& j) { j["model"]["byte_fallback"] = true; }, "model.byte_fallback is true"},
      {[](json& j) { j["model"]["dropout"] = 0.1; }, "model.dropout is set"},
      {[](json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }, "is \"</w>\", but empty"},
      {[](json& j) { j["normalizer"]["type"] = "Lowercase"; }, "is \"Lowercase\", but NFC"},
      {[](json& j) { j.erase("pre_tokenizer"); }, "pre_tokenizer is missing"},
      {[](json& j) { j["pre_tokenizer"]["type"] = "Metaspace"; }, "is \"Metaspace\""},
      {[](json& j) { split_step(j)["behavior"] = "Removed"; }, "is \"Removed\", but \"Isolated\""},
      {[](json& j) { split_step(j)["invert"] = true; }, "invert is true, but false"},
      {[](json& j) {
         split_step(j)["pattern"] = {{"String", " "}};
       },
       "Regex is missing"},
      {[](json& j) { split_step(j)["pattern"]["Regex"] = "(a"; }, "no regular expression"},
      {[](json& j) { j["pre_tokenizer"]["pretokenizers"].erase(1); }, "without ByteLevel"},
      {[](json& j) { j["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; },
       "add_prefix_space is true, but false"},
      {[](json& j) { j["decoder"]["type"] = "Metaspace"; }, "decoder.type is \"Metaspace\""},
      {[](json& j) { step_behind(j)["type"] = "Digits"; }, "but nothing behind ByteLevel"},
      {[](json& j) { j["pre_tokenizer"]["pretokenizers"] = json(40, split_step(j)); },
       "but at most 16 steps"},
      {[](json& j) { j["post_processor"]["type"] = "BertProcessing"; },
       "post_processor.type is \"BertProcessing\", but ByteLevel, TemplateProcessing or"},
      {[](json& j) { j["post_processor"]["type"] = "TemplateProcessing"; },
       "single is missing in post_processor"},
      {[](json& j) { j["post_processor"] = template_around({}, {}, 0); },
       "post_processor.single is without the text, A"},
      {[](json& j) { j["post_processor"] = template_around({}, {}, 2); },
       "Sequence.id is \"A\", but the text, A, once"},
      {[](json& j) {
         j["post_processor"] = template_around({257}, {});
         j["post_processor"]["special_tokens"].clear();
       },
       "<t> is missing in post_processor.special_tokens"},
      {[](json& j) { j["post_processor"] = template_around({258}, {}); },
       "post_processor puts the id 258 around a text; no token has it"},
      {[](json& j) {
         j["post_processor"] = {{"type", "Sequence"}, {"processors", {template_around({}, {-1})}}};
       },
       "is -1, but an id from 0"},
      {[](json& j) {
         j["post_processor"] = {
             {"type", "Sequence"},
             {"processors", {template_around({}, {3}), template_around({}, {})}}};
       },
       "processors[1].type is \"TemplateProcessing\", but one of its kind"},
      {[](json& j) {
         j["model"]["vocab"].erase(text::spelled("\x04"));
         j["model"]["unk_token"] = "ab";
       },
       "lacks byte 0x04 (\"\xC4\x84\"), for which \"ab\" would stand; null is expected"},
      {[](json& j) { j["added_tokens"] = 1; }, "added_tokens is an integer, but an array"},
      {[](json& j) { j["added_tokens"][0].erase("id"); }, "id is missing in added_tokens[0]"},
      {[](json& j) { j["added_tokens"][0]["id"] = 3; }, "has the id 3 of another token"},
      {[](json& j) { j["added_tokens"][0]["id"] = 1'000'000'000; }, "is 1000000000"},
      {[](json& j) { j["added_tokens"][0]["content"] = ""; }, "content is empty"},
      {[](json& j) { j["added_tokens"][0]["content"] = "ab"; }, "\"ab\" has two ids"},
      {[](json& j) { j["added_tokens"][0]["special"] = "yes"; }, "special is a string"},
      {[](json& j) { j["added_tokens"].push_back(j["added_tokens"][0]); }, "comes twice"}};
  for (auto const& wrong : cases) {
    CAPTURE(wrong.says);
    auto const said = refusal_with(wrong.change);
    CHECK_THAT(said, ContainsSubstring(wrong.says));
    CHECK(said.find('\n') == std::string::npos);
  }
}

TEST_CASE("what does not change the ids is taken", "[unit]") {
  CHECK(refusal_with([](json& j) { j.erase("normalizer"); }).empty());
  CHECK(refusal_with([](json& j) {
          j["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}}}};
        }).empty());
  CHECK(refusal_with([](json& j) { j["post_processor"] = nullptr; }).empty());
  CHECK(refusal_with([](json& j) { j["model"]["unk_token"] = "ab"; }).empty());
  CHECK(refusal_with([](json& j) {
          j["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
        }).empty());
  CHECK(refusal_with([](json& j) { j["model"]["merges"][0] = {"a", "b"}; }).empty());
  CHECK(refusal_with([](json& j) {
          j["added_tokens"][0] = {{"id", 256}, {"content", "ab"}};
        }).empty());
  CHECK(refusal_with([](json& j) { j["model"]["vocab"]["\xE4\xB8\xAD"] = 300; }).empty());
}

TEST_CASE("several tokens may stand around a text", "[unit]") {
  auto whole = small_tokenizer_json();
  whole["post_processor"] = {
      {"type", "Sequence"},
      {"processors", {template_around({1, 2}, {3, 4}), whole["post_processor"]}}};
  TemporaryFolder const folder;
  folder.write("tokenizer.json", whole.dump());
  CHECK(Tokenizer::from_folder(folder.path()).encode_whole("ab") == Ids{1, 2, 256, 3, 4});
}

TEST_CASE("a vocabulary may lack bytes that text has none of", "[unit]") {
  auto whole = small_tokenizer_json();
  for (std::string const byte : {"\x04", "\xC0", "\xFF"}) {
    whole["model"]["vocab"].erase(text::spelled(byte));
  }
  whole["pre_tokenizer"] = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  TemporaryFolder const folder;
  folder.write("tokenizer.json", whole.dump());
  CHECK(Tokenizer::from_folder(folder.path())
            .encode("\x04"
                    "a\x04"
                    "b") == Ids{256});
}

TEST_CASE("a token that comes twice in the vocabulary is refused", "[unit]") {
  auto bytes = small_tokenizer_json().dump();
  auto const at = bytes.find("\"ab\":256");
  REQUIRE(at != std::string::npos);
  CHECK_THAT(refusal(bytes.insert(at, "\"ab\":999,")), ContainsSubstring("\"ab\" comes twice"));
}

TEST_CASE("bytes that are no JSON are refused", "[unit]") {
  auto const whole = small_tokenizer_json().dump();
  for (std::string const& bytes : {std::string(), std::string("{"), std::string("\x00\x01", 2),
                                   std::string("{\"model\": \xFF}"), std::string(100'000, '['),
                                   whole.substr(0, whole.size() / 2), whole + "x"}) {
    CHECK_THAT(refusal(bytes), ContainsSubstring("tokenizer.json: no JSON"));
  }
  CHECK_THAT(refusal(whole, "{"), ContainsSubstring("tokenizer_config.json: no JSON"));
  CHECK_THAT(refusal(whole, "[]"), ContainsSubstring("the whole is an array"));
}

TEST_CASE("the configuration adds tokens, and may not contradict", "[unit]") {
  auto const with = [](json const& decoder) {
    return refusal(small_tokenizer_json().dump(), json{{"added_tokens_decoder", decoder}}.dump());
  };
  CHECK(with({{"258", {{"content", "<more>"}}}}).empty());
  CHECK(with({{"257", {{"content", "<|im_end|>"}}}}).empty());
  CHECK_THAT(with({{"258", {{"content", "<|im_end|>"}}}}),
             ContainsSubstring("the id 257 of tokenizer.json"));
  CHECK_THAT(with({{"257", {{"content", "<other>"}}}}),
             ContainsSubstring("the id 257 of another token"));
  CHECK_THAT(with({{"two", {{"content", "<x>"}}}}), ContainsSubstring("no token id"));
  CHECK_THAT(with({{"-2", {{"content", "<x>"}}}}), ContainsSubstring("no token id"));
  CHECK_THAT(with({{"99999999999999999999", {{"content", "<x>"}}}}),
             ContainsSubstring("no token id"));
  CHECK_THAT(with({{"258", 3}}), ContainsSubstring("[\"258\"] is an integer, but an object"));
}

TEST_CASE("a folder without a tokenizer says what is expected in it", "[unit]") {
  TemporaryFolder const folder;
  auto const read = [&] { return Tokenizer::from_folder(folder.path()); };
  CHECK_THROWS_WITH(read(), ContainsSubstring("tokenizer.json is expected, or vocab.json and"));
  CHECK_THROWS_AS(Tokenizer::from_folder(folder / "missing"), InputError);
  auto const whole = small_tokenizer_json();
  folder.write("vocab.json", whole["model"]["vocab"].dump());
  CHECK_THROWS_AS(read(), InputError);
  folder.write("merges.txt", "#version: 0.2\r\na b\r\n\r\n");
  CHECK(read().encode("ab") == Ids{256});
  folder.write("merges.txt", "#version: 0.2\na b\nab");
  CHECK_THROWS_WITH(read(), ContainsSubstring("merges.txt: line 3 is \"ab\""));
  folder.write("merges.txt", "a b\n\xFF \xFF");
  CHECK_THROWS_WITH(read(), ContainsSubstring("merges.txt: no UTF-8"));
  folder.write("merges.txt", "b a\n");
  CHECK_THROWS_WITH(read(), ContainsSubstring("merges.txt: merge 0 is \"b a\""));
  std::filesystem::create_directory(folder / "tokenizer.json");
  CHECK_THROWS_WITH(read(), ContainsSubstring("tokenizer.json: cannot be read"));
}

TEST_CASE("a damaged tokenizer.json is read or refused, never worse", "[unit]") {
  auto const whole = small_tokenizer_json().dump();
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    auto bytes = whole;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      auto const at = random() % bytes.size();
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1 + random() % 20);
          break;
        default:
          bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 30));
          break;
      }
    }
    CHECK_NOTHROW(refusal(bytes));
  }
}
