#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/app/progress.hpp>
#include <vcflash/app/report/blocks.hpp>
#include <vcflash/app/report/charts.hpp>
#include <vcflash/app/report/results_files.hpp>
#include <vcflash/app/training_report.hpp>
#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/atomic.hpp>

namespace vcflash::app {

namespace detail {

/// A number of every step's line; not a number where the line has none.
VCFLASH_INLINE std::vector<double> curve(std::vector<nlohmann::json> const& steps,
                                         std::string_view key) {
  std::vector<double> values;
  for (auto const& step : steps) {
    auto const found = step.find(key);
    values.push_back(found != step.end() && found->is_number()
                         ? found->get<double>()
                         : std::numeric_limits<double>::quiet_NaN());
  }
  return values;
}

VCFLASH_INLINE double total(std::vector<nlohmann::json> const& steps, std::string_view key) {
  double sum = 0;
  for (double const value : curve(steps, key)) sum += std::isfinite(value) ? value : 0;
  return sum;
}

VCFLASH_INLINE std::string chart_card(std::string_view title, std::string_view about,
                                      std::string_view chart) {
  return fmt::format("<div class=\"card\"><h3>{}</h3><p>{}</p>{}</div>", title, about, chart);
}

VCFLASH_INLINE std::string curves_section(std::vector<nlohmann::json> const& steps) {
  auto const losses = curve(steps, "loss");
  auto const range = LossRange::of(std::array{losses});
  std::string cards =
      chart_card("Loss", "on a logarithmic scale", loss_chart(losses, range, "loss by step"));
  auto const add = [&](std::string_view title, std::string_view about,
                       std::vector<double> const& values) {
    cards += chart_card(title, about, step_chart(values, Axis::over(values), title));
  };
  add("Gradient norm", "before clipping", curve(steps, "grad_norm"));
  add("Learning rate", "of all parts without a rate of their own", curve(steps, "lr"));
  auto speeds = curve(steps, "tokens");
  auto const seconds = curve(steps, "seconds");
  std::ranges::transform(speeds, seconds, speeds.begin(),
                         [](double tokens, double time) { return tokens / std::max(time, 1e-9); });
  add("Tokens a second", "visual ones included", speeds);
  add("Memory", "resident, in MiB", curve(steps, "resident_mib"));
  return "<h2>How it went</h2><p>Each step thinly, a running mean boldly.</p><div "
         "class=\"charts\">" +
         cards + "</div>";
}

/// Where the seconds of all steps went.
VCFLASH_INLINE std::string step_times(std::vector<nlohmann::json> const& steps) {
  std::vector<std::pair<std::string, double>> times;
  double rest = total(steps, "seconds");
  constexpr std::array<std::pair<char const*, char const*>, 4> parts{
      {{"data_seconds", "waiting for samples"},
       {"forward_seconds", "forward"},
       {"backward_seconds", "backward"},
       {"optimizer_seconds", "optimizer"}}};
  for (auto const& [key, name] : parts) {
    times.emplace_back(name, total(steps, key));
    rest -= times.back().second;
  }
  times.emplace_back("the rest", std::max(0.0, rest));
  auto section = "<h2>Where the time of the steps went</h2><div class=\"card\">" + time_bar(times);
  if (double const waited = total(steps, "communication_seconds"); waited > 0) {
    section +=
        fmt::format("<p>Of all this, {:.0f} s were spent waiting for other processes.</p>", waited);
  }
  return section + "</div>";
}

VCFLASH_INLINE std::string parts_table(nlohmann::json const& training) {
  std::string rows;
  for (auto const& part : training.at("parts")) {
    rows += fmt::format(
        "<tr><td>{}</td><td><b>{}</b></td><td class=\"n\">{}</td><td>{}</td></tr>",
        part.at("part").get<std::string>(), escaped(part.at("component").get<std::string>()),
        thousands(part.at("parameters")), part.at("trained") == true ? "trained" : "frozen");
  }
  return "<h2>What was trained</h2><div class=\"card scroll\"><table><tr><th>part</th><th>component"
         "</th><th class=\"n\">parameters</th><th></th></tr>" +
         rows + "</table></div>";
}

VCFLASH_INLINE std::string skipped_steps(std::vector<nlohmann::json> const& steps) {
  std::string rows;
  for (auto const& step : steps) {
    if (!step.contains("skipped")) continue;
    rows += fmt::format("<tr><td class=\"n\">{}</td><td>{}</td></tr>",
                        step.at("step").get<std::int64_t>(),
                        escaped(step.at("skipped").get<std::string>()));
  }
  if (rows.empty()) return {};
  return "<h2>Steps that changed nothing</h2><div class=\"card scroll\"><table><tr><th class=\"n\">"
         "step</th><th>what was no finite number</th></tr>" +
         rows + "</table></div>";
}

}  // namespace detail

VCFLASH_INLINE void write_training_report(std::filesystem::path const& out) {
  auto const training = read_results(out / "training.json");
  auto const steps = read_results_lines(out / "metrics.jsonl");
  std::ifstream settings_file(out / "config.toml");
  std::string const settings{std::istreambuf_iterator<char>(settings_file), {}};
  if (!settings_file) throw InputError((out / "config.toml").string() + ": is missing.");

  using detail::tile;
  double const seconds = std::max(training.at("seconds").get<double>(), 1e-9);
  auto const text = [&](char const* key) { return escaped(training.at(key).get<std::string>()); };
  auto const body = fmt::format(
      "<h1>{}</h1><p>{} steps of the stage {}, which trains {} of {} parameters.</p>"
      "<div class=\"tiles\">{}{}{}{}</div>{}{}{}{}<h2>Settings</h2><div class=\"card scroll\">"
      "<pre>{}</pre></div><footer>samples left out: {} · vcflash {}</footer>",
      text("recipe"), detail::thousands(training.at("steps")), text("stage"),
      detail::thousands(training.at("trained_parameters")),
      detail::thousands(training.at("parameters")),
      tile(fmt::format("{:.2f} → {:.2f}", training.at("loss_first").get<double>(),
                       training.at("loss_last").get<double>()),
           "loss of the first and the last step"),
      tile(as_duration(seconds), "of training"),
      tile(detail::thousands(std::llround(detail::total(steps, "tokens") / seconds)),
           "tokens a second"),
      tile(detail::thousands(training.at("peak_memory_mib")) + "&thinsp;MiB", "peak memory"),
      detail::curves_section(steps), detail::step_times(steps), detail::skipped_steps(steps),
      detail::parts_table(training), escaped(settings),
      training.at("bad_samples").get<std::int64_t>(), text("vcflash"));
  checkpoint::write_file(
      out / "report.html",
      detail::whole_page(fmt::format("vcflash: {}", text("recipe")), body,
                         "pre{margin:0;font:13px/1.5 ui-monospace,Menlo,monospace;}"));
}

}  // namespace vcflash::app
