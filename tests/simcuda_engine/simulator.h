// The controls of the simulated device inside the plug-in that $ENGINE_PLUGIN_CUDA names: its
// symbols are local to it, so they are looked up by name.
#pragma once

#include <string>

#include "simcuda/control.h"

namespace engine::test {

/// The address of `name` in the loaded plug-in; throws InternalError when it is not there.
void* simulator_symbol(const std::string& name);

template <class F>
F* simulator_function(const std::string& name) {
  return reinterpret_cast<F*>(simulator_symbol(name));
}

/// Whether nothing at all is allocated on the device or by the libraries, and a line about it.
bool nothing_lives(std::string& report);

}  // namespace engine::test

/// SIMULATOR(simcuda_reset)() calls the plug-in's function.
#define SIMULATOR(function) (::engine::test::simulator_function<decltype(function)>(#function))
