#include <vcflash/train/checkpoint_writer.hpp>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <fstream>
#include <string_view>
#include <thread>

#include <vcflash/base/error.hpp>

#include "tests/dist/as_ranks.hpp"
#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::train;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
namespace fs = std::filesystem;

namespace {

CheckpointWriter::Write writes(std::string const& name) {
  return [name](fs::path const& folder) { std::ofstream(folder / name) << name; };
}

}  // namespace

TEST_CASE("a checkpoint is written beside the steps, and the newest stay", "[unit]") {
  test::TemporaryFolder const folder;
  CheckpointWriter writer(folder.path(), 2, nullptr);
  std::atomic<bool> may_end = false;
  writer.begin(1, [&](fs::path const& staged) {
    while (!may_end) std::this_thread::sleep_for(1ms);
    std::ofstream(staged / "a") << "a";
  });
  CHECK(writer.busy());
  CHECK_FALSE(fs::exists(folder / "checkpoint-1"));
  may_end = true;
  writer.finish();
  CHECK_FALSE(writer.busy());
  CHECK(test::read_file(folder / "checkpoint-1/a") == "a");
  for (std::int64_t const step : {2, 3}) writer.begin(step, writes("a"));
  writer.finish();
  CHECK_FALSE(fs::exists(folder / "checkpoint-1"));
  CHECK(fs::exists(folder / "checkpoint-3/a"));
}

TEST_CASE("a checkpoint that cannot be written is told once and leaves nothing", "[unit]") {
  test::TemporaryFolder const folder;
  CheckpointWriter writer(folder.path(), 2, nullptr);
  writer.begin(1, [](fs::path const&) { throw Error("the disk is full"); });
  CHECK_THROWS_MATCHES(writer.finish(), Error, MessageMatches(ContainsSubstring("disk is full")));
  writer.finish();
  CHECK(fs::is_empty(folder.path()));
  writer.begin(2, writes("a"));
  writer.finish();
  CHECK(fs::exists(folder / "checkpoint-2/a"));
}

TEST_CASE("whatever keeps a checkpoint from the disk is told, and not thrown through", "[unit]") {
  test::TemporaryFolder const folder;
  CheckpointWriter writer(folder.path(), 2, nullptr);
  writer.begin(1, [&](fs::path const&) { fs::directory_iterator(folder / "none"); });
  CHECK_THROWS_MATCHES(writer.finish(), Error, MessageMatches(ContainsSubstring("none")));
}

TEST_CASE("a model joins a run's files, and may take an earlier one's away", "[unit]") {
  test::TemporaryFolder const folder;
  folder.write("run/old.safetensors", "x");
  folder.write("run/config.toml", "x");
  CheckpointWriter writer(folder / "run", 2, nullptr);
  writer.write_model(writes("new.safetensors"),
                     [](std::string_view name) { return name.ends_with(".safetensors"); });
  CHECK(fs::exists(folder / "run/new.safetensors"));
  CHECK(fs::exists(folder / "run/config.toml"));
  CHECK_FALSE(fs::exists(folder / "run/old.safetensors"));
}

TEST_CASE("a slow disk of the first rank's makes no other rank miss it", "[unit]") {
  test::TemporaryFolder const folder;
  auto const failures = test::as_ranks(2, 1s, [&](dist::ProcessGroup& group) {
    CheckpointWriter writer(folder.path(), 2, &group);
    auto const slow = [](fs::path const& staged) {
      std::this_thread::sleep_for(3s);
      std::ofstream(staged / "model") << "x";
    };
    writer.write_model(slow, nullptr);
  });
  for (auto const& failure : failures) CHECK(failure == "");
  CHECK(fs::exists(folder / "model"));
}

TEST_CASE("ranks that do not share a folder are found out before anything is learned", "[unit]") {
  test::TemporaryFolder const here, there;
  auto const tried = [&](fs::path const& of_second) {
    return test::as_ranks(2, 60s, [&](dist::ProcessGroup& group) {
      CheckpointWriter writer(group.first() ? here.path() : of_second, 2, &group);
      writer.try_out(".try-1");
    });
  };
  for (auto const& failure : tried(here.path())) CHECK(failure == "");
  CHECK(fs::is_empty(here.path()));
  auto const failures = tried(there.path());
  CHECK_THAT(failures[0], ContainsSubstring("rank 1: ") && ContainsSubstring("cannot be written"));
  CHECK_THAT(failures[1], ContainsSubstring("cannot be written"));
  CHECK(fs::is_empty(here.path()));
}

TEST_CASE("ranks fill one checkpoint, which is there when all have written, or not at all",
          "[unit]") {
  test::TemporaryFolder const folder;
  auto const failures = test::as_ranks(3, 60s, [&](dist::ProcessGroup& group) {
    CheckpointWriter writer(folder.path(), 2, &group);
    writer.begin(1, writes(std::to_string(group.rank())));
    while (group.any(writer.busy())) std::this_thread::sleep_for(1ms);
    if (writer.proceed()) fail("is current before it was made so");
    if (!writer.finish()) fail("is not current");
    for (auto const* const file : {"0", "1", "2"}) {
      if (!fs::exists(folder / "checkpoint-1" / file)) fail("no file of rank ", file);
    }
    auto write = writes("x");
    if (group.rank() == 1) write = [](fs::path const&) { throw Error("the disk is full"); };
    writer.begin(2, write);
    std::string told;
    try {
      writer.finish();
    } catch (Error const& error) {
      told = error.what();
    }
    auto const* const expected =
        group.rank() == 1 ? "the disk is full" : "rank 1: the disk is full";
    if (told != expected) fail("was told: ", told);
    writer.begin(3, writes("y"));
    writer.finish();
  });
  for (auto const& failure : failures) CHECK(failure == "");
  CHECK_FALSE(fs::exists(folder / "checkpoint-2"));
  CHECK(fs::exists(folder / "checkpoint-3/y"));
}
