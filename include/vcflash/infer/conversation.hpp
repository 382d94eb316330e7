#pragma once

#include <vcflash/base/chat_template.hpp>
#include <vcflash/infer/engine.hpp>
#include <vcflash/infer/generation_config.hpp>
#include <vcflash/text/chat.hpp>
#include <vcflash/text/question.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vcflash::infer {

/// Several turns about the same media. What was said before is not computed again. Whatever an
/// operation throws, the conversation is what it was before.
template <Model M>
class Conversation {
 public:
  /// \param config the answers to several questions are drawn by seeds of their own
  /// \param chat of the family of the LLM
  Conversation(typename M::Network const& network, text::Tokenizer const& tokenizer,
               GenerationConfig config, ChatTemplate const& chat = *M::Llm::facts.chat)
      : engine_(network, tokenizer), config_(std::move(config)), chat_(chat) {
    auto const ends = text::end_of_answer_ids(tokenizer, chat);
    config_.stop_ids.insert(config_.stop_ids.end(), ends.begin(), ends.end());
  }

  /// Forgets what was shown and said.
  void reset() {
    engine_.forget();
    visual_.clear();
    exchanges_.clear();
    next_ = {};
  }

  /// Forgets what was said. What was shown stands before the next question again.
  void restart() {
    Exchange again;
    exchanges_.push_back(std::move(next_));
    for (auto const& exchange : exchanges_) {
      again.shown += exchange.shown;
      again.media += exchange.media;
    }
    exchanges_.clear();
    next_ = std::move(again);
  }

  /// Puts a video or an image before the next question.
  /// \param tokens [tokens, hidden]
  /// \param form how the question stands behind it
  /// \param time_message see text::first_question
  /// \throws Error if the model does not take so many visual tokens
  void show(Tensor tokens, QuestionForm form = QuestionForm::trained,
            std::string const& time_message = {}) {
    std::int64_t total = tokens.size(0);
    for (Tensor const& before : visual_) total += before.size(0);
    require_fits(engine_.facts(), total, "; show fewer frames");
    visual_.push_back(std::move(tokens));
    next_.shown += text::first_question(form, time_message, "");
    ++next_.media;
  }

  /// Asks the model. An answer that was cancelled is part of the conversation if anything was said.
  /// \param on_text called with each piece of the answer as it is known; returning false cancels it
  /// \throws Error if the conversation is longer than the model takes, or as the engine does
  template <class OnText>
  Reply ask(std::string const& question, OnText&& on_text) {
    std::vector<text::Turn> turns;
    std::vector<std::size_t> media;
    auto const say = [&](text::Turn::From from, std::string value, std::size_t count) {
      turns.push_back({from, std::move(value)});
      media.push_back(count);
    };
    for (auto const& exchange : exchanges_) {
      say(text::Turn::From::human, exchange.shown + exchange.question, exchange.media);
      say(text::Turn::From::gpt, exchange.answer, 0);
    }
    say(text::Turn::From::human, next_.shown + question, next_.media);

    auto const& tokenizer = engine_.tokenizer();
    GenerateOptions options{.max_new_tokens = config_.max_new_tokens,
                            .stop_ids = config_.stop_ids,
                            .vocabulary = tokenizer.vocabulary(),
                            .sampling = config_.sampling};
    options.sampling.seed = seed_of_answer(config_.sampling.seed, exchanges_.size());
    Reply reply = engine_.reply({.ids = text::encode_prompt(tokenizer, chat_, turns, media),
                                 .visual = visual_,
                                 .options = std::move(options),
                                 .stop_texts = config_.stop_texts},
                                on_text);
    reply.text = std::string(text::stripped(reply.text));
    if (reply.finish == Finish::cancelled && reply.text.empty()) return reply;
    exchanges_.push_back({next_.shown, next_.media, question, reply.text});
    next_ = {};
    return reply;
  }

  /// What was said so far, in turns of question and answer, as training data have it: `<image>` and
  /// a new line before a question for each medium that was shown before it.
  std::vector<text::Turn> turns() const {
    std::vector<text::Turn> turns;
    for (auto const& exchange : exchanges_) {
      std::string value;
      for (std::size_t i = 0; i < exchange.media; ++i) value.append(text::image_tag) += '\n';
      turns.push_back({text::Turn::From::human, value + exchange.question});
      turns.push_back({text::Turn::From::gpt, exchange.answer});
    }
    return turns;
  }

 private:
  struct Exchange {
    std::string shown{};    ///< what stands before the question
    std::size_t media = 0;  ///< of it
    std::string question{}, answer{};
  };

  Engine<M> engine_;
  GenerationConfig config_;
  ChatTemplate chat_;
  std::vector<Tensor> visual_;
  std::vector<Exchange> exchanges_;
  Exchange next_;  ///< what was shown since the last question
};

}  // namespace vcflash::infer
