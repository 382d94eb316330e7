#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/data/shapes/scene.hpp>
#include <vcflash/text/turns.hpp>

/// What is asked about a scene. Answers begin with a space, so that a word is the same token in a
/// question's options and in an answer.
namespace vcflash::data::shapes {

enum class Kind { colour, shape, direction, order, count };

inline constexpr std::array<std::string_view, 5> kind_names{"colour", "shape", "direction", "order",
                                                            "count"};
inline constexpr std::array<std::string_view, 4> letters{"A", "B", "C", "D"};

constexpr std::string_view name_of(Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

/// A question with what may be answered.
struct Question {
  Kind kind = Kind::colour;
  std::string text;                     ///< "what colour is it ?"
  std::string answer;                   ///< "red"
  std::optional<std::string> reversed;  ///< the answer if the video ran backwards, if it differs
  std::vector<std::string> others;      ///< wrong answers, those that tempt most first
};

/// A question with four options in random order.
struct Choice {
  std::array<std::string, 4> options;
  std::size_t right = 0;
  std::optional<std::size_t> reversed;  ///< the option that is right if the video runs backwards

  /// "what colour is it ? red A blue B green C yellow D": a letter follows its value, as in the
  /// answer, so that naming it is to go on as before, which small models learn soon.
  std::string text(Question const& question) const {
    std::string out = question.text;
    for (std::size_t i = 0; i < 4; ++i) {
      out += ' ' + options[i] + ' ';
      out += letters[i];
    }
    return out;
  }
};

/// Whether `kind` can be asked about `scene`: a thing's looks and way when there is one thing,
/// what comes first or last when there are more.
inline bool fits(Kind kind, Scene const& scene) {
  if (kind == Kind::count) return true;
  return (kind == Kind::order) == (scene.count() > 1);
}

namespace detail {

template <std::size_t N>
std::vector<std::string> others_of(std::array<std::string_view, N> const& all,
                                   std::string const& answer, Random& random) {
  std::vector<std::string> out;
  for (std::string_view const word : all)
    if (word != answer) out.emplace_back(word);
  random.shuffle(out);
  return out;
}

}  // namespace detail

/// \pre fits(kind, scene)
inline Question ask(Kind kind, Scene const& scene, Random& random) {
  Question question{kind, {}, {}, {}, {}};
  Object const& first = scene.objects.front();
  Object const& last = scene.objects.back();
  switch (kind) {
    case Kind::colour:
      question.text = "what colour is it ?";
      question.answer = colours[first.colour];
      question.others = detail::others_of(colours, question.answer, random);
      break;
    case Kind::shape:
      question.text = "what shape is it ?";
      question.answer = forms[first.form];
      question.others = detail::others_of(forms, question.answer, random);
      break;
    case Kind::direction:
      question.text = "where does it move ?";
      question.answer = directions[first.direction];
      question.reversed = directions[opposite(first.direction)];
      question.others = detail::others_of(directions, question.answer, random);
      break;
    case Kind::order: {
      bool const ask_first = random.below(2) == 0;
      question.text = ask_first ? "which colour comes first ?" : "which colour comes last ?";
      question.answer = colours[(ask_first ? first : last).colour];
      question.reversed = colours[(ask_first ? last : first).colour];
      question.others = detail::others_of(colours, question.answer, random);
      // The clip's other colours come first: knowing which are there must not be enough.
      std::stable_partition(question.others.begin(), question.others.end(), [&](auto const& word) {
        return std::any_of(scene.objects.begin(), scene.objects.end(),
                           [&](Object const& object) { return colours[object.colour] == word; });
      });
      break;
    }
    case Kind::count:
      question.text = "how many are there ?";
      question.answer = numbers[static_cast<std::size_t>(scene.count() - 1)];
      question.others = detail::others_of(numbers, question.answer, random);
      break;
  }
  return question;
}

inline Choice offer(Question const& question, Random& random) {
  std::vector<std::string> options{question.answer, question.others[0], question.others[1],
                                   question.others[2]};
  random.shuffle(options);
  Choice choice;
  for (std::size_t i = 0; i < 4; ++i) {
    choice.options[i] = options[i];
    if (options[i] == question.answer) choice.right = i;
    if (options[i] == question.reversed) choice.reversed = i;
  }
  return choice;
}

/// How often the sorts of turns and the kinds of questions are drawn.
struct Weights {
  double open, choice, caption;
  std::array<double, 5> kinds{1, 1, 3, 2.5, 1};  ///< in the order of `Kind`
};

/// A conversation of `turns` exchanges about one clip; no exchange comes twice.
inline std::vector<text::Turn> converse(Scene const& scene, std::int64_t turns,
                                        Weights const& weights, Random& random) {
  using From = text::Turn::From;
  constexpr std::int64_t caption = 2;
  std::vector<std::pair<std::size_t, std::size_t>> had;
  std::vector<text::Turn> out;
  for (std::int64_t tries = 0; static_cast<std::int64_t>(out.size()) < 2 * turns; ++tries) {
    std::size_t const sort = random.weighted({weights.open, weights.choice, weights.caption});
    std::vector<double> fitting(kind_names.size(), 0.0);
    for (std::size_t k = 0; k < fitting.size(); ++k)
      if (fits(static_cast<Kind>(k), scene)) fitting[k] = weights.kinds[k];
    std::size_t const kind = sort == caption ? 0 : random.weighted(fitting);
    std::pair const exchange(sort, kind);
    // Few kinds fit a scene of several objects: after enough tries an exchange may come again.
    if (tries < 20 && std::find(had.begin(), had.end(), exchange) != had.end()) continue;
    had.push_back(exchange);

    std::string asked, answered;
    if (sort == caption) {
      asked = "what happens ?";
      answered = caption_of(scene);
    } else {
      Question const question = ask(static_cast<Kind>(kind), scene, random);
      asked = question.text;
      answered = question.answer;
      if (sort == 1) {
        Choice const choice = offer(question, random);
        asked = choice.text(question);
        answered += ' ';
        answered += letters[choice.right];
      }
    }
    if (out.empty()) asked = "<image>\n" + asked;
    out.push_back({From::human, std::move(asked)});
    out.push_back({From::gpt, ' ' + answered});
  }
  return out;
}

/// Every word of the task and of the chat template around it.
inline std::vector<std::string> vocabulary() {
  std::vector<std::string> words;
  auto const add = [&](auto const& list) { words.insert(words.end(), list.begin(), list.end()); };
  add(colours), add(forms), add(directions), add(numbers), add(letters);
  add(std::array<std::string_view, 24>{"a",     "moves",  "then",  "in",    "all",  ".",
                                       "?",     "colour", "shape", "is",    "it",   "does",
                                       "move",  "comes",  "first", "last",  "many", "are",
                                       "there", "what",   "where", "which", "how",  "happens"});
  add(std::array<std::string_view, 5>{"system", "user", "assistant", "You", "helpful"});
  return words;
}

}  // namespace vcflash::data::shapes
