# SPDX-License-Identifier: Apache-2.0
# find_package(limber): the target limber::limber.
include(${CMAKE_CURRENT_LIST_DIR}/limber-targets.cmake)
if(CMAKE_CXX_COMPILER_LOADED)  # limber.hpp; a project in C alone has no such feature
  set_property(TARGET limber::limber APPEND PROPERTY INTERFACE_COMPILE_FEATURES cxx_std_20)
endif()
