# zoometer_embed(PATTERN...): makes these files string constants of the library, read through
# util/embedded.hpp, so that the binary needs no files beside it. The lists of the registry that every
# start needs become arrays: parsing them would take a tenth of the time of `list`.
function(zoometer_embed)
  set(files "")
  foreach(pattern IN LISTS ARGN)
    file(GLOB found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${pattern})
    list(APPEND files ${found})
  endforeach()
  list(SORT files)
  set(list_file ${ZOOMETER_GENERATED}/embedded.files)
  string(REPLACE ";" "\n" content "${files}")
  file(CONFIGURE OUTPUT ${list_file} CONTENT "${content}\n" @ONLY)

  foreach(kind embedded registry)
    set(output ${ZOOMETER_GENERATED}/${kind}.cpp)
    set(script ${PROJECT_SOURCE_DIR}/cmake/make_${kind}.cmake)
    add_custom_command(OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -DFILES=${list_file} -DROOT=${PROJECT_SOURCE_DIR}
        -DOUTPUT=${output} -P ${script}
      DEPENDS ${files} ${list_file} ${script}
      COMMENT "Embedding: ${kind}"
      VERBATIM)
    target_sources(zoometer_core PRIVATE ${output})
  endforeach()
endfunction()
