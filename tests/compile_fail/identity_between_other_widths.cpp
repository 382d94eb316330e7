// expect-error: Identity gives 1024-wide tokens, Qwen2_7B takes 3584
#include <vcflash/connectors/identity.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/recipe/recipe.hpp>

using namespace vcflash;
ModelOf<Umt<Res224>, Identity, Qwen2_7B>::Network broken;
