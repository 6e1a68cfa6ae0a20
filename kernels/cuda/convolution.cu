// The hand-written candidates of convolution and its gradients: implicit matrix products for any
// geometry, Winograd's algorithm for 3 x 3 filters, direct kernels for few input channels and for
// one filter a channel.
#include "kernels/convolution.h"

#include <algorithm>

#include "engine/tune/registry.h"
#include "kernels/cuda/convolution_parts.h"
#include "kernels/cuda/images.cuh"

namespace engine {
namespace cuda {

std::string refuse_huge_convolution(const ConvolutionGeometry& g) {
  // Tiles may reach beyond the last index, coordinates beyond the padding.
  constexpr std::int64_t kMost = INT32_MAX - 1024, kFarthest = 1 << 28;
  const std::int64_t filter = g.filter_positions();
  const std::int64_t weights = std::max(g.group_inputs() + 4, g.group_outputs() + 4);
  if (std::max(g.batch * g.output_positions(), g.batch * g.input_positions()) > kMost)
    return "more positions than fit 32 bits";
  if (weights * weights > kMost / std::max<std::int64_t>(filter, 1))
    return "more weights of a group than fit 32 bits";
  if (g.groups > 65535) return "more than 65535 groups";
  for (std::size_t d = 0; d < 3; ++d)
    if (g.input[d] + g.window.padding_before[d] + g.window.padding_after[d] > kFarthest ||
        g.filter[d] * g.window.dilation[d] > kFarthest)
      return "an extent of more than 2^28 with its padding";
  return "";
}

}  // namespace cuda

void register_convolution_cuda(CandidateRegistry& registry) {
  cuda::register_gemm_convolution(registry);
  cuda::register_direct_convolution(registry);
  cuda::register_depthwise_convolution(registry);
  cuda::register_winograd_convolution(registry);
  cuda::register_fused_winograd_convolution(registry);
}

}  // namespace engine
