// The matrix products of a training step, alone: what they would take with nothing around them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "graph/op.h"
#include "graph/program.h"

namespace engine::rosetta {

/// [rows, inner] x [inner, columns], so many times in a step: a product with the state of a
/// recurrent layer once a step of its sequences, the others of all of them at once.
struct ProductShape {
  std::string op;
  std::int64_t rows, inner, columns, count;
  double flops() const {
    return 2.0 * static_cast<double>(rows * inner * columns) * static_cast<double>(count);
  }
};

/// Those of dense and recurrent layers and of their gradients, empty ones left out.
std::vector<ProductShape> products_of(const graph::Program& program);

/// Runs a product `count` times in the formulation that is fastest here: oneDNN's inner product or
/// matrix product, in formats of its choice (reorders not counted) or row-major; or the
/// micro-kernel of this library over packed operands, a part of the rows, or of a deep product's
/// depth, on each thread, which then does not wait for the others in between.
class BareProduct {
 public:
  explicit BareProduct(const ProductShape& shape);
  void run() const { run_(); }
  const ProductShape& shape() const { return shape_; }
  const std::string& formulation() const { return formulation_; }

 private:
  ProductShape shape_;
  std::string formulation_;
  std::function<void()> run_;
};

}  // namespace engine::rosetta
