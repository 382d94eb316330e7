#include <vcflash/recipe/recipe.hpp>

// The recipe and the test that docs/new_component.md writes.
#include "recipes/stage2_patchy.hpp"
#include "tests/encoders/patch_mlp_test.cpp"
