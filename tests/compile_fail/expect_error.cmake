# Compiles a source that must be refused and looks for the sentences of its `// expect-error:` lines
# in what the compiler says. Run with -D source=FILE -D commands=compile_commands.json -D stamp=FILE
# [-D compiler=ANOTHER-COMPILER]
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/../structure/compile_command.cmake")

file(STRINGS "${source}" expected REGEX "^// expect-error: ")
if(NOT expected)
  message(FATAL_ERROR "${source} has no line `// expect-error: SENTENCE`.")
endif()
vcflash_compile_command("${commands}" "${source}" command "${compiler}")
vcflash_pass_if_unchanged("${stamp}" "${command}")
execute_process(COMMAND ${command} -o /dev/null -MD -MF "${stamp}.d" RESULT_VARIABLE status OUTPUT_VARIABLE output
                ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "${source} compiles, but it must be refused.")
endif()
# clang prints a sentence that is a template argument letter by letter: 'a', 'b'.
string(REPLACE "', '" "" legible "${output}")
foreach(line IN LISTS expected)
  string(REGEX REPLACE "^// expect-error: " "" sentence "${line}")
  string(FIND "${legible}" "${sentence}" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "${source} is refused without the sentence\n  ${sentence}\n${output}")
  endif()
endforeach()
vcflash_passed("${stamp}" "${command}")
