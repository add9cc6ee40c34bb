# `cpack` in the build folder makes three packages: zoometer_VERSION_ARCH.deb with the program,
# libzoometer-dev_VERSION_ARCH.deb with the library, and a tarball that runs from anywhere.
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_NAME zoometer)
set(CPACK_PACKAGE_VENDOR zoometer)
set(CPACK_PACKAGE_CONTACT "the zoometer project <zoometer@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_THREADS 0)

# The tarball has everything below one folder; the Debian packages are one per component.
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program library)
set(CPACK_COMPONENTS_GROUPING IGNORE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME zoometer)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "libcurl4, python3-torch, python3-torchvision, graphviz")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
  "Parameters, multiply-accumulates, FLOPs, activations and memory, module by module, of the models
of torchvision, which are built in, and of ONNX and torch.export files.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libzoometer-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "libsqlite3-dev, zlib1g-dev")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
  "The static library of zoometer with its headers, for programs that ask what a network costs and
for plug-ins that add models to it.")
include(CPack)
