#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/parameter_list.hpp>
#include <vcflash/tensor/tensor.hpp>

namespace vcflash::train {

/// The file of the optimizer's state in a running checkpoint, or of one rank's share.
/// \param files that there are
std::string optimizer_file(std::int64_t rank, std::int64_t files);

/// An optimizer's state as checkpoints have it: each tensor whole under its name, or in flat pieces
/// `<name>@<first element>`, of which every process wrote its own.
class StoredState {
 public:
  /// \param where it is from, for messages
  explicit StoredState(std::map<std::string, Tensor> const& tensors, std::string where = {});

  /// Reads the files of a checkpoint, which stay on the disk until their bytes are used.
  /// \throws InputError naming the file that is missing or not sound
  static StoredState in(std::filesystem::path const& folder);

  /// Tensors, each counted once.
  std::size_t size() const { return parts_.size(); }
  std::string const& where() const { return where_; }

  /// Elements of a tensor, flat; undefined if they are not there or the tensor has another size.
  /// \param shape of the whole tensor
  Tensor piece(std::string const& name, at::IntArrayRef shape, std::int64_t begin,
               std::int64_t count) const;

 private:
  std::map<std::string, std::map<std::int64_t, Tensor>> parts_;  ///< by name and first element
  std::string where_;
};

}  // namespace vcflash::train

#ifndef VCFLASH_SEPARATE
#include <vcflash/train/stored_state.ipp>
#endif
