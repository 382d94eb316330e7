#pragma once

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>
#include <vector>

#include <c10/util/accumulate.h>
#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/folder.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/train/stored_state.hpp>

namespace vcflash::train {

VCFLASH_INLINE std::string optimizer_file(std::int64_t rank, std::int64_t files) {
  if (files == 1) return "optimizer.safetensors";
  return fmt::format("optimizer-{:05}-of-{:05}.safetensors", rank + 1, files);
}

namespace detail {

/// How many files a checkpoint's state of the optimizer is in, as the name of one of them says.
inline std::int64_t optimizer_files_in(std::filesystem::path const& folder) {
  constexpr std::string_view begin = "optimizer-", of = "-of-";
  for (auto const& entry : std::filesystem::directory_iterator(folder)) {
    auto const name = entry.path().filename().string();
    auto const at = name.find(of);
    if (!name.starts_with(begin) || at == name.npos) continue;
    std::int64_t files = 0;
    auto const* const number = name.data() + at + of.size();
    auto const [stop, error] = std::from_chars(number, name.data() + name.size(), files);
    if (error == std::errc() && stop != number && files > 1) return files;
  }
  return 1;
}

}  // namespace detail

VCFLASH_INLINE StoredState::StoredState(std::map<std::string, Tensor> const& tensors,
                                        std::string where)
    : where_(std::move(where)) {
  for (auto const& [stored, tensor] : tensors) {
    auto const mark = stored.rfind('@');
    std::int64_t begin = 0;
    if (mark != stored.npos) {
      auto const* const end = stored.data() + stored.size();
      auto const [stop, error] = std::from_chars(stored.data() + mark + 1, end, begin);
      if (error != std::errc() || stop != end || begin < 0 || tensor.dim() != 1) {
        throw InputError(
            fmt::format("{}: {} is no piece of an optimizer's state.", where_, stored));
      }
    }
    parts_[stored.substr(0, mark)][begin] = tensor;
  }
}

VCFLASH_INLINE StoredState StoredState::in(std::filesystem::path const& folder) {
  auto const files = detail::optimizer_files_in(folder);
  std::map<std::string, Tensor> tensors;
  for (std::int64_t rank = 0; rank < files; ++rank) {
    tensors.merge(checkpoint::read_tensors(folder / optimizer_file(rank, files)));
  }
  return StoredState(tensors,
                     (folder / (files == 1 ? optimizer_file(0, 1) : "optimizer-*")).string());
}

VCFLASH_INLINE Tensor StoredState::piece(std::string const& name, at::IntArrayRef shape,
                                         std::int64_t begin, std::int64_t count) const {
  auto const found = parts_.find(name);
  if (found == parts_.end()) return {};
  auto const& parts = found->second;
  auto const& first = parts.begin()->second;
  if (first.dim() != 1 && first.sizes() != shape) return {};
  auto const& [last_begin, last] = *parts.rbegin();
  if (last_begin + last.numel() != c10::multiply_integers(shape)) return {};
  auto const end = begin + count;
  auto reached = begin;
  std::vector<Tensor> pieces;
  for (auto const& [part_begin, part] : parts) {
    auto const part_end = part_begin + part.numel();
    if (part_end <= reached || part_begin >= end) continue;
    if (part_begin > reached) return {};
    auto const taken = std::min(part_end, end) - reached;
    pieces.push_back(part.reshape(-1).narrow(0, reached - part_begin, taken));
    reached += taken;
  }
  if (reached != end) return {};
  return pieces.size() == 1 ? pieces.front() : aten::cat(pieces);
}

}  // namespace vcflash::train
