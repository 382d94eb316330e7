# Compiles one source with everything it includes, nothing precompiled, within a budget. Run with
#   -D source=FILE -D commands=compile_commands.json -D stamp=FILE
#   -D seconds=N      of processor time
#   -D megabytes=N    of address space; any if left out
#   -D hana_only=ON   it may include LibTorch without its autograd, Boost.Hana and the system's headers
#                     only
#   -D compiler=FILE  another compiler than the build's
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/compile_command.cmake")

vcflash_compile_command("${commands}" "${source}" command "${compiler}")
vcflash_pass_if_unchanged("${stamp}" "${command}")
set(limits "ulimit -t ${seconds};")
if(megabytes)
  math(EXPR kilobytes "${megabytes} * 1024")
  string(APPEND limits " ulimit -v ${kilobytes};")
endif()
# Processor time grows with what else the machine does: the best of five counts.
foreach(attempt RANGE 1 5)
  execute_process(COMMAND bash -c "${limits} TIMEFORMAT='%U %S'; time \"$@\"" bash ${command}
                          -o /dev/null -MD -MF "${stamp}.d"
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(status EQUAL 0 OR NOT output MATCHES "Killed")
    break()
  endif()
endforeach()
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${source} does not compile within ${seconds} s ${megabytes} MB:\n${output}")
endif()
message(STATUS "user and system seconds: ${output}")
if(hana_only)
  file(READ "${stamp}.d" dependencies)
  string(REGEX REPLACE "[ \\\n]+" ";" dependencies "${dependencies}")
  foreach(file IN LISTS dependencies)
    if(file MATCHES "/boost/" AND NOT file MATCHES "/boost/hana"
       OR file MATCHES "/(fmt|spdlog|nlohmann|range|simdjson|yaml-cpp|toml\\+\\+|CLI|libav[a-z]+|libswscale)/"
          AND NOT file MATCHES "/torch/include/"
       OR file MATCHES "/(pcre2|utf8proc|zlib|simdjson)\\.h")
      message(FATAL_ERROR "${source} includes ${file}: a component needs LibTorch and Boost.Hana only.")
    endif()
    if(file MATCHES "/torch/csrc/autograd/")
      message(FATAL_ERROR "${source} includes ${file}: a component compiles without autograd.")
    endif()
  endforeach()
endif()
vcflash_passed("${stamp}" "${command}")
