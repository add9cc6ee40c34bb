# The Python package: zoometer._core, the extension module of python/zoometer, and the program, which a
# wheel has among its scripts. scikit-build-core calls this (pyproject.toml) and installs the component
# `python`.

# Headers and a module of one Python; with 3.12 and newer one module for all later ones (abi3).
set(python_parts Interpreter Development.Module)
if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.26)
  find_package(Python 3.10 REQUIRED COMPONENTS ${python_parts} OPTIONAL_COMPONENTS Development.SABIModule)
else()
  find_package(Python 3.10 REQUIRED COMPONENTS ${python_parts})
endif()
if(SKBUILD_SABI_VERSION AND NOT TARGET Python::SABIModule)
  # nanobind would build for this version alone, in a wheel that claims to be for all.
  message(FATAL_ERROR "The stable ABI of Python ${SKBUILD_SABI_VERSION} needs CMake 3.26, this is ${CMAKE_VERSION}")
endif()
# nanobind is itself a Python package, which knows where its CMake files are.
execute_process(COMMAND ${Python_EXECUTABLE} -m nanobind --cmake_dir
  OUTPUT_VARIABLE nanobind_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
find_package(nanobind CONFIG REQUIRED)

if(ZOOMETER_BUILT)
  add_library(zoometer_core STATIC IMPORTED)
  set_target_properties(zoometer_core PROPERTIES IMPORTED_LOCATION ${ZOOMETER_BUILT}/libzoometer.a)
  target_include_directories(zoometer_core INTERFACE src include ${ZOOMETER_BUILT}/generated)
  target_link_libraries(zoometer_core INTERFACE zoometer_dependencies)
  set(python_program ${ZOOMETER_BUILT}/zoometer)
else()
  set(python_program $<TARGET_FILE:zoometer>)
endif()

file(GLOB python_sources CONFIGURE_DEPENDS python/core/*.cpp)
nanobind_add_module(_core NB_STATIC STABLE_ABI PROTECT_STACK ${python_sources})
target_include_directories(_core PRIVATE python/core)
target_link_libraries(_core PRIVATE zoometer_core)
if(NOT APPLE)
  # The archives of Debian are not position-independent: their symbols must stay inside the module.
  target_link_options(_core PRIVATE
    LINKER:--gc-sections LINKER:--exclude-libs,ALL -static-libstdc++)
endif()
# What the module has, for type checkers and editors.
nanobind_add_stub(_core_stub MODULE _core OUTPUT ${PROJECT_BINARY_DIR}/_core.pyi
  PYTHON_PATH $<TARGET_FILE_DIR:_core> DEPENDS _core)

add_custom_target(python_package DEPENDS _core _core_stub)
if(NOT ZOOMETER_BUILT)
  add_dependencies(python_package zoometer)
endif()
install(TARGETS _core LIBRARY DESTINATION zoometer COMPONENT python)
install(FILES ${PROJECT_BINARY_DIR}/_core.pyi DESTINATION zoometer COMPONENT python)
if(SKBUILD)
  install(PROGRAMS ${python_program} DESTINATION ${SKBUILD_SCRIPTS_DIR} COMPONENT python)
endif()
