// expect-error: Uneven has 5 heads, which do not divide its width 64
#include <vcflash/encoders/internvideo2.hpp>

using namespace vcflash;
InternVideo2<InternVideo2Config{.name = "Uneven", .width = 64, .depth = 4, .heads = 5}> broken;
