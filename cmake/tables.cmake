# zoometer_table(FOLDERS TYPE SUFFIX FUNCTION HEADER): turns folders into a table.
#
# Each line `extern constinit const TYPE name SUFFIX` (say `resnet_family`) in a .cpp file of the
# comma-separated FOLDERS of src/, at any depth, becomes an entry, in alphabetical order, of what
# `std::span<const TYPE* const> FUNCTION()` returns. A new model is thus one new file and no other
# edit, and no linker can drop it from the static library, as it does with self-registering objects.
# Declare FUNCTION in HEADER.
function(zoometer_table FOLDERS TYPE SUFFIX FUNCTION HEADER)
  string(REPLACE "," ";" folders ${FOLDERS})
  list(TRANSFORM folders PREPEND ${PROJECT_SOURCE_DIR}/src/)
  list(TRANSFORM folders APPEND /*.cpp)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folders})
  zoometer_write_table(zoometer_core ${ZOOMETER_GENERATED} ${TYPE} ${SUFFIX} ${FUNCTION} ${HEADER}
    ${sources})
endfunction()

# zoometer_write_table(TARGET DIRECTORY TYPE SUFFIX FUNCTION HEADER SOURCES...): the table of these
# sources, written into DIRECTORY and compiled into TARGET.
function(zoometer_write_table TARGET DIRECTORY TYPE SUFFIX FUNCTION HEADER)
  set(sources ${ARGN})
  list(SORT sources)
  # The table depends on the list: otherwise it would not change when a file is removed.
  set(list_file ${DIRECTORY}/${FUNCTION}_table.files)
  string(REPLACE ";" "\n" content "${sources}")
  file(CONFIGURE OUTPUT ${list_file} CONTENT "${content}\n" @ONLY)

  set(output ${DIRECTORY}/${FUNCTION}_table.cpp)
  set(script ${PROJECT_SOURCE_DIR}/cmake/make_table.cmake)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFILES=${list_file} -DTYPE=${TYPE} -DSUFFIX=${SUFFIX}
      -DFUNCTION=${FUNCTION} -DHEADER=${HEADER} -DOUTPUT=${output} -P ${script}
    DEPENDS ${sources} ${list_file} ${script}
    COMMENT "Table of ${FUNCTION}"
    VERBATIM)
  target_sources(${TARGET} PRIVATE ${output})
endfunction()
