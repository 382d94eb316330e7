#pragma once

#include <vcflash/infer/generate.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/infer/text_stream.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/question.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vcflash::infer {

/// Several turns about the same media. What was said before is not computed again.
template <Model M>
class Conversation {
 public:
  Conversation(typename M::Network const& network, text::Tokenizer const& tokenizer,
               std::int64_t max_new_tokens, Sampling const& sampling = {})
      : network_(network), tokenizer_(tokenizer) {
    options_ = {.max_new_tokens = max_new_tokens,
                .stop_ids = text::end_of_answer_ids(tokenizer),
                .vocabulary = tokenizer.vocabulary(),
                .sampling = sampling};
  }

  /// Forgets what was shown and said.
  void reset() {
    cache_.truncate(0);
    cached_.clear();
    visual_.clear();
    turns_.clear();
    shown_.clear();
  }

  /// What was said so far, in turns of question and answer.
  std::vector<text::Turn> const& turns() const { return turns_; }

  /// Puts a video or an image before the next question.
  /// \param tokens [tokens, hidden]
  /// \param form how the question stands behind it  \param time_message see text::first_question
  void show(Tensor tokens, QuestionForm form = QuestionForm::trained,
            std::string const& time_message = {}) {
    visual_.push_back(std::move(tokens));
    shown_ += text::first_question(form, time_message, "");
  }

  /// \param on_text called with each piece of the answer as it is known
  /// \return the whole answer
  template <class OnText>
  std::string ask(std::string const& question, OnText&& on_text) {
    turns_.push_back({text::Turn::From::human, std::exchange(shown_, {}) + question});
    auto const ids = text::encode_prompt(tokenizer_, ChatTemplate::qwen_2, turns_, /*open=*/true,
                                         visual_.size());
    Prompt const prompt = embed_prompt(network_, ids, visual_);
    auto const whole = spread(ids);
    // At least the last token is computed: its state decides what comes next.
    auto const known = cache_.truncate(std::min<std::int64_t>(
        std::ranges::mismatch(whole, cached_).in1 - whole.begin(), std::ssize(whole) - 1));

    TextStream stream(tokenizer_);
    auto const answer =
        generate(network_.llm, prompt.after(known), options_, cache_, [&](std::int64_t id) {
          on_text(stream.add(id));
          return true;
        }).ids;
    on_text(stream.finish());
    cached_ = whole;
    cached_.insert(cached_.end(), answer.begin(), answer.end());
    cached_.resize(static_cast<std::size_t>(cache_.tokens()));
    std::string text(text::stripped(tokenizer_.decode(answer, true)));
    turns_.push_back({text::Turn::From::gpt, text});
    return text;
  }

 private:
  /// One id for each position of the LLM's sequence: a placeholder for each visual token.
  std::vector<std::int64_t> spread(std::span<std::int64_t const> ids) const {
    std::vector<std::int64_t> positions;
    std::size_t medium = 0;
    for (std::int64_t const id : ids) {
      std::int64_t const count = id == media_placeholder ? visual_[medium++].size(0) : 1;
      positions.insert(positions.end(), static_cast<std::size_t>(count), id);
    }
    return positions;
  }

  typename M::Network const& network_;
  text::Tokenizer const& tokenizer_;
  GenerateOptions options_;
  typename M::Llm::Cache cache_;
  std::vector<std::int64_t> cached_;  ///< the id at each position that the cache holds
  std::vector<Tensor> visual_;
  std::vector<text::Turn> turns_;
  std::string shown_;
};

}  // namespace vcflash::infer
