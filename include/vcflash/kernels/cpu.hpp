#pragma once

#include <vcflash/kernels/dispatch.hpp>

namespace vcflash::kernels::cpu {

using kernels::learns;

}  // namespace vcflash::kernels::cpu
