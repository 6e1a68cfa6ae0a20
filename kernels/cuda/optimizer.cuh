// One launch for all parameters: a table of tensors travels as the kernel's parameter, and every
// block finds the tensor that its chunk of elements belongs to.
#pragma once

#include <vector>

#include "kernels/cuda/common.cuh"
#include "kernels/optimizer.h"

namespace engine::cuda {

inline constexpr int kTableSize = 32;  // parameters are limited to 4 KiB
inline constexpr int kUpdateThreads = 256;
inline constexpr int kChunk = 4 * kUpdateThreads;

struct UpdateTensor {
  const float* parameter;
  const float* gradient;
  const float* moment;  ///< null for a rule without
  float* new_parameter;
  float* new_moment;
  std::int64_t size;
  std::int64_t first_block;
  bool vector;  ///< all pointers allow 16-byte accesses
};

struct UpdateTable {
  UpdateTensor tensor[kTableSize];
  int count;
};

/// One element's parameter and moment.
struct Updated {
  float parameter, moment;
};

template <class Rule>
__device__ void update_element(const Rule& rule, float rate, const UpdateTensor& t,
                               std::int64_t i) {
  const float moment = t.moment == nullptr ? 0.0f : t.moment[i];
  const Updated updated = rule(rate, t.parameter[i], t.gradient[i], moment);
  t.new_parameter[i] = updated.parameter;
  if (t.moment != nullptr) t.new_moment[i] = updated.moment;
}

template <class Rule>
__device__ void update_quad(const Rule& rule, float rate, const UpdateTensor& t, std::int64_t i) {
  const float4 p = *reinterpret_cast<const float4*>(t.parameter + i);
  const float4 g = *reinterpret_cast<const float4*>(t.gradient + i);
  const float4 m = t.moment == nullptr ? make_float4(0, 0, 0, 0)
                                       : *reinterpret_cast<const float4*>(t.moment + i);
  const Updated x = rule(rate, p.x, g.x, m.x), y = rule(rate, p.y, g.y, m.y);
  const Updated z = rule(rate, p.z, g.z, m.z), w = rule(rate, p.w, g.w, m.w);
  *reinterpret_cast<float4*>(t.new_parameter + i) =
      make_float4(x.parameter, y.parameter, z.parameter, w.parameter);
  if (t.moment != nullptr)
    *reinterpret_cast<float4*>(t.new_moment + i) =
        make_float4(x.moment, y.moment, z.moment, w.moment);
}

template <class Rule>
__global__ void update_kernel(const UpdateTable table, Rule rule, const float* learning_rate) {
  int index = table.count - 1;
  while (table.tensor[index].first_block > blockIdx.x) --index;
  const UpdateTensor& t = table.tensor[index];
  const float rate = *learning_rate;
  const std::int64_t i = (blockIdx.x - t.first_block) * kChunk + 4 * std::int64_t{threadIdx.x};
  if (t.vector && i + 4 <= t.size) {
    update_quad(rule, rate, t, i);
  } else {
    for (std::int64_t j = i; j < t.size && j < i + 4; ++j) update_element(rule, rate, t, j);
  }
}

/// The n tensors of an optimizer problem that are not empty.
inline std::vector<UpdateTensor> update_tensors(const LaunchArguments& launch,
                                                const OptimizerOperands& at, bool has_moments) {
  std::vector<UpdateTensor> tensors;
  for (std::size_t k = 0; k < at.count; ++k) {
    UpdateTensor t{};
    t.size = launch.inputs[at.parameter(k)].type.element_count();
    if (t.size == 0) continue;
    t.parameter = launch.inputs[at.parameter(k)].as<float>();
    t.gradient = launch.inputs[at.gradient(k)].as<float>();
    t.new_parameter = launch.outputs[at.new_parameter(k)].as<float>();
    if (has_moments) {
      t.moment = launch.inputs[at.moment(k)].as<float>();
      t.new_moment = launch.outputs[at.new_moment(k)].as<float>();
    }
    t.vector = is_aligned_for_4(t.parameter) && is_aligned_for_4(t.gradient) &&
               is_aligned_for_4(t.moment) && is_aligned_for_4(t.new_parameter) &&
               is_aligned_for_4(t.new_moment);
    tensors.push_back(t);
  }
  return tensors;
}

/// Launches `rule` over all parameters, a table at a time.
template <class Rule>
void run_update(const char* name, const LaunchArguments& launch, const OptimizerOperands& operands,
                bool has_moments, const Rule& rule) {
  const std::vector<UpdateTensor> tensors = update_tensors(launch, operands, has_moments);
  for (std::size_t first = 0; first < tensors.size(); first += kTableSize) {
    UpdateTable table{};
    std::int64_t blocks = 0;
    for (std::size_t k = first; k < tensors.size() && k < first + kTableSize; ++k) {
      UpdateTensor& t = table.tensor[table.count++] = tensors[k];
      t.first_block = blocks;
      blocks += ceil_div<std::int64_t>(t.size, kChunk);
    }
    run(name, update_kernel<Rule>, dim3(static_cast<unsigned>(blocks)), kUpdateThreads,
        native_stream(launch.stream), table, rule, launch.inputs[0].as<float>());
  }
}

}  // namespace engine::cuda
