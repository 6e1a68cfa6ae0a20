# Finds the headers of cuDNN 9 as CUDNN_INCLUDE_DIR. Nothing is linked to it: the CUDA plug-in opens the
# library at run time. CUDNN_LIBRARY, where it is found too, is for tests of the library itself.
include(FindPackageHandleStandardArgs)
find_path(CUDNN_INCLUDE_DIR cudnn_graph.h HINTS ${CUDAToolkit_INCLUDE_DIRS} $ENV{CUDNN_PATH}/include)
find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR} $ENV{CUDNN_PATH}/lib)
if(CUDNN_INCLUDE_DIR)
  file(STRINGS ${CUDNN_INCLUDE_DIR}/cudnn_version.h lines REGEX "define CUDNN_(MAJOR|MINOR) ")
  string(REGEX REPLACE "[^0-9]+([0-9]+)[^0-9]+([0-9]+).*" "\\1.\\2" cudnn_VERSION "${lines}")
endif()
find_package_handle_standard_args(cudnn REQUIRED_VARS CUDNN_INCLUDE_DIR VERSION_VAR cudnn_VERSION)
mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)
