#pragma once

#include <vcflash/tensor/aten.hpp>
#include <vcflash/tensor/parameter.hpp>

#include <cstdint>

namespace vcflash {

/// A table of `Rows` vectors.
/// \param ids [...] int64 below `Rows`  \return [..., Width]
template <std::int64_t Rows, std::int64_t Width>
struct Embedding {
  using Table = Parameter<Role::embedding, Rows, Width>;
  BOOST_HANA_DEFINE_STRUCT(Embedding, (Table, weight));

  Tensor operator()(Tensor const& ids) const { return aten::embedding(weight, ids); }
};

}  // namespace vcflash
