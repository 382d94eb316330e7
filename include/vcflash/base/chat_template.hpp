#pragma once

#include <array>
#include <string_view>

namespace vcflash {

/// What stands around the turns of a conversation and what of it is learned: an entry of upstream's
/// `conv_templates` and the `preprocess_…` that goes with it, as one value. A family of LLMs is a
/// constant, and a recipe may have one of its own. A turn reads `before_role`, the role,
/// `behind_role`, the text, `end_of_turn`, `behind_turn`.
struct ChatTemplate {
  std::string_view name{};
  std::string_view aliases{};  ///< other names that people type, with blanks between them
  bool captions = false;       ///< a medium and its caption, without roles (upstream's `plain`)
  bool strips_turns = false;   ///< white space around what is said goes
  std::string_view opening{};  ///< before the first turn
  std::string_view before_role{}, behind_role{};
  std::string_view end_of_turn{};  ///< the token that ends an answer
  std::string_view behind_turn{};
  std::string_view system{};       ///< message of the first turn; empty: there is no such turn
  std::string_view answer_lead{};  ///< behind the header of the answer that a prompt asks for
  /// Tokens that carry loss in every turn, whoever speaks, with blanks between them. Of all others
  /// only those of an assistant's turn do.
  std::string_view marks{};
  std::string_view begin_of_text{};  ///< the token that config.json calls the first of a text
  std::string_view end_of_text{};    ///< the token that ends a text, and fills up a batch

  static ChatTemplate const plain, qwen_2, qwen_3, chatml, smollm2, llama_3;

  constexpr bool operator==(ChatTemplate const&) const = default;
};

/// Stage 1: captions. Upstream's `plain`.
inline constexpr ChatTemplate ChatTemplate::plain{
    .name = "plain", .captions = true, .behind_turn = "\n", .end_of_text = "<|endoftext|>"};

/// Qwen2 and Qwen2.5, by upstream's `preprocess_qwen`. Its three names write the same text.
inline constexpr ChatTemplate ChatTemplate::qwen_2{.name = "qwen_2",
                                                   .aliases = "qwen_1_5 internlm_2",
                                                   .before_role = "<|im_start|>",
                                                   .behind_role = "\n",
                                                   .end_of_turn = "<|im_end|>",
                                                   .behind_turn = "\n",
                                                   .system = "You are a helpful assistant.",
                                                   .marks = "<|im_start|> <|im_end|> \n",
                                                   .begin_of_text = "<|endoftext|>",
                                                   .end_of_text = "<|endoftext|>"};

/// Qwen3 without thinking: its own template with `enable_thinking=false` begins the answer that it
/// asks for with a thought that is empty. Answers that are learned, and those given earlier in a
/// conversation, stand as they are. Learned as Qwen2's.
inline constexpr ChatTemplate ChatTemplate::qwen_3{.name = "qwen_3",
                                                   .before_role = "<|im_start|>",
                                                   .behind_role = "\n",
                                                   .end_of_turn = "<|im_end|>",
                                                   .behind_turn = "\n",
                                                   .answer_lead = "<think>\n\n</think>\n\n",
                                                   .marks = "<|im_start|> <|im_end|> \n",
                                                   .begin_of_text = "<|endoftext|>",
                                                   .end_of_text = "<|endoftext|>"};

/// ChatML without a system message, for families that have no template of their own here. Learned
/// as Qwen2's.
inline constexpr ChatTemplate ChatTemplate::chatml{.name = "chatml",
                                                   .before_role = "<|im_start|>",
                                                   .behind_role = "\n",
                                                   .end_of_turn = "<|im_end|>",
                                                   .behind_turn = "\n",
                                                   .marks = "<|im_start|> <|im_end|> \n",
                                                   .end_of_text = "<|endoftext|>"};

/// SmolLM2, as the instruction-tuned models' own template. Learned as Qwen2's.
inline constexpr ChatTemplate ChatTemplate::smollm2{
    .name = "smollm2",
    .aliases = "smollm_2",
    .before_role = "<|im_start|>",
    .behind_role = "\n",
    .end_of_turn = "<|im_end|>",
    .behind_turn = "\n",
    .system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    .marks = "<|im_start|> <|im_end|> \n",
    .begin_of_text = "<|im_start|>",
    .end_of_text = "<|endoftext|>"};

/// Llama 3, by LLaVA-NeXT's `llava_llama_3` and `preprocess_llama3`, whose last mark, "\n\n", is
/// none: it is looked up in a spelling that the vocabulary has not.
inline constexpr ChatTemplate ChatTemplate::llama_3{
    .name = "llama_3",
    .aliases = "llava_llama_3",
    .strips_turns = true,
    .opening = "<|begin_of_text|>",
    .before_role = "<|start_header_id|>",
    .behind_role = "<|end_header_id|>\n\n",
    .end_of_turn = "<|eot_id|>",
    .system =
        "You are a helpful language and vision assistant. You are able to understand the "
        "visual content that the user provides, and assist the user with a variety of tasks "
        "using natural language.",
    .marks = "<|begin_of_text|> <|start_header_id|> <|end_header_id|> <|eot_id|>",
    .begin_of_text = "<|begin_of_text|>",
    .end_of_text = "<|end_of_text|>"};

/// Those that have a name on command lines.
inline constexpr std::array all_chat_templates{ChatTemplate::plain,   ChatTemplate::qwen_2,
                                               ChatTemplate::qwen_3,  ChatTemplate::chatml,
                                               ChatTemplate::smollm2, ChatTemplate::llama_3};

constexpr std::string_view name_of(ChatTemplate const& chat) { return chat.name; }

/// Calls `use` with each of the words of a list with blanks between them.
template <class Use>
constexpr void for_each_word(std::string_view words, Use&& use) {
  while (!words.empty()) {
    auto const end = words.find(' ');
    if (end != 0) use(words.substr(0, end));
    words.remove_prefix(end == words.npos ? words.size() : end + 1);
  }
}

}  // namespace vcflash
