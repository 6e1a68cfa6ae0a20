// The kernels of a recurrent layer and of its gradient, as candidates prepare them.
#pragma once

#include <memory>
#include <string>

#include "engine/device/device.h"
#include "kernels/cuda/recurrent.h"
#include "kernels/cuda/recurrent_products.h"

namespace engine::cuda {

/// How a problem is to be solved.
struct ChainChoice {
  std::string products;                         ///< the candidate of dense
  const PersistentChain* persistent = nullptr;  ///< nullptr: a step is a launch
};

class RecurrentChain : public Kernel {
 public:
  /// Why this problem is not solved, or "".
  const std::string& refusal() const { return refusal_; }
  std::size_t workspace() const { return regions_.bytes(); }

 protected:
  RecurrentChain(const Problem& problem, const RecurrentKernels& kernels, const ChainChoice& choice,
                 bool gradient);

  DenseProduct make_product(const Problem& problem, ProductShape shape, Device& device);
  /// Room for rows by the gates of r.
  struct GateRegions {
    std::size_t first, late;
  };
  GateRegions take_gates(std::int64_t rows);
  /// Room for what the products need, once all are made.
  void take_product_workspace() { product_workspace_ = regions_.take_bytes(product_bytes_); }

  SequenceSteps sequences(const LaunchArguments& arguments) const;
  const float* input(const LaunchArguments& arguments, std::size_t place) const;
  /// `r` as the matrices that products take, copied into the workspace where it is not one.
  std::array<const float*, 2> split(const float* r, const LaunchArguments& arguments) const;
  std::int64_t rows() const { return extents_.sequences * extents_.steps; }
  std::int64_t states() const { return extents_.sequences * extents_.units; }
  std::int64_t columns() const { return kernels_.columns() * extents_.units; }

  static cudaStream_t native_stream(const LaunchArguments& arguments) {
    return static_cast<cudaStream_t>(arguments.stream.native());
  }
  static float* floats(const LaunchArguments& arguments, std::size_t region) {
    return reinterpret_cast<float*>(static_cast<std::byte*>(arguments.workspace) + region);
  }
  static GateRows gates(const LaunchArguments& arguments, const GateRegions& regions) {
    return {floats(arguments, regions.first), floats(arguments, regions.late)};
  }

  const RecurrentKernels& kernels_;
  ChainChoice choice_;
  RecurrentAttributes attributes_;
  RecurrentPlaces places_;
  RecurrentExtents extents_;
  Math math_;
  WorkspaceRegions regions_;
  GateRegions r_parts_{};
  std::size_t product_workspace_ = 0;

 private:
  std::string refusal_;
  std::size_t product_bytes_ = 0;
};

std::unique_ptr<RecurrentChain> make_forward_chain(const Problem& problem,
                                                   const RecurrentKernels& kernels,
                                                   const ChainChoice& choice, Device& device);
std::unique_ptr<RecurrentChain> make_backward_chain(const Problem& problem,
                                                    const RecurrentKernels& kernels,
                                                    const ChainChoice& choice, Device& device);

}  // namespace engine::cuda
