# The libraries beside LibTorch, each for its job (docs/design.md, section 7). `vcflash::components`
# needs Boost.Hana alone; `vcflash::vcflash` needs them all.

find_package(Boost 1.74 REQUIRED)
if(VCFLASH_COMPONENTS_ONLY)
  return()
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(range-v3 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(simdjson REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(vcflash_pcre2 REQUIRED IMPORTED_TARGET GLOBAL libpcre2-8)
pkg_check_modules(vcflash_utf8proc REQUIRED IMPORTED_TARGET GLOBAL libutf8proc)
pkg_check_modules(vcflash_ffmpeg REQUIRED IMPORTED_TARGET GLOBAL
  libavformat libavcodec libavutil libswscale)
