#pragma once

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <charconv>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include <vcflash/base/error.hpp>
#include <vcflash/dist/device.hpp>
#include <vcflash/tensor/page_allocator.hpp>

namespace vcflash::dist {

VCFLASH_INLINE at::Device device_of(std::string_view name, std::int64_t local_rank) {
#ifdef VCFLASH_CUDA
  constexpr bool built_for_it = true;
#else
  constexpr bool built_for_it = false;
#endif
  if (name == "auto") {
    name = built_for_it && at::detail::getCUDAHooks().getNumGPUs() > 0 ? "cuda" : "cpu";
  }
  if (name == "cpu") {
    give_large_tensors_pages();
    return at::kCPU;
  }
  std::int64_t index = local_rank;
  bool known = name == "cuda";
  if (constexpr std::string_view numbered = "cuda:"; name.starts_with(numbered)) {
    auto const [stop, error] =
        std::from_chars(name.data() + numbered.size(), name.data() + name.size(), index);
    known = error == std::errc() && stop == name.data() + name.size() && index >= 0;
  }
  if (!known) throw InputError(fmt::format("{} is no device: give cpu, cuda or cuda:N.", name));
  if (!built_for_it) {
    throw InputError(fmt::format(
        "{}: this program was built for CPUs only; configure the build with -DVCFLASH_CUDA=ON.",
        name));
  }
  auto const count = at::detail::getCUDAHooks().getNumGPUs();
  if (count <= 0) {
    throw InputError(fmt::format("{}: this machine has no GPU, or no driver for one.", name));
  }
  // Slurm may show each task one GPU of its own, whatever its rank on the machine.
  if (name == "cuda" && count == 1 && std::getenv("CUDA_VISIBLE_DEVICES") != nullptr) index = 0;
  if (index >= count) {
    throw InputError(
        fmt::format("{}: this process would use cuda:{}, but the machine has {} GPU{}.", name,
                    index, count, count == 1 ? "" : "s"));
  }
  at::Device const device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
  at::globalContext().lazyInitDevice(at::kCUDA);
  // cuDNN's attention makes a plan for every new length, which costs more than it gains where
  // lengths change: a token of a 7B model took 77 ms instead of 17 (docs/speed.md).
  at::globalContext().setSDPUseCuDNN(false);
  c10::impl::VirtualGuardImpl(at::kCUDA).setDevice(device);
  return device;
}

VCFLASH_INLINE void compute_reproducibly() {
  // Of cuBLAS, which reads it when it is first used: memory of its own for each stream.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

VCFLASH_INLINE std::int64_t peak_device_bytes(at::Device device) {
  if (device.is_cpu()) return 0;
  constexpr auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  return c10::getDeviceAllocator(device.type())
      ->getDeviceStats(device.index())
      .allocated_bytes[all]
      .peak;
}

}  // namespace vcflash::dist
