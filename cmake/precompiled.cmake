# A precompiled header saves most of what the compiler spends on reading headers: a source file has
# 200 lines, and what it includes has 75,000. A preset that does without it sets
# CMAKE_DISABLE_PRECOMPILE_HEADERS.

# CMake would mark all that the header includes as system headers. The compiler would then no longer
# warn about our own headers.
set(CMAKE_PCH_PROLOGUE "")

# zoometer_precompile(TARGET <HEADER>...): compiles these headers once for all files of the target. In
# angle brackets CMake writes no absolute path, so ccache knows the header again in another checkout.
function(zoometer_precompile TARGET)
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()
  endif()
  target_precompile_headers(${TARGET} PRIVATE ${ARGN})
  # ccache needs these to store files that use a precompiled header.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${TARGET} PRIVATE -fpch-preprocess)
  elseif(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(${TARGET} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()
