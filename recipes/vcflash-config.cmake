# find_package(vcflash)                        vcflash::vcflash, vcflash_add_recipe, vcflash_add_model
# find_package(vcflash COMPONENTS components)  vcflash::components alone: LibTorch and Boost.Hana
if(vcflash_FIND_COMPONENTS STREQUAL "components"
   OR NOT EXISTS "${CMAKE_CURRENT_LIST_DIR}/vcflash-all.cmake")
  set(VCFLASH_COMPONENTS_ONLY ON)
else()
  set(VCFLASH_COMPONENTS_ONLY OFF)
endif()
include("${CMAKE_CURRENT_LIST_DIR}/vcflash-libtorch.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/vcflash-dependencies.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/vcflash-components.cmake")
if(NOT VCFLASH_COMPONENTS_ONLY)
  include("${CMAKE_CURRENT_LIST_DIR}/vcflash-all.cmake")
endif()
include("${CMAKE_CURRENT_LIST_DIR}/vcflash-recipes.cmake")
