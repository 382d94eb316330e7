// expect-error: Uneven has 5 heads, which do not divide its width 48
#include <vcflash/encoders/umt.hpp>

using namespace vcflash;
Umt<UmtConfig{.name = "Uneven", .width = 48, .depth = 4, .heads = 5}> broken;
