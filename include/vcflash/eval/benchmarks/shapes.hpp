#pragma once

#include <vcflash/base/error.hpp>
#include <vcflash/eval/benchmark.hpp>
#include <vcflash/eval/rows.hpp>
#include <vcflash/eval/scores.hpp>

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash::eval {

/// Multiple choice about moving shapes, as make-shapes writes it (data/shapes/write.hpp). A model
/// answers by the value and then the letter, "blue B", and only the letter is graded.
///
/// Every question is asked three times over: about its own clip; about another clip, which tells
/// nothing (what is right then is luck); and, where time matters, about its clip run backwards,
/// when the opposite is right.
struct Shapes {
  static constexpr std::string_view name = "shapes";
  static constexpr std::int64_t max_new_tokens = 8;

  enum class Showing { own, other, backwards };

  struct Question {
    std::int64_t id = 0;
    Showing showing = Showing::own;
    std::string kind{}, text{};
    std::vector<std::string> options{};
    std::string right{};            ///< the letter that is right for what is shown
    std::filesystem::path video{};  ///< what is shown
  };

  /// \param folder what make-shapes wrote, or its `shapes` folder
  std::vector<Question> load(std::filesystem::path const& folder) const {
    auto path = folder / "shapes/questions.json";
    if (!std::filesystem::exists(path)) path = folder / "questions.json";
    if (!std::filesystem::exists(path)) {
      throw InputError(
          fmt::format("{}: there is no shapes/questions.json here; make-shapes --out {} "
                      "writes it.",
                      folder.string(), folder.string()));
    }
    std::vector<Question> questions;
    std::size_t number = 0;
    for (auto& doc : detail::read_rows(path)) {
      try {
        add({.doc = std::move(doc)}, path.parent_path(), questions);
      } catch (InputError const& error) {
        throw InputError(fmt::format("{}: question {}: {}", path.string(), number, error.what()));
      }
      ++number;
    }
    if (questions.empty()) throw InputError(fmt::format("{}: holds no questions.", path.string()));
    return questions;
  }

  std::string id(Question const& question) const {
    return fmt::format("{}{}", question.id, suffix(question.showing));
  }
  std::string prompt(Question const& question) const { return question.text; }
  MediumRequest medium(Question const& question) const {
    return {.video = question.video, .reversed = question.showing == Showing::backwards};
  }

  std::size_t options(Question const& question) const { return question.options.size(); }
  bool counts(Question const& question) const { return question.showing == Showing::own; }

  /// The last word that is a letter of an option.
  std::string parse(Question const&, std::string const& text) const {
    std::string letter, word;
    for (char const c : text + ' ') {
      if (c != ' ' && c != '\n') {
        word += c;
        continue;
      }
      if (word.size() == 1 && word >= "A" && word <= "D") letter = word;
      word.clear();
    }
    return letter;
  }
  double score(Question const& question, std::string const& parsed) const {
    return parsed == question.right ? 1.0 : 0.0;
  }

  nlohmann::json record(Question const& question) const {
    constexpr std::array showings{"own", "other", "backwards"};
    return {{"question", question.text},
            {"kind", question.kind},
            {"showing", showings[static_cast<std::size_t>(question.showing)]},
            {"options", question.options},
            {"right", question.right},
            {"video", question.video.string()}};
  }

  /// Share of right answers for each showing: all together and by kind.
  Scores aggregate(std::vector<Question> const& questions,
                   std::vector<Answer> const& answers) const {
    std::array<ScoreTally, 3> tallies;
    for (auto& tally : tallies) tally.expect("all");
    for (std::size_t i = 0; i < questions.size(); ++i) {
      auto& tally = tallies[static_cast<std::size_t>(questions[i].showing)];
      tally.add("all", answers[i]);
      tally.add(questions[i].kind, answers[i]);
    }
    auto by_kind = tallies[0].group("by_kind");
    auto const all = by_kind.line("all");
    return {.value = all.value,
            .questions = all.questions,
            .chance = 0.25,
            .groups = {std::move(by_kind)},
            .controls = {tallies[1].group("control"), tallies[2].group("reversed")}};
  }

 private:
  static constexpr std::string_view suffix(Showing showing) {
    constexpr std::array<std::string_view, 3> suffixes{"", "-control", "-reversed"};
    return suffixes[static_cast<std::size_t>(showing)];
  }

  static void add(Row const& row, std::filesystem::path const& folder,
                  std::vector<Question>& questions) {
    Question question{.id = integer_of(row, "id"),
                      .showing = Showing::own,
                      .kind = text_of(row, "kind"),
                      .text = text_of(row, "question"),
                      .options = texts_of(row, "options"),
                      .right = text_of(row, "letter"),
                      .video = folder / text_of(row, "video")};
    questions.push_back(question);
    if (has(row, "reversed_letter")) {
      Question backwards = question;
      backwards.showing = Showing::backwards;
      backwards.right = text_of(row, "reversed_letter");
      questions.push_back(std::move(backwards));
    }
    question.showing = Showing::other;
    question.video = folder / text_of(row, "control_video");
    questions.push_back(std::move(question));
  }
};

static_assert(Benchmark<Shapes>);

}  // namespace vcflash::eval
