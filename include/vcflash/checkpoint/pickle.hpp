#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/checkpoint/zip.hpp>

/// The part of Python's pickle format that a dictionary of tensors needs. A pickle is a program;
/// this machine knows the instructions that build plain values and no others, calls nothing, and
/// knows the few names that torch's tensors mention.
namespace vcflash::checkpoint {

/// A value of a pickle. Values refer to one another by their place in `Pickle::values`, so that
/// no nesting and no cycle can cost more than its bytes.
struct PickleValue {
  enum class Kind {
    none,
    boolean,
    integer,
    real,
    text,
    tuple,
    list,
    dictionary,
    name,     ///< a global; `text` holds `module name`
    storage,  ///< a persistent id; `items` holds its one argument
    call,     ///< `items` holds function and arguments; nothing was called
    ordered,  ///< an OrderedDict: as dictionary
    mark,
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string text{};
  std::vector<std::size_t> items{};  ///< dictionaries: key, value, key, value, …
};

/// What a pickle builds.
struct Pickle {
  std::vector<PickleValue> values;
  std::size_t root = 0;
  std::size_t bytes = 0;  ///< how far the program went

  PickleValue const& operator[](std::size_t index) const { return values[index]; }
};

namespace detail {

class PickleMachine {
 public:
  using Kind = PickleValue::Kind;

  explicit PickleMachine(std::span<std::byte const> program) : program_(program) {}

  Pickle run() {
    while (step()) {
    }
    return std::move(result_);
  }

 private:
  /// \return whether the program goes on
  bool step() {
    auto const code = take<std::uint8_t>();
    switch (code) {
      case 0x80:
        refuse_if(take<std::uint8_t>() > 4, "a pickle protocol above 4");
        break;
      case 0x95:
        take<std::uint64_t>();
        break;  // FRAME: a hint about lengths
      case '.':
        result_.root = pop();
        result_.bytes = position_;
        return false;
      case '(':
        push({.kind = Kind::mark});
        break;
      case 'N':
        push({.kind = Kind::none});
        break;
      case 0x88:
        push({.kind = Kind::boolean, .integer = 1});
        break;
      case 0x89:
        push({.kind = Kind::boolean, .integer = 0});
        break;
      case 'J':
        push_integer(take<std::int32_t>());
        break;
      case 'K':
        push_integer(take<std::uint8_t>());
        break;
      case 'M':
        push_integer(take<std::uint16_t>());
        break;
      case 0x8a:
        push_long(take<std::uint8_t>());
        break;
      case 'G':
        push({.kind = Kind::real, .real = big_endian_real()});
        break;
      case 'X':
        push_text(take<std::uint32_t>());
        break;
      case 0x8c:
        push_text(take<std::uint8_t>());
        break;
      case '}':
        push({.kind = Kind::dictionary});
        break;
      case ']':
        push({.kind = Kind::list});
        break;
      case ')':
        push({.kind = Kind::tuple});
        break;
      case 0x85:
        push_tuple(1);
        break;
      case 0x86:
        push_tuple(2);
        break;
      case 0x87:
        push_tuple(3);
        break;
      case 't':
        push({.kind = Kind::tuple, .items = pop_to_mark()});
        break;
      case 'a':
        append({pop()}, Kind::list);
        break;
      case 'e':
        append(pop_to_mark(), Kind::list);
        break;
      case 's': {
        auto const value = pop(), key = pop();
        append({key, value}, Kind::dictionary);
        break;
      }
      case 'u':
        append(pop_to_mark(), Kind::dictionary);
        break;
      case 'q':
        remember(take<std::uint8_t>());
        break;
      case 'r':
        remember(take<std::uint32_t>());
        break;
      case 0x94:
        remember(memo_.size());
        break;
      case 'h':
        recall(take<std::uint8_t>());
        break;
      case 'j':
        recall(take<std::uint32_t>());
        break;
      case 'c': {
        auto const module = take_line();
        push_name(module, take_line());
        break;
      }
      case 0x93: {
        auto const name = pop_text(), module = pop_text();
        push_name(module, name);
        break;
      }
      case 'Q':
        push({.kind = Kind::storage, .items = {pop()}});
        break;
      case 'R':
        reduce();
        break;
      case 'b': {
        // BUILD sets attributes; the only object here that has any is an OrderedDict, and its
        // attributes hold no tensors.
        pop();
        refuse_if(result_[top()].kind != Kind::ordered, "an object with a state");
        break;
      }
      default:
        refuse_if(true, fmt::format("the instruction 0x{:02x}", code));
    }
    return true;
  }

  static void refuse_if(bool condition, std::string_view what) {
    if (condition) throw InputError(fmt::format("its pickle holds {}", what));
  }

  template <class Number>
  Number take() {
    auto const number = number_at<Number>(program_, position_);
    position_ += sizeof(Number);
    return number;
  }
  std::string_view take_text(std::uint64_t length) {
    auto const bytes = slice(program_, position_, length);
    position_ += length;
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  }
  std::string take_line() {
    auto const begin = position_;
    while (take<char>() != '\n') {
    }
    auto const bytes = program_.subspan(begin, position_ - 1 - begin);
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  }
  double big_endian_real() {
    std::uint64_t bits = 0;
    for (int byte = 0; byte < 8; ++byte) bits = bits << 8 | take<std::uint8_t>();
    return std::bit_cast<double>(bits);
  }

  std::size_t top() const {
    refuse_if(stack_.empty(), "an instruction without a value to work on");
    return stack_.back();
  }
  std::size_t pop() {
    auto const value = top();
    refuse_if(result_[value].kind == Kind::mark, "an instruction without a value to work on");
    stack_.pop_back();
    return value;
  }
  std::string pop_text() {
    auto const& value = result_[pop()];
    refuse_if(value.kind != Kind::text, "a name that is no text");
    return value.text;
  }
  std::vector<std::size_t> pop_to_mark() {
    std::size_t mark = stack_.size();
    while (mark > 0 && result_[stack_[mark - 1]].kind != Kind::mark) --mark;
    refuse_if(mark == 0, "an instruction without its mark");
    std::vector<std::size_t> items(stack_.begin() + static_cast<std::ptrdiff_t>(mark),
                                   stack_.end());
    stack_.resize(mark - 1);
    return items;
  }
  void push(PickleValue value) {
    refuse_if(result_.values.size() == 1 << 22, "more than four million values");
    stack_.push_back(result_.values.size());
    result_.values.push_back(std::move(value));
  }
  void push_integer(std::int64_t number) { push({.kind = Kind::integer, .integer = number}); }
  void push_long(std::size_t length) {
    // Longer numbers occur (the format's magic number); they keep their bytes as text.
    auto const bytes = take_text(length);
    if (length > 8) return push({.kind = Kind::text, .text = std::string(bytes)});
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < length; ++i) {
      number |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
    }
    auto const unused = static_cast<int>(64 - 8 * length);
    push_integer(length == 0 ? 0 : static_cast<std::int64_t>(number << unused) >> unused);
  }
  void push_text(std::uint64_t length) {
    push({.kind = Kind::text, .text = std::string(take_text(length))});
  }
  void push_tuple(std::size_t size) {
    std::vector<std::size_t> items(size);
    while (size > 0) items[--size] = pop();
    push({.kind = Kind::tuple, .items = std::move(items)});
  }
  void push_name(std::string const& module, std::string const& name) {
    bool const known = (module == "collections" && name == "OrderedDict") ||
                       (module == "torch._utils" &&
                        (name == "_rebuild_tensor_v2" || name == "_rebuild_parameter")) ||
                       (module == "torch" && name.ends_with("Storage"));
    refuse_if(!known, fmt::format("the name {:.40}.{:.40}, which no tensor needs", module, name));
    push({.kind = Kind::name, .text = module + " " + name});
  }
  void append(std::vector<std::size_t> items, Kind kind) {
    auto& container = result_.values[top()];
    bool const fits =
        container.kind == kind || (kind == Kind::dictionary && container.kind == Kind::ordered);
    refuse_if(!fits, "an item without its container");
    refuse_if(kind == Kind::dictionary && items.size() % 2 != 0, "a key without a value");
    container.items.insert(container.items.end(), items.begin(), items.end());
  }
  void remember(std::size_t index) {
    memo_[index] = top();
    // A pickle remembers each of its values once; one that goes on is made to grow.
    refuse_if(memo_.size() > result_.values.size(), "more references than values");
  }
  void recall(std::size_t index) {
    auto const found = memo_.find(index);
    refuse_if(found == memo_.end(), "a reference to nothing");
    stack_.push_back(found->second);
  }
  void reduce() {
    auto const arguments = pop(), function = pop();
    refuse_if(result_[arguments].kind != Kind::tuple || result_[function].kind != Kind::name,
              "a call of something unknown");
    if (result_[function].text == "collections OrderedDict") {
      refuse_if(!result_[arguments].items.empty(), "an OrderedDict made from something");
      return push({.kind = Kind::ordered});
    }
    push({.kind = Kind::call, .items = {function, arguments}});
  }

  std::span<std::byte const> program_;
  std::uint64_t position_ = 0;
  Pickle result_;
  std::vector<std::size_t> stack_;
  std::unordered_map<std::size_t, std::size_t> memo_;
};

}  // namespace detail

/// Runs a pickle up to its STOP.
/// \throws InputError (a bare clause, for the caller's sentence) at anything but plain values and
///         tensors
inline Pickle read_pickle(std::span<std::byte const> program) {
  return detail::PickleMachine(program).run();
}

}  // namespace vcflash::checkpoint
