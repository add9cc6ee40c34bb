# What makes a mistake in reading hostile files harder to use, in builds that are optimised: the C
# library checks sizes, returns and indirect jumps are guarded, and what the linker fills in is
# read-only. tests/cli/hardened.sh reads the headers of a program that is built so.
#
# Off unless asked for, as scripts/release does: finding all symbols at the start takes 126,000 of the 256,000
# instructions that `zoometer --version` takes without it, and the guards 2 to 4% of every command.
#
# The binary is not position-independent. Its tables have 16,600 addresses, and moving them at every
# start takes 28% of the time of `zoometer --version` (1.19 to 1.52 ms), also with
# -z pack-relative-relocs.
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
