#pragma once

#include <vcflash/recipe/recipe.hpp>

#include "recipes/models/tiny.hpp"

namespace vcflash::test {

using Tiny = recipes::models::tiny;

/// The demo's model with random weights.
inline Tiny::Network const& tiny_network() {
  static Tiny::Network const made = [] {
    Tiny::Network fresh;
    initialise_model<Tiny>(fresh, 7);
    return fresh;
  }();
  return made;
}

}  // namespace vcflash::test
