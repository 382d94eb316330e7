#pragma once

#include <vcflash/encoders/internvideo2.hpp>

namespace vcflash::test {

/// The small InternVideo2 that the golden data was computed with.
using GoldenInternVideo2 = InternVideo2<InternVideo2Config{
    .name = "golden InternVideo2", .width = 64, .depth = 4, .heads = 4, .intermediate = 279}>;

}  // namespace vcflash::test
