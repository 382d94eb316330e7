#include <vcflash/eval/journal.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using vcflash::test::read_file;

namespace {

nlohmann::json const header{{"model", "a"}, {"questions", 3}};

JournalReader read(std::filesystem::path const& path) {
  JournalReader reader(path);
  reader.read();
  return reader;
}

}  // namespace

TEST_CASE("answers are there again, whatever they hold", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto const path = folder / "journal";
  {
    Journal journal(path, "run", header);
    journal.add("q/1", {.text = "one\n\"two\" \xFF"});
    journal.add("q/2", {.problem = "no video"});
    journal.add("q/3", {.problem = "no memory"});
    journal.add("q/3", {.text = "yes"});
  }
  auto const journal = read(path);
  CHECK(journal.run() == "run");
  CHECK(journal.header() == header);
  CHECK(journal.answers().at("q/1").text == "one\n\"two\" \xEF\xBF\xBD");
  CHECK(journal.answers().at("q/2") == Said{.problem = "no video"});
  CHECK(journal.answers().at("q/3") == Said{.text = "yes"});
}

TEST_CASE("a journal is read as it grows, line by line", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto const path = folder / "journal";
  JournalReader reader(path);
  reader.read();  // there is none yet
  Journal journal(path, "run", header);
  for (std::size_t i = 0; i < 3; ++i) {
    reader.read();
    CHECK(reader.answers().size() == i);
    journal.add(std::to_string(i), {.text = "answer"});
  }
}

TEST_CASE("cut off at any byte, a journal keeps its whole lines", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  {
    Journal journal(folder / "whole", "run", header);
    for (int i = 0; i < 3; ++i) journal.add(std::to_string(i), {.text = "answer"});
  }
  auto const whole = read_file(folder / "whole");
  for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    folder.write("cut", whole.substr(0, bytes));
    auto const lines = std::ranges::count(whole.substr(0, bytes), '\n');
    auto reader = read(folder / "cut");
    CHECK(reader.answers().size() ==
          static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, lines - 1)));
    folder.write("cut", whole);
    reader.read();
    CHECK(reader.answers().size() == 3);
  }
}

TEST_CASE("what is no journal gives no answers", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  for (auto const* content : {"", "\n", "no JSON\n", "[]\n", "{}\n{\"id\": 1}\n",
                              "{\"about\": 3}\n{\"text\": \"a\"}\n"}) {
    INFO(content);
    CHECK(read(folder.write("journal", content)).answers().empty());
  }
  auto const twisted = read(folder.write("journal", "{}\n{\"id\": \"1\", \"text\": 3}\n"));
  CHECK(twisted.answers().at("1") == Said{});
}

TEST_CASE("a journal is written where nothing is yet, and nowhere else", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  CHECK_THROWS_AS(Journal(folder / "none" / "journal", "run", header), vcflash::Error);
  Journal const journal(folder / "journal", "run", header);
  CHECK_THROWS_AS(Journal(folder / "journal", "run", header), vcflash::Error);
}
