#include <vcflash/app/training_report.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/folder.hpp"

using namespace vcflash;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

/// What a training of three steps leaves, the second of which changed nothing.
void write_run(test::TemporaryFolder const& folder) {
  json const training{{"recipe", "mine<1>"},
                      {"stage", "VideoSft"},
                      {"steps", 3},
                      {"seconds", 8.0},
                      {"loss_first", 4.0},
                      {"loss_last", 1.5},
                      {"parameters", 1161344},
                      {"trained_parameters", 33024},
                      {"peak_memory_mib", 900},
                      {"bad_samples", 2},
                      {"vcflash", "0.1.0"},
                      {"parts", json::array({{{"part", "connector"},
                                              {"component", "ToMe8"},
                                              {"parameters", 33024},
                                              {"trained", true}},
                                             {{"part", "llm"},
                                              {"component", "Qwen2"},
                                              {"parameters", 1128320},
                                              {"trained", false}}})}};
  folder.write("training.json", training.dump());
  std::string lines;
  for (int step = 1; step <= 3; ++step) {
    json line{{"step", step},
              {"loss", 4.0 / step},
              {"lr", 1e-3},
              {"grad_norm", 2.0},
              {"seconds", 2.5},
              {"data_seconds", 0.5},
              {"forward_seconds", 1},
              {"backward_seconds", 0.5},
              {"tokens", 400},
              {"optimizer_seconds", 0.25},
              {"resident_mib", 700.0},
              {"communication_seconds", 0}};
    if (step == 2) {
      line["loss"] = nullptr;
      line["skipped"] = "the loss";
    }
    lines += line.dump() + '\n';
  }
  folder.write("metrics.jsonl", lines);
  folder.write("config.toml", "[train]\nname = \"a<b\"\n");
}

}  // namespace

TEST_CASE("a training's report has its curves, its times, what was skipped and the settings",
          "[unit]") {
  test::TemporaryFolder const folder;
  write_run(folder);
  app::write_training_report(folder.path());
  auto const page = test::read_file(folder / "report.html");
  CHECK_THAT(page, ContainsSubstring("<h1>mine&lt;1&gt;</h1>"));
  CHECK_THAT(page, ContainsSubstring("4.00 → 1.50"));
  CHECK_THAT(page, ContainsSubstring("<b>150</b><span>tokens a second"));  // 1200 in 8 s
  CHECK_THAT(page, ContainsSubstring("waiting for samples: 1.5 s"));
  CHECK_THAT(page, ContainsSubstring("forward: 3.0 s"));
  CHECK_THAT(page, ContainsSubstring("the rest: 0.8 s"));  // 7.5 less 6.75
  CHECK_THAT(page, ContainsSubstring("<td class=\"n\">2</td><td>the loss</td>"));
  CHECK_THAT(page, ContainsSubstring("33&thinsp;024</td><td>trained"));
  CHECK_THAT(page, ContainsSubstring("name = &quot;a&lt;b&quot;"));
  CHECK_THAT(page, ContainsSubstring("samples left out: 2"));
  CHECK_THAT(page, !ContainsSubstring("other processes"));
  std::size_t charts = 0;
  for (auto at = page.find("<svg"); at != page.npos; at = page.find("<svg", at + 1)) ++charts;
  CHECK(charts == 5);
  CHECK_THAT(page, !ContainsSubstring("http"));
}

TEST_CASE("a report of a folder without a training is refused by the missing file's name",
          "[unit]") {
  for (auto const* name : {"training.json", "metrics.jsonl", "config.toml"}) {
    test::TemporaryFolder const folder;
    write_run(folder);
    std::filesystem::remove(folder / name);
    CHECK_THROWS_WITH(app::write_training_report(folder.path()), ContainsSubstring(name));
    CHECK_FALSE(std::filesystem::exists(folder / "report.html"));
  }
}
