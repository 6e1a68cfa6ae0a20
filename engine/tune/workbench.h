// The operands of one problem in guarded device memory, with the result that is expected of them:
// where kernels are checked before they may win, and then timed.
#pragma once

#include <string>
#include <vector>

#include "engine/tune/candidate.h"
#include "engine/tune/guarded_buffer.h"
#include "engine/tune/reference.h"

namespace engine {

/// The outcome of a check.
struct Verdict {
  double error = 0;     ///< worst |err| / (eps * magnitude)
  std::string refusal;  ///< empty when the kernel may be used
};

class Workbench {
 public:
  /// Makes inputs (the same ones on every run: floating point uniform in the op's range, integers 0
  /// or 1, an i64 scalar, which is a step counter, 0; what follows from other inputs, from them)
  /// and evaluates the reference once, in double: some hundred elements of each output, where it
  /// can be evaluated by element and outputs are large.
  Workbench(const Problem& problem, Device& device, Stream& stream);

  /// Launches `kernel` once over fresh operands: outputs and workspace hold NaN. It must give every
  /// element within `bound`, and leave the inputs and all memory around its operands as they were.
  /// Where not all elements are known, the first kernel that gets the known ones right is trusted,
  /// and the later ones are compared with it as well, in units of the largest magnitude known (the
  /// largest element of an op without a reference). Whatever the kernel throws is passed on.
  Verdict check(Kernel& kernel, std::size_t workspace_bytes, double bound);

  /// Enqueues one launch over the operands as they are.
  void launch(Kernel& kernel, void* workspace);

 private:
  void reset();
  std::string find_stray_write(const GuardedBuffer& workspace) const;
  Verdict compare_outputs(double bound);
  void evaluate(const Problem& problem);
  bool holds(const GuardedBuffer& buffer, const std::vector<std::byte>& expected) const;
  std::vector<std::byte> download(const GuardedBuffer& buffer) const;

  Device& device_;
  Stream& stream_;
  std::vector<TensorView> inputs_, outputs_;
  std::vector<GuardedBuffer> input_buffers_, output_buffers_;
  std::vector<std::vector<std::byte>> input_data_;  // what the inputs hold
  bool uploaded_ = false;                           // whether the inputs are known to hold that
  std::vector<ReferenceTensor> expected_;           // empty where not all elements are known
  std::vector<std::vector<Sample>> samples_;        // of each output; empty where all are known
  struct Trusted {
    std::vector<std::byte> data;
    double magnitude;
  };
  std::vector<Trusted> trusted_;  // each output of the first kernel that got the known ones right
};

}  // namespace engine
