# zoometer_embed(FOLDER): the TOML files below FOLDER become string constants of the library, read
# through util/embedded.hpp, so that the binary runs from anywhere on its own.
function(zoometer_embed FOLDER)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${FOLDER}/*.toml)
  list(SORT files)
  set(list_file ${ZOOMETER_GENERATED}/embedded.files)
  string(REPLACE ";" "\n" content "${files}")
  file(CONFIGURE OUTPUT ${list_file} CONTENT "${content}\n" @ONLY)

  set(output ${ZOOMETER_GENERATED}/embedded.cpp)
  set(script ${PROJECT_SOURCE_DIR}/cmake/make_embedded.cmake)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DFILES=${list_file} -DROOT=${PROJECT_SOURCE_DIR}/${FOLDER}
      -DOUTPUT=${output} -P ${script}
    DEPENDS ${files} ${list_file} ${script}
    COMMENT "Embedding ${FOLDER}/*.toml"
    VERBATIM)
  target_sources(zoometer_core PRIVATE ${output})
endfunction()
