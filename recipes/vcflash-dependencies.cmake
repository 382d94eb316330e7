# The libraries beside LibTorch, each for its job (docs/design.md, section 7). `vcflash::components`
# needs Boost.Hana alone; `vcflash::vcflash` needs them all. Who includes this file reads in
# vcflash_NOT_FOUND_MESSAGE what is missing, if something is.

# Gives `out` the sentence, or nothing. A function, so that no variable reaches who uses vcflash.
function(_vcflash_find_dependencies out)
  # Programs of a project's own link them in folders that are not this one.
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
  set(packages "Boost 1.74 CONFIG")
  if(NOT VCFLASH_COMPONENTS_ONLY)
    list(APPEND packages PkgConfig Threads ZLIB fmt spdlog range-v3 nlohmann_json simdjson yaml-cpp
      tomlplusplus CLI11)
  endif()
  set(missing)
  foreach(package IN LISTS packages)
    separate_arguments(package)
    find_package(${package} QUIET)
    list(GET package 0 name)
    if(NOT ${name}_FOUND)
      list(APPEND missing ${name})
    endif()
  endforeach()
  if(PKG_CONFIG_FOUND AND NOT VCFLASH_COMPONENTS_ONLY)
    foreach(modules IN ITEMS "pcre2;libpcre2-8" "utf8proc;libutf8proc"
        "ffmpeg;libavformat;libavcodec;libavutil;libswscale")
      list(POP_FRONT modules name)
      pkg_check_modules(vcflash_${name} QUIET IMPORTED_TARGET GLOBAL ${modules})
      if(NOT vcflash_${name}_FOUND)
        list(APPEND missing ${modules})
      endif()
    endforeach()
  endif()
  list(JOIN missing ", " missing)
  if(missing)
    set(missing "${missing} was not found: run apps/setup, which installs what vcflash needs.")
  endif()
  set(${out} "${missing}" PARENT_SCOPE)
endfunction()

_vcflash_find_dependencies(vcflash_NOT_FOUND_MESSAGE)
