# The bill of materials (CycloneDX 1.5): what is compiled or linked into the binary, with versions as
# the headers that were used state them. `zoometer.cdx.json` in the build folder; it is installed.
# It has no time and no serial number, so that two builds of the same sources are the same.
set(ZOOMETER_SBOM ${PROJECT_BINARY_DIR}/zoometer.cdx.json)

# The text that a header defines a name as: "3.40.1"; several names are joined by dots.
function(header_version result file)
  set(parts "")
  foreach(name IN LISTS ARGN)
    file(STRINGS ${file} line REGEX "^[ \t]*#[ \t]*define[ \t]+${name}[ \t]" LIMIT_COUNT 1)
    string(REGEX REPLACE "^[ \t]*#[ \t]*define[ \t]+${name}[ \t]+\"?([^\" \t]*).*" "\\1" part "${line}")
    list(APPEND parts "${part}")
  endforeach()
  list(JOIN parts . version)
  set(${result} "${version}" PARENT_SCOPE)
endfunction()

header_version(sqlite_version ${SQLITE3_INCLUDE_DIR}/sqlite3.h SQLITE_VERSION)
header_version(zlib_version ${ZLIB_INCLUDE_DIR}/zlib.h ZLIB_VERSION)
header_version(rapidjson_version ${RAPIDJSON_INCLUDE_DIR}/rapidjson/rapidjson.h
  RAPIDJSON_MAJOR_VERSION RAPIDJSON_MINOR_VERSION RAPIDJSON_PATCH_VERSION)
find_file(TOMLPLUSPLUS_VERSION_HEADER NAMES toml++/impl/version.h toml++/impl/toml_version.h
  toml++/toml_version.h HINTS ${TOMLPLUSPLUS_INCLUDE_DIR})
mark_as_advanced(TOMLPLUSPLUS_VERSION_HEADER)
set(toml_version "")
if(TOMLPLUSPLUS_VERSION_HEADER)
  header_version(toml_version ${TOMLPLUSPLUS_VERSION_HEADER} TOML_LIB_MAJOR TOML_LIB_MINOR TOML_LIB_PATCH)
endif()
header_version(protozero_version ${PROTOZERO_INCLUDE_DIR}/protozero/version.hpp PROTOZERO_VERSION_STRING)
# 90100 is 9.1.0
header_version(fmt_number ${FMT_INCLUDE_DIR}/fmt/core.h FMT_VERSION)
math(EXPR fmt_major "${fmt_number} / 10000")
math(EXPR fmt_minor "${fmt_number} / 100 % 100")
math(EXPR fmt_patch "${fmt_number} % 100")

set(components "")
function(add_component name version license)
  set(part "    {\"type\": \"library\", \"name\": \"${name}\", \"version\": \"${version}\", ")
  string(APPEND part "\"licenses\": [{\"expression\": \"${license}\"}], ")
  set(kind generic)
  if(ARGC GREATER 3)
    set(kind ${ARGV3})
  endif()
  string(REPLACE "@" "%40" address "${name}")
  string(APPEND part "\"purl\": \"pkg:${kind}/${address}@${version}\"}")
  set(components ${components} "${part}" PARENT_SCOPE)
endfunction()
add_component(sqlite "${sqlite_version}" blessing)
add_component(zlib "${zlib_version}" Zlib)
add_component(fmt "${fmt_major}.${fmt_minor}.${fmt_patch}" MIT)
add_component(tomlplusplus "${toml_version}" MIT)
add_component(rapidjson "${rapidjson_version}" MIT)
add_component(protozero "${protozero_version}" BSD-2-Clause)
add_component(cli11 "${CLI11_VERSION}" BSD-3-Clause)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_component(libstdc++ "${CMAKE_CXX_COMPILER_VERSION}" "GPL-3.0-or-later WITH GCC-exception-3.1")
endif()
# The scripts in the page that `report` writes.
file(READ ${PROJECT_SOURCE_DIR}/web/package-lock.json lock)
foreach(package @dagrejs/dagre d3-hierarchy d3-shape d3-path)
  string(JSON version ERROR_VARIABLE missing GET "${lock}" packages node_modules/${package} version)
  string(JSON license ERROR_VARIABLE no_license GET "${lock}" packages node_modules/${package} license)
  if(NOT missing AND NOT no_license)
    add_component(${package} "${version}" "${license}" npm)
  endif()
endforeach()
list(JOIN components ",\n" components)
file(GENERATE OUTPUT ${ZOOMETER_SBOM} CONTENT "{
  \"bomFormat\": \"CycloneDX\",
  \"specVersion\": \"1.5\",
  \"version\": 1,
  \"metadata\": {
    \"component\": {\"type\": \"application\", \"name\": \"zoometer\", \"version\": \"${PROJECT_VERSION}\"}
  },
  \"components\": [
${components}
  ]
}
")
