#include <vcflash/dist/device.hpp>

#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/ones.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/base/error.hpp>

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using vcflash::InputError;
using vcflash::dist::device_of;

TEST_CASE("a device is taken by its name, and one that is not there is refused", "[unit]") {
  CHECK(device_of("cpu", 3) == at::Device(at::kCPU));
#ifndef VCFLASH_CUDA
  CHECK(device_of("auto", 3) == at::Device(at::kCPU));
#endif
  for (auto const* name : {"", "gpu", "cuda:", "cuda:-1", "cuda:1x", "cudas"}) {
    CAPTURE(name);
    CHECK_THROWS_MATCHES(device_of(name, 0), InputError,
                         MessageMatches(ContainsSubstring("is no device: give cpu")));
  }
  // Whatever is missing here, the build or the GPU: no machine has so many.
  CHECK_THROWS_MATCHES(device_of("cuda", 120), InputError,
                       MessageMatches(ContainsSubstring("cuda: this ")));
  CHECK_THROWS_MATCHES(device_of("cuda:120", 0), InputError,
                       MessageMatches(ContainsSubstring("cuda:120: this ")));
}

#ifdef VCFLASH_CUDA
TEST_CASE("a GPU is this process's own by its rank, and tensors there are counted", "[cuda]") {
  if (at::detail::getCUDAHooks().getNumGPUs() <= 0) SKIP("no GPU here");
  auto const device = device_of("cuda", 0);
  CHECK(device == at::Device(at::kCUDA, 0));
  auto const before = vcflash::dist::peak_device_bytes(device);
  at::Tensor const numbers = at::ones({1 << 20}, at::TensorOptions(at::kFloat).device(device));
  CHECK(vcflash::dist::peak_device_bytes(device) >= before + (4 << 20));
  CHECK(numbers.sum().item<float>() == 1 << 20);
}
#endif

TEST_CASE("tensors on a CPU are no device's memory", "[unit]") {
  CHECK(vcflash::dist::peak_device_bytes(at::kCPU) == 0);
}
