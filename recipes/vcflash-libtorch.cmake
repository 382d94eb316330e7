# Finds LibTorch and makes the target vcflash::libtorch, which links libtorch_cpu and libc10 only
# (LibTorch's own `torch` target drags CUDA in), or with -DVCFLASH_CUDA=ON its CUDA half as well.
# Looked for, in this order: VCFLASH_LIBTORCH (cache variable, then environment), CMAKE_PREFIX_PATH,
# the folder that apps/setup unpacks. Who includes this file reads in vcflash_NOT_FOUND_MESSAGE what
# is missing, if something is.

unset(vcflash_NOT_FOUND_MESSAGE)
if(TARGET vcflash::libtorch)
  return()
endif()

set(VCFLASH_LIBTORCH "" CACHE PATH "LibTorch's folder: the one that holds include/ and lib/")
option(VCFLASH_CUDA "Programs take --device cuda; needs the CUDA Toolkit and apps/setup --cuda" OFF)

# Gives `out` the folder, or `missing` a sentence.
function(_vcflash_find_libtorch out missing)
  set(places)
  foreach(given IN ITEMS "${VCFLASH_LIBTORCH}" "$ENV{VCFLASH_LIBTORCH}")
    if(given)
      list(APPEND places "${given}")
      break()
    endif()
  endforeach()
  if(NOT places)
    # An entry may be LibTorch's folder, or its share/cmake as torch.utils.cmake_prefix_path says.
    string(REPLACE ":" ";" from_environment "$ENV{CMAKE_PREFIX_PATH}")
    foreach(prefix IN LISTS CMAKE_PREFIX_PATH from_environment)
      list(APPEND places "${prefix}" "${prefix}/../..")
    endforeach()
    set(cache "$ENV{XDG_CACHE_HOME}")
    if(NOT cache)
      set(cache "$ENV{HOME}/.cache")
    endif()
    list(APPEND places "${cache}/vcflash/libtorch-2.11.0")
  endif()

  foreach(place IN LISTS places)
    foreach(folder IN ITEMS "${place}" "${place}/torch")
      if(EXISTS "${folder}/include/ATen/core/Tensor.h" AND EXISTS "${folder}/lib/libtorch_cpu.so")
        file(REAL_PATH "${folder}" folder)
        set(${out} "${folder}" PARENT_SCOPE)
        if(VCFLASH_CUDA AND NOT EXISTS "${folder}/lib/libtorch_cuda.so")
          set(${missing} "VCFLASH_CUDA is on, but ${folder}/lib has no libtorch_cuda.so." PARENT_SCOPE)
        endif()
        return()
      endif()
    endforeach()
  endforeach()
  list(JOIN places ", " places)
  string(CONCAT sentence "LibTorch was not found in ${places}: run apps/setup, or set "
    "VCFLASH_LIBTORCH to the folder that holds LibTorch's include/ and lib/.")
  set(${missing} "${sentence}" PARENT_SCOPE)
endfunction()

_vcflash_find_libtorch(found vcflash_NOT_FOUND_MESSAGE)
if(VCFLASH_CUDA AND NOT vcflash_NOT_FOUND_MESSAGE)
  find_package(CUDAToolkit QUIET)
  if(NOT CUDAToolkit_FOUND)
    set(vcflash_NOT_FOUND_MESSAGE "VCFLASH_CUDA is on, but there is no CUDA Toolkit.")
  endif()
endif()
if(vcflash_NOT_FOUND_MESSAGE)
  return()
endif()

add_library(vcflash::libtorch INTERFACE IMPORTED GLOBAL)
# Searched last: the wheel brings its own fmt, whose headers must not hide the one that is linked.
target_compile_options(vcflash::libtorch INTERFACE
  "SHELL:-idirafter \"${found}/include\""
  "SHELL:-idirafter \"${found}/include/torch/csrc/api/include\"")
target_compile_definitions(vcflash::libtorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
# Operators register themselves when the library is loaded, so a linker must not drop it.
target_link_options(vcflash::libtorch INTERFACE LINKER:--no-as-needed)
target_link_libraries(vcflash::libtorch INTERFACE
  "${found}/lib/libtorch_cpu.so" "${found}/lib/libc10.so")
if(VCFLASH_CUDA)
  target_include_directories(vcflash::libtorch SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS})
  target_compile_definitions(vcflash::libtorch INTERFACE VCFLASH_CUDA USE_C10D_NCCL)
  # What libtorch_cuda needs is found when a program starts, by the paths that it carries.
  target_link_options(vcflash::libtorch INTERFACE LINKER:--allow-shlib-undefined)
  target_link_libraries(vcflash::libtorch INTERFACE
    "${found}/lib/libtorch_cuda.so" "${found}/lib/libc10_cuda.so")
  # nvcc is asked for as soon as there is a kernel for it (vcflash-recipes.cmake compiles them).
  file(GLOB kernels "${CMAKE_CURRENT_LIST_DIR}/../include/vcflash/kernels/cuda/*.cuh")
  if(kernels)
    enable_language(CUDA)
  endif()
endif()
if(NOT vcflash_FIND_QUIETLY)
  message(STATUS "LibTorch: ${found}")
endif()
unset(found)
