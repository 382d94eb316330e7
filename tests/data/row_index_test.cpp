#include <vcflash/base/vocabulary.hpp>
#include <vcflash/data/padded_text.hpp>
#include <vcflash/data/row_index.hpp>

#include <cstdint>
#include <filesystem>
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
  media::StoredFile const list(
      folder.write("a.json", "[" + text + ",\n" + image + " ," + broken + "]"));
  media::StoredFile const lines(
      folder.write("a.jsonl", "\xEF\xBB\xBF" + text + "\n\r\n" + image + "\r\n" + broken));
  for (bool const by_line : {false, true}) {
    auto const& file = by_line ? lines : list;
    auto const entries = index_rows(file, by_line);
    REQUIRE(entries.size() == 3);
    auto const text_of = [&](IndexEntry const& entry) {
      return padded_text(file, std::int64_t(entry.offset), entry.bytes).substr(0, entry.bytes);
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

TEST_CASE("rows are found wherever a file is cut into pieces, and however large they are",
          "[unit]") {
  test::TemporaryFolder folder;
  std::string list = "[", lines;
  for (int i = 0; i < 60; ++i) {
    std::string const row = R"({"conversations": [{"from": "human", "value": "\"]}, [ )" +
                            std::string(i == 30 ? 5 << 20 : 100'000 + i * 997, 'x') + "\"}]}";
    list += (i == 0 ? "" : " ,\n") + row;
    lines += row + (i % 3 == 0 ? "\r\n\n" : "\n");
  }
  media::StoredFile const a(folder.write("a.json", list + "\n]\n"));
  media::StoredFile const b(folder.write("a.jsonl", lines));
  for (auto const* file : {&a, &b}) {
    auto const entries = index_rows(*file, file == &b);
    REQUIRE(entries.size() == 60);
    for (auto const& entry : entries) {
      CHECK(entry.broken == 0);
      CHECK(entry.words == 3);
      auto const text =
          padded_text(*file, std::int64_t(entry.offset), entry.bytes).substr(0, entry.bytes);
      CHECK(text.starts_with("{\"conv"));
      CHECK(text.find("}]}") != text.npos);
    }
  }
  CHECK_THROWS_AS(index_rows(media::StoredFile(folder.write("c.json", list)), false), InputError);
}

TEST_CASE("a file that is shortened while its rows are found is a sentence", "[unit]") {
  test::TemporaryFolder folder;
  std::string lines;
  while (lines.size() < (5 << 20))
    lines += R"({"conversations": [{"from": "human", "value": "a b c"}]})"
             "\n";
  auto const path = folder.write("rows.jsonl", lines);
  media::StoredFile const file(path);
  std::filesystem::resize_file(path, 3 << 20);
  CHECK_THROWS_AS(index_rows(file, true), media::ReadError);
}
