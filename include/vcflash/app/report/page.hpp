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
#include <vcflash/app/report/charts.hpp>
#include <vcflash/app/report/demo_results.hpp>
#include <vcflash/app/report/style.hpp>
#include <vcflash/media/encode.hpp>
#include <vcflash/media/video.hpp>

/// The demo's `report.html`: one file that needs nothing else.
namespace vcflash::app {

namespace detail {

inline std::string thousands(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = std::ssize(digits) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), "&thinsp;");
  }
  return digits;
}

inline std::string percent(double share) { return fmt::format("{:.1f}&thinsp;%", 100 * share); }

/// The eight frames that the model saw, side by side, as the address of a JPEG.
inline std::string frame_strip(std::filesystem::path const& video) {
  constexpr int side = 128, count = 8, gap = 3;
  media::FrameRequest request;
  request.min_frames = request.max_frames = count;
  auto const frames = media::read_video(video, request, side).frames;
  media::Image strip{side, count * (side + gap) - gap, {}};
  strip.rgb.assign(std::size_t(strip.height) * std::size_t(strip.width) * 3, 0);
  for (int i = 0; i < frames.count; ++i) {
    auto const frame = frames.frame(i);
    for (int y = 0; y < side; ++y) {
      auto const row = frame.subspan(std::size_t(y) * side * 3, std::size_t(side) * 3);
      std::ranges::copy(
          row, strip.rgb.begin() +
                   (std::ptrdiff_t(y) * strip.width + std::ptrdiff_t(i) * (side + gap)) * 3);
    }
  }
  return "data:image/jpeg;base64," + base64(media::encode_jpeg(strip, 4));
}

/// A dozen answers about different clips: up to four wrong ones, then right ones, of each kind in
/// turn.
inline std::vector<nlohmann::json> chosen_answers(std::vector<nlohmann::json> const& answers) {
  constexpr std::size_t most = 12, most_wrong = 4;
  std::map<std::string, std::vector<nlohmann::json>> right, wrong;
  for (auto const& answer : answers) {
    if (answer.at("showing") != "own" || answer.contains("problem")) continue;
    (answer.at("score") == 1.0 ? right : wrong)[answer.at("kind")].push_back(answer);
  }
  std::vector<nlohmann::json> chosen;
  std::set<std::string> shown;
  auto const take = [&](auto const& by_kind, std::size_t until) {
    for (std::size_t before = most + 1; before != chosen.size();) {
      before = chosen.size();
      for (auto const& [kind, list] : by_kind) {
        auto const fresh = std::ranges::find_if(list, [&](auto const& answer) {
          return !shown.contains(answer.at("video").template get<std::string>());
        });
        if (fresh == list.end() || chosen.size() >= until) continue;
        shown.insert(fresh->at("video").template get<std::string>());
        chosen.push_back(*fresh);
      }
    }
  };
  take(wrong, most_wrong);
  take(right, most);
  return chosen;
}

inline std::string clip_card(nlohmann::json const& answer) {
  bool const is_right = answer.at("score") == 1.0;
  std::string const right = answer.at("right"), said = answer.at("parsed");
  std::string question = answer.at("question");
  question = question.substr(0, question.find('?') + 1);
  std::string options;
  char letter = 'A';
  for (auto const& option : answer.at("options")) {
    std::string const name(1, letter++);
    options += fmt::format("<li class=\"{}\">{} {}</li>",
                           name == right  ? "is-right"
                           : name == said ? "is-said"
                                          : "",
                           name, escaped(option.get<std::string>()));
  }
  return fmt::format(
      "<article class=\"card clip {}\"><img alt=\"eight frames of the clip, in order\" src=\"{}\">"
      "<header><h3>{}</h3><span class=\"verdict\">{}</span></header><ul class=\"options\">{}</ul>"
      "<div class=\"said\">the model said <code>{}</code></div></article>",
      is_right ? "right" : "wrong", frame_strip(answer.at("video").get<std::string>()),
      escaped(question), is_right ? "✓ right" : "✗ wrong", options,
      escaped(answer.at("answer").get<std::string>()));
}

inline std::string tile(std::string_view number, std::string_view what) {
  return fmt::format("<div class=\"card\"><b>{}</b><span>{}</span></div>", number, what);
}

inline std::string accuracy_section(DemoResults const& demo) {
  auto const& scores = demo.evaluation.at("scores");
  double const chance = scores.at("chance");
  std::string rows;
  auto const add = [&](std::string const& kind) {
    rows +=
        accuracy_row(kind, scores["accuracy"].at(kind), scores["control"].value(kind, 0.0), chance);
  };
  add("all");
  for (auto const& [kind, score] : scores.at("accuracy").items()) {
    if (kind != "all") add(kind);
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
      "step, and a running mean.</p><div class=\"charts\">{}</div>",
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

}  // namespace detail

/// \throws InputError if a clip cannot be read
inline std::string report_page(DemoResults const& demo) {
  auto const& scores = demo.evaluation.at("scores");
  double training = 0;
  for (auto const& stage : demo.stages) training += stage.training.at("seconds").get<double>();
  std::string clips;
  for (auto const& answer : detail::chosen_answers(demo.answers)) {
    clips += detail::clip_card(answer);
  }
  using detail::percent;
  using detail::tile;
  return fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><title>vcflash: the demo’s report</title>"
      "<style>{}</style></head><body><main><h1>A video model learned to answer, from nothing</h1>"
      "<p>{} parameters, drawn at random, went through VideoChat-Flash’s four stages on short "
      "films of moving shapes; then they were asked {} questions about films they had never "
      "seen.</p>{}<div class=\"tiles\">{}{}{}{}</div>{}{}<h2>What it saw and said</h2><p>Held-out "
      "clips as the eight frames that the model saw, in order; wrong answers first.</p>"
      "<div class=\"clips\">{}</div>{}<h2>Where the time went</h2><div class=\"card\">{}</div>"
      "<footer>seed {} · {} · everything after the set-up took {} · vcflash {}</footer></main>"
      "</body></html>\n",
      report_style, detail::thousands(demo.stages.back().training.at("parameters")),
      scores.at("questions").at("all").get<int>(),
      demo.quick ? "<div class=\"banner\">This was a <b>quick</b> run: far too short to learn the "
                   "task. It shows that everything works, and claims nothing.</div>"
                 : "",
      tile(percent(scores.at("accuracy").at("all")), "of the held-out questions answered right"),
      tile(percent(scores.at("control").at("all")), "with another clip’s video (luck is 25 %)"),
      tile(percent(scores.at("reversed").at("direction")),
           "of directions turn round when the film runs backwards"),
      tile(as_duration(training), "of training, minutes and seconds"),
      detail::accuracy_section(demo), detail::loss_section(demo), clips,
      detail::recipe_section(demo), time_bar(demo.phases), demo.seed, escaped(demo.machine),
      as_duration(demo.seconds),
      escaped(demo.stages.back().training.at("vcflash").get<std::string>()));
}

}  // namespace vcflash::app
