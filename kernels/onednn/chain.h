// Primitives that run one after another on the operands of a problem, with results of one that the
// next reads, and operands in layouts and types of oneDNN's choice, in the workspace.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "kernels/onednn/convert.h"
#include "kernels/onednn/engine.h"

namespace engine::onednn {

class Chain {
 public:
  /// Memory that a primitive is given: an operand of the problem, by its number (outputs count on
  /// from the inputs), or what a function below answers.
  using Slot = std::size_t;

  explicit Chain(std::size_t operands) : operands_(operands) {}

  /// Where to find `from`, of which `given` tells the layout and type, as `wanted`: itself where
  /// they are equal, else a copy that a conversion appended here makes.
  Slot converted(Slot from, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted);
  /// Where to write a result as `given` so that deliver() brings it to `to` as `wanted`: `to`
  /// itself where they are equal.
  Slot target(Slot to, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted);
  void deliver(Slot from, const dnnl::memory::desc& given, Slot to,
               const dnnl::memory::desc& wanted);
  /// Appends a primitive; `slots` are in the order of its arguments.
  void append(Execution execution, std::vector<Slot> slots);

  /// Bytes of workspace that run() wants.
  std::size_t workspace() const { return copies_ + scratchpad_; }
  /// Runs to completion. Throws DeviceError.
  void run(std::span<void* const> operands, void* workspace);

 private:
  struct Link {
    std::optional<Execution> execution;  ///< or
    Conversion conversion;               ///< of the first slot to the second
    std::vector<Slot> slots;
  };
  Slot allocate(const dnnl::memory::desc& type);

  std::size_t operands_;
  std::vector<std::size_t> offsets_;  ///< of the copies, in the workspace
  std::size_t copies_ = 0;            ///< bytes of all copies
  std::size_t scratchpad_ = 0;        ///< bytes behind them, for one primitive at a time
  std::vector<Link> links_;
  std::vector<void*> pointers_;  ///< of one primitive, kept for its storage
};

}  // namespace engine::onednn
