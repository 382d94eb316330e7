# Makes every Catch2 test case of an executable a CTest test with its tags as labels. Catch2's own
# script of this version does not know tags; the list is read before a test run (PRE_TEST), so
# that a build alone starts no test program.

cmake_policy(VERSION 3.25)

if(DEFINED vcflash_discover_executable)
  # Included by CTest: asks the executable for its test cases and writes the CTest file.
  if(NOT EXISTS "${vcflash_discover_file}"
     OR NOT "${vcflash_discover_file}" IS_NEWER_THAN "${vcflash_discover_executable}"
     OR NOT "${vcflash_discover_file}" IS_NEWER_THAN "${CMAKE_CURRENT_LIST_FILE}")
    execute_process(COMMAND "${vcflash_discover_executable}" --list-tests --reporter json
                    OUTPUT_VARIABLE listing RESULT_VARIABLE status ERROR_VARIABLE errors)
    if(NOT status EQUAL 0)
      message(FATAL_ERROR "${vcflash_discover_executable} does not list its tests: ${errors}")
    endif()
    set(script "")
    string(JSON count LENGTH "${listing}" listings tests)
    math(EXPR last "${count} - 1")
    foreach(i RANGE ${last})
      string(JSON name GET "${listing}" listings tests ${i} name)
      string(JSON tag_count LENGTH "${listing}" listings tests ${i} tags)
      set(labels "${vcflash_discover_floor}")
      if(tag_count GREATER 0)
        math(EXPR last_tag "${tag_count} - 1")
        foreach(j RANGE ${last_tag})
          string(JSON tag GET "${listing}" listings tests ${i} tags ${j})
          list(APPEND labels "${tag}")
        endforeach()
      endif()

      # A hang is a failure. An end-to-end test trains with every core, the others share them.
      set(properties TIMEOUT 120)
      set(threads 1)
      if("golden" IN_LIST labels)
        set(properties TIMEOUT 300 FIXTURES_REQUIRED golden_record FIXTURES_SETUP golden_tests)
      endif()
      if("e2e" IN_LIST labels)
        set(properties TIMEOUT 1500 PROCESSORS 2)
        set(threads 2)
      endif()

      string(REGEX REPLACE "([][\\,])" "\\\\\\1" spec "${name}")
      set(test "${vcflash_discover_floor}: ${name}")
      string(APPEND script
        "add_test([==[${test}]==] [==[${vcflash_discover_executable}]==] [==[${spec}]==])\n"
        "set_tests_properties([==[${test}]==] PROPERTIES ${properties} SKIP_RETURN_CODE 4\n"
        "  LABELS [==[${labels}]==]\n"
        "  ENVIRONMENT [==[${vcflash_discover_environment};OMP_NUM_THREADS=${threads}]==])\n")
    endforeach()
    file(WRITE "${vcflash_discover_file}" "${script}")
  endif()
  return()
endif()

function(vcflash_discover_tests target floor)
  set(include_file "${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake")
  set(tests_file "${CMAKE_CURRENT_BINARY_DIR}/${target}_tests.cmake")
  file(GENERATE OUTPUT "${include_file}" CONTENT "
if(NOT EXISTS [==[$<TARGET_FILE:${target}>]==])
  add_test([==[${floor}: is built]==] [==[$<TARGET_FILE:${target}>]==])
  return()
endif()
set(vcflash_discover_executable [==[$<TARGET_FILE:${target}>]==])
set(vcflash_discover_floor ${floor})
set(vcflash_discover_file [==[${tests_file}]==])
set(vcflash_discover_environment
  [==[VCFLASH_GOLDEN_OPENED=${CMAKE_CURRENT_BINARY_DIR}/golden_opened]==]
  [==[VCFLASH_BIN=${PROJECT_BINARY_DIR}/bin]==]
  [==[VCFLASH_SOURCE=${PROJECT_SOURCE_DIR}]==])
include([==[${CMAKE_CURRENT_FUNCTION_LIST_FILE}]==])
include([==[${tests_file}]==])
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include_file}")
endfunction()
