# SPDX-License-Identifier: Apache-2.0
# Manual pages and shell completions, written by the command itself and installed. For another processor the command runs
# in CMAKE_CROSSCOMPILING_EMULATOR; without one there are no pages.
include(GNUInstallDirs)
if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
  set(folder ${PROJECT_BINARY_DIR}/pages)
  file(MAKE_DIRECTORY ${folder})
  set(pages "")
  foreach(page limber.1 limberd.8 limber.bash limberd.bash)
    add_custom_command(OUTPUT ${folder}/${page} COMMAND limber_tool --print ${page} > ${folder}/${page}
                       DEPENDS limber_tool VERBATIM)
    list(APPEND pages ${folder}/${page})
  endforeach()
  add_custom_target(limber_pages ALL DEPENDS ${pages})
  install(FILES ${folder}/limber.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${folder}/limberd.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
  foreach(program limber limberd)
    install(FILES ${folder}/${program}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
            RENAME ${program})
  endforeach()
endif()
