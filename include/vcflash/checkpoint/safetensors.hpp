#pragma once

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/atomic.hpp>
#include <vcflash/checkpoint/mapped_file.hpp>
#include <vcflash/checkpoint/safetensors_header.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter_list.hpp>

namespace vcflash::checkpoint {

namespace detail {

/// torch's dtypes in the order of `safetensors_types`.
inline constexpr std::array torch_types{
    at::ScalarType::Bool,         at::ScalarType::Byte,          at::ScalarType::Char,
    at::ScalarType::Float8_e5m2,  at::ScalarType::Float8_e4m3fn, at::ScalarType::Short,
    at::ScalarType::UInt16,       at::ScalarType::Half,          at::ScalarType::BFloat16,
    at::ScalarType::Int,          at::ScalarType::UInt32,        at::ScalarType::Float,
    at::ScalarType::ComplexFloat, at::ScalarType::Double,        at::ScalarType::Long,
    at::ScalarType::UInt64};
static_assert(torch_types.size() == safetensors_types.size());

}  // namespace detail

/// A safetensors file whose tensors are views of the mapped file: opening costs the header only,
/// and a tensor's bytes are read when they are used. The views keep the mapping alive. The file
/// must not shrink while it is open.
class SafetensorsFile {
 public:
  /// \throws InputError if the file is missing or not sound
  explicit SafetensorsFile(std::filesystem::path const& path)
      : file_(path), header_(read_safetensors_header(file_.bytes(), path.string())) {
    for (std::size_t i = 0; i < header_.entries.size(); ++i) {
      index_.emplace(header_.entries[i].name, i);
    }
  }

  /// In the order of their bytes.
  std::vector<SafetensorsEntry> const& entries() const { return header_.entries; }
  std::map<std::string, std::string> const& metadata() const { return header_.metadata; }
  std::filesystem::path const& path() const { return file_.path(); }
  bool contains(std::string const& name) const { return index_.contains(name); }

  /// \throws InputError if there is no such tensor
  Tensor tensor(std::string const& name) const {
    auto const found = index_.find(name);
    if (found == index_.end()) {
      throw InputError(fmt::format("{}: has no tensor '{}'.", path().string(), name));
    }
    auto const& entry = header_.entries[found->second];
    auto const rank = safetensors_rank(entry.dtype);
    auto const dtype = detail::torch_types[rank];
    if (entry.begin == entry.end) return aten::empty(entry.shape, dtype);
    std::byte* const data = file_.bytes().data() + header_.data_begin + entry.begin;
    // Headers may leave the tensors unaligned; those are copied.
    if (reinterpret_cast<std::uintptr_t>(data) % safetensors_types[rank].bytes != 0) {
      Tensor copy = aten::empty(entry.shape, dtype);
      std::memcpy(copy.mutable_data_ptr(), data, entry.end - entry.begin);
      return copy;
    }
    return at::from_blob(
        data, entry.shape, [mapping = file_.mapping()](void*) {}, at::TensorOptions(dtype));
  }

 private:
  MappedFile file_;
  SafetensorsHeader header_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// \return the format's name of a dtype
inline std::string_view safetensors_name(at::ScalarType dtype) {
  auto const found = std::ranges::find(detail::torch_types, dtype);
  if (found == detail::torch_types.end()) {
    throw Error(fmt::format("a tensor of dtype {} cannot be written as safetensors.",
                            c10::toString(dtype)));
  }
  return safetensors_types[static_cast<std::size_t>(found - detail::torch_types.begin())].name;
}

/// A tensor as the header of its file will describe it, its place left open.
inline SafetensorsEntry entry_of(std::string name, Tensor const& tensor) {
  return {std::move(name), std::string(safetensors_name(tensor.scalar_type())),
          tensor.sizes().vec(), 0, 0};
}

/// Writes tensors as the format's own library would, byte for byte: wider dtypes first, then by
/// name. The file appears only when it is complete.
/// \throws Error if it cannot be written; a file of that name is then unchanged
inline void write_safetensors(std::filesystem::path const& path, NamedTensors const& tensors,
                              std::map<std::string, std::string> const& metadata = {
                                  {"format", "pt"}}) {
  std::vector<SafetensorsEntry> entries;
  std::unordered_map<std::string_view, Tensor const*> by_name;
  for (auto const& [name, tensor] : tensors) {
    entries.push_back(entry_of(name, tensor));
    by_name.emplace(name, &tensor);
  }
  lay_out(entries);
  AtomicFile file(path);
  file.write(write_safetensors_header(entries, metadata));
  for (auto const& entry : entries) {
    Tensor const plain = by_name.at(entry.name)->detach().cpu().contiguous();
    file.write({static_cast<std::byte const*>(plain.const_data_ptr()), plain.nbytes()});
  }
  file.commit();
}

}  // namespace vcflash::checkpoint
