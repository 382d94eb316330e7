// expect-error: Narrow is 40 wide, but its positions come in parts of a sixteenth
#include <vcflash/encoders/internvideo2.hpp>

using namespace vcflash;
InternVideo2<InternVideo2Config{.name = "Narrow", .width = 40, .depth = 4, .heads = 4}> broken;
