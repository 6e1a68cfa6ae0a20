// Access to tensors [N, C, spatial...] by channel, for whatever is summed over all but C. Where
// spatial elements are neighbours, all threads of a block share one channel; where channels are
// (spatial = 1), a block takes 32 of them, a lane each, and its warps share the elements. Either
// way a warp touches neighbours. A channel's elements are cut into equal parts, one a block.
#pragma once

#include <algorithm>

#include "kernels/batch_norm.h"
#include "kernels/cuda/common.cuh"

namespace engine::cuda {

inline constexpr int kChannelWarps = 16;  // of a block
inline constexpr int kChannelThreads = kChannelWarps * kWarp;
inline constexpr std::int64_t kThreadItems = 16;  // before a channel is cut into parts
inline constexpr std::int64_t kMostParts = 64;

/// Extents as a kernel parameter; see ChannelExtents.
struct Channels {
  int count;     ///< channels
  int elements;  ///< of a channel
  int spatial;
  int parts;
  int step_n, step_s;  ///< what kChannelThreads elements are in (n, s)

  static Channels of(const TensorType& x) {
    const ChannelExtents e = ChannelExtents::of(x);
    const int spatial = static_cast<int>(std::max<std::int64_t>(e.spatial, 1));
    const std::int64_t threads = spatial == 1 ? kChannelWarps : kChannelThreads;
    const std::int64_t parts = std::clamp<std::int64_t>(
        ceil_div<std::int64_t>(e.count(), threads * kThreadItems), 1, kMostParts);
    return {static_cast<int>(e.channels), static_cast<int>(e.count()), spatial,
            static_cast<int>(parts),      kChannelThreads / spatial,   kChannelThreads % spatial};
  }
  bool are_columns() const { return spatial == 1; }
  dim3 grid() const {
    return dim3(static_cast<unsigned>(are_columns() ? ceil_div(count, kWarp) : count),
                static_cast<unsigned>(parts));
  }
  __host__ __device__ int part_begin(int part) const {
    return static_cast<int>(static_cast<std::int64_t>(elements) * part / parts);
  }
  __host__ __device__ int part_size(int part) const {
    return part_begin(part + 1) - part_begin(part);
  }
};

/// Why the first operand has too many elements a channel for 32-bit counts, or "".
inline std::string refuse_huge_channels(const Problem& problem) {
  const ChannelExtents e = ChannelExtents::of(problem.inputs.at(0));
  return e.channels > INT32_MAX / 4 || e.count() > INT32_MAX / 2
             ? "more than 2^29 channels, or 2^30 elements of one"
             : "";
}

/// The calling thread's channel, and sums over the threads that share it.
template <bool kColumns>
struct ChannelTeam {
  static constexpr int kStep = kColumns ? kChannelWarps : kChannelThreads;
  int channel;    ///< the last one where there is none left for the lane
  bool exists;    ///< whether there is
  int first;      ///< place among the threads of the channel
  float* shared;  ///< kChannelThreads floats

  __device__ ChannelTeam(const Channels& channels, float* memory) : shared(memory) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp;
    const int wanted =
        kColumns ? static_cast<int>(blockIdx.x) * kWarp + lane : static_cast<int>(blockIdx.x);
    exists = wanted < channels.count;
    channel = exists ? wanted : channels.count - 1;
    first = static_cast<int>(threadIdx.x) / (kColumns ? kWarp : 1);
  }
  __device__ bool leads() const { return exists && first == 0; }

  __device__ float sum(float value) const {
    if constexpr (!kColumns) {
      return group_sum<kChannelWarps>(value, shared);
    } else {
      const int lane = static_cast<int>(threadIdx.x) % kWarp;
      shared[threadIdx.x] = value;
      __syncthreads();
      value = shared[lane];
      for (int warp = 1; warp < kChannelWarps; ++warp) value += shared[warp * kWarp + lane];
      __syncthreads();  // `shared` may be written again
      return value;
    }
  }
};

/// Calls body(offset) for the calling thread's elements in the block's part of its channel.
template <bool kColumns, class F>
__device__ void each_element(const Channels& channels, const ChannelTeam<kColumns>& team,
                             const F& body) {
  const int part = static_cast<int>(blockIdx.y);
  const int end = team.exists ? channels.part_begin(part + 1) : 0;
  int i = channels.part_begin(part) + team.first;
  if constexpr (kColumns) {
    for (; i < end; i += team.kStep)
      body(static_cast<std::int64_t>(i) * channels.count + team.channel);
  } else {
    int n = i / channels.spatial, s = i % channels.spatial;
    for (; i < end; i += team.kStep) {
      body((static_cast<std::int64_t>(n) * channels.count + team.channel) * channels.spatial + s);
      n += channels.step_n;
      s += channels.step_s;
      if (s >= channels.spatial) {
        s -= channels.spatial;
        ++n;
      }
    }
  }
}

/// Launches the instantiation for the tensor's layout, a block a part of a channel (or of 32).
template <class... Parameters, class... Arguments>
void run_channels(const char* name, const Channels& channels, void (*columns)(Parameters...),
                  void (*runs)(Parameters...), Stream& stream, const Arguments&... arguments) {
  run(name, channels.are_columns() ? columns : runs, channels.grid(), kChannelThreads,
      native_stream(stream), channels, arguments...);
}

}  // namespace engine::cuda
