#include <vcflash/eval/missing_media.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include <vcflash/eval/benchmarks/mvbench.hpp>
#include <vcflash/eval/benchmarks/shapes.hpp>

#include "tests/support/folder.hpp"

using namespace vcflash::eval;
using Catch::Matchers::ContainsSubstring;

namespace {

/// An exam about some videos of a folder.
ExamOf<Shapes> about(std::filesystem::path const& folder, std::vector<std::string> const& names) {
  std::vector<Shapes::Question> questions;
  for (auto const& name : names) questions.push_back({.kind = "colour", .video = folder / name});
  return {Shapes{}, std::move(questions)};
}

}  // namespace

TEST_CASE("questions without their video are counted, and each video is named once", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  folder.write("a.mp4", "");
  std::filesystem::create_directories(folder / "folder.mp4");
  auto const exam =
      about(folder.path(), {"a.mp4", "b.mp4", "b.mp4", "folder.mp4", "a.mp4/inside.mp4"});
  auto const missing = missing_media(exam);
  CHECK(missing.questions == 4);
  CHECK(missing.paths.size() == 3);
  CHECK_THROWS_WITH(
      require_media(exam, folder.path(), 0.5),
      ContainsSubstring("of 5 questions 4 have no video in " + folder.path().string()) &&
          ContainsSubstring("b.mp4") && ContainsSubstring("--max-broken 1"));
  CHECK_NOTHROW(require_media(exam, folder.path(), 0.8));
  CHECK_NOTHROW(require_media(about(folder.path(), {"a.mp4"}), folder.path(), 0));
}

TEST_CASE("a folder of frames is looked for as a folder", "[unit]") {
  vcflash::test::TemporaryFolder const folder;
  std::size_t task = 0;
  while (MvBench::sources[task].task != "episodic_reasoning") ++task;
  Row const row{.task = task, .doc = {{"video", "clip"}}, .media = folder.path()};
  auto const missing = [&] { return missing_media(ExamOf<MvBench>({}, {row})).questions; };
  CHECK(missing() == 1);
  std::filesystem::create_directories(folder / "tvqa/frames_fps3_hq/clip");
  CHECK(missing() == 0);
}
