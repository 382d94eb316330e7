#pragma once

#include <string>

#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/parameter_list.hpp>

namespace vcflash::infer::detail {

/// A sentence about a model that went wrong, with the first of its weights that is not all numbers;
/// without one, as it is.
std::string with_suspect(std::string const& sentence, NamedTensors const& weights);

}  // namespace vcflash::infer::detail

#ifndef VCFLASH_SEPARATE
#include <vcflash/infer/suspect_weights.ipp>
#endif
