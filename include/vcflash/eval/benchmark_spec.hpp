#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/letter_rules.hpp>
#include <vcflash/eval/text_template.hpp>
#include <vcflash/meta/separate.hpp>

/// What a file that describes a benchmark says (docs/evaluation.md, "A benchmark of your own").
namespace vcflash::eval {

/// Where a text of a row is: in the first of some columns that the row has ("answer | label"), or
/// put together from several ("videos/{name}.mp4").
struct Column {
  std::vector<std::string> names{};
  std::optional<TextTemplate> parts{};

  bool given() const { return parts || !names.empty(); }
};

/// How answers are graded.
enum class AnswerRule { choice, exact, contains, number, span };

/// What a row's answer may be, of a question with options.
enum class AnswerForm {
  text,    ///< the words of an option
  letter,  ///< "B", "(B)" or "B."
  index,   ///< the option's place
};

struct BenchmarkSpec {
  std::string name;  ///< the file's, without its ending

  struct {
    std::vector<std::string> files;
    std::string list;  ///< under which key of a JSON file the rows stand
    std::string each;  ///< a column whose list has a question an element
    std::map<std::string, std::vector<std::string>> skip;  ///< columns, and values of rows left out
  } rows;

  struct {
    Column id, video, frames, image, start, end, question, task;
    std::vector<Column> options;        ///< one that holds all of them, or one each
    std::vector<Column> answer;         ///< one; of a span, one or its start and its end
    std::vector<AnswerForm> answer_is;  ///< tried in this order; empty: whichever fits alone
    std::int64_t first_index = 0;
    std::vector<std::string> groups;
  } columns;

  struct {
    TextTemplate text;    ///< of {question}, {options} and {row.COLUMN}
    TextTemplate option;  ///< of {letter} and {text}
  } prompt;

  struct {
    AnswerRule rule = AnswerRule::choice;
    std::optional<LetterRule> lmms_eval;  ///< which program's parser --scoring upstream means
    double tolerance = 0, relative_tolerance = 0;
    bool mean_relative_accuracy = false;
    bool percent = false;
    bool mean_of_tasks = false;
    bool video_mme_v2 = false;  ///< groups of four questions, video_mme_v2.hpp
  } score;

  std::int64_t max_new_tokens = 16;
  FrameLimits frames;
};

/// Reads the text of a file that describes a benchmark.
/// \param path of the file, for its name and for messages
/// \throws InputError naming the file and the key; a misspelt key with the nearest one
BenchmarkSpec parse_benchmark(std::string_view toml, std::filesystem::path const& path);

}  // namespace vcflash::eval

#ifndef VCFLASH_SEPARATE
#include <vcflash/eval/benchmark_spec.ipp>
#endif
