#pragma once

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/file_question.hpp>
#include <vcflash/eval/file_row.hpp>
#include <vcflash/eval/row_options.hpp>
#include <vcflash/eval/strict_choice.hpp>
#include <vcflash/eval/table_file.hpp>
#include <vcflash/eval/text_rules.hpp>

namespace vcflash::eval {

namespace detail {

/// The option that an answer is in one form.
inline std::optional<std::size_t> option_of(std::string const& answer, AnswerForm form,
                                            FileQuestion const& question,
                                            std::int64_t first_index) {
  auto const& options = question.options;
  switch (form) {
    case AnswerForm::text:
      for (std::size_t i = 0; i < options.size(); ++i) {
        auto const words = lower_words(answer);
        for (auto const& text :
             {options[i], question.given[i], option_letter(i) + ". " + options[i]}) {
          if (words == lower_words(text)) return i;
        }
      }
      break;
    case AnswerForm::letter: {
      static Regex const letter(R"(^[\s"'(\[]*([A-Za-z])[\s"')\].:,]*\z)");
      auto const match = letter.first(answer);
      if (!match) break;
      auto const place = static_cast<std::size_t>(as_capital((*match)[1])[0] - 'A');
      if (place < options.size()) return place;
      break;
    }
    case AnswerForm::index: {
      auto const digits = stripped(answer);
      std::int64_t place = 0;
      auto const* const end = digits.data() + digits.size();
      auto const [last, error] = std::from_chars(digits.data(), end, place);
      if (error != std::errc() || last != end || place < first_index) break;
      place -= first_index;
      if (place < std::ssize(options)) return static_cast<std::size_t>(place);
      break;
    }
  }
  return std::nullopt;
}

inline std::string right_option(BenchmarkSpec const& spec, FileQuestion const& question,
                                std::string const& answer) {
  auto const& wanted = spec.columns.answer_is;
  static std::vector<AnswerForm> const all{AnswerForm::text, AnswerForm::letter, AnswerForm::index};
  std::optional<std::size_t> right;
  for (auto const form : wanted.empty() ? all : wanted) {
    auto const option = option_of(answer, form, question, spec.columns.first_index);
    if (!option) continue;
    if (right && *right != *option) {
      fail<InputError>("the answer \"", answer, "\" is option ", option_letter(*right),
                       " in one way and ", option_letter(*option),
                       " in another; columns.answer_is says which of text, letter and index it is");
    }
    right = option;
    if (!wanted.empty()) break;
  }
  if (!right) {
    fail<InputError>("the answer \"", answer, "\" is none of the options A to ",
                     option_letter(question.options.size() - 1));
  }
  return option_letter(*right);
}

inline void read_options(BenchmarkSpec const& spec, FileRow const& row, FileQuestion& question) {
  auto const& columns = spec.columns.options;
  if (columns.size() == 1 && !columns.front().parts) {
    question.given = options_in(row.cell(columns.front().names));
  } else {
    bool ended = false;  // fewer options than columns: the last ones are empty
    for (auto const& column : columns) {
      auto option = row.text_if_there(column);
      if (option && ended) {
        fail<InputError>("option ", option_letter(question.given.size()),
                         " is empty, and one after it is \"", *option, "\"");
      }
      if (option) question.given.push_back(std::move(*option));
      ended = !option;
    }
  }
  for (auto& option : question.given) option = std::string(stripped(option));
  constexpr std::size_t most = 26;
  if (question.given.size() < 2 || question.given.size() > most) {
    fail<InputError>("there are ", question.given.size(), " options; 2 to ", most,
                     " were expected");
  }
  question.options = without_letters(question.given);
}

inline std::string prompt_of(BenchmarkSpec const& spec, FileRow const& row,
                             FileQuestion const& question) {
  // the question's own lines of options are no part of it
  auto text = row.text(spec.columns.question);
  auto const& options = spec.columns.options;
  auto const& asked = spec.columns.question;
  if (options.size() == 1 && !options.front().parts && !asked.parts &&
      &row.cell(options.front().names) == &row.cell(asked.names)) {
    text = option_lines(text).question;
  }
  return spec.prompt.text.filled([&](std::string const& name) {
    if (name == "question") return std::string(stripped(text));
    if (name != "options") return row.text({{name.substr(4)}, {}});  // behind "row."
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < question.options.size(); ++i) {
      lines.push_back(spec.prompt.option.filled([&](std::string const& part) {
        return part == "letter" ? option_letter(i) : question.options[i];
      }));
    }
    return joined(lines, "\n");
  });
}

/// The elements of a list that was read as a text.
inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (true) {
    auto const end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    if (end == text.size()) return lines;
    text.remove_prefix(end + 1);
  }
}

inline TimeSpan right_span(BenchmarkSpec const& spec, FileRow const& row) {
  auto const& columns = spec.columns.answer;
  TimeSpan span;
  if (columns.size() == 2) {
    span = {row.number(columns[0]), row.number(columns[1])};
  } else {
    auto const times = lines_of(row.text(columns.front()));
    if (times.size() != 2) {
      fail<InputError>("the answer \"", joined(times, ", "),
                       "\" is no span; a list of its start and end was expected");
    }
    span = {FileRow::number_in(times[0]), FileRow::number_in(times[1])};
  }
  if (span.end < span.start) {
    fail<InputError>("the answer's span ends at ", span.end, " s, before it starts at ", span.start,
                     " s");
  }
  return span;
}

/// The columns that all of Video-MME-v2's rows have.
inline video_mme_v2::Place video_mme_v2_place(FileRow const& row) {
  auto const text = [&](char const* column) { return row.text({{column}, {}}); };
  auto const id = text("question_id");
  auto const type = text("group_type");
  auto const step = id.substr(std::min(id.rfind('-') + 1, id.size()));
  if (step.size() != 1 || step[0] < '1' || step[0] > '4') {
    fail<InputError>("question_id is \"", id, "\"; one that ends in -1 to -4 was expected");
  }
  if (type != "relevance" && type != "logic") {
    fail<InputError>("group_type is \"", type, "\"; relevance or logic was expected");
  }
  video_mme_v2::Place place{.group = text("video_id"),
                            .step = step[0] - '0',
                            .logic = type == "logic",
                            .level = text("level")};
  if (place.logic) {
    auto const shape = replaced(text("group_structure"), " ", "");
    auto const known = std::ranges::find(video_mme_v2::structures, shape);
    if (known == video_mme_v2::structures.end()) {
      fail<InputError>("group_structure is \"", shape, "\"; one of ",
                       fmt::format("{}", fmt::join(video_mme_v2::structures, " ")),
                       " was expected");
    }
    place.structure =
        static_cast<video_mme_v2::Structure>(known - video_mme_v2::structures.begin());
  }
  return place;
}

inline FileQuestion question_of(BenchmarkSpec const& spec, FileRow const& row, std::string id,
                                std::filesystem::path const& media) {
  auto const& columns = spec.columns;
  FileQuestion question{.id = columns.id.given() ? row.text(columns.id) : std::move(id)};
  if (columns.task.given()) question.task = row.text(columns.task);
  for (auto const& group : columns.groups) question.groups.push_back(row.text({{group}, {}}));

  bool const folder = columns.frames.given(), image = columns.image.given();
  auto const file = row.text(folder ? columns.frames : image ? columns.image : columns.video);
  if (file.empty()) fail<InputError>("the name of the video is empty");
  question.medium = {.video = media / file, .frame_folder = folder, .image = image};
  if (columns.start.given()) {
    question.medium.start = row.number(columns.start);
    question.medium.end = row.number(columns.end);
    if (*question.medium.end <= *question.medium.start) {
      fail<InputError>("the clip ends at ", *question.medium.end, " s, and starts at ",
                       *question.medium.start, " s");
    }
  }

  if (!columns.options.empty()) read_options(spec, row, question);
  question.prompt = prompt_of(spec, row, question);
  switch (spec.score.rule) {
    case AnswerRule::choice:
      question.right = {right_option(spec, question, row.text(columns.answer.front()))};
      break;
    case AnswerRule::exact:
    case AnswerRule::contains:
      // a list of answers that are right is a line each
      question.right = lines_of(row.text(columns.answer.front()));
      break;
    case AnswerRule::number:
      question.number = row.number(columns.answer.front());
      break;
    case AnswerRule::span:
      question.span = right_span(spec, row);
      break;
  }
  if (spec.score.video_mme_v2) question.place = video_mme_v2_place(row);
  return question;
}

/// The rows that are asked: one an element of the column `each`, with the row's other columns.
inline std::vector<nlohmann::ordered_json> asked_rows(BenchmarkSpec const& spec,
                                                      nlohmann::ordered_json const& row) {
  std::vector<nlohmann::ordered_json> asked;
  auto const list = spec.rows.each.empty() ? row.end() : row.find(spec.rows.each);
  if (list == row.end() || list->is_null()) {
    asked.push_back(row);
  } else if (!list->is_array()) {
    fail<InputError>(spec.rows.each, " is a ", list->type_name(), "; a list was expected");
  } else {
    auto common = row;
    common.erase(spec.rows.each);
    for (auto const& element : *list) {
      if (!element.is_object()) {
        fail<InputError>("an element of ", spec.rows.each, " is a ", element.type_name(),
                         "; an object was expected");
      }
      asked.push_back(common);
      asked.back().update(element);
    }
  }
  std::erase_if(asked, [&](auto const& cells) {
    return std::ranges::any_of(spec.rows.skip, [&](auto const& skip) {
      auto const* const cell = find_cell(cells, skip.first);
      return cell && !cell->is_structured() &&
             std::ranges::find(skip.second, FileRow::text_of(skip.first, *cell)) !=
                 skip.second.end();
    });
  });
  return asked;
}

inline std::filesystem::path rows_file(BenchmarkSpec const& spec, std::string const& file,
                                       std::filesystem::path const& data) {
  for (auto const& path : {data / "json" / file, data / file}) {
    if (std::filesystem::is_regular_file(path)) return path;
  }
  throw InputError(fmt::format("{0}: there is neither json/{1} nor {1} here, the questions of {2}.",
                               data.string(), file, spec.name));
}

}  // namespace detail

VCFLASH_INLINE std::vector<FileQuestion> read_questions(BenchmarkSpec const& spec,
                                                        std::filesystem::path const& data,
                                                        std::filesystem::path const& media) {
  std::vector<FileQuestion> questions;
  std::set<std::string> ids;
  for (auto const& file : spec.rows.files) {
    auto const path = detail::rows_file(spec, file, data);
    auto const stem = path.stem().string();
    std::size_t number = 0;
    for (auto const& row : read_table(path, spec.rows.list)) {
      try {
        for (auto const& cells : detail::asked_rows(spec, row.cells)) {
          auto id = spec.rows.files.size() > 1 ? fmt::format("{}/{}", stem, number)
                                               : fmt::format("{}", number);
          ++number;
          questions.push_back(
              detail::question_of(spec, detail::FileRow(cells, stem), std::move(id), media));
          if (!ids.insert(questions.back().id).second) {
            fail<InputError>("another row has the id \"", questions.back().id,
                             "\" too; columns.id names what tells rows apart");
          }
        }
      } catch (InputError const& error) {
        throw InputError(fmt::format("{}: {}: {}.", path.string(), row.where, error.what()));
      }
    }
  }
  if (questions.empty()) {
    throw InputError(
        fmt::format("{}: there are no questions of {} here.", data.string(), spec.name));
  }
  return questions;
}

}  // namespace vcflash::eval
