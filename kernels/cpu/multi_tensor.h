// The loop that all multi-tensor ops share on the CPU. An op brings one function, so that it can be
// compiled once a SIMD level (kernels/cpu/simd.h):
//
//   ENGINE_SIMD_CLONES
//   void update(const Rule::Step<float>& step, const Slice<Rule::kStates>& slice) {
//     update_elements(step, slice);
//   }
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/candidate.h"
#include "kernels/cpu/simd.h"
#include "kernels/multi_tensor.h"

namespace engine::cpu {

/// Tensors laid end to end.
class Concatenation {
 public:
  /// The n tensors of an operand list, given by its first one.
  Concatenation(const Problem& problem, std::size_t first, std::size_t count) {
    for (std::size_t k = 0; k < count; ++k)
      ends_.push_back(size() + problem.inputs[first + k].element_count());
  }

  std::int64_t size() const { return ends_.empty() ? 0 : ends_.back(); }

  /// Calls visit(k, begin, end) for the parts of tensors k that lie in [begin, end) of the whole.
  template <class Visit>
  void visit(std::int64_t begin, std::int64_t end, const Visit& visit) const {
    auto at = std::upper_bound(ends_.begin(), ends_.end(), begin);
    for (; begin < end; ++at) {
      const std::int64_t first = at == ends_.begin() ? 0 : *(at - 1);
      const std::int64_t stop = std::min(end, *at);
      if (begin < stop)
        visit(static_cast<std::size_t>(at - ends_.begin()), begin - first, stop - first);
      begin = stop;
    }
  }

 private:
  std::vector<std::int64_t> ends_;  ///< of each tensor, counted from the first one's start
};

/// Some elements of one tensor of every list.
template <int kStates>
struct Slice {
  std::int64_t count;
  const float* incoming;
  std::array<const float*, kStates> state;
  std::array<float*, kStates> next;
};

template <class Step, std::size_t... kState>
ENGINE_SIMD_INLINE void update_elements(const Step& step, const Slice<sizeof...(kState)>& slice,
                                        std::index_sequence<kState...>) {
  const Step local = step;  // no store through `next` can change it
  const Slice<sizeof...(kState)> at = slice;
  ENGINE_SIMD_LOOP
  for (std::int64_t i = 0; i < at.count; ++i) {
    float state[] = {at.state[kState][i]...};
    local(at.incoming[i], state);
    ((at.next[kState][i] = state[kState]), ...);
  }
}

template <class Step, int kStates>
ENGINE_SIMD_INLINE void update_elements(const Step& step, const Slice<kStates>& slice) {
  update_elements(step, slice, std::make_index_sequence<kStates>());
}

/// Leaves a slice as it is.
template <int kStates>
void keep(const Slice<kStates>& slice) {
  for (int j = 0; j < kStates; ++j)
    if (slice.next[j] != slice.state[j])
      std::memcpy(slice.next[j], slice.state[j],
                  static_cast<std::size_t>(slice.count) * sizeof(float));
}

template <class Rule>
using UpdateFunction = void (*)(const typename Rule::template Step<float>&,
                                const Slice<Rule::kStates>&);

/// The launch of a multi-tensor problem: `update` for slices that cover all tensors, in one
/// parallel loop.
template <class Rule>
SimpleCandidate::Launch multi_tensor_launch(const Problem& problem, UpdateFunction<Rule> update) {
  const auto operands = MultiTensorOperands::of(problem.attributes, Rule::kScalars);
  return [all = Concatenation(problem, operands.incoming(0), operands.count), operands, update,
          rule = Rule::from(problem.attributes)](const LaunchArguments& arguments) {
    ScalarOperands scalars;
    for (std::size_t i = 0; i < operands.scalars; ++i) scalars.at[i] = arguments.inputs[i].data;
    const auto step = rule.template at<float>(scalars);
    parallel_for(all.size(), kElementGrain, [&](std::int64_t first, std::int64_t last) {
      const FlushDenormals flush;
      all.visit(first, last, [&](std::size_t k, std::int64_t begin, std::int64_t end) {
        Slice<Rule::kStates> slice{
            end - begin,
            arguments.inputs[operands.incoming(k)].template as<float>() + begin,
            {},
            {}};
        for (std::size_t j = 0; j < Rule::kStates; ++j) {
          slice.state[j] = arguments.inputs[operands.state(j, k)].template as<float>() + begin;
          slice.next[j] = arguments.outputs[operands.next(j, k)].template as<float>() + begin;
        }
        if (step.skip)
          keep(slice);
        else
          update(step, slice);
      });
    });
  };
}

/// A candidate with one rule.
template <class Rule>
SimpleCandidate multi_tensor_candidate(const char* op, UpdateFunction<Rule> update) {
  return {
      .op = op, .backend = "cpu", .id = "cpu.simd", .prepare = [update](const Problem& problem) {
        return multi_tensor_launch<Rule>(problem, update);
      }};
}

}  // namespace engine::cpu
