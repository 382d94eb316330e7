# vcflash_add_recipe(my_experiment.hpp)  makes the program train-my_experiment
#   of the type recipes::my_experiment that the header defines.
# vcflash_add_model(my_model.hpp)        makes the programs eval-my_model and chat-my_model
#   of the type recipes::models::my_model.
# Either may be followed by EXCLUDE_FROM_ALL: then the programs are built when asked for.

function(_vcflash_add_program program header type exclude)
  string(REGEX REPLACE "-.*" "" verb ${program})
  get_filename_component(folder "${header}" DIRECTORY)
  get_filename_component(name "${header}" NAME)
  set(main "${CMAKE_CURRENT_BINARY_DIR}/${program}.cpp")
  file(CONFIGURE OUTPUT "${main}" @ONLY CONTENT [=[
#include <vcflash/app/@verb@_main.hpp>

#include "@name@"

int main(int argc, char** argv) { return vcflash::app::@verb@_main<@type@>(argc, argv); }
]=])
  add_executable(${program} ${exclude} "${main}")
  target_include_directories(${program} PRIVATE "${folder}")
  target_link_libraries(${program} PRIVATE vcflash::vcflash)
  if(COMMAND vcflash_own_target)
    vcflash_own_target(${program})
  endif()
endfunction()

function(vcflash_add_recipe header)
  get_filename_component(name "${header}" NAME_WE)
  get_filename_component(header "${header}" ABSOLUTE)
  _vcflash_add_program(train-${name} "${header}" recipes::${name} "${ARGN}")
endfunction()

function(vcflash_add_model header)
  get_filename_component(name "${header}" NAME_WE)
  get_filename_component(header "${header}" ABSOLUTE)
  foreach(verb IN ITEMS eval chat)
    _vcflash_add_program(${verb}-${name} "${header}" recipes::models::${name} "${ARGN}")
  endforeach()
endfunction()
