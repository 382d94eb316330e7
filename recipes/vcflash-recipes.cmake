# vcflash_add_recipe(my_experiment.hpp)  makes the program train-my_experiment
#   of the type recipes::my_experiment that the header defines.
# vcflash_add_model(my_model.hpp)        makes the programs eval-my_model and chat-my_model
#   of the type recipes::models::my_model.
# vcflash_add_model(my_model.hpp BENCHMARKS mine.hpp …)  also knows the benchmarks
#   recipes::benchmarks::mine, … by their names in eval-my_model.
# Either may be followed by EXCLUDE_FROM_ALL: then the programs are built when asked for.
#
# What depends on no recipe (the files *.ipp beside the headers) is compiled once for all programs
# of a build: into the library vcflash_separate_input what includes no LibTorch, else into
# vcflash_separate. Where a project names no build type, all of it is compiled as Release would be.

set(_vcflash_include "${CMAKE_CURRENT_LIST_DIR}/../include")
if(NOT EXISTS "${_vcflash_include}/vcflash")  # installed: lib/cmake/vcflash
  get_target_property(_vcflash_include vcflash::headers INTERFACE_INCLUDE_DIRECTORIES)
endif()
set_property(GLOBAL PROPERTY vcflash_include "${_vcflash_include}")

# The benchmarks that are files, as the source that include/vcflash/eval/benchmark_file.ipp includes.
set_property(GLOBAL PROPERTY vcflash_benchmarks "${CMAKE_CURRENT_LIST_DIR}/benchmarks")
function(_vcflash_write_benchmarks source)
  get_property(folder GLOBAL PROPERTY vcflash_benchmarks)
  file(GLOB files CONFIGURE_DEPENDS "${folder}/*.toml")
  list(LENGTH files count)
  if(count EQUAL 0)
    message(FATAL_ERROR "${folder} holds no benchmarks, which come with vcflash; was it copied completely?")
  endif()
  set(content "inline constexpr std::array<ShippedBenchmark, ${count}> shipped{{\n")
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WE)
    file(READ "${file}" toml)
    string(APPEND content "{\"${name}\", R\"vcflash(${toml})vcflash\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  endforeach()
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT "${content}}};\n")
endfunction()

# Whether a file includes, itself or through headers found in `folders`, what matches `pattern`.
function(_vcflash_reaches pattern file folders out)
  set(property "vcflash reaches ${pattern} ${file}")
  get_property(known GLOBAL PROPERTY "${property}" SET)
  if(NOT known)
    set(found OFF)
    set_property(GLOBAL PROPERTY "${property}" OFF)
    get_filename_component(beside "${file}" DIRECTORY)
    file(STRINGS "${file}" includes REGEX "^#include [<\"]")
    foreach(include IN LISTS includes)
      string(REGEX REPLACE "^#include [<\"]([^>\"]+)[>\"].*" "\\1" include "${include}")
      if(include MATCHES "${pattern}")
        set(found ON)
      endif()
      foreach(folder IN LISTS folders beside)
        if(NOT found AND EXISTS "${folder}/${include}")
          _vcflash_reaches("${pattern}" "${folder}/${include}" "${folders}" found)
        endif()
      endforeach()
    endforeach()
    set_property(GLOBAL PROPERTY "${property}" ${found})
  endif()
  get_property(found GLOBAL PROPERTY "${property}")
  set(${out} ${found} PARENT_SCOPE)
endfunction()

function(_vcflash_reaches_torch file folders out)
  _vcflash_reaches("^(ATen|c10|torch)/" "${file}" "${folders}" found)
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# Writes the definition of app::build_commit().
function(_vcflash_write_commit folder file)
  set(commit "")
  find_package(Git QUIET)
  if(Git_FOUND AND EXISTS "${folder}/.git")
    execute_process(COMMAND "${GIT_EXECUTABLE}" -C "${folder}" rev-parse --short=12 HEAD
      OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND "${GIT_EXECUTABLE}" -C "${folder}" diff --quiet HEAD
      RESULT_VARIABLE changed ERROR_QUIET)
    if(commit AND changed)
      string(APPEND commit "+")
    endif()
  endif()
  file(CONFIGURE OUTPUT "${file}" @ONLY CONTENT [=[
#include <vcflash/app/build_commit.hpp>

std::string_view vcflash::app::build_commit() { return "@commit@"; }
]=])
endfunction()

# Without a build type, CMake asks the compiler for no optimization: a training would be many times
# slower.
function(_vcflash_optimize target)
  get_property(several GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(NOT several AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CXX_FLAGS MATCHES "(^| )-O")
    separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS_RELEASE}")
    target_compile_options(${target} PRIVATE ${flags})
  endif()
endfunction()

# What is for nvcc, include/vcflash/kernels/cuda/*.cuh: one translation unit, apart from what the
# compiler of the rest is told by LibTorch's target.
function(_vcflash_add_cuda_kernels include)
  file(GLOB files CONFIGURE_DEPENDS RELATIVE "${include}" "${include}/vcflash/kernels/cuda/*.cuh")
  if(NOT VCFLASH_CUDA OR NOT files)
    return()
  endif()
  list(TRANSFORM files REPLACE "(.+)" "#include <\\1>\n" OUTPUT_VARIABLE content)
  list(JOIN content "" content)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/vcflash_separate/kernels.cu")
  file(CONFIGURE OUTPUT "${source}" CONTENT "${content}")
  add_library(vcflash_separate_cuda STATIC EXCLUDE_FROM_ALL "${source}")
  target_include_directories(vcflash_separate_cuda PRIVATE "${include}")
  # C++17: CMake 3.25 does not know that nvcc takes more.
  set_property(TARGET vcflash_separate_cuda PROPERTY CXX_STANDARD)
  target_link_libraries(vcflash_separate PUBLIC vcflash_separate_cuda)
endfunction()

# One translation unit a floor and library.
function(_vcflash_add_separate)
  if(TARGET vcflash_separate)
    return()
  endif()
  get_property(include GLOBAL PROPERTY vcflash_include)
  file(GLOB files CONFIGURE_DEPENDS RELATIVE "${include}" "${include}/vcflash/*/*.ipp"
       "${include}/vcflash/*/*/*.ipp")
  foreach(file IN LISTS files)
    _vcflash_reaches_torch("${include}/${file}" "${include}" torch)
    set(library vcflash_separate)
    if(NOT torch)
      string(APPEND library _input)
    endif()
    string(REGEX REPLACE "^vcflash/([a-z]+)/.*" "\\1" floor "${file}")
    list(APPEND floors_${library} ${floor})
    string(APPEND content_${library}_${floor} "#include <${file}>\n")
  endforeach()
  foreach(library IN ITEMS vcflash_separate_input vcflash_separate)
    set(sources)
    list(REMOVE_DUPLICATES floors_${library})
    foreach(floor IN LISTS floors_${library})
      set(source "${CMAKE_CURRENT_BINARY_DIR}/${library}/${floor}.cpp")
      file(CONFIGURE OUTPUT "${source}" CONTENT "${content_${library}_${floor}}")
      list(APPEND sources "${source}")
    endforeach()
    add_library(${library} STATIC EXCLUDE_FROM_ALL ${sources})
    _vcflash_optimize(${library})
  endforeach()
  _vcflash_write_commit("${include}/.." "${CMAKE_CURRENT_BINARY_DIR}/vcflash_commit.cpp")
  target_sources(vcflash_separate_input PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/vcflash_commit.cpp")
  set(benchmarks "${CMAKE_CURRENT_BINARY_DIR}/vcflash_separate_input/benchmarks.inc")
  _vcflash_write_benchmarks("${benchmarks}")
  set_source_files_properties("${CMAKE_CURRENT_BINARY_DIR}/vcflash_separate_input/eval.cpp"
    PROPERTIES COMPILE_DEFINITIONS "VCFLASH_BENCHMARKS=\"${benchmarks}\"")
  target_compile_definitions(vcflash_separate_input PUBLIC VCFLASH_SEPARATE)
  target_link_libraries(vcflash_separate_input PUBLIC vcflash::input CLI11::CLI11)
  target_link_libraries(vcflash_separate PUBLIC vcflash_separate_input vcflash::vcflash)
  _vcflash_add_cuda_kernels("${include}")
  if(COMMAND vcflash_own_target)
    vcflash_own_target(vcflash_separate)
    target_link_libraries(vcflash_separate_input PRIVATE vcflash_warnings)
  endif()
endfunction()

# `ARGN` are headers of benchmarks.
function(_vcflash_add_program program header type exclude)
  string(REGEX REPLACE "-.*" "" verb ${program})
  get_filename_component(folder "${header}" DIRECTORY)
  get_filename_component(name "${header}" NAME)
  set(main "${CMAKE_CURRENT_BINARY_DIR}/${program}.cpp")
  set(includes "#include \"${name}\"")
  foreach(benchmark IN LISTS ARGN)
    get_filename_component(path "${benchmark}" ABSOLUTE)
    get_filename_component(benchmark "${benchmark}" NAME_WE)
    string(APPEND includes "\n#include \"${path}\"")
    string(APPEND type ", recipes::benchmarks::${benchmark}")
  endforeach()
  file(CONFIGURE OUTPUT "${main}" @ONLY CONTENT [=[
#include <vcflash/app/@verb@_main.hpp>

@includes@

int main(int argc, char** argv) { return vcflash::app::@verb@_main<@type@>(argc, argv); }
]=])
  add_executable(${program} ${exclude} "${main}")
  _vcflash_optimize(${program})
  target_include_directories(${program} PRIVATE "${folder}")
  _vcflash_add_separate()
  target_link_libraries(${program} PRIVATE vcflash_separate)
  if(COMMAND vcflash_own_target)
    vcflash_own_target(${program})
  endif()
endfunction()

# Whether a header defines a type of that name.
function(_vcflash_defines header name out)
  file(STRINGS "${header}" found REGEX "^ *(struct|class|using) +${name}([^A-Za-z0-9_]|$)")
  set(${out} OFF PARENT_SCOPE)
  if(found)
    set(${out} ON PARENT_SCOPE)
  endif()
endfunction()

function(vcflash_add_recipe header)
  get_filename_component(name "${header}" NAME_WE)
  get_filename_component(header "${header}" ABSOLUTE)
  _vcflash_add_program(train-${name} "${header}" recipes::${name} "${ARGN}")
endfunction()

function(vcflash_add_model header)
  cmake_parse_arguments(PARSE_ARGV 1 asked "EXCLUDE_FROM_ALL" "" "BENCHMARKS")
  if(asked_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "vcflash_add_model(${header}): takes EXCLUDE_FROM_ALL and BENCHMARKS, not "
      "${asked_UNPARSED_ARGUMENTS}")
  endif()
  set(exclude "")
  if(asked_EXCLUDE_FROM_ALL)
    set(exclude EXCLUDE_FROM_ALL)
  endif()
  get_filename_component(name "${header}" NAME_WE)
  get_filename_component(header "${header}" ABSOLUTE)
  _vcflash_add_program(eval-${name} "${header}" recipes::models::${name} "${exclude}"
    ${asked_BENCHMARKS})
  _vcflash_add_program(chat-${name} "${header}" recipes::models::${name} "${exclude}")
endfunction()
