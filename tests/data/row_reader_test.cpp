#include <vcflash/data/row_reader.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace vcflash;
using namespace vcflash::data;

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
