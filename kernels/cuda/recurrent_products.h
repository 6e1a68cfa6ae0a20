// The products of recurrent layers as dense problems, solved by a candidate of dense.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "engine/device/device.h"
#include "engine/tune/candidate.h"

namespace engine::cuda {

/// Hands out the regions of a workspace, aligned as devices align allocations.
class WorkspaceRegions {
 public:
  /// Where the next region of so many bytes begins, in bytes.
  std::size_t take_bytes(std::size_t bytes) {
    const std::size_t first = bytes_;
    bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    return first;
  }
  std::size_t take_floats(std::int64_t count) {
    return take_bytes(static_cast<std::size_t>(count) * sizeof(float));
  }
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kAlignment = 256;
  std::size_t bytes_ = 0;
};

/// What a product is good for, by which its configuration is chosen.
enum class ProductShape {
  rows,  ///< of all steps
  step,  ///< of few rows: small tiles, so that more blocks take part
  sums,  ///< over all rows, of which a small matrix results: split
};

/// A product that a kernel of another op consists of. One that no configuration solves has a
/// refusal.
class DenseProduct {
 public:
  DenseProduct() = default;
  /// By the candidate of that id; the problem is one of kernels/dense.h.
  DenseProduct(const std::string& candidate, const Problem& problem, ProductShape shape,
               Device& device);

  const std::string& refusal() const { return refusal_; }
  std::size_t workspace() const { return workspace_; }  ///< bytes
  /// Operands in the problem's order.
  void launch(std::initializer_list<const void*> inputs, std::initializer_list<void*> outputs,
              void* workspace, Stream& stream) const;

 private:
  Problem problem_;
  std::unique_ptr<Kernel> kernel_;
  std::string refusal_;
  std::size_t workspace_ = 0;
};

/// The problems: x[rows, inputs] · w[inputs, outputs] + b, and its gradients.
Problem product_problem(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, Math math);
Problem input_gradient_problem(std::int64_t rows, std::int64_t inputs, std::int64_t outputs,
                               Math math);
Problem weight_gradient_problem(std::int64_t rows, std::int64_t inputs, std::int64_t outputs,
                                Math math);

}  // namespace engine::cuda
