# SPDX-License-Identifier: Apache-2.0
# cmake --install: the shared library, its headers, find_package(limber), pkg-config, the models, the architectures, the mappings.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_target_properties(limber PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      EXPORT_NAME limber)
target_link_options(limber PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/limber.map)
set_target_properties(limber PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/limber.map)
add_library(limber::limber ALIAS limber)
target_include_directories(limber INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

install(TARGETS limber EXPORT limber_targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/limber DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY boards models networks mappings scenarios DESTINATION ${CMAKE_INSTALL_DATADIR}/limber)
install(EXPORT limber_targets NAMESPACE limber:: FILE limber-targets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/limber)
configure_file(cmake/limber-config.cmake ${PROJECT_BINARY_DIR}/limber-config.cmake COPYONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/limber-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/limber-config.cmake ${PROJECT_BINARY_DIR}/limber-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/limber)
configure_file(cmake/limber.pc.in limber.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/limber.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
