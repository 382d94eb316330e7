#pragma once

#include <vcflash/kernels/dispatch.hpp>

namespace vcflash::test {

/// Takes some fast paths while it exists.
class WithFastPaths {
 public:
  explicit WithFastPaths(kernels::FastPaths paths) : before_(kernels::set_fast_paths(paths)) {}
  WithFastPaths(WithFastPaths const&) = delete;
  WithFastPaths& operator=(WithFastPaths const&) = delete;
  ~WithFastPaths() { kernels::set_fast_paths(before_); }

 private:
  kernels::FastPaths before_;
};

}  // namespace vcflash::test
