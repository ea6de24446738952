# SPDX-License-Identifier: Apache-2.0
# The peer is built only where ONNX Runtime's C header is: -DONNXRUNTIME_ROOT=DIR or the environment (DIR/include, DIR/lib).
# Users of limber_peer_onnxruntime get LIMBER_PEER_ONNXRUNTIME=1.
include_guard(GLOBAL)  # the top level and src/tool both include it
set(ONNXRUNTIME_ROOT "$ENV{ONNXRUNTIME_ROOT}" CACHE PATH "ONNX Runtime for limber bench --peers onnxruntime")
find_path(ONNXRUNTIME_INCLUDE onnxruntime_c_api.h PATHS ${ONNXRUNTIME_ROOT}/include
          PATH_SUFFIXES onnxruntime NO_CMAKE_FIND_ROOT_PATH)
if(ONNXRUNTIME_INCLUDE)
  add_library(limber_peer_onnxruntime STATIC ${CMAKE_CURRENT_LIST_DIR}/peer_onnxruntime.cc)
  target_include_directories(limber_peer_onnxruntime SYSTEM PRIVATE ${ONNXRUNTIME_INCLUDE})
  target_link_libraries(limber_peer_onnxruntime PUBLIC limber_core ${CMAKE_DL_LIBS})
  target_compile_definitions(limber_peer_onnxruntime INTERFACE LIMBER_PEER_ONNXRUNTIME=1
                             PRIVATE LIMBER_ONNXRUNTIME_ROOT="${ONNXRUNTIME_ROOT}")
  if(LIMBER_TESTS AND LIMBER_ONNX)
    limber_test(limber_peer_onnxruntime_test ${CMAKE_CURRENT_LIST_DIR}/peer_onnxruntime_test.cc)
    target_link_libraries(limber_peer_onnxruntime_test PRIVATE limber_peer_onnxruntime limber_onnx)
  endif()
endif()

# oneDNN (libdnnl-dev), with OpenMP as Debian builds it. Users of limber_peer_onednn get LIMBER_PEER_ONEDNN=1.
# Not find_package(dnnl): its file ends the configuration where OpenCL's headers are missing, which nothing here needs.
find_path(ONEDNN_INCLUDE dnnl.hpp)
find_library(ONEDNN_LIBRARY dnnl)
find_package(OpenMP QUIET COMPONENTS CXX)
if(ONEDNN_INCLUDE AND ONEDNN_LIBRARY AND OpenMP_CXX_FOUND)
  set(folder ${CMAKE_CURRENT_LIST_DIR})
  add_library(limber_peer_onednn STATIC ${folder}/onednn_buffers.cc ${folder}/onednn_program.cc ${folder}/peer_onednn.cc)
  target_include_directories(limber_peer_onednn SYSTEM PRIVATE ${ONEDNN_INCLUDE})
  target_link_libraries(limber_peer_onednn PUBLIC limber_core PRIVATE ${ONEDNN_LIBRARY} OpenMP::OpenMP_CXX)
  target_compile_definitions(limber_peer_onednn INTERFACE LIMBER_PEER_ONEDNN=1)
  if(LIMBER_TESTS)
    limber_test(limber_peer_onednn_test ${folder}/peer_onednn_test.cc)
    target_link_libraries(limber_peer_onednn_test PRIVATE limber_peer_onednn ${ONEDNN_LIBRARY})
    target_include_directories(limber_peer_onednn_test SYSTEM PRIVATE ${ONEDNN_INCLUDE})
  endif()
endif()

# libtorch, where training is built, with OpenMP as Debian builds it. Users of limber_peer_torch get LIMBER_PEER_TORCH=1.
if(LIMBER_TRAIN AND OpenMP_CXX_FOUND)
  find_package(Torch REQUIRED)
  add_library(limber_peer_torch STATIC ${CMAKE_CURRENT_LIST_DIR}/peer_torch.cc ${CMAKE_CURRENT_LIST_DIR}/torch_script.cc)
  target_link_libraries(limber_peer_torch PUBLIC limber_core PRIVATE torch OpenMP::OpenMP_CXX)
  target_compile_definitions(limber_peer_torch INTERFACE LIMBER_PEER_TORCH=1)
  if(LIMBER_TESTS)
    limber_test(limber_peer_torch_test ${CMAKE_CURRENT_LIST_DIR}/peer_torch_test.cc)
    target_link_libraries(limber_peer_torch_test PRIVATE limber_peer_torch)
  endif()
endif()
