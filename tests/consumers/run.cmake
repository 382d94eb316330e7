# Builds and runs a consumer project from an empty folder outside the tree, as a stranger would.
# Run with -D source=TREE -D build=ITS-BUILD -D consumer=NAME -D "program=PROGRAM;ARGUMENTS"
# -D "expected=REGEX"
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND mktemp -d OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
function(step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE output WORKING_DIRECTORY "${folder}")
  if(NOT status EQUAL 0)
    file(REMOVE_RECURSE "${folder}")
    message(FATAL_ERROR "${consumer}: ${ARGN}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(COPY "${source}/tests/consumers/${consumer}/" DESTINATION "${folder}/project")
set(where "-DVCFLASH_SOURCE=${source}")
if(consumer STREQUAL "installed")
  step(${CMAKE_COMMAND} --install "${build}" --prefix "${folder}/prefix")
  set(where "-DCMAKE_PREFIX_PATH=${folder}/prefix")
endif()
find_program(ccache ccache)
if(ccache)
  set(launcher "-DCMAKE_CXX_COMPILER_LAUNCHER=${ccache}")
  set(ENV{CCACHE_BASEDIR} "${folder}")
endif()
# Not optimised: what counts is that it compiles, links and runs.
step(${CMAKE_COMMAND} -S project -B build -G Ninja -DCMAKE_BUILD_TYPE=None
     "-DVCFLASH_LIBTORCH=${libtorch}" "${where}" ${launcher})
step(${CMAKE_COMMAND} --build build)
step(build/${program})
file(REMOVE_RECURSE "${folder}")
if(NOT output MATCHES "${expected}")
  message(FATAL_ERROR "${consumer}: ${program} printed\n${output}\ninstead of ${expected}")
endif()
