#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/checkpoint/mapped_file.hpp>
#include <vcflash/checkpoint/pickle.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/checkpoint/zip.hpp>
#include <vcflash/meta/error.hpp>

/// Files of `torch.save`: read without Python and without running what they hold (today's zip
/// archives and the format before torch 1.6), written as torch 2 writes a dictionary of tensors.
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
      auto const same = std::ranges::find(found_, path, &NamedTensors::value_type::first);
      if (same == found_.end()) {
        found_.emplace_back(path, std::move(tensor));
      } else {
        same->second = std::move(tensor);  // as a Python dictionary: the later one wins
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
    Tensor copy = at::empty({elements}, dtype);
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
  std::size_t visited_ = 0;
};

inline std::string_view text_of(std::span<std::byte const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

inline NamedTensors read_torch_archive(MappedFile const& file) {
  auto const records = read_zip(file.bytes());
  auto const program = std::ranges::find_if(
      records, [](auto const& record) { return record.first.ends_with("/data.pkl"); });
  if (program == records.end()) throw InputError("it has no record data.pkl");
  auto const folder = program->first.substr(0, program->first.size() - 8);
  auto const order = records.find(folder + "byteorder");
  if (order != records.end() && text_of(order->second) != "little") {
    throw InputError("it was written by a big-endian machine");
  }
  std::map<std::string, std::span<std::byte const>> storages;
  for (auto const& [name, bytes] : records) {
    if (name.starts_with(folder + "data/")) storages.emplace(name.substr(folder.size() + 5), bytes);
  }
  auto const pickle = read_pickle(program->second);
  return TorchTensors(file, pickle, std::move(storages)).collect();
}

/// The format before the archives: pickles of a magic number, a version, the machine, the object
/// and the storages' names, then each storage's length and bytes.
inline NamedTensors read_legacy_torch_file(MappedFile const& file) {
  using Kind = PickleValue::Kind;
  std::span<std::byte const> rest = file.bytes();
  auto const next = [&] {
    auto pickle = read_pickle(rest);
    rest = rest.subspan(pickle.bytes);
    return pickle;
  };
  constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  auto const first = next();
  if (first[first.root].text != magic) throw InputError("it has another magic number");
  auto const version = next();
  if (version[version.root].integer != 1001) throw InputError("it is of an unknown version");
  auto const machine = next();
  auto const& facts = machine[machine.root].items;
  for (std::size_t i = 0; i + 1 < facts.size(); i += 2) {
    if (machine[facts[i]].text == "little_endian" && machine[facts[i + 1]].integer != 1) {
      throw InputError("it was written by a big-endian machine");
    }
  }
  auto const object = next();
  auto const names = next();

  // Lengths are in elements, whose width only the object knows.
  std::map<std::string, std::size_t> widths;
  for (auto const& value : object.values) {
    if (value.kind != Kind::storage) continue;
    auto const& id = object[value.items[0]].items;
    if (id.size() < 3 || object[id[1]].kind != Kind::name) continue;
    auto const type = std::string_view(object[id[1]].text).substr(6);
    auto const known = std::ranges::find(torch_storages, type, &TorchStorage::name);
    widths[object[id[2]].text] = known == torch_storages.end() ? 1 : c10::elementSize(known->dtype);
  }
  std::map<std::string, std::span<std::byte const>> storages;
  for (auto const item : names[names.root].items) {
    auto const& key = names[item].text;
    auto const elements = number_at<std::uint64_t>(rest, 0);
    auto const width = widths.contains(key) ? widths[key] : 1;
    if (elements > rest.size() / width) throw InputError("it ends too early");
    storages[key] = slice(rest, 8, elements * width);
    rest = rest.subspan(8 + elements * width);
  }
  return TorchTensors(file, object, std::move(storages)).collect();
}

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

/// The tensors of a `torch.save`d file under their dotted paths, in the file's order, as views of
/// the mapped file where they can be.
/// \throws InputError if the file is missing, damaged, or holds anything but plain values and
///         tensors
inline NamedTensors read_torch_file(std::filesystem::path const& path) {
  MappedFile const file(path);
  auto const bytes = file.bytes();
  bool const archive = bytes.size() >= 4 && std::memcmp(bytes.data(), "PK\x03\x04", 4) == 0;
  try {
    return archive ? detail::read_torch_archive(file) : detail::read_legacy_torch_file(file);
  } catch (InputError const& error) {
    throw InputError(
        fmt::format("{}: is not a sound torch file of tensors: {}.", path.string(), error.what()));
  }
}

/// Writes a flat dictionary of tensors as `torch.save` does; the file appears when it is complete.
/// \throws Error if it cannot be written; a file of that name is then unchanged
inline void write_torch_file(std::filesystem::path const& path, NamedTensors const& tensors) {
  ZipWriter archive(path);
  auto const folder = path.stem().string() + "/";
  archive.add(folder + "data.pkl", detail::TensorPickler().dictionary(tensors));
  archive.add(folder + "byteorder", "little");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Tensor const plain = tensors[i].second.detach().cpu().contiguous();
    archive.add(folder + "data/" + std::to_string(i),
                {static_cast<std::byte const*>(plain.const_data_ptr()), plain.nbytes()});
  }
  archive.add(folder + "version", "3\n");
  archive.commit();
}

}  // namespace vcflash::checkpoint
