#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/checkpoint/torch_tensors.hpp>

/// The pickle that `torch.save` writes for a dictionary of tensors.
namespace vcflash::checkpoint {

namespace detail {

/// Writes the pickle of a dictionary of tensors as Python's pickler of protocol 2 does.
class TensorPickler {
 public:
  std::string dictionary(NamedTensors const& tensors) {
    out_ = "\x80\x02}";
    remember();
    out_ += '(';
    std::size_t storage = 0;
    for (auto const& [name, tensor] : tensors) {
      text(name);
      global("torch._utils", "_rebuild_tensor_v2");
      out_ += '(';
      persistent_id(storage++, tensor);
      integer(0);
      tuple(tensor.sizes());
      tuple(tensor.is_contiguous() ? tensor.strides() : tensor.contiguous().strides());
      out_ += '\x89';  // requires_grad=False
      global("collections", "OrderedDict");
      out_ += ")R";
      remember();
      out_ += 't';
      remember();
      out_ += 'R';
      remember();
    }
    out_ += "u.";
    return std::move(out_);
  }

  static std::string storage_name(at::ScalarType dtype) {
    if (dtype == at::kBool) return "BoolStorage";
    auto const found = std::ranges::find(torch_storages, dtype, &TorchStorage::dtype);
    if (found == torch_storages.end()) {
      throw Error(fmt::format("a tensor of dtype {} cannot be written as a torch file.",
                              c10::toString(dtype)));
    }
    return std::string(found->name);
  }

 private:
  template <class Number>
  void number(Number value) {
    out_.append(reinterpret_cast<char const*>(&value), sizeof value);
  }
  std::uint32_t remember() {
    auto const index = remembered_++;
    if (index < 256) {
      out_ += 'q';
      number(static_cast<std::uint8_t>(index));
    } else {
      out_ += 'r';
      number(index);
    }
    return index;
  }
  /// A value that was written before is referred to.
  template <class Write>
  void once(std::string const& identity, Write write) {
    auto const known = known_.find(identity);
    if (known == known_.end()) {
      write();
      known_[identity] = remember();
    } else if (known->second < 256) {
      out_ += 'h';
      number(static_cast<std::uint8_t>(known->second));
    } else {
      out_ += 'j';
      number(known->second);
    }
  }
  void text(std::string const& value) {
    once("text " + value, [&] {
      out_ += 'X';
      number(static_cast<std::uint32_t>(value.size()));
      out_ += value;
    });
  }
  void global(std::string const& module, std::string const& name) {
    once("name " + module + " " + name, [&] { out_ += 'c' + module + '\n' + name + '\n'; });
  }
  void integer(std::int64_t value) {
    if (value >= 0 && value < 256) {
      out_ += 'K';
      number(static_cast<std::uint8_t>(value));
    } else if (value >= 0 && value < 65536) {
      out_ += 'M';
      number(static_cast<std::uint16_t>(value));
    } else if (value >= 0 && value <= std::numeric_limits<std::int32_t>::max()) {
      out_ += 'J';
      number(static_cast<std::int32_t>(value));
    } else {
      out_ += "\x8a\x08";
      number(value);
    }
  }
  void tuple(at::IntArrayRef values) {
    if (values.empty()) {
      out_ += ')';
      return;
    }
    if (values.size() > 3) out_ += '(';
    for (auto const value : values) integer(value);
    if (values.size() > 3) {
      out_ += 't';
    } else {
      out_ += static_cast<char>(0x84 + values.size());
    }
    remember();
  }
  void persistent_id(std::size_t index, Tensor const& tensor) {
    out_ += '(';
    text("storage");
    global("torch", storage_name(tensor.scalar_type()));
    text(std::to_string(index));
    text("cpu");
    integer(tensor.numel());
    out_ += 't';
    remember();
    out_ += 'Q';
  }

  std::string out_;
  std::uint32_t remembered_ = 0;
  std::map<std::string, std::uint32_t> known_;
};

}  // namespace detail

}  // namespace vcflash::checkpoint
