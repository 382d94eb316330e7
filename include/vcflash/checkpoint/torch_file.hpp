#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/mapped_file.hpp>
#include <vcflash/checkpoint/pickle.hpp>
#include <vcflash/checkpoint/safetensors.hpp>
#include <vcflash/checkpoint/tensor_pickler.hpp>
#include <vcflash/checkpoint/torch_tensors.hpp>
#include <vcflash/checkpoint/zip.hpp>

/// Files of `torch.save`: read without Python and without running what they hold (today's zip
/// archives and the format before torch 1.6), written as torch 2 writes a dictionary of tensors.
namespace vcflash::checkpoint {

namespace detail {

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
