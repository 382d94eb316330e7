# Compiles one source with everything it includes, nothing precompiled, within a budget.
# Run with -D source=FILE -D commands=compile_commands.json -D seconds=N (of processor time)
# [-D megabytes=N (of address space)] [-D hana_only=ON: it may include LibTorch, Boost.Hana and the
# system's C and C++ headers only]
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/compile_command.cmake")

vcflash_compile_command("${commands}" "${source}" command "")
set(limits "ulimit -t ${seconds};")
if(megabytes)
  math(EXPR kilobytes "${megabytes} * 1024")
  string(APPEND limits " ulimit -v ${kilobytes};")
endif()
execute_process(COMMAND bash -c "${limits} TIMEFORMAT='%U %S'; time \"$@\"" bash ${command} -o /dev/null
                        -MD -MF /dev/stdout
                RESULT_VARIABLE status OUTPUT_VARIABLE dependencies ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${source} does not compile in ${seconds} s"
                      " and ${megabytes} MB (unless said otherwise, not at all):\n${output}")
endif()
message(STATUS "user and system seconds: ${output}")
if(hana_only)
  string(REGEX REPLACE "[ \\\n]+" ";" dependencies "${dependencies}")
  foreach(file IN LISTS dependencies)
    if(file MATCHES "/boost/" AND NOT file MATCHES "/boost/hana"
       OR file MATCHES "/(fmt|spdlog|nlohmann|range|simdjson|yaml-cpp|toml\\+\\+|CLI|libav[a-z]+|libswscale)/"
          AND NOT file MATCHES "/torch/include/"
       OR file MATCHES "/(pcre2|utf8proc|zlib|simdjson)\\.h")
      message(FATAL_ERROR "${source} includes ${file}: a component needs LibTorch and Boost.Hana only.")
    endif()
  endforeach()
endif()
