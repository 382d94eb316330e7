#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string_view>

#include <vcflash/dist/launch.hpp>
#include <vcflash/meta/separate.hpp>

namespace vcflash::dist {

/// The device that a person names, made the current one of this thread: `cpu`, `cuda:2`, or `cuda`
/// for this process's own, by its rank on the machine; `auto` is `cuda` where the program was built
/// for GPUs and there is one, else `cpu`. What LibTorch does badly there is set
/// for the process: memory of large CPU tensors (`PageAllocator`), cuDNN's attention on GPUs.
/// \throws InputError saying why there is no such device here
at::Device device_of(std::string_view name, std::int64_t local_rank = dist::local_rank());

/// Has GPUs compute the same from the same every time, as CPUs do: by LibTorch's
/// deterministic kernels; an operation that has none is an error. To be called before a GPU is
/// used.
void compute_reproducibly();

/// Bytes that tensors occupied on a device at most so far; 0 for a CPU, whose memory is the
/// process's.
std::int64_t peak_device_bytes(at::Device device);

}  // namespace vcflash::dist

#ifndef VCFLASH_SEPARATE
#include <vcflash/dist/device.ipp>
#endif
