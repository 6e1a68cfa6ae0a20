// oneDNN primitives as the engine uses them: built once with their memory descriptors, then
// launched with nothing but pointers.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace engine::onednn {

/// oneDNN's engine for the CPU.
const dnnl::engine& cpu_engine();

/// Whether the CPU has instructions for products of bf16, so that oneDNN need not emulate them.
bool multiplies_bfloat16_natively();
/// Whether these are AMX, which keeps matrices in tile registers.
bool multiplies_bfloat16_in_tiles();

/// Attributes that all primitives are built with: scratchpads are ours to provide.
dnnl::primitive_attr primitive_attributes();

/// Why a candidate refuses a problem for which oneDNN makes no primitive.
std::string refusal_of(const dnnl::error& error);

/// Throws DeviceError naming the primitive and oneDNN's status.
[[noreturn]] void rethrow(const std::string& primitive, const dnnl::error& error);

/// A primitive with one memory object an argument.
class Execution {
 public:
  /// An argument's index (DNNL_ARG_SRC, …) and what its pointer will refer to.
  using Argument = std::pair<int, dnnl::memory::desc>;

  Execution(std::string name, const dnnl::primitive& primitive,
            const dnnl::memory::desc& scratchpad, const std::vector<Argument>& arguments);

  Execution(Execution&&) = default;

  std::size_t workspace() const { return workspace_; }

  /// Runs to completion. `pointers` are in the order of the arguments; `workspace` has workspace()
  /// bytes. Throws DeviceError.
  void run(std::span<void* const> pointers, void* workspace);

 private:
  std::string name_;
  dnnl::primitive primitive_;
  dnnl::stream stream_;
  std::size_t workspace_;
  std::vector<dnnl::memory> memories_;  ///< the arguments, then the scratchpad if there is one
  std::vector<dnnl_exec_arg_t>
      raw_arguments_;  ///< the same for the C interface, which copies no map
};

}  // namespace engine::onednn
