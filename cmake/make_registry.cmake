# Writes the lists of data/registry.toml as arrays, at build time (see embed.cmake). A unit test
# compares them with the parsed file.
cmake_minimum_required(VERSION 3.25)

file(STRINGS ${ROOT}/data/registry.toml lines REGEX "^[^#]")
list(JOIN lines " " toml)
set(text "#include \"registry/defaults.hpp\"\n\nnamespace zoometer {\n")
foreach(key curated skip_patterns)
  string(REGEX MATCH "${key} = \\[([^]]*)\\]" match "${toml}")
  string(REGEX MATCHALL "\"[^\"]*\"" names "${CMAKE_MATCH_1}")
  if(NOT names)
    message(FATAL_ERROR "data/registry.toml: no array ${key} = [...]")
  endif()
  list(JOIN names ",\n      " entries)
  string(APPEND text "\nstd::span<const std::string_view> default_${key}() noexcept {\n"
    "  static constexpr std::string_view names[] = {\n      ${entries},\n  };\n"
    "  return names;\n}\n")
endforeach()
string(APPEND text "\n}  // namespace zoometer\n")
file(WRITE ${OUTPUT} "${text}")
