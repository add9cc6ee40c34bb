# Files of one folder include the same headers and instantiate the same templates. Compiled together
# they take about two thirds of the time that they take one by one. The price: names in anonymous
# namespaces must differ within a folder. Only ZOOMETER_UNITY (the release preset) does so; the other
# presets compile file by file, so that a change costs one file and a missing include is found.

# zoometer_compile_together(TARGET COUNT FOLDER...): COUNT files of a folder at a time. What a plug-in
# links stays a file of its own: a plug-in takes nothing else of the library.
function(zoometer_compile_together TARGET COUNT)
  if(NOT ZOOMETER_UNITY)
    return()
  endif()
  set_target_properties(${TARGET} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(folder ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
    list(FILTER sources EXCLUDE REGEX "/(main|plugin_export)\\.cpp$")
    string(REPLACE "/" "_" name ${folder})
    set(index 0)
    foreach(source ${sources})
      math(EXPR group "${index} / ${COUNT}")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${name}_${group})
      math(EXPR index "${index} + 1")
    endforeach()
  endforeach()
endfunction()
