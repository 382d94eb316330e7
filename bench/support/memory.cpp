#include <vcflash/tensor/page_allocator.hpp>

namespace {

/// Benchmarks have their memory as programs have it (dist/device.hpp).
[[maybe_unused]] bool const pages = [] {
  vcflash::give_large_tensors_pages();
  return true;
}();

}  // namespace
