# Options, tool chain flags and the libraries that everything uses.
include(CheckLanguage)
include(GNUInstallDirs)

option(ENGINE_TESTS "Build the tests" OFF)
option(ENGINE_WERROR "Treat warnings as errors" ON)
option(ENGINE_BATCHES "Compile sources in batches: for builds from scratch, where headers are most of the work" OFF)
set(ENGINE_CUDA AUTO CACHE STRING "Build the CUDA plug-in: AUTO (where nvcc is), ON or OFF")
set(ENGINE_SANITIZE "" CACHE STRING "Sanitizers for everything, such as address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR};$ORIGIN")
find_program(ENGINE_CCACHE ccache)
if(ENGINE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ENGINE_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${ENGINE_CCACHE})
endif()

if(ENGINE_CUDA STREQUAL "OFF")
  set(ENGINE_WITH_CUDA OFF)
else()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 80 90)
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    enable_language(CUDA)
    # CMake 3.25 does not know that nvcc has this dialect.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    endif()
    find_package(CUDAToolkit REQUIRED)
    set(ENGINE_WITH_CUDA ON)
  elseif(ENGINE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ENGINE_CUDA=ON, but no nvcc was found")
  else()
    set(ENGINE_WITH_CUDA OFF)
  endif()
endif()

# From 9.8 on plans can be built for a described device.
find_package(cudnn 9.8 QUIET)
find_package(dnnl REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Threads REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(Protobuf REQUIRED)
find_path(ENGINE_TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)

# What every target of ours is compiled with. (g++ 12 warns of overlaps in std::string that are none:
# GCC bug 105651, hence -Wno-restrict; and, when they are sanitized, of overflows inside fmt and of
# uninitialized members inside std::regex.)
add_library(engine_settings INTERFACE)
target_include_directories(engine_settings INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(engine_settings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wnon-virtual-dtor>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${ENGINE_WERROR}>>:-Werror>)
if(ENGINE_SANITIZE)
  target_compile_options(engine_settings INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ENGINE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-stringop-overflow;-Wno-maybe-uninitialized>)
  target_link_options(engine_settings INTERFACE -fsanitize=${ENGINE_SANITIZE})
endif()

# engine_batch(target): for those who only build, what nearly every source includes is parsed once a batch
# of sources, and once a target. Precompiled not where warnings are errors (g++ 12 shows those of system
# headers then) nor with ccache, which does not cache then. A source must have includes of its own:
# only a build without either tells.
if(ENGINE_CCACHE OR ENGINE_WERROR)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()
function(engine_batch target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${ENGINE_BATCHES} UNITY_BUILD_BATCH_SIZE 8)
  target_precompile_headers(${target} PRIVATE <fmt/format.h> <algorithm> <functional> <map> <memory>
    <optional> <span> <string> <unordered_map> <utility> <vector>)
endfunction()
