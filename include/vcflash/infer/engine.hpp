#pragma once

#include <vcflash/infer/generate.hpp>
#include <vcflash/infer/look.hpp>
#include <vcflash/infer/prompt_length.hpp>
#include <vcflash/infer/suspect_weights.hpp>
#include <vcflash/infer/text_stream.hpp>
#include <vcflash/recipe/recipe.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace vcflash::infer {

/// What a model is to answer.
struct Request {
  std::vector<std::int64_t> ids;  ///< with one `media_placeholder` a medium
  std::vector<Tensor> visual;     ///< what the model sees of each medium, [tokens, hidden]
  GenerateOptions options{};
  std::vector<std::string> stop_texts{};  ///< the answer ends before the first of these
};

/// What it answered.
struct Reply {
  std::string text;
  std::vector<std::int64_t> ids;  ///< as generated, those of a stop text among them
  Finish finish;
  std::int64_t prompt_tokens;  ///< positions that the prompt takes, visual tokens among them
};

/// A model that answers requests, one at a time. What a request begins with like the one before it
/// is not computed again.
template <Model M>
class Engine {
 public:
  /// Both are kept by reference.
  Engine(typename M::Network const& network, text::Tokenizer const& tokenizer)
      : network_(network), tokenizer_(tokenizer) {}

  text::Tokenizer const& tokenizer() const { return tokenizer_; }
  LlmFacts facts() const { return facts_now(network_.llm); }

  /// \param on_text called with what each token adds to the answer, which may be nothing; returning
  ///   false cancels it
  /// \throws Error if the prompt is longer than the model takes, or its logits are not numbers;
  ///   whatever is thrown, the engine answers the next request as if there had been none
  template <class OnText>
  Reply reply(Request const& request, OnText&& on_text) {
    auto const positions = spread(request);
    require_fits(facts(), std::ssize(positions), "; begin anew or show fewer frames");
    try {
      return answer(request, positions, on_text);
    } catch (NotNumbers const& error) {
      forget();
      throw NotNumbers(detail::with_suspect(error.what(), named_parameters(network_)));
    } catch (...) {
      forget();
      throw;
    }
  }

  /// Gives back what is kept of the last request.
  void forget() {
    cache_ = {};
    cached_.clear();
    cached_visual_.clear();
  }

 private:
  template <class OnText>
  Reply answer(Request const& request, std::vector<std::int64_t> const& positions,
               OnText&& on_text) {
    Prompt const prompt = embed_prompt(network_, request.ids, request.visual);
    auto const known = cache_.truncate(known_positions(request, positions));
    Reply reply{.text = {}, .ids = {}, .finish = {}, .prompt_tokens = std::ssize(positions)};
    TextStream stream(tokenizer_, request.stop_texts);
    auto const hear = [&](std::string const& piece) {
      reply.text += piece;
      return static_cast<bool>(on_text(piece));
    };
    auto generated =
        generate(network_.llm, prompt.after(known), request.options, cache_,
                 [&](std::int64_t id) { return hear(stream.add(id)) && !stream.stopped(); });
    hear(stream.finish());
    cached_ = positions;
    cached_.insert(cached_.end(), generated.ids.begin(), generated.ids.end());
    cached_.resize(static_cast<std::size_t>(cache_.tokens()));
    cached_visual_ = request.visual;
    reply.ids = std::move(generated.ids);
    reply.finish = stream.stopped() ? Finish::stop : generated.finish;
    return reply;
  }

  /// One id for each position of the LLM's sequence: a placeholder for each visual token.
  static std::vector<std::int64_t> spread(Request const& request) {
    std::vector<std::int64_t> positions;
    std::size_t medium = 0;
    for (std::int64_t const id : request.ids) {
      bool const visual = id == media_placeholder && medium < request.visual.size();
      std::int64_t const count = visual ? request.visual[medium++].size(0) : 1;
      positions.insert(positions.end(), static_cast<std::size_t>(count), id);
    }
    return positions;
  }

  /// How many positions the cache holds already. At least the last is computed: its state decides
  /// what comes next.
  std::int64_t known_positions(Request const& request,
                               std::vector<std::int64_t> const& positions) const {
    auto const shared = std::min(cached_visual_.size(), request.visual.size());
    for (std::size_t i = 0; i < shared; ++i) {
      if (!cached_visual_[i].is_same(request.visual[i])) return 0;
    }
    auto const alike = std::ranges::mismatch(positions, cached_).in1 - positions.begin();
    return std::min<std::int64_t>(alike, std::ssize(positions) - 1);
  }

  typename M::Network const& network_;
  text::Tokenizer const& tokenizer_;
  typename M::Llm::Cache cache_;
  std::vector<std::int64_t> cached_;   ///< the id at each position that the cache holds
  std::vector<Tensor> cached_visual_;  ///< the media of these positions
};

}  // namespace vcflash::infer
