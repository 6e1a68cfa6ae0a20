# libengine, the shared core made of every folder's objects, and libengine-cuda, its plug-in.
engine_write_registration(${PROJECT_BINARY_DIR}/generated/register_ops.cpp ops/registry.h
                          OpRegistry register_ops ENGINE_REGISTER_op)
engine_write_registration(${PROJECT_BINARY_DIR}/generated/register_references.cpp
                          engine/tune/registry.h ReferenceRegistry register_references
                          ENGINE_REGISTER_reference)
engine_write_registration(${PROJECT_BINARY_DIR}/generated/register_candidates.cpp
                          engine/tune/registry.h CandidateRegistry register_candidates
                          ENGINE_REGISTER_candidate)
engine_write_registration(${PROJECT_BINARY_DIR}/generated/register_cuda_candidates.cpp
                          engine/tune/registry.h CandidateRegistry register_cuda_candidates
                          ENGINE_REGISTER_cuda)
engine_write_registration(${PROJECT_BINARY_DIR}/generated/register_layers.cpp
                          models/layers/layer_type.h LayerTypes register_layers
                          ENGINE_REGISTER_layers)
engine_write_zoo(${PROJECT_BINARY_DIR}/generated/zoo.cpp)

add_library(engine SHARED
  ${PROJECT_BINARY_DIR}/generated/register_ops.cpp
  ${PROJECT_BINARY_DIR}/generated/register_references.cpp
  ${PROJECT_BINARY_DIR}/generated/register_candidates.cpp
  ${PROJECT_BINARY_DIR}/generated/register_layers.cpp
  ${PROJECT_BINARY_DIR}/generated/zoo.cpp)
foreach(folder engine kernels graph ops models)
  target_link_libraries(engine PRIVATE engine_${folder})
endforeach()
target_link_libraries(engine PRIVATE engine_settings DNNL::dnnl OpenMP::OpenMP_CXX Threads::Threads
  spdlog::spdlog fmt::fmt nlohmann_json::nlohmann_json ZLIB::ZLIB JPEG::JPEG PNG::PNG
  protobuf::libprotobuf-lite ${CMAKE_DL_LIBS})
set_target_properties(engine PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)

# The small .cu files in batches, as engine_batch() makes them of C++ (CMake does not, of CUDA): what
# takes long is their headers, which nvcc reads once for the host and once an architecture. Those of
# convolutions and recurrent layers make many kernels each, and stay apart.
set(cuda_kernels ${ENGINE_CUDA_KERNEL_SOURCES})
if(ENGINE_BATCHES)
  set(small "")
  foreach(source ${cuda_kernels})
    file(SIZE ${source} bytes)
    if(source MATCHES "\\.cu$" AND NOT source MATCHES "(convolution_|recurrent_|lstm|gru)[^/]*$" AND bytes LESS 6000)
      list(APPEND small ${source})
    endif()
  endforeach()
  list(REMOVE_ITEM cuda_kernels ${small})
  while(small)
    list(SUBLIST small 0 6 batch)
    list(REMOVE_ITEM small ${batch})
    list(LENGTH small left)
    list(TRANSFORM batch REPLACE "(.+)" "#include \"\\1\"\n")
    list(JOIN batch "" includes)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/kernels_${left}.cu CONTENT "${includes}" @ONLY)
    list(APPEND cuda_kernels ${PROJECT_BINARY_DIR}/generated/kernels_${left}.cu)
  endwhile()
endif()

# Sources of the plug-in, for the real one and for the simulated device of the tests.
set(ENGINE_CUDA_PLUGIN_SOURCES ${ENGINE_CUDA_DEVICE_SOURCES} ${cuda_kernels}
  ${PROJECT_BINARY_DIR}/generated/register_cuda_candidates.cpp)
# Lets the sources of the plug-in in `target` call cuDNN where its headers are. It is opened at run time.
function(engine_use_cudnn target)
  if(cudnn_FOUND)
    target_compile_definitions(${target} PRIVATE ENGINE_WITH_CUDNN ${ARGN})
    target_include_directories(${target} SYSTEM PRIVATE ${CUDNN_INCLUDE_DIR})
  endif()
endfunction()
if(ENGINE_WITH_CUDA)
  add_library(engine-cuda MODULE ${ENGINE_CUDA_PLUGIN_SOURCES})
  target_compile_options(engine-cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-lineinfo --expt-relaxed-constexpr -Xptxas=-warn-spills,-Werror>)
  target_link_libraries(engine-cuda PRIVATE engine engine_settings fmt::fmt CUDA::cudart
    CUDA::cublasLt ${CMAKE_DL_LIBS})
  engine_use_cudnn(engine-cuda)
endif()
