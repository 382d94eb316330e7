#include <vcflash/meta/separate.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string_view>

#define VCFLASH_TEST_SPELLED(x) #x
#define VCFLASH_TEST_SPELL(x) VCFLASH_TEST_SPELLED(x)

TEST_CASE("functions are inline where their bodies stand in the headers", "[unit]") {
#ifdef VCFLASH_SEPARATE
  CHECK(std::string_view(VCFLASH_TEST_SPELL(VCFLASH_INLINE)).empty());
#else
  CHECK(std::string_view(VCFLASH_TEST_SPELL(VCFLASH_INLINE)) == "inline");
#endif
}
