#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/base/nearest.hpp>
#include <vcflash/eval/benchmark_spec.hpp>
#include <vcflash/eval/text_rules.hpp>
#include <vcflash/eval/toml_section.hpp>
#include <vcflash/text/toml.hpp>

namespace vcflash::eval {

namespace detail {

template <class T, std::size_t count>
using Named = std::array<std::pair<std::string_view, T>, count>;

inline constexpr Named<AnswerRule, 5> answer_rules{{{"choice", AnswerRule::choice},
                                                    {"exact", AnswerRule::exact},
                                                    {"contains", AnswerRule::contains},
                                                    {"number", AnswerRule::number},
                                                    {"span", AnswerRule::span}}};
inline constexpr Named<AnswerForm, 3> answer_forms{
    {{"text", AnswerForm::text}, {"letter", AnswerForm::letter}, {"index", AnswerForm::index}}};
inline constexpr Named<LetterRule, 6> letter_rules{{{"egoschema", LetterRule::egoschema},
                                                    {"motionbench", LetterRule::motionbench},
                                                    {"nextqa", LetterRule::nextqa},
                                                    {"tempcompass", LetterRule::tempcompass},
                                                    {"tvbench", LetterRule::tvbench},
                                                    {"videomme_v2", LetterRule::videomme_v2}}};

/// The value of a name.  \throws InputError that lists the names
template <class T, std::size_t count>
T chosen(TomlSection const& section, std::string_view key, std::string_view text,
         Named<T, count> const& names) {
  std::string all;
  for (auto const& [name, value] : names) {
    if (name == text) return value;
    all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", name);
  }
  section.fail_at(key, fmt::format("\"{}\"", text), fmt::format("one of {}", all));
}

inline TextTemplate template_of(TomlSection const& section, std::string_view key,
                                std::string const& text) {
  try {
    return TextTemplate(text);
  } catch (InputError const& error) {
    section.fail_at(key, error.what(), "a text with {names} in braces");
  }
}

/// A text with braces is put together from columns, another names one, or several to choose from.
inline Column column_of(TomlSection const& section, std::string_view key, std::string text) {
  if (text.find_first_of("{}") != text.npos) return {{}, template_of(section, key, text)};
  Column column;
  for (std::string_view rest = text;;) {
    auto const bar = std::min(rest.find('|'), rest.size());
    column.names.emplace_back(stripped(rest.substr(0, bar)));
    if (column.names.back().empty()) {
      section.fail_at(key, fmt::format("\"{}\"", text), "the name of a column");
    }
    if (bar == rest.size()) return column;
    rest.remove_prefix(bar + 1);
  }
}

inline Column column_at(TomlSection& section, std::string_view key) {
  auto text = section.text(key);
  return text ? column_of(section, key, std::move(*text)) : Column{};
}

inline std::vector<Column> columns_at(TomlSection& section, std::string_view key) {
  std::vector<Column> columns;
  for (auto& text : section.texts(key)) {
    columns.push_back(column_of(section, key, std::move(text)));
  }
  return columns;
}

/// A template whose names are all known.
template <class Known>
TextTemplate template_at(TomlSection& section, std::string_view key, std::string const& otherwise,
                         std::vector<std::string_view> const& names, Known&& known) {
  auto const text = section.text(key).value_or(otherwise);
  auto parsed = template_of(section, key, text);
  for (auto const& name : parsed.names()) {
    if (std::ranges::find(names, name) != names.end() || known(name)) continue;
    section.fail_at(key, fmt::format("\"{}\"", text),
                    fmt::format("no name but {{{}}}; the nearest to {{{}}} is {{{}}}",
                                fmt::join(names, "}, {"), name, nearest(name, names)));
  }
  return parsed;
}

inline void read_rows_section(TomlSection section, BenchmarkSpec& spec) {
  spec.rows.files = section.texts("file");
  if (spec.rows.files.empty()) section.fail_missing("file", "the name of a file of rows");
  spec.rows.list = section.text("list").value_or("");
  spec.rows.each = section.text("each").value_or("");
  auto skip = section.section("skip");
  skip.each_texts([&](std::string column, std::vector<std::string> values) {
    spec.rows.skip.emplace(std::move(column), std::move(values));
  });
  section.finish();
}

inline void read_columns(TomlSection section, BenchmarkSpec& spec) {
  auto& columns = spec.columns;
  columns.id = column_at(section, "id");
  columns.video = column_at(section, "video");
  columns.frames = column_at(section, "frames");
  columns.image = column_at(section, "image");
  columns.start = column_at(section, "start");
  columns.end = column_at(section, "end");
  columns.question = column_at(section, "question");
  columns.options = columns_at(section, "options");
  columns.answer = columns_at(section, "answer");
  for (auto const& form : section.texts("answer_is")) {
    columns.answer_is.push_back(chosen(section, "answer_is", form, answer_forms));
  }
  columns.first_index = section.whole("first_index", 0, 1).value_or(0);
  columns.task = column_at(section, "task");
  columns.groups = section.texts("groups");
  section.finish();

  if (columns.video.given() + columns.frames.given() + columns.image.given() != 1) {
    section.fail_at("video, frames, image", "none, or several",
                    "one of a video file, a folder of pictures and a picture");
  }
  if (columns.start.given() && columns.image.given()) {
    section.fail_at("start", "set", "no clip of a picture");
  }
  if (columns.start.given() != columns.end.given()) {
    section.fail_missing(columns.start.given() ? "end" : "start", "both ends of a clip");
  }
  if (!columns.question.given()) section.fail_missing("question", "the name of a column");
  if (columns.answer.empty()) section.fail_missing("answer", "the name of a column");
}

inline void read_score(TomlSection section, BenchmarkSpec& spec) {
  auto& score = spec.score;
  score.rule = chosen(section, "rule", section.text("rule").value_or("choice"), answer_rules);
  if (auto const parser = section.text("lmms_eval")) {
    score.lmms_eval = chosen(section, "lmms_eval", *parser, letter_rules);
  }
  score.tolerance = section.number("tolerance").value_or(0);
  score.relative_tolerance = section.number("relative_tolerance").value_or(0);
  score.mean_relative_accuracy = section.truth("mean_relative_accuracy");
  score.percent = section.truth("percent");
  score.mean_of_tasks = section.truth("mean_of_tasks");
  score.video_mme_v2 = section.truth("video_mme_v2");
  section.finish();

  auto const of = [&](bool given, std::string_view key, AnswerRule rule, std::string_view name) {
    if (!given || score.rule == rule) return;
    section.fail_at(key, "set", fmt::format("rule = \"{}\", whose setting it is,", name));
  };
  of(score.lmms_eval.has_value(), "lmms_eval", AnswerRule::choice, "choice");
  of(score.video_mme_v2, "video_mme_v2", AnswerRule::choice, "choice");
  of(score.tolerance > 0, "tolerance", AnswerRule::number, "number");
  of(score.relative_tolerance > 0, "relative_tolerance", AnswerRule::number, "number");
  of(score.mean_relative_accuracy, "mean_relative_accuracy", AnswerRule::number, "number");
}

/// What the parts of the file ask of each other.
inline void check_together(BenchmarkSpec const& spec, std::string const& where) {
  auto const refuse = [&](std::string_view what) {
    throw InputError(fmt::format("{}: {}.", where, what));
  };
  auto const& columns = spec.columns;
  bool const choice = spec.score.rule == AnswerRule::choice;
  if (choice && columns.options.empty()) {
    refuse("score.rule = \"choice\" grades questions with options; columns.options is missing");
  }
  if (!choice && !columns.answer_is.empty()) {
    refuse("columns.answer_is is of questions with options, score.rule = \"choice\"");
  }
  std::size_t const most = spec.score.rule == AnswerRule::span ? 2 : 1;
  if (columns.answer.size() > most) {
    refuse(fmt::format("columns.answer names {} columns; {}", columns.answer.size(),
                       most == 2 ? "a span has a start and an end" : "one was expected"));
  }
  auto const names = spec.prompt.text.names();
  if (std::ranges::find(names, "options") != names.end() && columns.options.empty()) {
    refuse("prompt.text has {options}, and columns.options is missing");
  }
  if (spec.score.mean_of_tasks && !columns.task.given()) {
    refuse("score.mean_of_tasks needs columns.task, which is missing");
  }
  auto const [least, most_frames] = spec.frames;
  if ((least > 0) != (most_frames > 0) || least > most_frames) {
    refuse(
        fmt::format("ask.min_frames and ask.max_frames are {} and {}; both or neither were "
                    "expected, the smaller one first",
                    least, most_frames));
  }
}

}  // namespace detail

VCFLASH_INLINE BenchmarkSpec parse_benchmark(std::string_view toml,
                                             std::filesystem::path const& path) {
  std::string const where = path.string();
  auto const table = text::parsed_toml(toml, where);
  TomlSection top(&table, where);
  BenchmarkSpec spec;
  spec.name = path.stem().string();
  detail::read_rows_section(top.section("rows"), spec);
  detail::read_columns(top.section("columns"), spec);

  auto prompt = top.section("prompt");
  bool const options = !spec.columns.options.empty();
  spec.prompt.text = detail::template_at(
      prompt, "text", options ? "{question}\n{options}" : "{question}", {"question", "options"},
      [](std::string const& name) { return name.starts_with("row.") && name.size() > 4; });
  spec.prompt.option = detail::template_at(prompt, "option", "{letter}. {text}", {"letter", "text"},
                                           [](auto const&) { return false; });
  prompt.finish();

  detail::read_score(top.section("score"), spec);
  auto ask = top.section("ask");
  constexpr std::int64_t most = 1'000'000;
  spec.max_new_tokens = ask.whole("max_new_tokens", 1, most).value_or(16);
  spec.frames.least = ask.whole("min_frames", 1, most).value_or(0);
  spec.frames.most = ask.whole("max_frames", 1, most).value_or(0);
  ask.finish();
  top.finish();
  detail::check_together(spec, where);
  return spec;
}

}  // namespace vcflash::eval
