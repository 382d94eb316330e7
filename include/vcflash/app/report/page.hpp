#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/app/progress.hpp>
#include <vcflash/app/report/blocks.hpp>
#include <vcflash/app/report/charts.hpp>
#include <vcflash/app/report/demo_results.hpp>
#include <vcflash/media/video.hpp>

/// The demo's `report.html`: one file that needs nothing else.
namespace vcflash::app {

namespace detail {

/// The eight frames that the model saw.
inline std::string clip_strip(std::filesystem::path const& video) {
  constexpr int side = 128, count = 8;
  media::FrameRequest request;
  request.min_frames = request.max_frames = count;
  return frame_strip(media::read_video(video, request, side).frames, side);
}

inline std::string clip_card(nlohmann::json const& answer) {
  std::string const question = answer.at("question");
  return answer_card(answer, clip_strip(answer.at("video").get<std::string>()),
                     escaped(question.substr(0, question.find('?') + 1)),
                     options_list(answer.at("options"), answer.at("right"), answer.at("parsed")));
}

inline std::string accuracy_section(DemoResults const& demo) {
  double const chance = demo.scores.chance.value_or(0);
  std::string rows;
  for (auto const& kind : demo.scores.group("by_kind").lines) {
    auto const& controls = demo.scores.group("control").lines;
    auto const control = std::ranges::find(controls, kind.name, &eval::ScoreLine::name);
    rows +=
        accuracy_row(kind.name, kind.value, control == controls.end() ? 0 : control->value, chance);
  }
  return fmt::format(
      "<h2>How well it answers</h2><p>Multiple choice about clips that were never trained on. The "
      "control asks the same questions about another clip: a model that watches falls to luck "
      "there.</p><div class=\"card\">{}<div class=\"key\"><span><i class=\"k0\"></i>accuracy</span>"
      "<span><i class=\"k1\"></i>chance, {}</span><span><i class=\"k2\"></i>control: another "
      "clip’s video</span></div></div>",
      rows, percent(chance));
}

inline std::string loss_section(DemoResults const& demo) {
  std::vector<std::vector<double>> curves;
  for (auto const& stage : demo.stages) curves.push_back(stage.losses);
  auto const range = LossRange::of(curves);
  std::string panels;
  for (std::size_t i = 0; i < demo.stages.size(); ++i) {
    auto const& training = demo.stages[i].training;
    panels += fmt::format(
        "<div class=\"card\"><h3>Stage {}: {}</h3><p>{:.2f} → {:.2f} in {}</p>{}</div>", i + 1,
        escaped(training.at("stage").get<std::string>()), training.at("loss_first").get<double>(),
        training.at("loss_last").get<double>(), as_duration(training.at("seconds")),
        loss_chart(curves[i], range, fmt::format("loss of stage {} by step", i + 1)));
  }
  return fmt::format(
      "<h2>How it learned</h2><p>Loss on a logarithmic scale, the same in all four panels: each "
      "step, and a running mean. In stages 2 and 3 one training set follows another, such as "
      "several objects after single ones: the loss jumps where the next begins.</p>"
      "<div class=\"charts\">{}</div>",
      panels);
}

inline std::string recipe_section(DemoResults const& demo) {
  std::string stages;
  for (std::size_t i = 0; i < demo.stages.size(); ++i) {
    auto const& t = demo.stages[i].training;
    std::string trained;
    for (auto const& part : t.at("parts")) {
      if (part.at("trained") == true) {
        trained += (trained.empty() ? "" : ", ") + part.at("part").get<std::string>();
      }
    }
    stages += fmt::format(
        "<tr><td>{}</td><td><b>{}</b></td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{} × "
        "{}</td><td class=\"n\">{}</td><td class=\"n\">{} MiB</td></tr>",
        i + 1, escaped(t.at("stage").get<std::string>()), trained,
        thousands(t.at("trained_parameters")), t.at("resolution").get<int>(),
        t.at("resolution").get<int>(), t.at("steps").get<int>(),
        thousands(t.at("peak_memory_mib")));
  }
  auto const& last = demo.stages.back().training;
  std::string parts;
  for (auto const& part : last.at("parts")) {
    parts += fmt::format("<tr><td>{}</td><td><b>{}</b></td><td class=\"n\">{}</td></tr>",
                         part.at("part").get<std::string>(),
                         escaped(part.at("component").get<std::string>()),
                         thousands(part.at("parameters")));
  }
  return fmt::format(
      "<h2>The recipe as the compiler sees it</h2><p>A clip of {} frames enters the encoder as {} "
      "patches and leaves the connector as <b>{} tokens</b>. {} parameters in all.</p>"
      "<div class=\"card scroll\"><table><tr><th>part</th><th>component</th><th class=\"n\">"
      "parameters</th></tr>{}</table></div><p></p><div class=\"card scroll\"><table><tr><th></th>"
      "<th>stage</th><th>trains</th><th class=\"n\">trained parameters</th><th class=\"n\">pixels"
      "</th><th class=\"n\">steps</th><th class=\"n\">peak memory</th></tr>{}</table></div>",
      last.at("clip_frames").get<int>(), last.at("clip_patches").get<int>(),
      last.at("clip_tokens").get<int>(), thousands(last.at("parameters")), parts, stages);
}

inline std::string_view headline(DemoResults const& demo) {
  if (demo.quick) return "A quick run: everything works, nothing was learned yet";
  return learned_kinds(demo.scores) == "nothing" ? "A video model that did not learn to answer"
                                                 : "A video model learned to answer, from nothing";
}

}  // namespace detail

/// \throws InputError if a clip cannot be read
inline std::string report_page(DemoResults const& demo) {
  auto const& scores = demo.scores;
  double training = 0;
  for (auto const& stage : demo.stages) training += stage.training.at("seconds").get<double>();
  constexpr std::size_t wrong = 4;
  std::string clips;
  for (auto const& answer : detail::chosen_answers(demo.answers, wrong)) {
    clips += detail::clip_card(answer);
  }
  using detail::percent;
  using detail::tile;
  auto const body = fmt::format(
      "<h1>{}</h1>"
      "<p>{} parameters, drawn at random, went through VideoChat-Flash’s four stages on short "
      "films of moving shapes; then they were asked {} questions about films they had never "
      "seen.</p>{}<div class=\"tiles\">{}{}{}{}</div>{}{}<h2>What it saw and said</h2><p>Held-out "
      "clips as the eight frames that the model saw, in order. Only the letter of an answer "
      "counts, whatever word stands before it. Up to {} wrong answers come first, then right "
      "ones: how many of all are right is told above.</p>"
      "<div class=\"clips\">{}</div>{}<h2>Where the time went</h2><div class=\"card\">{}</div>"
      "<footer>seed {} · {} · everything after the set-up took {} · vcflash {}</footer>",
      detail::headline(demo), detail::thousands(demo.stages.back().training.at("parameters")),
      scores.questions,
      demo.quick ? "<div class=\"banner\">This was a <b>quick</b> run: far too short to learn the "
                   "task. It shows that everything works, and claims nothing.</div>"
                 : "",
      tile(percent(scores.value), "of the held-out questions answered right"),
      tile(percent(scores.group("control").line("all").value),
           "with another clip’s video (luck is 25 %)"),
      tile(percent(scores.group("reversed").line("direction").value),
           "of directions turn round when the film runs backwards"),
      tile(as_duration(training), "of training, minutes and seconds"),
      detail::accuracy_section(demo), detail::loss_section(demo), wrong, clips,
      detail::recipe_section(demo), time_bar(demo.phases), demo.seed, escaped(demo.machine),
      as_duration(demo.seconds),
      escaped(demo.stages.back().training.at("vcflash").get<std::string>()));
  return detail::whole_page("vcflash: the demo’s report", body);
}

}  // namespace vcflash::app
