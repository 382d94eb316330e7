#include <vcflash/data/row_reader.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("one reader reads row after row, the last of equal keys counting", "[unit]") {
  RowReader reader;
  auto const read = [&](std::string text) {
    auto const size = text.size();
    text.resize(size + simdjson::SIMDJSON_PADDING);
    return reader.read(std::string_view(text).substr(0, size)).row(3);
  };
  auto const first =
      read(R"({"video": "a", "image": ["b", "c"], "video": "d", "id": "x", "id": 1.50,
      "video_read_type": "img", "conversations": [{"from": "gpt", "value": "x"}], "conversations": [{"from": "gpt",
      "value": "two words", "role": "user", "content": "in three words"}]})");
  CHECK(first.problem.empty());
  CHECK(first.number == 3);
  CHECK(first.id == "1.50");
  CHECK(first.modality == Modality::image);
  CHECK(first.media == std::vector<std::string>{"b", "c"});
  CHECK(first.read_type == "img");
  CHECK(first.turns == std::vector<text::Turn>{{text::Turn::From::human, "in three words"}});
  auto const second = read(R"({"conversations": [{"from": "human", "value": "x"}]})");
  CHECK(second.id.empty());
  CHECK(second.media.empty());
  CHECK(second.read_type.empty());
  CHECK(second.turns.size() == 1);
}

namespace {

Row read_row(std::string text) {
  RowReader reader;
  auto const size = text.size();
  text.resize(size + simdjson::SIMDJSON_PADDING);
  return reader.read(std::string_view(text).substr(0, size)).row(0);
}

std::string const asked = R"("conversations": [{"from": "human", "value": "<image>\nwhat?"},
                                              {"from": "gpt", "value": "x"}])";

}  // namespace

TEST_CASE("null is as good as absent", "[unit]") {
  auto const text =
      read_row(R"({"id": null, "video": null, "image": null, "start": null, "end": null,
      "video_read_type": null, "conversations": [{"from": "human", "value": "what?"}]})");
  CHECK(text.problem.empty());
  CHECK(text.media.empty());
  CHECK(text.modality == Modality::text);
  auto const video =
      read_row(R"({"video": "a.mp4", "image": null, "images": null, )" + asked + "}");
  CHECK(video.problem.empty());
  CHECK(video.modality == Modality::video);
  CHECK(video.media == std::vector<std::string>{"a.mp4"});
  CHECK_FALSE(read_row(R"({"image": null, )" + asked + "}").problem.empty());
}

TEST_CASE("rows of ms-swift and LLaMA-Factory are read", "[unit]") {
  using text::Turn;
  auto const row = read_row(R"({"messages": [
      {"role": "system", "content": "You are a helpful assistant."},
      {"role": "user", "content": "<video>what is longer, this or <video>?"},
      {"role": "assistant", "content": "this"}], "images": [], "videos": ["a.mp4", "b.mp4"]})");
  CHECK(row.problem.empty());
  CHECK(row.modality == Modality::video);
  CHECK(row.media == std::vector<std::string>{"a.mp4", "b.mp4"});
  CHECK(row.turns ==
        std::vector<Turn>{{Turn::From::human, "<image>what is longer, this or <image>?"},
                          {Turn::From::gpt, "this"}});
  auto const pictures = read_row(R"({"images": ["a.png"], "conversations": [
      {"from": "human", "value": "<image>what?"}, {"from": "gpt", "value": "x"}]})");
  CHECK(pictures.problem.empty());
  CHECK(pictures.modality == Modality::image);
  CHECK_THAT(read_row(R"({"videos": ["a.mp4"], "images": ["a.png"], )" + asked + "}").problem,
             ContainsSubstring("a row shows one kind"));
  for (std::string const system : {"",
                                   "You are a helpful AI assistant named SmolLM, trained by "
                                   "Hugging Face"}) {
    CHECK(read_row(R"({"messages": [{"role": "system", "content": ")" + system +
                   R"("}, {"role": "user", "content": "x"}]})")
              .turns == std::vector<Turn>{{Turn::From::human, "x"}});
  }
  CHECK_THAT(read_row(R"({"messages": [{"role": "system", "content": "Be rude."},
                                       {"role": "user", "content": "x"}]})")
                 .problem,
             ContainsSubstring("a system message of its own"));
  CHECK_THAT(
      read_row(R"({"videos": ["a.mp4", "b.mp4"], "start": 1, "end": 2, )" + asked + "}").problem,
      ContainsSubstring("parts are taken of one video"));
}

TEST_CASE("a row whose medium is not found by its keys says which key was meant", "[unit]") {
  auto const problem = [](std::string const& key) {
    return read_row("{\"" + key + R"(": "a.mp4", )" + asked + "}").problem;
  };
  CHECK(problem("video_path") ==
        R"(has no medium for its text; its key "video_path" is not read: write "video")");
  CHECK_THAT(problem("img"), ContainsSubstring(R"(write "image")"));
  CHECK_THAT(problem("vidoe"), ContainsSubstring(R"(write "video")"));
  CHECK(problem("Video") == R"(has the key "Video", which is not read: write "video")");
  CHECK(read_row(R"({"ID": 7, "video": "a.mp4", )" + asked + "}").problem.empty());
  CHECK(problem("note") == "has <image> in its text and neither image nor video");
  CHECK(read_row(R"({"video_path": "a.mp4", "conversations": [{"from": "human", "value": "x"}]})")
            .problem.empty());
  CHECK(read_row(R"({"query": "x", "response": "y"})").problem ==
        R"(has no conversations; its key "query" is not read: write "messages")");
}

TEST_CASE("a reader that failed reads on", "[unit]") {
  RowReader reader;
  std::string bad = R"({"id" 3})", good = R"({"conversations": [{"from": "gpt", "value": "a b"}]})";
  std::string not_text = "{\"id\": \"\xE9\"}";
  for (auto* text : {&bad, &good, &not_text}) text->reserve(200);
  CHECK_THROWS_AS(reader.read(not_text), simdjson::simdjson_error);
  CHECK(reader.location() == nullptr);
  CHECK_THROWS_AS(reader.read(bad), simdjson::simdjson_error);
  CHECK(reader.location() != nullptr);
  CHECK(reader.read(good).words() == 2);
}
