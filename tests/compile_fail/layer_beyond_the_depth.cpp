// expect-error: Shallow takes layer -5 of 4 layers, which does not exist
#include <vcflash/encoders/umt.hpp>

using namespace vcflash;
Umt<UmtConfig{.name = "Shallow", .width = 48, .depth = 4, .heads = 4, .take_layer = -5}> broken;
