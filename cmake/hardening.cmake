# What makes a mistake in reading hostile files harder to use, in builds that are optimised: the C
# library checks sizes, returns and indirect jumps are guarded, and what the linker fills in is
# read-only. tests/cli/hardened.sh reads the headers of a program that is built so.
#
# The binary is not position-independent: see ARCHITECTURE.md, "Departures from the first design".
option(ZOOMETER_HARDENING "Guards of the compiler and the linker, in optimised builds" ON)
if(ZOOMETER_HARDENING AND NOT ZOOMETER_SANITIZE AND CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
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
