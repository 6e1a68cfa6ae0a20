// A back end for tests of the loader; its devices are CPUs under another name.
#include "engine/core/error.h"
#include "engine/core/version.h"
#include "engine/device/backend.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/tune/registry.h"

#ifndef PLUGIN_ABI
#define PLUGIN_ABI engine::kPluginAbi
#endif

namespace {

int device_count(std::string& why_none) {
  if (PLUGIN_DEVICES < 0) throw engine::DeviceError("the driver is in a bad mood");
  if (PLUGIN_DEVICES == 0) why_none = "no hardware was found";
  return PLUGIN_DEVICES;
}

std::unique_ptr<engine::Device> make_device(int index) {
  return engine::cpu::make_cpu_device(index + 1);
}

void register_candidates(engine::CandidateRegistry& registry) {
  registry.add({.op = "plugin_op",
                .backend = PLUGIN_NAME,
                .id = "from_plugin",
                .prepare = [](const engine::Problem&) -> engine::SimpleCandidate::Launch {
                  return [](const engine::LaunchArguments&) {};
                }});
}

std::vector<std::string> describe() {
  return {"test plug-in 1.0"};
}

}  // namespace

extern "C" const engine::BackendEntry* engine_backend() {
  static const engine::BackendEntry entry{PLUGIN_ABI,  PLUGIN_NAME,         device_count,
                                          make_device, register_candidates, describe};
  return &entry;
}
