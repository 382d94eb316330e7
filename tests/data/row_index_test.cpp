#include <vcflash/data/row_index.hpp>
#include <vcflash/meta/vocabulary.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::data;

TEST_CASE("an index knows of each row where it is and what it holds", "[unit]") {
  test::TemporaryFolder folder;
  std::string const turns = R"("conversations": [{"from": "human", "value": "a b c"}])";
  std::string const text = "{" + turns + "}", image = R"({"image": "x/../../y", )" + turns + "}",
                    broken = R"({"video": 3, )" + turns + "}";
  MappedFile const list(folder.write("a.json", "[" + text + ",\n" + image + " ," + broken + "]"));
  MappedFile const lines(
      folder.write("a.jsonl", "\xEF\xBB\xBF" + text + "\n\r\n" + image + "\r\n" + broken));
  for (bool const by_line : {false, true}) {
    auto const& file = by_line ? lines : list;
    auto const entries = index_rows(file, by_line);
    REQUIRE(entries.size() == 3);
    auto const text_of = [&](IndexEntry const& entry) {
      return file.bytes().substr(entry.offset, entry.bytes);
    };
    CHECK(text_of(entries[0]) == text);
    CHECK(text_of(entries[1]).starts_with(image));
    CHECK(text_of(entries[2]) == broken);
    CHECK(entries[0].words == 3);
    CHECK(entries[0].modality == static_cast<int>(Modality::text));
    CHECK(entries[0].outside == 0);
    CHECK(entries[1].modality == static_cast<int>(Modality::image));
    CHECK(entries[1].outside == 1);
    CHECK(entries[2].broken == 1);
    CHECK(entries[2].number == (by_line ? 4U : 2U));
  }
}
