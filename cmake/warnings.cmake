# zoometer_warnings: the warnings of our own targets. The headers of other libraries are included as
# system headers, without warnings.
add_library(zoometer_warnings INTERFACE)
target_compile_options(zoometer_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<BOOL:${ZOOMETER_WERROR}>:-Werror>
  # False positives of GCC 12 on std::string's operator+ (gcc.gnu.org PR105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)

set(ZOOMETER_SANITIZE "" CACHE STRING "Sanitizers to build with, for instance address,undefined")
if(ZOOMETER_SANITIZE)
  # For every target, so that containers are annotated alike on both sides of a call.
  add_compile_options(-fsanitize=${ZOOMETER_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ZOOMETER_SANITIZE})
endif()

# The sanitizers of Clang come with libFuzzer: there each target of tests/fuzz is a fuzzer.
set(ZOOMETER_FUZZ OFF)
if(ZOOMETER_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
  set(ZOOMETER_FUZZ ON)
  # RapidJSON adds to the null pointer of its empty stack, which Clang reports and GCC does not.
  add_compile_options(-fno-sanitize=pointer-overflow)
endif()
