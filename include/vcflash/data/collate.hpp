#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <vcflash/base/vocabulary.hpp>
#include <vcflash/text/chat.hpp>

/// How upstream makes conversations of one batch equally long.
namespace vcflash::data {

/// Cuts a conversation at `most` ids, a medium counting as one: the first of upstream's two cuts.
/// The model makes the second when the media have taken their places.
inline void cut(text::Encoded& conversation, std::int64_t most) {
  auto const length = std::min(conversation.input_ids.size(), static_cast<std::size_t>(most));
  conversation.input_ids.resize(length);
  conversation.labels.resize(length);
}

/// Leaves out ids that are the padding's. Upstream's attention mask hides them wherever they stand,
/// and the model takes only what is not hidden.
inline void leave_out_padding(text::Encoded& conversation, std::int64_t padding) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < conversation.input_ids.size(); ++i) {
    if (conversation.input_ids[i] == padding) continue;
    conversation.input_ids[kept] = conversation.input_ids[i];
    conversation.labels[kept] = conversation.labels[i];
    ++kept;
  }
  cut(conversation, static_cast<std::int64_t>(kept));
}

/// Conversations of one length, and which ids count.
struct Padded {
  std::vector<std::vector<std::int64_t>> input_ids, labels;
  std::vector<std::vector<bool>> attention_mask;
};

/// Upstream's batch, for code that takes one; the models here take conversations as they are.
/// \param most ids of a conversation  \param padding the id that fills up on the right
inline Padded collate(std::span<text::Encoded const> conversations, std::int64_t most,
                      std::int64_t padding) {
  Padded batch;
  std::size_t longest = 0;
  for (text::Encoded conversation : conversations) {
    cut(conversation, most);
    longest = std::max(longest, conversation.input_ids.size());
    batch.input_ids.push_back(std::move(conversation.input_ids));
    batch.labels.push_back(std::move(conversation.labels));
  }
  for (std::size_t i = 0; i < batch.input_ids.size(); ++i) {
    auto& ids = batch.input_ids[i];
    ids.resize(longest, padding);
    batch.labels[i].resize(longest, ignore_label);
    auto& mask = batch.attention_mask.emplace_back(longest);
    for (std::size_t t = 0; t < longest; ++t) mask[t] = ids[t] != padding;
  }
  return batch;
}

}  // namespace vcflash::data
