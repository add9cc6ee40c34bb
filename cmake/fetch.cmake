# The libraries of packages.txt from Debian's archive, in the versions of Debian 12, and SQLite's
# amalgamation from a package of npm: for systems that have none of them, as the images in which wheels
# are built. Sets the variables for which dependencies.cmake searches otherwise. The hashes are those of
# the archive's signed index and of npm.
include(FetchContent)

# zoometer_unpack(NAME ARGUMENTS...): unpacks an archive. NAME_SOURCE_DIR is where.
function(zoometer_unpack NAME)
  # Their own CMake files are of no use here: they are not in that folder.
  FetchContent_Declare(${NAME} ${ARGN} DOWNLOAD_EXTRACT_TIMESTAMP ON SOURCE_SUBDIR none)
  FetchContent_MakeAvailable(${NAME})
  set(${NAME}_SOURCE_DIR ${${NAME}_SOURCE_DIR} PARENT_SCOPE)
endfunction()

# zoometer_fetch(NAME PATH SHA256 [PATCH...]): the same of Debian's pool, or of its history.
function(zoometer_fetch NAME PATH HASH)
  zoometer_unpack(${NAME} URL
    http://deb.debian.org/debian/pool/main/${PATH}
    https://snapshot.debian.org/archive/debian/20250520T000000Z/pool/main/${PATH}
    URL_HASH SHA256=${HASH} PATCH_COMMAND ${ARGN})
  set(${NAME}_SOURCE_DIR ${${NAME}_SOURCE_DIR} PARENT_SCOPE)
endfunction()

# zoometer_fetch_headers(NAME PATH SHA256): a package of Debian that has nothing but headers, the same on
# every processor, in NAME_INCLUDE_DIR. Not every mirror has the sources of all packages.
function(zoometer_fetch_headers NAME PATH HASH)
  # CMake unpacks the package, an `ar` archive, but takes only names that it knows as archives.
  zoometer_fetch(${NAME} ${PATH} ${HASH} ${CMAKE_COMMAND} -E tar xf data.tar.xz DOWNLOAD_NAME ${NAME}.tar)
  set(${NAME}_INCLUDE_DIR ${${NAME}_SOURCE_DIR}/usr/include PARENT_SCOPE)
endfunction()

zoometer_fetch(cli11 c/cli11/cli11_2.1.2+ds.orig.tar.xz
  8143d20b688e98ccce8e24562d3b68e5f47c12e896c42c7ca8553dbde5bed55d)
zoometer_fetch(fmt f/fmtlib/fmtlib_9.1.0+ds1.orig.tar.gz
  84ce1c2d0be3a9863935137969dcec6970125caac032f82474640bfc81463583)
zoometer_fetch_headers(protozero p/protozero/libprotozero-dev_1.7.1-1_amd64.deb
  a7091f91d6c35608ee3ce6b36f4656cd7d1266539cf02c253927bd1a978647ac)
# New compilers refuse an assignment to a constant member, which nothing calls.
zoometer_fetch(rapidjson r/rapidjson/rapidjson_1.1.0+dfsg2.orig.tar.gz
  92aa6402743012e5f2c3db17def1ff5273df4f3ca7a8f8ed9f1041d392c14ce7
  sed -i "/s = rhs.s/d" include/rapidjson/document.h)
zoometer_fetch_headers(tomlplusplus t/tomlplusplus/libtomlplusplus-dev_3.3.0+ds-1_amd64.deb
  2779cce0001466dcf60eb6262ff68a888d49f9e30aee80c499d1d4f6f9f6e12e)
zoometer_fetch(zlib z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2
  71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1)
zoometer_unpack(sqlite URL https://registry.npmjs.org/better-sqlite3/-/better-sqlite3-12.4.1.tgz
  URL_HASH SHA512=df255dc9986495388daed83ee16a87a49a450ddf961d3836a0ced4711f341aa2f4e40395d31109cdceaa36f158a04b44fa1469d67f4ca4debffb8ca19469035d)

add_library(zoometer_cli11 INTERFACE)
target_include_directories(zoometer_cli11 SYSTEM INTERFACE ${cli11_SOURCE_DIR}/include)
add_library(CLI11::CLI11 ALIAS zoometer_cli11)

add_library(zoometer_sqlite STATIC ${sqlite_SOURCE_DIR}/deps/sqlite3/sqlite3.c)
target_compile_definitions(zoometer_sqlite PRIVATE SQLITE_OMIT_LOAD_EXTENSION SQLITE_DQS=0)
file(GLOB zlib_sources ${zlib_SOURCE_DIR}/*.c)
list(FILTER zlib_sources EXCLUDE REGEX "/gz[a-z]*\\.c$")
add_library(zoometer_zlib STATIC ${zlib_sources})
foreach(library zoometer_sqlite zoometer_zlib)
  set_target_properties(${library} PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
endforeach()

set(FMT_INCLUDE_DIR ${fmt_SOURCE_DIR}/include)
set(FMT_LIBRARY libfmt.so)  # no file: its version is compiled from the headers
set(PROTOZERO_INCLUDE_DIR ${protozero_INCLUDE_DIR})
set(RAPIDJSON_INCLUDE_DIR ${rapidjson_SOURCE_DIR}/include)
set(TOMLPLUSPLUS_INCLUDE_DIR ${tomlplusplus_INCLUDE_DIR})
set(SQLITE3_INCLUDE_DIR ${sqlite_SOURCE_DIR}/deps/sqlite3)
set(SQLITE3_LIBRARY zoometer_sqlite)
set(ZLIB_INCLUDE_DIR ${zlib_SOURCE_DIR})
set(ZLIB_LIBRARY zoometer_zlib)
