#include <vcflash/eval/file_row.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;
using vcflash::eval::detail::FileRow;

TEST_CASE("a row gives its columns as texts and numbers", "[unit]") {
  nlohmann::ordered_json const cells{
      {"name", "a"}, {"n", 2}, {"list", {"x", 3}}, {"t", "1.5"}, {"none", nullptr}};
  FileRow const row(cells, "rows");
  CHECK(row.text({{"name"}, {}}) == "a");
  CHECK(row.text({{"none", "n"}, {}}) == "2");
  CHECK(row.text({{"list"}, {}}) == "x\n3");
  CHECK(row.text({{"file"}, {}}) == "rows");
  CHECK(row.text({{}, TextTemplate("{file}/{name}-{n}.mp4")}) == "rows/a-2.mp4");
  CHECK(row.number({{"t"}, {}}) == 1.5);
  CHECK_FALSE(row.text_if_there({{"none"}, {}}));
  CHECK(row.text_if_there({{"name"}, {}}) == "a");
}

TEST_CASE("what a row lacks is told with the nearest that it has", "[unit]") {
  nlohmann::ordered_json const cells{{"question", "a"}, {"o", {{"p", 1}}}};
  FileRow const row(cells, "rows");
  CHECK_THROWS_WITH(row.text({{"quesiton"}, {}}),
                    ContainsSubstring("no column quesiton; the nearest is question"));
  CHECK_THROWS_WITH(row.text({{"o"}, {}}), ContainsSubstring("o is an object"));
  CHECK_THROWS_WITH(row.number({{"question"}, {}}), ContainsSubstring("\"a\" is no number"));
  for (auto const* text : {"", "1e999", "nan", "1x"}) {
    CHECK_THROWS_AS(FileRow::number_in(text), vcflash::InputError);
  }
}
