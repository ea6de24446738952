# SPDX-License-Identifier: Apache-2.0
# limber_layer(NAME SOURCES ... TESTS ... LINK ...): one folder of src/ becomes one object library, and its tests one
# executable, limber_NAME_test. LINK names what the sources need beyond the C++ library.
if(LIMBER_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()

add_library(limber_options INTERFACE)
target_compile_options(limber_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor)
if(LIMBER_WERROR)
  target_compile_options(limber_options INTERFACE -Werror)
endif()
if(LIMBER_SANITIZE)
  # -O1 -g1: optimised further, instrumented tests take GCC three times as long (a minute for some), for the same checks.
  target_compile_options(limber_options INTERFACE -fsanitize=${LIMBER_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all -O1 -g1)
  target_link_options(limber_options INTERFACE -fsanitize=${LIMBER_SANITIZE})
endif()
target_include_directories(limber_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                           $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)

set_property(GLOBAL PROPERTY LIMBER_LAYERS "")
set_property(GLOBAL PROPERTY LIMBER_TESTED "")

function(limber_layer name)
  cmake_parse_arguments(L "" "" "SOURCES;TESTS;LINK" ${ARGN})
  add_library(limber_${name} OBJECT ${L_SOURCES})
  target_link_libraries(limber_${name} PUBLIC limber_options fmt::fmt Threads::Threads ${L_LINK})
  set_property(GLOBAL APPEND PROPERTY LIMBER_LAYERS limber_${name})
  if(LIMBER_TESTS AND L_TESTS)
    list(TRANSFORM L_TESTS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    set_property(GLOBAL APPEND PROPERTY LIMBER_TESTED ${name})
    set_property(GLOBAL PROPERTY LIMBER_TESTS_${name} ${L_TESTS})
  endif()
endfunction()

# limber_core: everything, static, for the tool and the tests. limber: the same objects as the library that is installed,
# exporting only what include/limber marks.
function(limber_libraries)
  get_property(layers GLOBAL PROPERTY LIMBER_LAYERS)
  set(objects "")
  foreach(layer ${layers})
    list(APPEND objects $<TARGET_OBJECTS:${layer}>)
  endforeach()
  add_library(limber_core STATIC ${objects})
  add_library(limber SHARED ${objects})
  foreach(library limber_core limber)
    target_link_libraries(${library} PRIVATE ${layers})
  endforeach()
  target_link_libraries(limber_core PUBLIC limber_options fmt::fmt Threads::Threads)
  get_property(tested GLOBAL PROPERTY LIMBER_TESTED)
  foreach(name ${tested})
    get_property(tests GLOBAL PROPERTY LIMBER_TESTS_${name})
    limber_test(limber_${name}_test ${tests})
  endforeach()
endfunction()

# Code that never computes anything large: tests, commands. Nearly half of the time to build Limber goes into compiling
# it, with -O3 half as much again.
function(limber_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

function(limber_test target)
  add_executable(${target} ${ARGN})
  limber_compile_quickly(${target})
  target_link_libraries(${target} PRIVATE limber_core GTest::gtest_main)
  gtest_discover_tests(${target} DISCOVERY_TIMEOUT 300 PROPERTIES TIMEOUT 1500)
endfunction()
