#include <vcflash/eval/share.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

nlohmann::json const header{{"model", "a"}};

std::vector<std::string> const three{"0", "1", "2"};

}  // namespace

TEST_CASE("every group of questions is one process's", "[unit]") {
  for (std::int64_t const processes : {1, 2, 3}) {
    for (std::size_t group = 0; group < 7; ++group) {
      int takers = 0;
      for (std::int64_t rank = 0; rank < processes; ++rank) {
        takers += takes({rank, processes}, group);
      }
      CHECK(takers == 1);
    }
  }
}

TEST_CASE("the answers of all processes are gathered, also of one that comes late", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  SharedAnswers mine(out.path(), header, {0, 2}, false);
  mine.add("0", {.text = "a"});
  std::jthread const other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    SharedAnswers answers(out.path(), header, {1, 2}, false);
    answers.add("1", {.text = "b"});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    answers.add("2", {.text = "c"});
  });
  auto const said = mine.gathered(three);
  REQUIRE(said.size() == 3);
  CHECK(said[0].text == "a");
  CHECK(said[2].text == "c");
  mine.remove();
  CHECK(journals(out.path()).empty());
}

TEST_CASE("a process that ended before its questions were answered is noticed", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  { Journal(journal_path(out.path(), 1), header).add("1", {}); }
  auto const gather = [&](std::int64_t processes) {
    SharedAnswers(out.path(), header, {0, processes}, false)
        .gathered(three, std::chrono::seconds(0));
  };
  CHECK_THROWS_WITH(gather(2), ContainsSubstring("2 questions are left"));
  CHECK_THROWS_WITH(gather(3), ContainsSubstring("start again"));
}

TEST_CASE("a process that was met and has ended is not waited for", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  SharedAnswers mine(out.path(), header, {0, 2}, false);
  {
    Journal const other(journal_path(out.path(), 1), header);
    mine.add("0", {});
  }
  CHECK_THROWS_WITH(mine.gathered(three, std::chrono::hours(1)),
                    ContainsSubstring("2 questions are left"));
}

TEST_CASE("what earlier starts answered is known, unless it is to be dropped", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  { Journal(journal_path(out.path(), 0), header).add("0", {.text = "a"}); }
  { Journal(journal_path(out.path(), 1), header).add("1", {.text = "b"}); }
  {
    SharedAnswers const again(out.path(), header, {0, 1}, false);
    REQUIRE(again.find("1") != nullptr);
    CHECK(again.find("1")->text == "b");
    CHECK(again.find("2") == nullptr);
  }
  SharedAnswers const fresh(out.path(), header, {0, 1}, true);
  CHECK(fresh.find("0") == nullptr);
  CHECK(fresh.find("1") == nullptr);
  CHECK(journals(out.path()).size() == 1);
}

TEST_CASE("journals of another run give no answers", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  { Journal(journal_path(out.path(), 0), header).add("1", {}); }
  auto const none = [](auto const&) { return false; };
  CHECK(journalled_answers(out.path(), header, none).size() == 1);
  CHECK(journalled_answers(out.path(), {{"model", "b"}}, none).empty());
}

TEST_CASE("what a process could not ask counts when it has come, and not from an earlier start",
          "[unit]") {
  vcflash::test::TemporaryFolder const out;
  { Journal(journal_path(out.path(), 1), header).add("1", {.problem = "no memory"}); }
  SharedAnswers mine(out.path(), header, {0, 2}, false);
  CHECK(mine.find("1") == nullptr);
  mine.add("0", {.text = "a"});
  mine.add("2", {.problem = "no video"});
  std::jthread const other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    SharedAnswers answers(out.path(), header, {1, 2}, false);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    answers.add("1", {.text = "b"});
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
  });
  auto const said = mine.gathered(three);
  CHECK(said[1].text == "b");
  CHECK(said[2].problem == "no video");
}
