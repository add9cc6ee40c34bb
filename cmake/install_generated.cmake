# Installs the manual pages and completions, which the binary writes from the tables of its `--help`.
cmake_minimum_required(VERSION 3.25)

set(root $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX})

function(write_by_binary file)
  message(STATUS "Installing: ${root}/${DATADIR}/${file}")
  get_filename_component(folder ${root}/${DATADIR}/${file} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  execute_process(COMMAND ${BINARY} ${ARGN} OUTPUT_FILE ${root}/${DATADIR}/${file}
    COMMAND_ERROR_IS_FATAL ANY)
endfunction()
write_by_binary(bash-completion/completions/zoometer completions bash)
write_by_binary(zsh/vendor-completions/_zoometer completions zsh)
write_by_binary(fish/vendor_completions.d/zoometer.fish completions fish)

message(STATUS "Installing: ${root}/${MANDIR}/man1")
file(MAKE_DIRECTORY ${root}/${MANDIR}/man1)
execute_process(COMMAND ${BINARY} man --all ${root}/${MANDIR}/man1 COMMAND_ERROR_IS_FATAL ANY)
