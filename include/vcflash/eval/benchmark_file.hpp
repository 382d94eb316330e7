#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vcflash/eval/answer_rules.hpp>
#include <vcflash/eval/benchmark_spec.hpp>
#include <vcflash/eval/exam.hpp>
#include <vcflash/eval/file_question.hpp>
#include <vcflash/meta/separate.hpp>

/// Benchmarks that are files: what there is to ask, how, and how answers are graded.
namespace vcflash::eval {

/// The questions of a benchmark that a file describes.
class FileBenchmark final : public Exam {
 public:
  FileBenchmark(BenchmarkSpec spec, std::vector<FileQuestion> questions, Scoring scoring)
      : FileBenchmark(
            std::make_shared<Content const>(Content{std::move(spec), std::move(questions)}),
            scoring) {}

  std::string name() const override { return content_->spec.name; }
  std::int64_t max_new_tokens() const override { return content_->spec.max_new_tokens; }
  FrameLimits frames() const override { return content_->spec.frames; }
  std::size_t size() const override { return content_->questions.size(); }
  std::string id(std::size_t i) const override { return content_->questions[i].id; }
  std::string prompt(std::size_t i) const override { return content_->questions[i].prompt; }
  MediumRequest medium(std::size_t i) const override { return content_->questions[i].medium; }
  bool counts(std::size_t) const override { return true; }
  std::size_t options(std::size_t i) const override {
    bool const choice = content_->spec.score.rule == AnswerRule::choice;
    return choice ? content_->questions[i].options.size() : 0;
  }
  nlohmann::json record(std::size_t question) const override;

  Answer graded(std::size_t question, Said const& said) const override;
  std::vector<Answer> graded(std::vector<Said> const& said) const override;
  Scores aggregate(std::vector<Answer> const& answers) const override;
  std::unique_ptr<Exam> with_scoring(Scoring scoring) const override;
  std::filesystem::path write_lmms(std::filesystem::path const& out,
                                   std::vector<Answer> const& answers,
                                   LmmsRun const& run) const override;

 private:
  struct Content {
    BenchmarkSpec spec;
    std::vector<FileQuestion> questions;
  };

  FileBenchmark(std::shared_ptr<Content const> content, Scoring scoring)
      : content_(std::move(content)), scoring_(scoring) {}

  std::shared_ptr<Content const> content_;
  Scoring scoring_;
};

/// A benchmark's file that comes with the project.
struct ShippedBenchmark {
  std::string_view name, toml;
};

/// Those of recipes/benchmarks; `vcflash_add_model` compiles them into programs, so that these need
/// no file of the tree. Headers alone have none.
std::span<ShippedBenchmark const> shipped_benchmarks();

}  // namespace vcflash::eval

#ifndef VCFLASH_SEPARATE
#include <vcflash/eval/benchmark_file.ipp>
#endif
