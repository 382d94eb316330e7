#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/golden.hpp"

/// Golden tensors and how they are compared (tests/golden/model/README.md).
namespace vcflash::test {

using Shape = std::vector<std::int64_t>;

/// Where models are tested: the device that VCFLASH_TEST_DEVICE names (`cuda:0`, in a build with
/// -DVCFLASH_CUDA=ON), else the CPU. Golden and formula tensors are there.
inline at::Device test_device() {
  char const* const given = std::getenv("VCFLASH_TEST_DEVICE");
  return given && *given ? at::Device(given) : at::Device(at::kCPU);
}

namespace detail {
/// The 24 random bits of element `i` (SplitMix64), from which every formula tensor is made.
inline std::uint64_t formula_bits(std::uint64_t i, std::uint64_t seed) {
  std::uint64_t z = (i + 1) * 0x9E3779B97F4A7C15ULL + seed * 0xD1342543DE82EF95ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return (z ^ (z >> 31)) >> 40;
}
}  // namespace detail

/// H(shape, seed, scale): fp32, uniform in [-scale, scale).
inline at::Tensor formula(Shape const& shape, std::uint64_t seed, double scale) {
  auto tensor = at::empty(shape, at::kFloat);
  auto* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    auto const u = static_cast<double>(detail::formula_bits(static_cast<std::uint64_t>(i), seed));
    values[i] = static_cast<float>(scale * (u / (1 << 23) - 1));
  }
  return tensor.to(test_device());
}

/// Hint(n, seed, lo, hi): int64, uniform in [lo, hi).
inline at::Tensor formula_integers(std::int64_t n, std::uint64_t seed, std::int64_t lo,
                                   std::int64_t hi) {
  auto tensor = at::empty({n}, at::kLong);
  auto* values = tensor.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    auto const u =
        static_cast<std::int64_t>(detail::formula_bits(static_cast<std::uint64_t>(i), seed));
    values[i] = u % (hi - lo) + lo;
  }
  return tensor;
}

/// The first formula in a sentence: "H((1,4,3,224,224), seed=1001, scale=2.0)", "zeros(1,3,2,2)",
/// or "H(out.shape, seed=1003, scale=1.0)", which takes its shape from `shape`.
inline at::Tensor formula(std::string const& sentence, Shape shape = {}) {
  auto const numbers = [](std::string const& list) {
    Shape values;
    static std::regex const number("\\d+");
    for (std::sregex_iterator it(list.begin(), list.end(), number), end; it != end; ++it) {
      values.push_back(std::stoll(it->str()));
    }
    return values;
  };
  static std::regex const h(
      "H\\((\\([\\d, ]*\\)|[\\w.]*shape), *seed=(\\d+), *scale=([\\d.eE+-]+)\\)");
  static std::regex const zeros("zeros\\(([\\d, ]*)\\)");
  std::smatch match;
  if (std::regex_search(sentence, match, h)) {
    if (match[1].str().front() == '(') shape = numbers(match[1]);
    return formula(shape, std::stoull(match[2]), std::stod(match[3]));
  }
  if (std::regex_search(sentence, match, zeros)) {
    return at::zeros(numbers(match[1]), at::TensorOptions(at::kFloat).device(test_device()));
  }
  throw std::runtime_error("no formula tensor in \"" + sentence + "\"");
}

/// The tensors of a safetensors file, by a reader that shares nothing with the library's own.
inline std::map<std::string, at::Tensor> read_golden_safetensors(std::string const& relative) {
  static std::map<std::string, at::ScalarType> const dtypes{
      {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf},  {"BF16", at::kBFloat16},
      {"I64", at::kLong},   {"I32", at::kInt},   {"I16", at::kShort}, {"I8", at::kChar},
      {"U8", at::kByte},    {"BOOL", at::kBool}};
  auto bytes = golden_text(relative);
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  auto const header = nlohmann::json::parse(bytes.substr(8, header_size));
  std::map<std::string, at::Tensor> tensors;
  for (auto const& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    auto const begin = entry.at("data_offsets").at(0).get<std::uint64_t>();
    tensors[name] =
        at::from_blob(bytes.data() + 8 + header_size + begin, entry.at("shape").get<Shape>(),
                      at::TensorOptions(dtypes.at(entry.at("dtype"))))
            .clone();
  }
  return tensors;
}

/// How far a result may be from the stored one.
struct Tolerance {
  enum class Kind { exact, absolute, relative_l2 } kind;
  double value, spread;
};
inline constexpr Tolerance exactly{Tolerance::Kind::exact, 0, 0};
/// Largest difference of any element.
constexpr Tolerance within(double value) { return {Tolerance::Kind::absolute, value, 0}; }
/// L2 norm of the difference, in units of the stored tensor's. One wrong element in a large tensor
/// hardly moves that norm, so each may also be off by at most `spread * value` times its own size
/// plus the root mean square of all.
constexpr Tolerance within_relative_l2(double value, double spread = 10) {
  return {Tolerance::Kind::relative_l2, value, spread};
}

/// Compares a whole tensor with its stored checksum {n, shape, sum, abs_sum, l2}.
inline void check_checksum(nlohmann::json const& stored, at::Tensor const& actual,
                           Tolerance tolerance) {
  auto const x = actual.detach().to(at::kDouble);
  auto const l2 = stored.at("l2").get<double>();
  auto const root = std::sqrt(static_cast<double>(x.numel()));
  // The L2 norm moves by no more than the difference's norm; sums of rounding errors, which cancel
  // for the most part, are given as much and a little more.
  auto const norm =
      tolerance.kind == Tolerance::Kind::absolute ? tolerance.value * root : tolerance.value * l2;
  auto const margin = norm + 1e-9 * stored.at("abs_sum").get<double>();
  CHECK(stored.at("n").get<std::int64_t>() == x.numel());
  CHECK(stored.at("shape").get<Shape>() == actual.sizes().vec());
  CHECK(std::abs(x.sum().item<double>() - stored.at("sum").get<double>()) <= 4 * margin);
  CHECK(std::abs(x.abs().sum().item<double>() - stored.at("abs_sum").get<double>()) <= 4 * margin);
  CHECK(std::abs(x.norm().item<double>() - l2) <= margin);
}

/// One golden pair X.json + X.safetensors. Names of tensors start with w. (weights), in. (inputs),
/// out. (outputs) or grad. (gradients).
class Golden {
 public:
  /// \param name e.g. "model/umt224"
  explicit Golden(std::string const& name)
      : json_(golden_json(name + ".json")),
        tensors_(read_golden_safetensors(name + ".safetensors")) {
    for (auto& [key, tensor] : tensors_) tensor = tensor.to(test_device());
  }

  nlohmann::json const& json() const { return json_; }
  bool has(std::string const& name) const { return tensors_.contains(name); }

  /// A tensor as it is stored: a strided sample if its entry has a `stride`.
  at::Tensor const& operator[](std::string const& name) const {
    auto const it = tensors_.find(name);
    if (it == tensors_.end()) throw std::runtime_error("golden tensor " + name + " is missing");
    return it->second;
  }

  /// All tensors whose name starts with `prefix`, without it: "w." gives the state dict.
  std::map<std::string, at::Tensor> with_prefix(std::string const& prefix) const {
    std::map<std::string, at::Tensor> found;
    for (auto const& [name, tensor] : tensors_) {
      if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), tensor);
    }
    return found;
  }

  /// Compares a whole result with what is stored under `name`: every stored element, the shape and
  /// the checksum over all elements.
  void check(std::string const& name, at::Tensor const& result, Tolerance tolerance) {
    CAPTURE(name);
    checked_.insert(name);
    REQUIRE(result.defined());
    auto const actual = result.detach().contiguous();
    auto const entry = json_.at("tensors").value(name, nlohmann::json::object());
    if (has(name)) {
      auto const& stored = (*this)[name];
      // families/ has the whole shape as `shape`.
      auto const* const whole = entry.contains("full_shape") ? "full_shape"
                                : entry.contains("stored")   ? "shape"
                                                             : nullptr;
      auto const shape = whole ? entry.at(whole).get<Shape>() : stored.sizes().vec();
      REQUIRE(actual.sizes().vec() == shape);
      auto const sample =
          entry.contains("stride")
              ? actual.flatten().slice(0, 0, std::nullopt, entry.at("stride").get<std::int64_t>())
              : actual;
      compare(sample, stored, tolerance);
    } else {
      REQUIRE(entry.contains("checksum_full"));
    }
    if (entry.contains("checksum_full")) {
      check_checksum(entry.at("checksum_full"), actual, tolerance);
    }
  }

  /// Compares every stored element at which `where` is true; the others mean nothing.
  /// \param where bool, of a shape that expands to the result's
  void check_where(std::string const& name, at::Tensor const& result, at::Tensor const& where,
                   Tolerance tolerance) {
    CAPTURE(name);
    checked_.insert(name);
    auto const entry = json_.at("tensors").at(name);
    auto const& stored = (*this)[name];
    auto const shape =
        entry.contains("full_shape") ? entry.at("full_shape").get<Shape>() : stored.sizes().vec();
    REQUIRE(result.sizes().vec() == shape);
    auto const step = entry.value("stride", std::int64_t{1});
    auto const sample = [&](at::Tensor const& whole) {
      return whole.detach().flatten().slice(0, 0, std::nullopt, step);
    };
    auto const counts = sample(where.expand(result.sizes())).to(result.device());
    CHECK(counts.any().item<bool>());
    compare(sample(result).masked_select(counts), stored.flatten().masked_select(counts),
            tolerance);
  }

  /// Fails with the names of stored results that start with one of `prefixes` and that nothing was
  /// compared with.
  void require_all_checked(std::vector<std::string> const& prefixes = {"out.", "grad."}) const {
    std::set<std::string> names;
    for (auto const& [name, tensor] : tensors_) names.insert(name);
    for (auto const& [name, entry] : json_.at("tensors").items()) names.insert(name);
    std::vector<std::string> unchecked;
    std::size_t asked = 0;
    for (auto const& name : names) {
      for (auto const& prefix : prefixes) {
        if (!name.starts_with(prefix)) continue;
        ++asked;
        if (!checked_.contains(name)) unchecked.push_back(name);
        break;
      }
    }
    CAPTURE(unchecked);
    CHECK(unchecked.empty());
    CHECK(asked > 0);
  }

 private:
  static void compare(at::Tensor actual, at::Tensor const& stored, Tolerance tolerance) {
    actual = actual.to(stored.device());
    REQUIRE(actual.sizes().vec() == stored.sizes().vec());
    if (tolerance.kind == Tolerance::Kind::exact) {
      CHECK(actual.to(stored.scalar_type()).equal(stored));
      return;
    }
    auto const expected = stored.to(at::kDouble);
    auto const difference = actual.to(at::kDouble) - expected;
    REQUIRE(difference.isfinite().all().item<bool>());
    if (difference.numel() == 0) return;
    if (tolerance.kind == Tolerance::Kind::absolute) {
      CHECK(difference.abs().max().item<double>() <= tolerance.value);
      return;
    }
    auto const norm = expected.norm().item<double>();
    CHECK(difference.norm().item<double>() <= tolerance.value * norm);
    auto const rms = norm / std::sqrt(static_cast<double>(expected.numel()));
    auto const allowed = (expected.abs() + rms) * (tolerance.spread * tolerance.value);
    CHECK((difference.abs() - allowed).max().item<double>() <= 0);
  }

  nlohmann::json json_;
  std::map<std::string, at::Tensor> tensors_;
  std::set<std::string> checked_;
};

}  // namespace vcflash::test
