#pragma once

#include <vcflash/kernels/dispatch.hpp>
#include <vcflash/meta/separate.hpp>
#include <vcflash/tensor/tensor.hpp>

/// Fast paths with gradients. They need LibTorch's autograd, whose headers take longer to compile
/// than a component alone, so they are given to the paths from here: in every program that links
/// what is compiled once (`vcflash_separate`), whatever its sources include, and in one that has
/// everything from headers if it has this one. Where they are missing, what learns takes the plain
/// definition.
namespace vcflash::kernels::cpu {

/// What `attention_path().run_with_gradients` is.
Tensor attention_with_gradients(Tensor const& query, Tensor const& key, Tensor const& value,
                                bool causal, Tensor const& seen);

}  // namespace vcflash::kernels::cpu

#ifndef VCFLASH_SEPARATE
#include <vcflash/kernels/gradients.ipp>
#endif
