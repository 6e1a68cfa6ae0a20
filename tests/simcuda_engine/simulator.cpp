#include "tests/simcuda_engine/simulator.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>

#include "engine/core/error.h"
#include "engine/device/backend.h"

namespace engine::test {

void* simulator_symbol(const std::string& name) {
  load_backend("cuda");
  const char* path = std::getenv("ENGINE_PLUGIN_CUDA");
  ENGINE_CHECK(path != nullptr, "ENGINE_PLUGIN_CUDA names no simulated device");
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  ENGINE_CHECK(library != nullptr, std::string(path) + " is not loaded");
  void* symbol = dlsym(library, name.c_str());
  dlclose(library);
  ENGINE_CHECK(symbol != nullptr, std::string(path) + " has no " + name);
  return symbol;
}

bool nothing_lives(std::string& report) {
  SimcudaLive live{};
  SIMULATOR(simcuda_live)(&live);
  report = fmt::format(
      "{} allocations, {} bytes, {} pinned, {} streams, {} events, {} graphs, {} executable "
      "graphs, "
      "{} cuBLASLt handles, {} descriptors, {} cuDNN handles, {} descriptors",
      live.device_allocations, live.device_bytes, live.host_allocations, live.streams, live.events,
      live.graphs, live.executable_graphs, live.cublaslt_handles, live.cublaslt_descriptors,
      live.cudnn_handles, live.cudnn_descriptors);
  return live.device_allocations + live.host_allocations + live.streams + live.events +
             live.graphs + live.executable_graphs + live.cublaslt_handles +
             live.cublaslt_descriptors + live.cudnn_handles + live.cudnn_descriptors ==
         0;
}

}  // namespace engine::test
