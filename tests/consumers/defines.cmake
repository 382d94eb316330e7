# Which headers of recipes/ become programs. Run with -D source=TREE
cmake_minimum_required(VERSION 3.25)
include("${source}/recipes/vcflash-recipes.cmake")

execute_process(COMMAND mktemp -d OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
foreach(case IN ITEMS
    "ON:struct small : vcflash::ModelOf<E, K, L> {"
    "ON:struct small"
    "ON:  class small {"
    "ON:using small = vcflash::ModelOf<E, K, L>"
    "OFF:#include \"small.hpp\"\nstatic_assert(small::Connector::tokens(4) == 32)"
    "OFF:struct small_facts {"
    "OFF:// struct small is elsewhere")
  string(REGEX MATCH "^(ON|OFF):(.*)$" case "${case}")
  set(expected ${CMAKE_MATCH_1})
  file(WRITE "${folder}/small.hpp" "#pragma once\n${CMAKE_MATCH_2}\n")
  _vcflash_defines("${folder}/small.hpp" small defined)
  if(NOT defined STREQUAL expected)
    message(SEND_ERROR "whether small is defined is ${defined}, expected ${expected}: ${CMAKE_MATCH_2}")
  endif()
endforeach()
file(REMOVE_RECURSE "${folder}")
