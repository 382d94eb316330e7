#include <vcflash/eval/share.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

nlohmann::json const header{{"model", "a"}};

std::vector<SharedQuestion> const four{{"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}};

constexpr Pace quick{.beat = 20ms, .gone = 400ms, .look = 20ms};

/// An earlier start's journal.
void leave(std::filesystem::path const& out, std::string const& id, Said const& said,
           nlohmann::json const& about = header) {
  Journal(out / ("answers.journal-" + id + ".jsonl"), "earlier", about).add(id, said);
}

/// Answers its part, and what others leave.
/// \return all answers, in the first process
std::vector<Said> answer_all(std::filesystem::path const& out, Processes& processes,
                             bool fresh = false) {
  SharedAnswers answers(out, header, processes, fresh);
  auto const ask = [&](std::vector<std::size_t> const& left) {
    for (auto const i : left) answers.add(four[i].id, {.text = processes.name() + four[i].id});
  };
  ask(answers.own_part(four));
  if (processes.place().rank != 0) return {};
  for (auto left = answers.left_behind(four); !left.empty(); left = answers.left_behind(four)) {
    ask(left);
  }
  auto said = answers.said(four);
  processes.finish("four");
  answers.remove();
  processes.dismiss();
  return said;
}

/// A process of its own; killed at the end if it has not ended.
class Child {
 public:
  explicit Child(std::function<void()> const& work) : pid_(::fork()) {
    if (pid_ != 0) return;
    try {
      work();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  Child(Child const&) = delete;
  Child& operator=(Child const&) = delete;
  ~Child() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  void signal(int number) const { ::kill(pid_, number); }
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

template <class Condition>
void until(Condition const& condition) {
  while (!condition()) std::this_thread::sleep_for(2ms);
}

std::size_t answered(std::filesystem::path const& out) {
  std::size_t count = 0;
  for (auto const& path : journals(out)) {
    JournalReader reader(path);
    reader.read();
    count += reader.answers().size();
  }
  return count;
}

}  // namespace

TEST_CASE("every group of questions is one process's", "[unit]") {
  for (std::int64_t const processes : {1, 2, 3}) {
    for (std::size_t group = 0; group < 7; ++group) {
      CHECK(rank_of(group, processes) >= 0);
      CHECK(rank_of(group, processes) < processes);
    }
  }
}

TEST_CASE("the answers of all processes are gathered, and no file of theirs is left", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Child second([&] {
    Processes processes(out.path(), {1, 2}, quick);  // which waits for the first
    answer_all(out.path(), processes);
    until([&] { return processes.is_finished("four"); });
  });
  std::this_thread::sleep_for(100ms);
  {
    Processes processes(out.path(), {0, 2}, quick);
    auto const said = answer_all(out.path(), processes);
    CHECK(said[0].text == processes.name() + "0");
    CHECK(said[2].text == processes.name() + "2");
    CHECK(said[1].text.ends_with("1"));
    CHECK(said[1].text != processes.name() + "1");
  }
  CHECK(second.wait() == 0);
  CHECK(std::filesystem::is_empty(out.path()));
}

TEST_CASE("what a process leaves that is killed half way is asked by the first", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  auto const work = [&] {
    Processes processes(out.path(), {1, 2}, quick);
    SharedAnswers answers(out.path(), header, processes, false);
    answers.add("1", {.text = "before"});
    std::this_thread::sleep_for(1h);
  };
  // killed, which this machine tells at once; or stopped, so that its heart does not beat
  for (int const number : {SIGKILL, SIGSTOP}) {
    Child const second(work);
    Processes processes(out.path(), {0, 2}, quick);
    until([&] { return answered(out.path()) == 1; });
    second.signal(number);
    auto const began = std::chrono::steady_clock::now();
    auto const said = answer_all(out.path(), processes);
    auto const took = std::chrono::steady_clock::now() - began;
    CHECK(said[1].text == "before");
    CHECK(said[3].text == processes.name() + "3");
    CHECK(took < (number == SIGKILL ? 1500ms : 5000ms));
    if (number == SIGSTOP) CHECK(took >= 200ms);
  }
}

TEST_CASE("a process that never comes is waited for so long, and its part then asked", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Pace hurried = quick;
  hurried.arrival = 0min;
  Processes processes(out.path(), {0, 2}, hurried);
  auto const said = answer_all(out.path(), processes);
  CHECK(said[3].text == processes.name() + "3");
  CHECK_THROWS_WITH(Processes(out.path(), {1, 3}, quick), ContainsSubstring("is one of 2"));
  vcflash::test::TemporaryFolder const other;
  CHECK_THROWS_WITH(Processes(other.path(), {1, 2}, hurried), ContainsSubstring("has not begun"));
}

TEST_CASE("a process that died before it had found the run is not waited for", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Child waiting([&] {
    Heartbeat const own(sign_path(out.path(), 1), 2, quick);
    std::this_thread::sleep_for(1h);
  });
  until([&] { return detail::read_sign(sign_path(out.path(), 1)).has_value(); });
  waiting.signal(SIGKILL);
  waiting.wait();
  Processes processes(out.path(), {0, 2}, quick);
  CHECK_FALSE(processes.is_awaited(1));
}

TEST_CASE("a process that has ended is waited for no more, whether it was seen or not", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Pace patient = quick;
  patient.gone = 1h;
  Processes processes(out.path(), {0, 2}, patient);
  { Processes const second(out.path(), {1, 2}, patient); }
  CHECK_FALSE(processes.is_awaited(1));
  auto const said = answer_all(out.path(), processes);
  CHECK(said[1].text == processes.name() + "1");
}

TEST_CASE("two runs do not share a folder", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Processes const processes(out.path(), {0, 1}, quick);
  CHECK_THROWS_WITH(Processes(out.path(), {0, 1}, quick), ContainsSubstring("another process"));
}

TEST_CASE("what earlier starts answered is known, unless it is to be dropped", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  leave(out.path(), "0", {.text = "a"});
  leave(out.path(), "1", {.text = "b"});
  leave(out.path(), "2", {.problem = "no memory"});
  {
    Processes processes(out.path(), {0, 1}, quick);
    SharedAnswers const again(out.path(), header, processes, false);
    REQUIRE(again.find("1") != nullptr);
    CHECK(again.find("1")->text == "b");
    CHECK(again.find("2") == nullptr);  // is asked again
    CHECK(again.own_part(four) == std::vector<std::size_t>{2, 3});
  }
  Processes processes(out.path(), {0, 1}, quick);
  SharedAnswers const fresh(out.path(), header, processes, true);
  CHECK(fresh.own_part(four).size() == 4);
  CHECK(journals(out.path()).size() == 1);
}

TEST_CASE("a late process brings no old answers into a run that drops them", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  for (auto const* id : {"0", "1", "2", "3"}) leave(out.path(), id, {.text = "old"});
  Child second([&] {
    Processes processes(out.path(), {1, 2}, quick);
    std::this_thread::sleep_for(300ms);
    answer_all(out.path(), processes, true);
    until([&] { return processes.is_finished("four"); });
  });
  Processes processes(out.path(), {0, 2}, quick);
  for (auto const& said : answer_all(out.path(), processes, true)) CHECK(said.text != "old");
  CHECK(second.wait() == 0);
}

TEST_CASE("what a process of this run could not ask counts, and an answer before it", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  Processes processes(out.path(), {0, 1}, quick);
  SharedAnswers mine(out.path(), header, processes, false);
  mine.add("0", {.problem = "no video"});
  mine.read();
  REQUIRE(mine.find("0") != nullptr);
  CHECK(mine.find("0")->problem == "no video");
  leave(out.path(), "0", {.text = "yes"});
  mine.read();
  CHECK(mine.find("0")->text == "yes");
}

TEST_CASE("answers of another evaluation are refused or dropped, and by name", "[unit]") {
  vcflash::test::TemporaryFolder const out;
  leave(out.path(), "0", {.text = "a"}, {{"model", "b"}});
  Processes processes(out.path(), {0, 1}, quick);
  CHECK_THROWS_WITH(
      SharedAnswers(out.path(), header, processes, false),
      ContainsSubstring("model (\"b\" and \"a\") differs") && ContainsSubstring("--fresh"));
  CHECK_NOTHROW(SharedAnswers(out.path(), header, processes, true));
  Journal(out / "answers.journal-x", processes.run(), {{"model", "b"}}).add("0", {});
  CHECK_THROWS_WITH(SharedAnswers(out.path(), header, processes, true),
                    ContainsSubstring("do not ask alike"));
}
