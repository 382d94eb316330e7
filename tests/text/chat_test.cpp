#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <tests/text/golden_tokenizers.hpp>
#include <vcflash/text/chat.hpp>

using namespace vcflash;
using namespace vcflash::test;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using text::Turn;
using From = Turn::From;

namespace {

/// The turns of a golden sample; the strings live in `conversation`.
std::vector<Turn> turns_of(json const& conversation) {
  std::vector<text::TurnFields> fields;
  for (auto const& turn : conversation) {
    auto const text = [&](char const* key) -> std::optional<std::string_view> {
      auto const found = turn.find(key);
      if (found == turn.end() || !found->is_string()) return std::nullopt;
      return found->get_ref<std::string const&>();
    };
    fields.push_back({.from = text("from"),
                      .value = text("value"),
                      .role = text("role"),
                      .content = text("content")});
  }
  return text::read_turns(fields);
}

struct Prepared {
  std::vector<Turn> turns;
  bool has_media = false;
};

Prepared prepared(json const& row) {
  auto const& sample = row.at("sample");
  if (!sample.contains("conversations")) throw InputError("no conversations");
  Prepared result{.turns = turns_of(sample.at("conversations")),
                  .has_media = sample.contains("image") || sample.contains("video")};
  text::MediaText const media{.time_message = row.at("time_msg").get<std::string>(),
                              .start_end = row.value("mm_use_im_start_end", json()) == true};
  // The reference rewrites its list in place: a second epoch's time message comes on top.
  for (int time = 0; result.has_media && time < row.at("applied_times").get<int>(); ++time) {
    place_media(result.turns, media);
  }
  return result;
}

}  // namespace

TEST_CASE("conversations get the reference's ids and labels", "[golden]") {
  for (auto const& row : golden_jsonl("data/chat_labels.jsonl")) {
    auto const chat = text::template_named(row.at("version").get<std::string>());
    CAPTURE(row.at("tag").get<std::string>());
    auto const encode = [&](text::Tokenizer const& tokenizer) {
      auto const sample = prepared(row);
      return encode_conversation(tokenizer, chat, sample.turns, sample.has_media);
    };
    if (row.contains("error")) {
      CHECK_THROWS_AS(encode(qwen_tokenizer()), InputError);
      auto const& sample = row.at("sample");
      if (sample.contains("image") || sample.contains("video")) {
        CHECK(prepared(row).turns == turns_of(row.at("sources")));
      } else if (sample.contains("conversations")) {  // not rewritten
        CHECK(row.at("sources") == sample.at("conversations"));
      }
      continue;
    }
    CHECK(prepared(row).turns == turns_of(row.at("sources")));
    auto const large = encode(qwen_tokenizer()), tiny = encode(tiny_tokenizer());
    CHECK(large.input_ids == row.at("input_ids").get<Ids>());
    CHECK(large.labels == row.at("labels").get<Ids>());
    CHECK(tiny.input_ids == row.at("input_ids_tiny").get<Ids>());
    CHECK(tiny.labels == row.at("labels_tiny").get<Ids>());
    if (row.contains("sources_after")) {
      auto turns = turns_of(row.at("sources"));
      turns[0].value = text::image_tag;  // all that the plain template reads of the first turn
      CHECK(turns == turns_of(row.at("sources_after")));
    }
  }
}

TEST_CASE("prompts read as in the reference", "[golden]") {
  for (auto const& row : golden_jsonl("data/chat_prompts.jsonl")) {
    CAPTURE(row.dump());
    auto const chat = text::template_named(row.at("template").get<std::string>());
    std::vector<Turn> turns;
    bool open = false;
    for (auto const& message : row.at("messages")) {
      open = message.is_null();
      if (open) break;
      turns.push_back(
          {turns.size() % 2 == 0 ? From::human : From::gpt, message.get<std::string>()});
    }
    CHECK(prompt_text(chat, turns, open) == row.at("prompt").get<std::string>());
    CHECK(encode_prompt(qwen_tokenizer(), chat, turns, open) == row.at("input_ids").get<Ids>());
  }
}

TEST_CASE("<image> that was written in a prompt is text, and the media stand before it",
          "[golden]") {
  auto const& tokenizer = tiny_tokenizer();
  std::vector<Turn> const turns{{From::human, "<image>\n<image>\nwhat is <image> ?"},
                                {From::gpt, "a tag: <image>"},
                                {From::human, "<image>"}};
  auto const encode = [&](std::string_view text, std::vector<std::int64_t>& ids) {
    tokenizer.encode_to(text, ids);
  };
  std::vector<std::int64_t> expected;
  encode("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
         expected);
  expected.push_back(media_placeholder);
  encode("\n", expected);
  expected.push_back(media_placeholder);
  encode(
      "\nwhat is <image> ?<|im_end|>\n<|im_start|>assistant\na tag: <image><|im_end|>\n"
      "<|im_start|>user\n<image><|im_end|>\n<|im_start|>assistant\n",
      expected);
  std::vector<std::size_t> const media{2, 0, 0};
  CHECK(encode_prompt(tokenizer, ChatTemplate::qwen_2, turns, media) == expected);
  // With all of them for media, as where nobody wrote any.
  std::vector<std::size_t> const all{3, 1, 1};
  CHECK(encode_prompt(tokenizer, ChatTemplate::qwen_2, turns, all) ==
        encode_prompt(tokenizer, ChatTemplate::qwen_2, turns));
}

TEST_CASE("marks of the template that a person writes are the marks' ids", "[golden]") {
  auto const& tokenizer = tiny_tokenizer();
  auto const end = tokenizer.id_of("<|im_end|>");
  REQUIRE(end);
  std::vector<Turn> const turns{{From::human, "stop<|im_end|>here"}};
  std::vector<std::size_t> const media{0};
  auto const ids = encode_prompt(tokenizer, ChatTemplate::qwen_2, turns, media);
  CHECK(std::ranges::count(ids, *end) == 3);  // the system's, the person's own, the turn's
}

TEST_CASE("other families' templates give the ids of their own and LLaVA-NeXT's labels", "[unit]") {
  for (std::string const family : {"llama_3", "qwen_3", "smollm2", "chatml"}) {
    auto const& chat = text::template_named(family);
    auto const rows = family_rows(family + "_chats.jsonl");
    CHECK(rows.size() == 5);
    for (auto const& row : rows) {
      auto const tokenizer = family_tokenizer(row.at("tokenizer"));
      std::vector<Turn> turns;
      for (auto const& said : row.at("turns")) {
        turns.push_back({turns.size() % 2 == 0 ? From::human : From::gpt, said});
      }
      CAPTURE(family, row.at("turns").dump());
      if (row.contains("labels")) {
        auto const encoded = encode_conversation(tokenizer, chat, turns, true);
        CHECK(encoded.input_ids == row.at("ids").get<Ids>());
        CHECK(encoded.labels == row.at("labels").get<Ids>());
        continue;
      }
      CHECK(prompt_text(chat, turns) == row.at("prompt").get<std::string>());
      CHECK(encode_prompt(tokenizer, chat, turns) == row.at("ids").get<Ids>());
      std::vector<std::size_t> media;
      for (auto const& turn : turns) media.push_back(text::count_of(turn.value, text::image_tag));
      CHECK(encode_prompt(tokenizer, chat, turns, media) == row.at("ids").get<Ids>());
    }
  }
}

TEST_CASE("a caption begins as the tokenizer begins a text", "[unit]") {
  auto const tokenizer = family_tokenizer("llama_3");
  auto const begin = tokenizer.id_of("<|begin_of_text|>").value();
  std::vector<Turn> const turns{{From::human, "<image>"}, {From::gpt, "A"}};
  auto const caption = tokenizer.encode("A\n");
  Ids ids{begin, media_placeholder}, labels{ignore_label, ignore_label};
  ids.insert(ids.end(), caption.begin(), caption.end());
  labels.insert(labels.end(), caption.begin(), caption.end());
  auto const encoded = encode_conversation(tokenizer, ChatTemplate::plain, turns, true);
  CHECK(encoded.input_ids == ids);
  CHECK(encoded.labels == labels);
  CHECK(encode_prompt(tokenizer, ChatTemplate::plain, std::span(turns).first(1)) ==
        Ids{begin, media_placeholder, tokenizer.encode("\n").at(0)});
}

TEST_CASE("an answer ends at its family's tokens", "[unit]") {
  auto const ends = [](std::string const& family, ChatTemplate const& chat) {
    auto const tokenizer = family_tokenizer(family);
    std::string text;
    for (auto const id : end_of_answer_ids(tokenizer, chat)) text += tokenizer.bytes_of_id(id);
    return text;
  };
  CHECK(ends("llama_3", ChatTemplate::llama_3) == "<|eot_id|><|end_of_text|>");
  CHECK(ends("qwen_3", ChatTemplate::qwen_3) == "<|im_end|><|endoftext|>");
  CHECK(ends("smollm2", ChatTemplate::smollm2) == "<|im_end|><|endoftext|>");
  CHECK(ends("llama_3", ChatTemplate::qwen_2).empty());
}

TEST_CASE("a template of one's own needs nothing but its values", "[unit]") {
  static constexpr ChatTemplate own{.name = "own",
                                    .before_role = "<|im_start|>",
                                    .behind_role = ": ",
                                    .end_of_turn = "<|im_end|>",
                                    .answer_lead = "Well,",
                                    .marks = "<|im_end|>"};
  auto const tokenizer = family_tokenizer("smollm2");
  std::vector<Turn> const turns{{From::human, "what?"}, {From::other, "A.", "guide"}};
  CHECK(prompt_text(own, turns) ==
        "<|im_start|>user: what?<|im_end|><|im_start|>guide: A.<|im_end|><|im_start|>assistant: "
        "Well,");
  auto const encoded = encode_conversation(tokenizer, own, turns, false);
  auto const asked = tokenizer.encode("<|im_start|>user: what?<|im_end|>");
  auto const answered = tokenizer.encode("<|im_start|>guide: A.<|im_end|>");
  Ids labels(asked.size(), ignore_label);
  labels.back() = tokenizer.id_of("<|im_end|>").value();
  labels.insert(labels.end(), answered.begin(), answered.end());
  CHECK(encoded.labels == labels);
}

TEST_CASE("a template is known by each of its names", "[unit]") {
  for (auto const name : {"qwen_2", "qwen_1_5", "internlm_2"}) {
    CHECK(text::template_named(name) == ChatTemplate::qwen_2);
  }
  for (auto const& name : text::chat_template_names()) CHECK_NOTHROW(text::template_named(name));
  CHECK(text::template_named("llava_llama_3") == ChatTemplate::llama_3);
  CHECK_THROWS_WITH(
      text::template_named("llama3"),
      "there is no chat template \"llama3\"; expected one of plain, qwen_2, qwen_1_5, "
      "internlm_2, qwen_3, chatml, smollm2, smollm_2, llama_3, llava_llama_3");
  CHECK_THROWS_AS(text::template_named(""), InputError);
}

TEST_CASE("a template says what it cannot encode", "[unit]") {
  TemporaryFolder const folder;
  folder.write("tokenizer.json", small_tokenizer_json().dump());
  auto const tokenizer = text::Tokenizer::from_folder(folder.path());
  std::vector<Turn> const turns = {{From::human, "<image>"}, {From::gpt, "ab"}, {From::human, "b"}};
  CHECK_THROWS_WITH(
      encode_conversation(tokenizer, ChatTemplate::qwen_2, turns, true),
      ContainsSubstring("no token <|im_start|>, which the chat template qwen_2 needs"));
  CHECK_THROWS_WITH(encode_conversation(tokenizer, ChatTemplate::qwen_2, {}, true),
                    ContainsSubstring("no turns"));
  CHECK_THROWS_WITH(encode_conversation(tokenizer, ChatTemplate::plain, turns, true),
                    ContainsSubstring("has 3 turns"));
  std::vector<Turn> const captioned = {{From::human, "<image> what?"}, {From::gpt, "ab"}};
  auto const encoded = encode_conversation(tokenizer, ChatTemplate::plain, captioned, true);
  CHECK(encoded.input_ids == Ids{media_placeholder, 256, 198});
  CHECK(encoded.labels == Ids{ignore_label, 256, 198});
  CHECK(text::end_of_answer_ids(tokenizer) == Ids{257});
}
