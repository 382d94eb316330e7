#include <vcflash/recipe/recipe.hpp>

// The test that docs/new_component.md writes.
#include "tests/encoders/patch_mlp_test.cpp"
