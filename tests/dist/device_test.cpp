#include <vcflash/dist/device.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <vcflash/meta/error.hpp>

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;
using vcflash::InputError;
using vcflash::dist::device_of;

TEST_CASE("a device is taken by its name, and one that is not there is refused", "[unit]") {
  CHECK(device_of("cpu", 3) == at::Device(at::kCPU));
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

TEST_CASE("tensors on a CPU are no device's memory", "[unit]") {
  CHECK(vcflash::dist::peak_device_bytes(at::kCPU) == 0);
}
