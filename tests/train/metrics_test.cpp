#include <vcflash/train/metrics.hpp>

#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <sstream>

#include "tests/support/folder.hpp"

using namespace vcflash;
using namespace vcflash::train;

namespace {

std::vector<nlohmann::json> lines_of(std::filesystem::path const& path) {
  std::istringstream text(test::read_file(path));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

StepReport at_step(std::int64_t step, double loss) {
  StepReport report;
  report.step = step;
  report.loss = loss;
  report.learning_rate = 1e-5;
  return report;
}

}  // namespace

TEST_CASE("each step is one JSON object with at least step, loss and lr", "[unit]") {
  test::TemporaryFolder const folder;
  MetricsFile file(folder / "metrics.jsonl", 0);
  file.write(at_step(1, 2.5));
  file.write(at_step(2, std::numeric_limits<double>::quiet_NaN()));
  auto const lines = lines_of(folder / "metrics.jsonl");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].at("step") == 1);
  CHECK(lines[0].at("loss") == 2.5);
  CHECK(lines[0].at("lr") == 1e-5);
  CHECK(lines[1].at("loss").is_null());
}

TEST_CASE("a run that is taken up drops what its file says about later steps", "[unit]") {
  test::TemporaryFolder const folder;
  auto const path = folder.write("metrics.jsonl",
                                 "{\"step\": 1}\n{\"step\": 2}\n{\"step\": 3}\n{\"step\": 4, \"lo");
  MetricsFile(path, 2).write(at_step(3, 1));
  auto const lines = lines_of(path);
  REQUIRE(lines.size() == 3);
  CHECK(lines[2].at("loss") == 1);
  SECTION("and one that starts over drops everything") {
    MetricsFile(path, 0).write(at_step(1, 1));
    CHECK(lines_of(path).size() == 1);
  }
}
