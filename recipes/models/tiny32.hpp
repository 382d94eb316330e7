#pragma once

#include "tiny.hpp"

namespace recipes::models {

/// The tiny model at the 32 pixels of its first three stages.
struct tiny32 : tiny_at<32> {};

}  // namespace recipes::models
