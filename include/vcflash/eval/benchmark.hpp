#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <vcflash/base/chat_template.hpp>
#include <vcflash/base/vocabulary.hpp>
#include <vcflash/media/frame_sampling.hpp>

namespace vcflash::eval {

/// What a question is asked about.
struct MediumRequest {
  std::filesystem::path video{};         ///< a file, or a folder of frames
  std::optional<double> start{}, end{};  ///< seconds; a clip has both
  bool reversed = false;                 ///< shown last frame first
  bool frame_folder = false;             ///< `video` is a folder of pictures
  bool image = false;                    ///< `video` is one picture

  /// Equal for requests whose frames are decoded alike, whichever way they are shown.
  std::string frames_key() const {
    return fmt::format("{}\n{}\n{}", video.string(), start.value_or(-1), end.value_or(-1));
  }
};

/// How many frames of a video a benchmark wants to be seen; 0: as the model was trained.
struct FrameLimits {
  std::int64_t least = 0, most = 0;
};

struct Scores;

/// What a model said to one question, and what that is worth.
struct Answer {
  std::string text{};     ///< as generated, without white space around it
  std::string parsed{};   ///< what is graded; empty if nothing in the text can be
  double score = 0;       ///< 0 to 1
  std::string problem{};  ///< why the question could not be asked; counted as wrong
};

/// How a model is asked (recipe/asking.hpp).
struct RunOptions {
  media::FrameRequest frames{};
  ChatTemplate chat = ChatTemplate::qwen_2;
  QuestionForm form = QuestionForm::trained;
  bool time_message = true;  ///< say how long the video lasts and how many frames are seen
  /// Of the answer's tokens (infer/sampling.hpp). Upstream's harness asks greedily, and yet the
  /// penalty of the folder's generation_config.json applies.
  double repetition_penalty = 1;
  std::int64_t batch = 8;      ///< questions about one video that are answered side by side
  double video_timeout = 0;    ///< seconds that a video may take to read; 0: by its length
  bool by_likelihood = false;  ///< the answer is the option whose letter is the likeliest
};

/// By which rule answers are graded where upstream's has an accident.
enum class Scoring {
  upstream,  ///< as upstream's program does, so that published numbers can be compared
  strict,    ///< as its authors meant
};

constexpr std::string_view name_of(Scoring scoring) {
  return scoring == Scoring::upstream ? "upstream" : "strict";
}

/// A set of questions about videos and a way to grade answers.
/// Promises: `load(folder)` reads all questions or throws InputError; `prompt(q)` is the human's
/// turn without the medium's placeholder; `counts(q)` says whether q is part of the score that is
/// shown while it runs; `parse(q, text)` and `score(q, parsed)` are pure;
/// `aggregate(questions, answers)` takes one answer a question and gives `Scores`.
/// A benchmark may have a member `scoring`, if its rules differ by it, and `media`, the folder of
/// its videos where that is not the folder of its questions; `max_frames`, how many frames of a
/// video it wants to be seen at most, where the command line says nothing;
/// `options(q)`, how many options a question has whose letters are its answers;
/// `settle(questions, answers)`, which grades what only all answers together decide; and
/// `notes(questions)`, what should be known before they are asked, a sentence each.
template <class B>
concept Benchmark = requires(B const& benchmark, std::filesystem::path const& folder,
                             typename B::Question const& question, std::string const& text,
                             std::vector<typename B::Question> const& questions,
                             std::vector<Answer> const& answers) {
  { B::name } -> std::convertible_to<std::string_view>;
  { B::max_new_tokens } -> std::convertible_to<std::int64_t>;
  { benchmark.load(folder) } -> std::same_as<std::vector<typename B::Question>>;
  { benchmark.id(question) } -> std::same_as<std::string>;
  { benchmark.prompt(question) } -> std::same_as<std::string>;
  { benchmark.medium(question) } -> std::same_as<MediumRequest>;
  { benchmark.counts(question) } -> std::same_as<bool>;
  { benchmark.parse(question, text) } -> std::same_as<std::string>;
  { benchmark.score(question, text) } -> std::same_as<double>;
  { benchmark.record(question) } -> std::same_as<nlohmann::json>;
  { benchmark.aggregate(questions, answers) } -> std::same_as<Scores>;
};

}  // namespace vcflash::eval
