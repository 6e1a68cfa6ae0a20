// Back ends: the CPU is built in, others are shared libraries with one entry point, loaded when
// asked for. A back end that is absent or finds no hardware registers nothing and says why.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/device/device.h"

namespace engine {

class CandidateRegistry;

/// What a plug-in hands to the core. `abi` comes first and never moves.
struct BackendEntry {
  int abi;           ///< kPluginAbi of the headers it was built with
  const char* name;  ///< "cuda"
  /// Number of usable devices; 0 with the reason in `why_none`.
  int (*device_count)(std::string& why_none);
  std::unique_ptr<Device> (*make_device)(int index);
  void (*register_candidates)(CandidateRegistry& registry);
  /// Library versions for `engine-profile doctor`, a line each.
  std::vector<std::string> (*describe)();
};

/// The symbol a plug-in exports: `extern "C" const engine::BackendEntry* engine_backend()`.
inline constexpr const char* kBackendSymbol = "engine_backend";

/// What is known of one back end after trying to load it.
struct BackendStatus {
  std::string name;
  std::string path;  ///< of the plug-in; empty when none was found
  int devices = 0;
  std::string why_not;               ///< empty when usable
  std::vector<std::string> details;  ///< versions
};

/// Loads the plug-in of back end `name` once: $ENGINE_PLUGIN_<NAME> if set, else
/// libengine-<name>.so beside the core library. Its candidates join CandidateRegistry::global().
/// Never throws.
BackendStatus load_backend(const std::string& name);

/// The device for "auto", "cpu", "cuda" or "cuda:N". "auto" takes a CUDA device where there is one.
/// `threads` is for the CPU (0: one a physical core this process may use). Throws UsageError for a
/// spelling that is none of these, DeviceError saying why a device cannot be used.
std::unique_ptr<Device> open_device(const std::string& name, int threads = 0);

}  // namespace engine
