#include <vcflash/data/row_reader.hpp>
#include <vcflash/data/turn_reader.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace vcflash;
using namespace vcflash::data;
using Catch::Matchers::ContainsSubstring;

namespace {

Row row_of_messages(std::string text) {
  RowReader reader;
  auto const size = text.size();
  text.resize(size + simdjson::SIMDJSON_PADDING);
  return reader.read(std::string_view(text).substr(0, size)).row(0);
}

}  // namespace

TEST_CASE("messages of parts are read as Qwen-VL and Hugging Face write them", "[unit]") {
  using text::Turn;
  auto const row = row_of_messages(R"({"messages": [{"role": "user", "content": [
      {"type": "video", "video": "a.mp4"}, {"type": "text", "text": "what?"}]},
      {"role": "assistant", "content": [{"type": "text", "text": "x"}]}]})");
  CHECK(row.problem.empty());
  CHECK(row.modality == Modality::video);
  CHECK(row.media == std::vector<std::string>{"a.mp4"});
  CHECK(row.turns ==
        std::vector<Turn>{{Turn::From::human, "<image>\nwhat?"}, {Turn::From::gpt, "x"}});
  auto const column = row_of_messages(R"({"images": ["a.png"], "messages": [{"role": "user",
      "content": [{"type": "image"}, {"text": "what?", "type": "text"}]}]})");
  CHECK(column.problem.empty());
  CHECK(column.media == std::vector<std::string>{"a.png"});
  CHECK(column.turns[0].value == "<image>\nwhat?");
  auto const problem = [](std::string const& parts, std::string const& more = "") {
    return row_of_messages(R"({"messages": [{"role": "user", "content": [)" + parts + "]}]" + more +
                           "}")
        .problem;
  };
  CHECK_THAT(problem(R"({"type": "audio", "audio": "a.wav"})"), ContainsSubstring("\"audio\""));
  CHECK_THAT(problem(R"({"video": "a"}, {"image": "b"})"), ContainsSubstring("one kind"));
  CHECK_THAT(problem(R"({"video": "a"})", R"(, "video": "b")"), ContainsSubstring("must go"));
  CHECK_THAT(problem("3"), ContainsSubstring("a number as a part"));
}
