# Makes every Catch2 test case of an executable a CTest test with its tags as labels. Catch2's own
# script of this version knows no tags and lists nothing before the build. Here the executable is
# asked before a test run; until it is built, the names are read off the sources.
cmake_policy(VERSION 3.25)

# CTest loads this file through what vcflash_discover_tests generates, with vcflash_discover_* set.
if(DEFINED vcflash_discover_executable)
  function(vcflash_write_test name labels out)
    # A hang is a failure, bf16 on a processor without instructions for it is none. An end-to-end test
    # trains on every core, the others share them.
    set(properties TIMEOUT 300)
    set(threads 1)
    list(PREPEND labels ${vcflash_discover_floor})
    if("golden" IN_LIST labels)
      list(APPEND properties FIXTURES_REQUIRED golden_record FIXTURES_SETUP golden_tests)
    endif()
    if("e2e" IN_LIST labels OR "soak" IN_LIST labels)
      set(properties TIMEOUT 1500 PROCESSORS 2)
      set(threads 2)
    endif()
    # What takes long is a test only when it is asked for (tests/run -L soak).
    set(condition TRUE)
    if("soak" IN_LIST labels)
      set(condition "DEFINED ENV{VCFLASH_SOAK}")
    endif()
    list(JOIN properties " " properties)
    string(REGEX REPLACE "([][\\,])" "\\\\\\1" spec "${name}")
    set(test "${vcflash_discover_floor}: ${name}")
    set(command "[==[${vcflash_discover_executable}]==] [==[${spec}]==]")
    if(NOT EXISTS "${vcflash_discover_executable}")
      set(command "sh -c [==[echo \"$0 is not built\"; exit 1]==]\
 [==[${vcflash_discover_executable}]==]")
    endif()
    set(${out} "${${out}}\
if(${condition})
add_test([==[${test}]==] ${command})
set_tests_properties([==[${test}]==] PROPERTIES ${properties} SKIP_RETURN_CODE 4
  LABELS [==[${labels}]==]
  ENVIRONMENT [==[${vcflash_discover_environment};OMP_NUM_THREADS=${threads}]==])
endif()
" PARENT_SCOPE)
  endfunction()

  set(script "")
  if(NOT EXISTS "${vcflash_discover_executable}")
    foreach(source IN LISTS vcflash_discover_sources)
      file(READ "${source}" text)
      # Brackets and semicolons mean something in CMake's lists.
      string(REPLACE "[" "<" text "${text}")
      string(REPLACE "]" ">" text "${text}")
      string(REPLACE ";" "," text "${text}")
      string(REGEX MATCHALL "TEST_CASE\\([ \n]*\"[^\"]*\"([ \n]*\"[^\"]*\")*,[ \n]*\"[^\"]*\""
             cases "${text}")
      foreach(case IN LISTS cases)
        string(REGEX MATCH "^TEST_CASE\\([ \n]*(\".*\"),[ \n]*\"([^\"]*)\"$" case "${case}")
        set(name "${CMAKE_MATCH_1}")
        string(REGEX MATCHALL "[^<>]+" labels "${CMAKE_MATCH_2}")
        string(REGEX REPLACE "\"[ \n]*\"" "" name "${name}")
        string(REGEX REPLACE "^\"|\"$" "" name "${name}")
        vcflash_write_test("${name}" "${labels}" script)
      endforeach()
    endforeach()
    file(REMOVE "${vcflash_discover_file}")
    file(WRITE "${vcflash_discover_file}.unbuilt" "${script}")
    include("${vcflash_discover_file}.unbuilt")
    return()
  endif()

  if(NOT EXISTS "${vcflash_discover_file}"
     OR NOT "${vcflash_discover_file}" IS_NEWER_THAN "${vcflash_discover_executable}"
     OR NOT "${vcflash_discover_file}" IS_NEWER_THAN "${CMAKE_CURRENT_LIST_FILE}")
    execute_process(COMMAND "${vcflash_discover_executable}" --list-tests --reporter json
                    OUTPUT_VARIABLE listing RESULT_VARIABLE status ERROR_VARIABLE errors)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR "${vcflash_discover_executable} does not list its tests: ${errors}")
    endif()
    string(JSON count LENGTH "${listing}" listings tests)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON name GET "${listing}" listings tests ${i} name)
      string(JSON tag_count LENGTH "${listing}" listings tests ${i} tags)
      set(labels)
      if(tag_count GREATER 0)
        math(EXPR last_tag "${tag_count} - 1")
        foreach(j RANGE ${last_tag})
          string(JSON tag GET "${listing}" listings tests ${i} tags ${j})
          list(APPEND labels "${tag}")
        endforeach()
      endif()
      vcflash_write_test("${name}" "${labels}" script)
    endforeach()
    file(WRITE "${vcflash_discover_file}" "${script}")
  endif()
  include("${vcflash_discover_file}")
  return()
endif()

function(vcflash_discover_tests target floor)
  get_target_property(sources ${target} SOURCES)
  list(TRANSFORM sources PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  set(include_file "${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake")
  file(GENERATE OUTPUT "${include_file}" CONTENT "\
set(vcflash_discover_executable [==[$<TARGET_FILE:${target}>]==])
set(vcflash_discover_floor ${floor})
set(vcflash_discover_sources [==[${sources}]==])
set(vcflash_discover_file [==[${CMAKE_CURRENT_BINARY_DIR}/${target}_tests.cmake]==])
set(vcflash_discover_environment
  [==[VCFLASH_GOLDEN_OPENED=${CMAKE_CURRENT_BINARY_DIR}/golden_opened]==]
  [==[VCFLASH_BIN=${PROJECT_BINARY_DIR}/bin]==]
  [==[VCFLASH_SOURCE=${PROJECT_SOURCE_DIR}]==])
include([==[${CMAKE_CURRENT_FUNCTION_LIST_FILE}]==])
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include_file}")
endfunction()
