#include <vcflash/eval/share.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

nlohmann::json const header{{"model", "a"}};

/// How many of three questions have no answer.
std::size_t left_of_three(std::map<std::string, Said> const& answers) { return 3 - answers.size(); }

}  // namespace

TEST_CASE("every group of questions is one process's", "[unit]") {
  for (std::int64_t const processes : {1, 2, 3}) {
    for (std::size_t group = 0; group < 7; ++group) {
      int takers = 0;
      for (std::int64_t rank = 0; rank < processes; ++rank) {
        takers += Share{rank, processes}.takes(group);
      }
      CHECK(takers == 1);
    }
  }
}

TEST_CASE("a launcher says which process this is", "[unit]") {
  for (auto const* name : {"RANK", "WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                           "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}) {
    ::unsetenv(name);
  }
  CHECK(Share::from_environment().processes == 1);
  ::setenv("RANK", "1", 1);
  CHECK(Share::from_environment().processes == 1);
  ::setenv("WORLD_SIZE", "3", 1);
  CHECK(Share::from_environment().rank == 1);
  CHECK(Share::from_environment().processes == 3);
  ::setenv("RANK", "3", 1);
  CHECK_THROWS_WITH(Share::from_environment(), ContainsSubstring("RANK=3"));
  ::unsetenv("RANK");
  ::unsetenv("WORLD_SIZE");
}

TEST_CASE("the answers of all processes are gathered, also of one that comes late", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Journal mine(journal_path(out.path(), 0), header);
  mine.add("0", {.text = "a"});
  std::jthread const other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    Journal journal(journal_path(out.path(), 1), header);
    journal.add("1", {.text = "b"});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    journal.add("2", {.text = "c"});
  });
  auto const answers = gather_answers(out.path(), header, {0, 2}, left_of_three);
  CHECK(answers.size() == 3);
  CHECK(answers.at("2").text == "c");
}

TEST_CASE("a process that ended before its questions were answered is noticed", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Journal const mine(journal_path(out.path(), 0), header);
  { Journal(journal_path(out.path(), 1), header).add("1", {}); }
  auto const gather = [&](std::int64_t processes) {
    gather_answers(out.path(), header, {0, processes}, left_of_three, std::chrono::seconds(0));
  };
  CHECK_THROWS_WITH(gather(2), ContainsSubstring("2 questions are left"));
  CHECK_THROWS_WITH(gather(3), ContainsSubstring("start again"));
}

TEST_CASE("journals of another run give no answers", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  { Journal(journal_path(out.path(), 0), header).add("1", {}); }
  CHECK(journalled_answers(out.path(), header).size() == 1);
  CHECK(journalled_answers(out.path(), {{"model", "b"}}).empty());
  CHECK(journals(out.path()).size() == 1);
}
