// Version of the engine and of the interface between the core library and its plug-ins.
#pragma once

namespace engine {

inline constexpr const char* kVersion = "0.1.0";
/// Raised whenever a class that crosses the plug-in boundary changes.
inline constexpr int kPluginAbi = 3;

}  // namespace engine
