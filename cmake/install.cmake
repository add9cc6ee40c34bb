# The content of an installation, in two components: `program` (the binary with its manual pages and
# completions, the old commands as links) and `library` (libzoometer.a, the public headers, and what
# CMake and pkg-config need to find them). All of it is relocatable.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The default target builds what is installed; packaging must not build the tests.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

# One folder for every architecture: the package files find the archive relative to themselves.
set(package_libdir lib)

install(TARGETS zoometer DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
foreach(old discover_models profile_graph show_fvcore_table)
  install(FILES ${PROJECT_BINARY_DIR}/${old} DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endforeach()
install(FILES README.md CHANGELOG.md LICENSE SECURITY.md ${ZOOMETER_SBOM} DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

install(CODE "set(BINARY \"$<TARGET_FILE:zoometer>\")
  set(DATADIR \"${CMAKE_INSTALL_DATADIR}\")
  set(MANDIR \"${CMAKE_INSTALL_MANDIR}\")" COMPONENT program)
install(SCRIPT cmake/install_generated.cmake COMPONENT program)

install(TARGETS zoometer_core ARCHIVE DESTINATION ${package_libdir} COMPONENT library)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT library)
install(FILES ${ZOOMETER_GENERATED}/zoometer/version.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/zoometer COMPONENT library)

install(DIRECTORY include/zoometer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)

configure_package_config_file(cmake/zoometerConfig.cmake.in
  ${ZOOMETER_GENERATED}/zoometerConfig.cmake
  INSTALL_DESTINATION ${package_libdir}/cmake/zoometer
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR package_libdir)
write_basic_package_version_file(${ZOOMETER_GENERATED}/zoometerConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${ZOOMETER_GENERATED}/zoometerConfig.cmake
  ${ZOOMETER_GENERATED}/zoometerConfigVersion.cmake
  DESTINATION ${package_libdir}/cmake/zoometer COMPONENT library)

configure_file(cmake/zoometer.pc.in ${ZOOMETER_GENERATED}/zoometer.pc @ONLY)
install(FILES ${ZOOMETER_GENERATED}/zoometer.pc
  DESTINATION ${package_libdir}/pkgconfig COMPONENT library)

include(cmake/package.cmake)
