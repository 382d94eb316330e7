#include <vcflash/app/machine.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/report/page.hpp>
#include <vcflash/checkpoint/atomic.hpp>

#include <CLI/CLI.hpp>
#include <chrono>

using namespace vcflash;

int main(int argc, char** argv) {
  app::Program program("demo-report",
                       "Writes results.json and report.html from what a run of apps/demo left.",
                       "demo-report --demo demo-out --seed 1");
  std::filesystem::path demo;
  std::uint64_t seed = 0;
  std::int64_t began = 0;
  bool quick = false;
  auto& flags = program.flags();
  flags.add_option("--demo", demo, "The demo's folder")->type_name("DIR")->required();
  flags.add_option("--seed", seed, "The seed it ran with")->type_name("N");
  flags
      .add_option("--began", began,
                  "When it began, in seconds since 1970; default: as its "
                  "phases add up")
      ->type_name("SECONDS");
  flags.add_flag("--quick", quick, "Say that the run was too short to learn the task");
  return program.run(argc, argv, [&] {
    auto results = app::gather_demo(demo);
    results.seed = seed;
    results.quick = quick;
    results.machine = app::machine_name();
    for (auto const& [name, seconds] : results.phases) results.seconds += seconds;
    if (began > 0) {
      auto const now = std::chrono::system_clock::now().time_since_epoch();
      results.seconds = static_cast<double>(
          std::chrono::duration_cast<std::chrono::seconds>(now).count() - began);
    }
    checkpoint::write_file(demo / "report.html", app::report_page(results));
    checkpoint::write_file(demo / "results.json", app::to_json(results).dump(2) + '\n');
    fmt::print("{}", app::last_lines(results, demo));
  });
}
