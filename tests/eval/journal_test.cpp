#include <vcflash/eval/journal.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;
using vcflash::test::read_file;

namespace {

nlohmann::json const header{{"model", "a"}, {"questions", 3}};

}  // namespace

TEST_CASE("answers are there again, whatever they hold", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  {
    Journal journal(folder / "journal", header);
    CHECK(journal.answers().empty());
    journal.add("q/1", {.text = "one\n\"two\" \xFF"});
    journal.add("q/2", {.problem = "no video"});
  }
  Journal const journal(folder / "journal", header);
  CHECK(journal.answers().at("q/1").text == "one\n\"two\" \xEF\xBF\xBD");
}

TEST_CASE("what could not be asked is asked again when a journal is opened anew", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto const path = folder / "journal";
  {
    Journal journal(path, header);
    journal.add("q/1", {.text = "yes"});
    journal.add("q/2", {.problem = "no memory"});
    CHECK(detail::read_journal(path).answers.at("q/2") == Said{.problem = "no memory"});
  }
  {
    Journal journal(path, header);
    CHECK(journal.answers().size() == 1);
    CHECK(detail::read_journal(path).answers.size() == 1);
    journal.add("q/2", {.problem = "no video"});
    CHECK(detail::read_journal(path).answers.at("q/2").problem == "no video");
  }
  Journal journal(path, header);
  journal.add("q/2", {.text = "no"});
  CHECK(detail::read_journal(path).answers.at("q/2").text == "no");
}

TEST_CASE("cut off at any byte, a journal keeps its whole lines and goes on", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  {
    Journal journal(folder / "whole", header);
    for (int i = 0; i < 3; ++i) journal.add(std::to_string(i), {.text = "answer"});
  }
  auto const whole = read_file(folder / "whole");
  for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    folder.write("cut", whole.substr(0, bytes));
    {
      Journal journal(folder / "cut", header);
      auto const known = journal.answers().size();
      auto const lines = std::ranges::count(whole.substr(0, bytes), '\n');
      CHECK(known == static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, lines - 1)));
      for (auto i = known; i < 3; ++i) journal.add(std::to_string(i), {.text = "answer"});
    }
    CHECK(read_file(folder / "cut") == whole);
  }
}

TEST_CASE("the answers of another run are not taken for one's own", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  auto other = header;
  other["model"] = "b";
  { Journal const journal(folder / "journal", other); }
  { Journal(folder / "journal", header).add("1", {}); }  // the other had no answer yet
  CHECK_THROWS_WITH(Journal(folder / "journal", other),
                    ContainsSubstring("model") && ContainsSubstring("--fresh"));
  CHECK_THROWS_AS(Journal(folder / "none" / "journal", header), vcflash::Error);
}

TEST_CASE("two processes do not write one journal", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  Journal const journal(folder / "journal", header);
  CHECK_THROWS_WITH(Journal(folder / "journal", header), ContainsSubstring("another process"));
}
