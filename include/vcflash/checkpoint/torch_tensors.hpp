#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/mapped_file.hpp>
#include <vcflash/checkpoint/pickle.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/tensor/aten.hpp>

/// How torch describes tensors in a pickle: storages, and views of them.
namespace vcflash::checkpoint {

namespace detail {

struct TorchStorage {
  std::string_view name;
  at::ScalarType dtype;
};
inline constexpr std::array<TorchStorage, 9> torch_storages{{{"FloatStorage", at::kFloat},
                                                             {"BFloat16Storage", at::kBFloat16},
                                                             {"HalfStorage", at::kHalf},
                                                             {"DoubleStorage", at::kDouble},
                                                             {"LongStorage", at::kLong},
                                                             {"IntStorage", at::kInt},
                                                             {"ShortStorage", at::kShort},
                                                             {"CharStorage", at::kChar},
                                                             {"ByteStorage", at::kByte}}};

/// Turns the calls of a pickle into tensors over the file's bytes.
class TorchTensors {
 public:
  using Kind = PickleValue::Kind;

  TorchTensors(MappedFile const& file, Pickle const& pickle,
               std::map<std::string, std::span<std::byte const>> storages)
      : file_(file), pickle_(pickle), storages_(std::move(storages)) {}

  /// Every tensor under its dotted path; what is no tensor is left out.
  NamedTensors collect() {
    visit(pickle_.root, "", 0);
    return std::move(found_);
  }

 private:
  static void refuse_if(bool condition, std::string_view what) {
    if (condition) throw InputError(std::string(what));
  }
  PickleValue const& value(std::size_t index, Kind kind) const {
    auto const& result = pickle_[index];
    refuse_if(result.kind != kind, "its pickle describes a tensor wrongly");
    return result;
  }
  std::int64_t integer(std::size_t index) const { return value(index, Kind::integer).integer; }
  std::vector<std::int64_t> integers(std::size_t index) const {
    std::vector<std::int64_t> result;
    for (auto const item : value(index, Kind::tuple).items) result.push_back(integer(item));
    return result;
  }

  void visit(std::size_t index, std::string const& path, int depth) {
    // Containers may hold one another, and themselves.
    refuse_if(depth > 64 || ++visited_ > 1 << 22, "its pickle is nested too deeply");
    auto const& node = pickle_[index];
    auto const below = [&](std::string const& name) {
      return path.empty() ? name : path + "." + name;
    };
    if (node.kind == Kind::call) {
      Tensor tensor = make(node);
      auto const [place, first] = places_.emplace(path, found_.size());
      if (first) {
        found_.emplace_back(path, std::move(tensor));
      } else {
        found_[place->second].second = std::move(tensor);  // as in Python: the later one wins
      }
    } else if (node.kind == Kind::dictionary || node.kind == Kind::ordered) {
      for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
        auto const& key = pickle_[node.items[i]];
        if (key.kind == Kind::text) visit(node.items[i + 1], below(key.text), depth + 1);
        if (key.kind == Kind::integer) {
          visit(node.items[i + 1], below(std::to_string(key.integer)), depth + 1);
        }
      }
    } else if (node.kind == Kind::list || node.kind == Kind::tuple) {
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        visit(node.items[i], below(std::to_string(i)), depth + 1);
      }
    }
  }

  Tensor make(PickleValue const& call) {
    auto const& function = value(call.items[0], Kind::name).text;
    auto const& arguments = value(call.items[1], Kind::tuple).items;
    if (function == "torch._utils _rebuild_parameter") {
      refuse_if(arguments.empty(), "its pickle describes a parameter wrongly");
      auto const& data = value(arguments[0], Kind::call);
      refuse_if(value(data.items[0], Kind::name).text != "torch._utils _rebuild_tensor_v2",
                "its pickle describes a parameter wrongly");
      return make(data);
    }
    refuse_if(function != "torch._utils _rebuild_tensor_v2" || arguments.size() < 4,
              "its pickle describes a tensor wrongly");
    Tensor const& storage = storage_of(value(arguments[0], Kind::storage));
    auto const offset = integer(arguments[1]);
    auto const sizes = integers(arguments[2]), strides = integers(arguments[3]);
    check_bounds(storage.numel(), offset, sizes, strides);
    return storage.as_strided(sizes, strides, offset);
  }

  static void check_bounds(std::int64_t available, std::int64_t offset,
                           std::vector<std::int64_t> const& sizes,
                           std::vector<std::int64_t> const& strides) {
    constexpr auto outside = "a tensor of its pickle reaches outside its storage";
    refuse_if(
        offset < 0 || offset > available || sizes.size() != strides.size() || sizes.size() > 64,
        outside);
    bool empty = false;
    std::int64_t last = offset, elements = 1;
    // Repeating an element (stride 0) may not make gigabytes out of a few bytes.
    auto const most = std::max<std::int64_t>(available, 1 << 24);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      refuse_if(sizes[i] < 0 || strides[i] < 0, outside);
      empty = empty || sizes[i] == 0;
      auto const size = std::max<std::int64_t>(sizes[i], 1);
      refuse_if(elements > most / size, "a tensor of its pickle is larger than its storage");
      elements *= size;
      auto const steps = size - 1;
      refuse_if(!empty && strides[i] > 0 && steps > (available - last) / strides[i], outside);
      last += empty ? 0 : steps * strides[i];
    }
    refuse_if(!empty && last >= available, outside);
  }

  /// \param id its item is the tuple ('storage', type, key, device, elements)
  Tensor const& storage_of(PickleValue const& id) {
    auto const& items = value(id.items[0], Kind::tuple).items;
    refuse_if(items.size() < 5 || value(items[0], Kind::text).text != "storage",
              "its pickle describes a storage wrongly");
    refuse_if(items.size() > 5 && pickle_[items[5]].kind != Kind::none,
              "a storage of its pickle is a part of another");
    auto const& type = value(items[1], Kind::name).text;
    auto const& key = value(items[2], Kind::text).text;
    auto const made = made_.find(key);
    at::ScalarType const dtype = dtype_of(type);
    if (made != made_.end()) {
      refuse_if(made->second.scalar_type() != dtype, "a storage of its pickle has two types");
      return made->second;
    }
    auto const record = storages_.find(key);
    refuse_if(record == storages_.end(), fmt::format("its storage '{:.40}' is missing", key));
    auto const bytes = record->second;
    auto const elements = integer(items[4]);
    auto const width = c10::elementSize(dtype);
    refuse_if(elements < 0 || static_cast<std::uint64_t>(elements) != bytes.size() / width ||
                  bytes.size() % width != 0,
              fmt::format("its storage '{:.40}' has {} bytes, not {} elements of {}", key,
                          bytes.size(), elements, width));
    return made_.emplace(key, over(bytes, dtype, elements)).first->second;
  }

  Tensor over(std::span<std::byte const> bytes, at::ScalarType dtype, std::int64_t elements) const {
    auto const address = reinterpret_cast<std::uintptr_t>(bytes.data());
    if (elements > 0 && address % c10::elementSize(dtype) == 0) {
      // The mapping is this process's own copy: writing does not reach the file.
      return at::from_blob(
          const_cast<std::byte*>(bytes.data()), {elements}, [mapping = file_.mapping()](void*) {},
          at::TensorOptions(dtype));
    }
    Tensor copy = aten::empty({elements}, dtype);
    if (elements > 0) std::memcpy(copy.mutable_data_ptr(), bytes.data(), bytes.size());
    return copy;
  }

  static at::ScalarType dtype_of(std::string_view name) {
    if (name == "torch BoolStorage") return at::kBool;
    for (auto const& storage : torch_storages) {
      if (name.starts_with("torch ") && name.substr(6) == storage.name) return storage.dtype;
    }
    throw InputError(fmt::format("its pickle holds the unknown type {:.40}", name));
  }

  MappedFile const& file_;
  Pickle const& pickle_;
  std::map<std::string, std::span<std::byte const>> storages_;
  std::map<std::string, Tensor> made_;
  NamedTensors found_;
  std::unordered_map<std::string, std::size_t> places_;  ///< of paths among what was found
  std::size_t visited_ = 0;
};

}  // namespace detail

}  // namespace vcflash::checkpoint
