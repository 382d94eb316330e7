#pragma once

#include "stage2_tiny.hpp"

namespace recipes {

/// As stage2_tiny, but the optimizer's state and the gradients are sharded if there are several
/// processes.
struct stage2_tiny_zero2 : vcflash::Training<models::tiny32, TinyVisualPretraining> {
  using Sharding = vcflash::Zero<2>;
};

}  // namespace recipes
