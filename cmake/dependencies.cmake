# zoometer_dependencies: the libraries of packages.txt, in the form that starts fastest. Static
# libraries are preferred where Debian ships them, and --as-needed drops unused shared ones.
find_package(Threads REQUIRED)
if(ZOOMETER_FETCH)
  include(cmake/fetch.cmake)
endif()
if(NOT TARGET CLI11::CLI11)
  find_package(CLI11 REQUIRED)
endif()

find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)
find_path(FMT_INCLUDE_DIR fmt/format.h REQUIRED)
find_path(RAPIDJSON_INCLUDE_DIR rapidjson/reader.h REQUIRED)
find_path(SQLITE3_INCLUDE_DIR sqlite3.h REQUIRED)
find_path(ZLIB_INCLUDE_DIR zlib.h REQUIRED)
find_library(FMT_LIBRARY NAMES libfmt.a libfmt.so REQUIRED)
find_library(SQLITE3_LIBRARY NAMES libsqlite3.a libsqlite3.so REQUIRED)
find_library(ZLIB_LIBRARY NAMES libz.a libz.so REQUIRED)
mark_as_advanced(PROTOZERO_INCLUDE_DIR TOMLPLUSPLUS_INCLUDE_DIR FMT_INCLUDE_DIR
  RAPIDJSON_INCLUDE_DIR SQLITE3_INCLUDE_DIR ZLIB_INCLUDE_DIR
  FMT_LIBRARY SQLITE3_LIBRARY ZLIB_LIBRARY)

# Debian 12 ships fmt as a shared library only. All its sources are in the headers, so one small file
# compiles them into our library. That file is written for fmt 9; other versions stay shared.
add_library(zoometer_fmt INTERFACE)
target_include_directories(zoometer_fmt SYSTEM INTERFACE ${FMT_INCLUDE_DIR})
file(STRINGS ${FMT_INCLUDE_DIR}/fmt/core.h fmt_version REGEX "^#define FMT_VERSION ")
if(FMT_LIBRARY MATCHES "\\.so$" AND fmt_version MATCHES " 9[0-9][0-9][0-9][0-9]$")
  set(ZOOMETER_FMT_SOURCE ${PROJECT_SOURCE_DIR}/cmake/fmt_static.cpp)
else()
  set(ZOOMETER_FMT_SOURCE "")
  target_link_libraries(zoometer_fmt INTERFACE ${FMT_LIBRARY})
endif()

add_library(zoometer_dependencies INTERFACE)
target_include_directories(zoometer_dependencies SYSTEM INTERFACE
  ${PROTOZERO_INCLUDE_DIR} ${TOMLPLUSPLUS_INCLUDE_DIR} ${RAPIDJSON_INCLUDE_DIR}
  ${SQLITE3_INCLUDE_DIR} ${ZLIB_INCLUDE_DIR})
target_link_options(zoometer_dependencies INTERFACE LINKER:--as-needed)
target_link_libraries(zoometer_dependencies INTERFACE
  zoometer_fmt CLI11::CLI11
  ${SQLITE3_LIBRARY} ${ZLIB_LIBRARY}
  Threads::Threads ${CMAKE_DL_LIBS} m)
