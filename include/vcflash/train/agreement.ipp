#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/train/agreement.hpp>

namespace vcflash::train {

VCFLASH_INLINE std::string failure_of_any(dist::ProcessGroup* group, std::string const& own) {
  if (group == nullptr || !group->any(!own.empty())) return own;
  auto const all = group->gather_text(own);
  if (!own.empty()) return own;
  auto const first =
      std::ranges::find_if(all, [](std::string const& failure) { return !failure.empty(); });
  return fmt::format("rank {}: {}", first - all.begin(), *first);
}

VCFLASH_INLINE void require_same_facts(dist::ProcessGroup& group, Facts const& own) {
  std::string text;
  for (auto const& [name, value] : own) text += fmt::format("{}={}\n", name, value);
  auto const all = group.gather_text(text);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    auto const first = std::ranges::mismatch(all[rank], all[0]);
    // The whole line that differs, on either side.
    auto const line_at = [](std::string const& lines, std::size_t place) {
      auto const before = place == 0 ? lines.npos : lines.rfind('\n', place - 1);
      auto const from = before == lines.npos ? 0 : before + 1;
      return lines.substr(from, lines.find('\n', place) - from);
    };
    auto const place = static_cast<std::size_t>(first.in1 - all[rank].begin());
    throw InputError(
        fmt::format("rank {} was started with {}, rank 0 with {}: all ranks of a run must be told "
                    "the same.",
                    rank, line_at(all[rank], place), line_at(all[0], place)));
  }
}

VCFLASH_INLINE bool Agreement::take() {
  if (!pending_) return false;
  pending_.wait();
  return vote_.const_data_ptr<double>()[0] > 0;
}

VCFLASH_INLINE bool Agreement::stop(bool here) {
  if (group_ == nullptr) return here;
  bool const stop = take();
  vote_ = aten::empty({1}, at::kDouble);
  vote_.mutable_data_ptr<double>()[0] = here ? 1 : 0;
  pending_ = group_->all_reduce(vote_);
  return stop;
}

VCFLASH_INLINE bool Agreement::any_failed(bool here) {
  if (group_ == nullptr) return here;
  take();
  return group_->any(here);
}

VCFLASH_INLINE OwnState Agreement::after_step(OwnState const& own) {
  if (group_ == nullptr) return own;
  take();
  bool const due = own.due && group_->first();
  auto const all = group_->sum({own.asked ? 1.0 : 0.0, own.busy ? 1.0 : 0.0, due ? 1.0 : 0.0,
                                own.failure.empty() ? 0.0 : 1.0});
  OwnState together{all[0] > 0, all[1] > 0, all[2] > 0, {}};
  if (all[3] > 0) together.failure = failure_of_any(group_, own.failure);
  return together;
}

}  // namespace vcflash::train
