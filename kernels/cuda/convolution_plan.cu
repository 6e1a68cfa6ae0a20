#include "kernels/cuda/convolution_plan.h"

namespace engine::cuda {
namespace {

template <class T, class E>
constexpr Variant variant(const char* name) {
  constexpr bool bf16 = std::is_same_v<E, Plain<bfloat16>>;
  return {name,
          T::kM,
          T::kN,
          T::kThreads,
          bf16,
          {correlation_kernel<T, E, Access::channel_quads>,
           correlation_kernel<T, E, Access::channels>, correlation_kernel<T, E, Access::planes>},
          {weight_kernel<T, E, Access::channel_quads>, weight_kernel<T, E, Access::channels>,
           weight_kernel<T, E, Access::planes>}};
}

// Large products of bf16 are for tensor cores.
const Variant kVariants[] = {
    variant<Tile<64, 64, 1, 1>, Plain<float>>("64x64"),
    variant<Tile<32, 32, 1, 1>, Plain<float>>("32x32"),
    variant<Tile<128, 128, 2, 2>, Plain<float>>("128x128"),
    variant<Tile<64, 64, 1, 1>, Plain<bfloat16>>("64x64"),
    variant<Tile<32, 32, 1, 1>, Plain<bfloat16>>("32x32"),
};
constexpr int kSplits[] = {1, 8, 64};

}  // namespace

std::vector<Plan> plans_for(const Extents& extents) {
  return find_plans<Plan>(kVariants, kSplits,
                          [&](const Plan& plan) { return plan.applies(extents); });
}

}  // namespace engine::cuda
