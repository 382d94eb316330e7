#pragma once

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

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

/// \return [ids] int64
inline Tensor row_of(std::vector<std::int64_t> const& ids) {
  Tensor const row = at::empty({std::ssize(ids)}, at::kLong);
  std::ranges::copy(ids, row.mutable_data_ptr<std::int64_t>());
  return row;
}

}  // namespace vcflash::test
