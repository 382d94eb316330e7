#pragma once

#include <vcflash/kernels/linear.hpp>
#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <cstdint>

namespace vcflash {

/// A table of `Rows` vectors.
template <std::int64_t Rows, std::int64_t Width>
struct Embedding {
  using Table = Parameter<Role::embedding, Rows, Width>;
  BOOST_HANA_DEFINE_STRUCT(Embedding, (Table, weight));

  /// \param ids [...] int64 below `Rows`  \return [..., Width]
  Tensor operator()(Tensor const& ids) const { return aten::embedding(weight, ids); }

  /// The product with every row, where the table is the output layer as well.
  /// \param x [..., Width]  \return [..., Rows]
  Tensor products(Tensor const& x) const { return kernels::linear(x, weight); }

  /// [Rows, Width]; a layer that stands for this one may lack it.
  Tensor const& table() const { return weight; }

  /// Device and dtype of what it gives.
  at::TensorOptions options() const { return weight.value.options(); }
};

}  // namespace vcflash
