#include "kernels/cuda/recurrent_chain.h"

#include <algorithm>

#include "kernels/cuda/recurrent_copies.h"

namespace engine::cuda {

RecurrentChain::RecurrentChain(const Problem& problem, const RecurrentKernels& kernels,
                               const ChainChoice& choice, bool gradient)
    : kernels_(kernels),
      choice_(choice),
      attributes_(RecurrentAttributes::from(problem.attributes)),
      places_(attributes_, kernels.cell, gradient),
      extents_(RecurrentExtents::of(problem, kernels.cell)),
      math_(problem.math) {
  if (kernels.late && choice.persistent == nullptr) r_parts_ = take_gates(extents_.units);
}

DenseProduct RecurrentChain::make_product(const Problem& problem, ProductShape shape,
                                          Device& device) {
  DenseProduct product(choice_.products, problem, shape, device);
  if (!product.refusal().empty()) refusal_ = problem.op + ": " + product.refusal();
  product_bytes_ = std::max(product_bytes_, product.workspace());
  return product;
}

RecurrentChain::GateRegions RecurrentChain::take_gates(std::int64_t rows) {
  const auto parts = kernels_.parts();
  GateRegions regions{};
  regions.first = regions_.take_floats(rows * parts[0] * extents_.units);
  regions.late = regions_.take_floats(rows * parts[1] * extents_.units);
  return regions;
}

const float* RecurrentChain::input(const LaunchArguments& arguments, std::size_t place) const {
  return place == RecurrentPlaces::kNone ? nullptr : arguments.inputs[place].as<float>();
}

SequenceSteps RecurrentChain::sequences(const LaunchArguments& arguments) const {
  return {.sequences = static_cast<int>(extents_.sequences),
          .steps = static_cast<int>(extents_.steps),
          .units = static_cast<int>(extents_.units),
          .reverse = attributes_.reverse,
          .mask = attributes_.mask ? arguments.inputs[places_.mask].as<std::uint8_t>() : nullptr,
          .scale = input(arguments, places_.scale)};
}

std::array<const float*, 2> RecurrentChain::split(const float* r,
                                                  const LaunchArguments& arguments) const {
  if (!kernels_.late) return {r, nullptr};
  const auto units = static_cast<int>(extents_.units), stride = static_cast<int>(columns());
  const GateRows to = gates(arguments, r_parts_);
  const cudaStream_t stream = native_stream(arguments);
  launch_block_copy(r, stride, to.first, 2 * units, units, 2 * units, stream);
  launch_block_copy(r + 2 * units, stride, to.late, units, units, units, stream);
  return {to.first, to.late};
}

}  // namespace engine::cuda
