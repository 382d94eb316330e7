#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Keys that files spell otherwise than a model does.
namespace vcflash {

/// What begins with `found` in a file is the model's key that begins with `key` and goes on alike.
/// A component, or a whole network, says its own as `static constexpr std::array key_aliases`.
struct KeyAlias {
  std::string_view found, key;
};

/// What a component says of its keys' other spellings; nothing, if it knows of none.
template <class T>
constexpr std::span<KeyAlias const> key_aliases_of() {
  if constexpr (requires { T::key_aliases.size(); }) {
    return T::key_aliases;
  } else {
    return {};
  }
}

/// How files spell a network's keys: as the network does, or otherwise in the prefix of one of its
/// parts, in what stands behind that, or in both.
class KeySpelling {
 public:
  explicit KeySpelling(std::span<KeyAlias const> network = {})
      : network_(network.begin(), network.end()) {}

  /// \param prefix of the part in the network's keys, before the part's own aliases
  void add_part(std::string const& prefix, std::span<KeyAlias const> aliases) {
    for (KeyAlias const& alias : aliases) {
      parts_.emplace_back(prefix + std::string(alias.found), prefix + std::string(alias.key));
    }
  }

  /// The network's key for a file's.
  /// \param known whether the network has a key
  /// \return the file's own spelling if the network has none for it
  template <class Known>
  std::string operator()(std::string const& found, Known const& known) const {
    if (known(found)) return found;
    std::vector<std::string> bases{found};
    for (auto const& [theirs, ours] : network_) {
      if (found.starts_with(theirs)) bases.push_back(replaced(found, theirs, ours));
    }
    for (std::string const& base : bases) {
      if (known(base)) return base;
      for (auto const& [theirs, ours] : parts_) {
        if (!base.starts_with(theirs)) continue;
        if (auto key = replaced(base, theirs, ours); known(key)) return key;
      }
    }
    return found;
  }

 private:
  static std::string replaced(std::string const& text, std::string_view theirs,
                              std::string_view ours) {
    return std::string(ours) + text.substr(theirs.size());
  }

  std::vector<KeyAlias> network_;
  std::vector<std::pair<std::string, std::string>> parts_;
};

}  // namespace vcflash
