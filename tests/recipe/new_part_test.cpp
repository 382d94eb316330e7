#include <vcflash/layers/parts.hpp>

// The layer and the test that docs/new_part.md writes.
#include "tests/layers/int8_test.cpp"
