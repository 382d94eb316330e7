#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <vcflash/app/evaluation_report.hpp>
#include <vcflash/app/program.hpp>
#include <vcflash/app/report/answer_browser.hpp>
#include <vcflash/app/report/blocks.hpp>
#include <vcflash/app/report/results_files.hpp>
#include <vcflash/app/report/score_groups.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/media/image.hpp>
#include <vcflash/media/load_video.hpp>

namespace vcflash::app {

namespace detail {

/// Eight frames of what a question is about; empty if it cannot be shown.
VCFLASH_INLINE std::string question_strip(eval::MediumRequest const& medium) {
  media::FrameRequest request;
  request.min_frames = request.max_frames = 8;
  request.start = medium.start;
  request.end = medium.end;
  try {
    if (medium.image) {
      auto picture = media::read_image(medium.video);
      return frame_strip({1, picture.height, picture.width, std::move(picture.rgb)}, 128);
    }
    auto const video = media::load_video(medium.video, request);
    return frame_strip(medium.reversed ? media::reversed(video.frames) : video.frames, 128);
  } catch (std::exception const&) {
    return {};
  }
}

/// What is right, as a letter where a row has the place of one of so many options.
VCFLASH_INLINE std::string right_answer(nlohmann::json const& right, std::size_t options) {
  auto const text = text_of(right);
  std::size_t place = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), place);
  bool const number = error == std::errc() && end == text.data() + text.size();
  return number && place < options ? std::string(1, static_cast<char>('A' + place)) : text;
}

VCFLASH_INLINE std::string question_card(nlohmann::json const& answer, std::string const& right,
                                         eval::MediumRequest const& medium) {
  std::string more;
  if (answer.contains("options")) {
    more = options_list(answer["options"], right, answer.at("parsed"));
  } else {
    more = fmt::format("<div class=\"said\">right is <code>{}</code></div>", escaped(right));
  }
  if (answer.at("parsed") == "") more += "<div class=\"said\">no answer was found in:</div>";
  auto const title = answer.value("kind", answer.value("task", answer.at("id").get<std::string>()));
  return answer_card(
      answer, question_strip(medium), escaped(title),
      fmt::format("<pre>{}</pre>{}", escaped(end_of_question(answer.at("question"))), more));
}

/// All answers, as they were graded and, where there are two rules, by the other one.
/// \param rule by which they were  \param right_of what is right, of an answer
template <class RightOf>
std::string all_answers(eval::Exam const& exam, std::vector<nlohmann::json> const& answers,
                        std::string const& rule, RightOf const& right_of) {
  std::vector<std::string> columns{rule};
  std::vector<eval::Answer> by_other;
  auto const other = rule == "upstream" ? eval::Scoring::strict : eval::Scoring::upstream;
  auto const other_exam = rule.empty() ? nullptr : exam.with_scoring(other);
  if (other_exam && answers.size() == exam.size()) {
    std::vector<eval::Said> said;
    for (auto const& answer : answers) {
      said.push_back({answer.at("answer"), answer.value("problem", "")});
    }
    by_other = other_exam->graded(said);
    columns.emplace_back(name_of(other));
  }
  std::vector<ShownQuestion> questions;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto& shown = questions.emplace_back(shown_question(answers[i]));
    shown.right = right_of(answers[i]);
    shown.answers.push_back(shown_answer(answers[i]));
    if (by_other.empty()) continue;
    auto const& graded = by_other[i];
    shown.answers.push_back({graded.text, graded.parsed, graded.problem, graded.score});
  }
  return answer_browser(columns, questions);
}

/// A share by name of a group and of a line.
using Shares = std::map<std::pair<std::string, std::string>, double>;

VCFLASH_INLINE Shares shares_of(std::vector<ScoreGroup> const& groups) {
  Shares shares;
  for (auto const& group : groups) {
    for (auto const& line : group.lines) shares[{group.title, line.name}] = line.share;
  }
  return shares;
}

}  // namespace detail

VCFLASH_INLINE std::string evaluation_page(eval::Exam const& exam,
                                           nlohmann::ordered_json const& results,
                                           std::vector<nlohmann::json> const& answers) {
  using detail::percent;
  using detail::thousands;
  using detail::tile;
  auto const scores = eval::scores_in(results.at("scores"));
  auto const groups = score_groups(scores);

  // What stands beside each score: the same by the other rule, or a control.
  std::string const rule = results.value("scoring", "");
  std::string const other_rule = rule == "upstream" ? "strict" : "upstream";
  auto const other_scores = results.find("scores_" + other_rule);
  bool const two_rules = !rule.empty() && other_scores != results.end();
  detail::Shares other;
  std::string other_name;
  if (two_rules) {
    other = detail::shares_of(score_groups(eval::scores_in(*other_scores)));
    other_name = "by the " + other_rule + " rule";
  } else if (!scores.controls.empty()) {
    auto control = bars_of(scores.group("control"), scores.whole);
    control.title = "By kind";
    other = detail::shares_of({control});
    other_name = "control: another clip’s video";
  }
  std::optional<double> chance;
  if (scores.chance) chance = *scores.chance / scores.whole;

  std::string bars, table;
  for (auto const& group : groups) {
    bars += fmt::format("<div class=\"card wide\"><h3>{}</h3>", escaped(group.title));
    for (auto const& line : group.lines) {
      auto const found = other.find({group.title, line.name});
      auto const beside =
          found == other.end() ? std::optional<double>() : std::optional(found->second);
      auto const questions = line.questions ? thousands(*line.questions) : std::string();
      bars += share_row(line.name, line.share, chance, beside, other_name,
                        questions.empty() ? percent(line.share)
                                          : fmt::format("{} <small>of {}</small>",
                                                        percent(line.share), questions));
      table += fmt::format(
          "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>{}</tr>",
          &line == &group.lines.front() ? escaped(group.title) : "", escaped(line.name), questions,
          percent(line.share),
          other_name.empty()
              ? ""
              : fmt::format("<td class=\"n\">{}</td>", beside ? percent(*beside) : ""));
    }
    bars += "</div>";
  }
  std::string key;
  if (chance) key += fmt::format("<span><i class=\"k1\"></i>chance, {}</span>", percent(*chance));
  if (!other_name.empty()) {
    key += fmt::format("<span><i class=\"k2\"></i>{}</span>", escaped(other_name));
  }

  auto const& interval = results.at("interval");
  auto const between = interval.contains("low")
                           ? fmt::format("mean score; 95 % interval {} to {}",
                                         percent(std::max(0.0, interval["low"].get<double>())),
                                         percent(std::min(1.0, interval["high"].get<double>())))
                           : "mean score";
  auto const& broken = results.at("broken");
  std::string tiles = tile(percent(interval.at("mean")), between) +
                      tile(thousands(results.at("asked")), "questions asked") +
                      tile(thousands(interval.at("clusters")), "videos");
  tiles += broken.empty()
               ? tile("0", "questions that could not be asked")
               : tile(thousands(std::ssize(broken)), "could not be asked, and are wrong");

  std::string body = fmt::format(
      "<h1>{}</h1><p>What <b>{}</b> answered, of the folder {}.</p><div class=\"tiles\">{}</div>",
      escaped(exam.name()), escaped(results.value("model", "")),
      escaped(results.value("folder", "")), tiles);
  if (two_rules) {
    body += fmt::format(
        "<h2>By both rules</h2><p>Upstream’s rule has accidents and makes published numbers "
        "comparable; the strict one does what was meant.</p><div class=\"card scroll\"><table><tr>"
        "<th>rule</th><th class=\"n\">value</th></tr><tr><td><b>{}</b></td><td class=\"n\">{:.2f}"
        "</td></tr><tr><td>{}</td><td class=\"n\">{:.2f}</td></tr></table></div>",
        rule, scores.value, other_rule, eval::scores_in(*other_scores).value);
  }
  if (!groups.empty()) {
    body += fmt::format(
        "<h2>Scores</h2>{}<div class=\"stack\">{}</div><h2>In numbers</h2><div class=\"card "
        "scroll\"><table><tr><th>group</th><th></th><th class=\"n\">questions</th><th class=\"n\">"
        "{}</th>{}</tr>{}</table></div>",
        key.empty() ? "" : "<div class=\"key\">" + key + "</div>", bars,
        two_rules ? "by the " + rule + " rule" : "score",
        other_name.empty() ? "" : "<th class=\"n\">" + escaped(other_name) + "</th>", table);
  }

  std::map<std::string, std::size_t> question_of;
  for (std::size_t i = 0; i < exam.size(); ++i) question_of[exam.id(i)] = i;
  auto const right_of = [&](nlohmann::json const& answer) {
    auto const question = question_of.find(answer.at("id"));
    return detail::right_answer(answer.at("right"),
                                question == question_of.end() ? 0 : exam.options(question->second));
  };
  std::string cards;
  for (auto const& answer : detail::chosen_answers(answers, 6)) {
    auto const question = question_of.find(answer.at("id"));
    if (question == question_of.end()) continue;
    cards += detail::question_card(answer, right_of(answer), exam.medium(question->second));
  }
  if (!cards.empty()) {
    body +=
        "<h2>What it saw and said</h2><p>Eight frames of each video, in order; wrong answers "
        "first.</p><div class=\"clips\">" +
        cards + "</div>";
  }
  if (!broken.empty()) {
    constexpr std::size_t most = 50;
    std::string rows;
    for (std::size_t i = 0; i < std::min(most, broken.size()); ++i) {
      rows += fmt::format("<tr><td>{}</td><td>{}</td></tr>",
                          escaped(broken[i].at("id").get<std::string>()),
                          escaped(broken[i].at("problem").get<std::string>()));
    }
    body += fmt::format(
        "<h2>What could not be asked</h2><div class=\"card scroll\"><table><tr><th>question</th>"
        "<th>problem</th></tr>{}</table></div>{}",
        rows, broken.size() > most ? fmt::format("<p>and {} more</p>", broken.size() - most) : "");
  }
  body += "<h2>Every answer</h2>" + detail::all_answers(exam, answers, rule, right_of);
  auto const& frames = results.at("frames");
  body += fmt::format("<footer>{} to {} frames, {} · {} · vcflash {}</footer>",
                      frames.at("least").get<std::int64_t>(), frames.at("most").get<std::int64_t>(),
                      escaped(frames.at("sampling").get<std::string>()),
                      escaped(results.at("dtype").get<std::string>()), version);
  return detail::whole_page(escaped(fmt::format("{}: {}", exam.name(), results.value("model", ""))),
                            body, answer_browser_style);
}

VCFLASH_INLINE void write_evaluation_report(std::filesystem::path const& out,
                                            eval::Exam const& exam) {
  auto const page = evaluation_page(exam, read_results(out / "results.json"),
                                    read_results_lines(out / "answers.jsonl"));
  checkpoint::write_file(out / "report.html", page);
}

}  // namespace vcflash::app
