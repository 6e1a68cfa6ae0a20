// One launch for all tensors: a table of them travels as the kernel's parameter, and every block
// finds the tensor that its chunk of elements belongs to. More tensors than a table holds take more
// launches.
#pragma once

#include <array>
#include <cfloat>
#include <vector>

#include "kernels/cuda/common.cuh"
#include "kernels/multi_tensor.h"

namespace engine::cuda {

inline constexpr std::size_t kTableBytes = 3584;  // parameters are limited to 4 KiB
inline constexpr int kTableThreads = 256;

/// Tensors of some kind {…; size; first_block}. A block works on `chunk` elements of one of them.
template <class Tensor>
struct Table {
  static constexpr int kSize = static_cast<int>(kTableBytes / sizeof(Tensor));
  Tensor tensor[kSize];
  int count;

  __device__ const Tensor& of_block(std::int64_t block) const {
    int index = count - 1;
    while (tensor[index].first_block > block) --index;
    return tensor[index];
  }
};

/// Calls launch(table, blocks) for tables that hold the tensors that are not empty.
template <class Tensor, class Launch>
void for_each_table(const std::vector<Tensor>& tensors, std::int64_t chunk, const Launch& launch) {
  Table<Tensor> table{};
  std::int64_t blocks = 0;
  const auto flush = [&] {
    if (table.count > 0) launch(table, blocks);
    table.count = 0;
    blocks = 0;
  };
  for (const Tensor& tensor : tensors) {
    if (tensor.size == 0) continue;
    if (table.count == Table<Tensor>::kSize) flush();
    Tensor& entry = table.tensor[table.count++] = tensor;
    entry.first_block = blocks;
    blocks += ceil_div<std::int64_t>(tensor.size, chunk);
  }
  flush();
}

/// One tensor of every list of a multi-tensor op.
template <int kStates>
struct UpdateTensor {
  const float* incoming;
  const float* state[kStates];
  float* next[kStates];
  std::int64_t size;
  std::int64_t first_block;
  bool vector;  ///< all pointers allow 16-byte accesses
};

/// Moments that die out end as 0, as they do on the CPU.
__device__ inline float flush_denormal(float value) {
  return fabsf(value) < FLT_MIN ? 0.0f : value;
}

template <int kStates, class Step>
__device__ void update_element(const Step& step, const UpdateTensor<kStates>& t, std::int64_t i) {
  float state[kStates];
  for (int j = 0; j < kStates; ++j) state[j] = t.state[j][i];
  if (!step.skip) {
    step(t.incoming[i], state);
    for (int j = 0; j < kStates; ++j) state[j] = flush_denormal(state[j]);
  }
  for (int j = 0; j < kStates; ++j) t.next[j][i] = state[j];
}

template <int kStates, class Step>
__device__ void update_quad(const Step& step, const UpdateTensor<kStates>& t, std::int64_t i) {
  const float4 incoming = *reinterpret_cast<const float4*>(t.incoming + i);
  const float in[4] = {incoming.x, incoming.y, incoming.z, incoming.w};
  float state[4][kStates];
  for (int j = 0; j < kStates; ++j) {
    const float4 v = *reinterpret_cast<const float4*>(t.state[j] + i);
    state[0][j] = v.x, state[1][j] = v.y, state[2][j] = v.z, state[3][j] = v.w;
  }
  if (!step.skip)
    for (int e = 0; e < 4; ++e) {
      step(in[e], state[e]);
      for (int j = 0; j < kStates; ++j) state[e][j] = flush_denormal(state[e][j]);
    }
  for (int j = 0; j < kStates; ++j)
    *reinterpret_cast<float4*>(t.next[j] + i) =
        make_float4(state[0][j], state[1][j], state[2][j], state[3][j]);
}

/// A thread takes four neighbours. Where nothing is to change and all is in place, it leaves.
template <class Rule>
__global__ void multi_tensor_kernel(const Table<UpdateTensor<Rule::kStates>> table, Rule rule,
                                    ScalarOperands scalars) {
  const auto step = rule.template at<float>(scalars);
  const auto& t = table.of_block(blockIdx.x);
  bool in_place = true;
  for (int j = 0; j < Rule::kStates; ++j) in_place = in_place && t.next[j] == t.state[j];
  if (step.skip && in_place) return;
  const std::int64_t i =
      4 * ((blockIdx.x - t.first_block) * kTableThreads + std::int64_t{threadIdx.x});
  if (t.vector && i + 4 <= t.size) {
    update_quad(step, t, i);
  } else {
    for (std::int64_t e = i; e < t.size && e < i + 4; ++e) update_element(step, t, e);
  }
}

template <int kStates>
std::vector<UpdateTensor<kStates>> update_tensors(const LaunchArguments& launch,
                                                  const MultiTensorOperands& operands) {
  std::vector<UpdateTensor<kStates>> tensors(operands.count);
  for (std::size_t k = 0; k < operands.count; ++k) {
    UpdateTensor<kStates>& t = tensors[k];
    const TensorView& incoming = launch.inputs[operands.incoming(k)];
    t.incoming = incoming.as<float>();
    t.size = incoming.type.element_count();
    t.vector = is_aligned_for_4(t.incoming);
    for (std::size_t j = 0; j < kStates; ++j) {
      t.state[j] = launch.inputs[operands.state(j, k)].as<float>();
      t.next[j] = launch.outputs[operands.next(j, k)].as<float>();
      t.vector = t.vector && is_aligned_for_4(t.state[j]) && is_aligned_for_4(t.next[j]);
    }
  }
  return tensors;
}

/// The launch of a multi-tensor problem (kernels/multi_tensor.h).
template <class Rule>
SimpleCandidate::Launch multi_tensor_launch(const char* name, const Problem& problem) {
  const auto operands = MultiTensorOperands::of(problem.attributes, Rule::kScalars);
  return [name, operands, rule = Rule::from(problem.attributes)](const LaunchArguments& launch) {
    ScalarOperands scalars;
    for (std::size_t i = 0; i < operands.scalars; ++i) scalars.at[i] = launch.inputs[i].data;
    for_each_table(update_tensors<Rule::kStates>(launch, operands), 4 * kTableThreads,
                   [&](const auto& table, std::int64_t blocks) {
                     run(name, multi_tensor_kernel<Rule>, dim3(static_cast<unsigned>(blocks)),
                         kTableThreads, native_stream(launch.stream), table, rule, scalars);
                   });
  };
}

/// A candidate with one rule.
template <class Rule>
SimpleCandidate multi_tensor_candidate(const char* op) {
  return {
      .op = op,
      .backend = "cuda",
      .id = "cuda.multi_tensor",
      .prepare = [op](const Problem& problem) { return multi_tensor_launch<Rule>(op, problem); }};
}

}  // namespace engine::cuda
