# What makes a mistake in reading hostile files harder to use, in builds that are optimised: the C
# library checks sizes, returns and indirect jumps are guarded, and what the linker fills in is
# read-only. tests/cli/hardened.sh reads the headers of a program that is built so.
#
# Off unless asked for, as scripts/release does. With all of it (bench/gates, builds of one day) every start takes
# 132,000 instructions more, half of `zoometer --version`, to find 222 symbols of the C library at once; after the
# start commands take 1 to 6% more (serve 1.1%, large ONNX files 3.4%, verify 5.2%, discover 5.9%), more than the 5%
# that they may. Of that 1.7% are the endbr64 of each call. Finding the symbols costs more instructions than time: the
# processor time of `--version` is 0.942 ms without and 0.952 ms with it (least of 1,500 runs; medians 1.120, 1.133).
#
# The binary is not position-independent. 17,471 addresses in 101 pages would be moved at every start: 0.98 to 1.19 ms,
# and 1.25 with -z pack-relative-relocs (least of 800 runs; medians 1.15, 1.45, 1.45). 14,500 of them are in hundreds
# of tables of names and functions, the largest of which has 528.
option(ZOOMETER_HARDENED "Guards of the compiler and the linker, in optimised builds" OFF)
if(ZOOMETER_HARDENED AND NOT ZOOMETER_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
  add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    add_compile_options(-fcf-protection=full)
    add_link_options(LINKER:-z,shstk)
  endif()
endif()
if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
  # The folder of the sources is no part of the binary: who builds it elsewhere gets the same bytes.
  add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
endif()
