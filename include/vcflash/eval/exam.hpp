#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <vcflash/base/error.hpp>
#include <vcflash/eval/benchmark.hpp>
#include <vcflash/eval/lmms_layout.hpp>
#include <vcflash/eval/scores.hpp>
#include <vcflash/eval/text_rules.hpp>

namespace vcflash::eval {

/// What came of asking a question, before it is graded.
struct Said {
  std::string text{};
  std::string problem{};  ///< why it could not be asked

  bool operator==(Said const&) const = default;
};

/// A benchmark and its questions, whatever its type: what asks models need not be compiled for
/// every benchmark anew. Questions are counted from 0.
class Exam {
 public:
  virtual ~Exam() = default;

  virtual std::string name() const = 0;
  virtual std::int64_t max_new_tokens() const = 0;
  virtual FrameLimits frames() const { return {}; }
  virtual std::size_t size() const = 0;
  virtual std::string id(std::size_t question) const = 0;
  virtual std::string prompt(std::size_t question) const = 0;
  virtual MediumRequest medium(std::size_t question) const = 0;
  virtual bool counts(std::size_t question) const = 0;
  /// How many options a question has whose letters are its answers; 0 if it has none.
  virtual std::size_t options(std::size_t) const { return 0; }
  virtual nlohmann::json record(std::size_t question) const = 0;
  /// What should be known before the questions are asked, a sentence each.
  virtual std::vector<std::string> notes() const { return {}; }

  /// One answer by itself.
  virtual Answer graded(std::size_t question, Said const& said) const = 0;
  /// All answers, with what only all together decide.
  virtual std::vector<Answer> graded(std::vector<Said> const& said) const = 0;
  virtual Scores aggregate(std::vector<Answer> const& answers) const = 0;

  /// The same questions graded by another rule; nothing if the benchmark knows one rule only.
  virtual std::unique_ptr<Exam> with_scoring(Scoring scoring) const = 0;

  /// Whether upstream's harness has this benchmark.
  virtual bool in_lmms() const { return false; }

  /// Writes upstream's layout.  \throws InputError if upstream's harness has no such benchmark
  virtual std::filesystem::path write_lmms(std::filesystem::path const& out,
                                           std::vector<Answer> const& answers,
                                           LmmsRun const& run) const = 0;
};

template <Benchmark B>
class ExamOf final : public Exam {
 public:
  ExamOf(B benchmark, std::vector<typename B::Question> questions)
      : benchmark_(std::move(benchmark)), questions_(std::move(questions)) {
    for (auto const& question : questions_) media_.push_back(benchmark_.medium(question));
  }

  std::string name() const override { return std::string(B::name); }
  std::int64_t max_new_tokens() const override { return B::max_new_tokens; }
  FrameLimits frames() const override {
    if constexpr (requires { B::max_frames; }) return {.most = B::max_frames};
    return {};
  }
  std::size_t size() const override { return questions_.size(); }
  std::string id(std::size_t i) const override { return benchmark_.id(questions_[i]); }
  std::string prompt(std::size_t i) const override { return benchmark_.prompt(questions_[i]); }
  MediumRequest medium(std::size_t i) const override { return media_[i]; }
  bool counts(std::size_t i) const override { return benchmark_.counts(questions_[i]); }
  std::size_t options([[maybe_unused]] std::size_t i) const override {
    if constexpr (requires { benchmark_.options(questions_[i]); }) {
      return benchmark_.options(questions_[i]);
    } else {
      return 0;
    }
  }
  nlohmann::json record(std::size_t i) const override { return benchmark_.record(questions_[i]); }
  std::vector<std::string> notes() const override {
    if constexpr (requires { benchmark_.notes(questions_); }) {
      return benchmark_.notes(questions_);
    } else {
      return {};
    }
  }

  Answer graded(std::size_t i, Said const& said) const override {
    Answer answer{.text = std::string(stripped(said.text)), .problem = said.problem};
    if (!said.problem.empty()) return answer;
    answer.parsed = benchmark_.parse(questions_[i], answer.text);
    answer.score = benchmark_.score(questions_[i], answer.parsed);
    return answer;
  }

  std::vector<Answer> graded(std::vector<Said> const& said) const override {
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < said.size(); ++i) answers.push_back(graded(i, said[i]));
    if constexpr (requires { benchmark_.settle(questions_, answers); }) {
      benchmark_.settle(questions_, answers);
    }
    return answers;
  }

  Scores aggregate(std::vector<Answer> const& answers) const override {
    return benchmark_.aggregate(questions_, answers);
  }

  std::unique_ptr<Exam> with_scoring(Scoring scoring) const override {
    if constexpr (requires { benchmark_.scoring; }) {
      B other = benchmark_;
      other.scoring = scoring;
      return std::make_unique<ExamOf>(std::move(other), questions_);
    } else {
      return nullptr;
    }
  }

  bool in_lmms() const override { return LmmsBenchmark<B>; }

  std::filesystem::path write_lmms(std::filesystem::path const& out,
                                   std::vector<Answer> const& answers,
                                   LmmsRun const& run) const override {
    if constexpr (LmmsBenchmark<B>) {
      return write_lmms_layout(out, benchmark_, questions_, answers, aggregate(answers), run);
    } else {
      fail<InputError>("--layout lmms-eval: lmms-eval has no benchmark ", B::name);
    }
  }

 private:
  B benchmark_;
  std::vector<typename B::Question> questions_;
  std::vector<MediumRequest> media_;  // asked once: a benchmark may look for files
};

/// The questions in groups that share a video, in the order of each group's first question.
inline std::vector<std::vector<std::size_t>> by_video(Exam const& exam,
                                                      std::span<std::size_t const> questions) {
  std::vector<std::vector<std::size_t>> groups;
  std::map<std::string, std::size_t> group_of;
  for (std::size_t const i : questions) {
    auto const [place, added] = group_of.try_emplace(exam.medium(i).frames_key(), groups.size());
    if (added) groups.emplace_back();
    groups[place->second].push_back(i);
  }
  return groups;
}

}  // namespace vcflash::eval
