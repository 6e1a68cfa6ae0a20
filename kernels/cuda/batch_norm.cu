// Batch normalization. Where one block holds all of a channel, one launch does everything; else
// blocks reduce their parts, a small kernel merges them, and a third one applies the result.
//
// A thread reads and writes the same elements, and all sums over a channel are complete before the
// first write to it: y may be x, and dx may be dy or x.
#include "kernels/batch_norm.h"

#include "engine/tune/registry.h"
#include "kernels/cuda/channels.cuh"
#include "kernels/cuda/normalization.cuh"

namespace engine {
namespace cuda {
namespace {

// Of the part, or the whole channel, that the block has.
template <bool kColumns>
__device__ Deviations part_deviations(const Channels& channels, const ChannelTeam<kColumns>& team,
                                      const float* x) {
  float sum = 0;
  each_element(channels, team, [&](std::int64_t at) { sum += x[at]; });
  const int count = channels.part_size(static_cast<int>(blockIdx.y));
  Deviations deviations{team.sum(sum) / static_cast<float>(count), 0, 0};
  each_element(channels, team, [&](std::int64_t at) {
    const float deviation = x[at] - deviations.estimate;
    deviations.sum += deviation;
    deviations.squares += deviation * deviation;
  });
  deviations.sum = team.sum(deviations.sum);
  deviations.squares = team.sum(deviations.squares);
  return deviations;
}

template <bool kColumns>
__device__ void normalize(const Channels& channels, const ChannelTeam<kColumns>& team,
                          const float* x, float* y, float gamma, float beta, Moments moments,
                          float epsilon) {
  const float inverse = inverse_deviation(moments.variance, epsilon);
  each_element(channels, team,
               [&](std::int64_t at) { y[at] = (x[at] - moments.mean) * inverse * gamma + beta; });
}

// What the gradient of a channel needs besides its two sums.
struct ChannelState {
  float gamma, mean, inverse;
  __device__ float normalized(float x) const { return (x - mean) * inverse; }
};

struct GradientSums {
  float gamma, beta;  // sums of dy · x̂, and of dy
};

template <bool kColumns>
__device__ GradientSums gradient_sums(const Channels& channels, const ChannelTeam<kColumns>& team,
                                      const float* dy, const float* x, ChannelState state) {
  GradientSums sums{0, 0};
  each_element(channels, team, [&](std::int64_t at) {
    sums.gamma += dy[at] * state.normalized(x[at]);
    sums.beta += dy[at];
  });
  sums.gamma = team.sum(sums.gamma);
  sums.beta = team.sum(sums.beta);
  return sums;
}

template <bool kColumns>
__device__ void apply_gradient(const Channels& channels, const ChannelTeam<kColumns>& team,
                               const float* dy, const float* x, float* dx, ChannelState state,
                               GradientSums sums) {
  const auto count = static_cast<float>(channels.elements);
  const float factor = state.gamma * state.inverse;
  const float dy_mean = sums.beta / count, dyx_mean = sums.gamma / count;
  each_element(channels, team, [&](std::int64_t at) {
    dx[at] = factor * (dy[at] - dy_mean - state.normalized(x[at]) * dyx_mean);
  });
}

// One block a channel: everything.
template <bool kColumns>
__global__ void forward_kernel(Channels channels, const float* x, const float* gamma,
                               const float* beta, float* y, float* mean, float* variance,
                               float epsilon) {
  ENGINE_SHARED(float, shared, [kChannelThreads]);
  const ChannelTeam<kColumns> team(channels, shared);
  const Moments moments =
      part_deviations(channels, team, x).moments(static_cast<float>(channels.elements));
  if (team.leads()) {
    mean[team.channel] = moments.mean;
    variance[team.channel] = moments.variance;
  }
  normalize(channels, team, x, y, gamma[team.channel], beta[team.channel], moments, epsilon);
}

// partial[part][estimate, sum, squares][channel].
template <bool kColumns>
__global__ void part_deviations_kernel(Channels channels, const float* x, float* partial) {
  ENGINE_SHARED(float, shared, [kChannelThreads]);
  const ChannelTeam<kColumns> team(channels, shared);
  const Deviations deviations = part_deviations(channels, team, x);
  if (!team.leads()) return;
  float* out = partial + blockIdx.y * std::int64_t{3} * channels.count + team.channel;
  out[0] = deviations.estimate;
  out[channels.count] = deviations.sum;
  out[2 * std::int64_t{channels.count}] = deviations.squares;
}

// Moments of a union from those of its parts, one after the other (Chan, Golub, LeVeque, 1979). In
// double, because the distances between the parts' means may be far below the last bit of those.
__global__ void merge_parts_kernel(Channels channels, const float* partial, float* mean,
                                   float* variance) {
  const auto channel = static_cast<int>(global_thread());
  if (channel >= channels.count) return;
  double merged = 0, squares = 0, count = 0;
  for (int part = 0; part < channels.parts; ++part) {
    const float* in = partial + part * std::int64_t{3} * channels.count + channel;
    const double size = channels.part_size(part);
    const double correction = in[channels.count] / size;
    const double distance = in[0] + correction - merged, share = size / (count + size);
    merged += distance * share;
    squares += in[2 * std::int64_t{channels.count}] - correction * correction * size +
               distance * distance * (count * share);
    count += size;
  }
  mean[channel] = static_cast<float>(merged);
  variance[channel] = static_cast<float>(squares < 0 ? 0 : squares / count);
}

template <bool kColumns>
__global__ void normalize_kernel(Channels channels, const float* x, const float* gamma,
                                 const float* beta, const float* mean, const float* variance,
                                 float* y, float epsilon) {
  const ChannelTeam<kColumns> team(channels, nullptr);
  normalize(channels, team, x, y, gamma[team.channel], beta[team.channel],
            {mean[team.channel], variance[team.channel]}, epsilon);
}

// Operands of the gradient kernels.
struct Gradient {
  const float *dy, *x, *gamma, *mean, *variance;
  float *dx, *dgamma, *dbeta, *partial;
  float epsilon;
  __device__ ChannelState state(int channel) const {
    return {gamma[channel], mean[channel], inverse_deviation(variance[channel], epsilon)};
  }
};

template <bool kColumns>
__global__ void gradient_kernel(Channels channels, Gradient g) {
  ENGINE_SHARED(float, shared, [kChannelThreads]);
  const ChannelTeam<kColumns> team(channels, shared);
  const ChannelState state = g.state(team.channel);
  const GradientSums sums = gradient_sums(channels, team, g.dy, g.x, state);
  if (team.leads()) {
    g.dgamma[team.channel] = sums.gamma;
    g.dbeta[team.channel] = sums.beta;
  }
  apply_gradient(channels, team, g.dy, g.x, g.dx, state, sums);
}

template <bool kColumns>
__global__ void part_gradient_sums_kernel(Channels channels, Gradient g) {
  ENGINE_SHARED(float, shared, [kChannelThreads]);
  const ChannelTeam<kColumns> team(channels, shared);
  const GradientSums sums = gradient_sums(channels, team, g.dy, g.x, g.state(team.channel));
  if (!team.leads()) return;
  float* out = g.partial + blockIdx.y * std::int64_t{2} * channels.count + team.channel;
  out[0] = sums.gamma;
  out[channels.count] = sums.beta;
}

template <bool kColumns>
__global__ void apply_gradient_kernel(Channels channels, Gradient g) {
  const ChannelTeam<kColumns> team(channels, nullptr);
  apply_gradient(channels, team, g.dy, g.x, g.dx, g.state(team.channel),
                 {g.dgamma[team.channel], g.dbeta[team.channel]});
}

template <bool kColumns>
__global__ void scale_kernel(Channels channels, const float* dy, const float* gamma,
                             const float* variance, float* dx, float epsilon) {
  const ChannelTeam<kColumns> team(channels, nullptr);
  const float factor = gamma[team.channel] * inverse_deviation(variance[team.channel], epsilon);
  each_element(channels, team, [&](std::int64_t at) { dx[at] = dy[at] * factor; });
}

void launch_normalize(const char* name, const Channels& channels, const LaunchArguments& launch,
                      const float* mean, const float* variance, float epsilon) {
  run_channels(name, channels, normalize_kernel<true>, normalize_kernel<false>, launch.stream,
               launch.inputs[0].as<float>(), launch.inputs[1].as<float>(),
               launch.inputs[2].as<float>(), mean, variance, launch.outputs[0].as<float>(),
               epsilon);
}

void launch_forward(const LaunchArguments& launch, float epsilon) {
  constexpr const char* kName = "batch_norm";
  const Channels channels = Channels::of(launch.inputs[0].type);
  const float* x = launch.inputs[0].as<float>();
  auto* mean = launch.outputs[1].as<float>();
  auto* variance = launch.outputs[2].as<float>();
  if (channels.parts == 1) {
    run_channels(kName, channels, forward_kernel<true>, forward_kernel<false>, launch.stream, x,
                 launch.inputs[1].as<float>(), launch.inputs[2].as<float>(),
                 launch.outputs[0].as<float>(), mean, variance, epsilon);
    return;
  }
  constexpr int kThreads = 128;
  auto* partial = static_cast<float*>(launch.workspace);
  run_channels(kName, channels, part_deviations_kernel<true>, part_deviations_kernel<false>,
               launch.stream, x, partial);
  run(kName, merge_parts_kernel, blocks_for(channels.count, kThreads), kThreads,
      native_stream(launch.stream), channels, partial, mean, variance);
  launch_normalize(kName, channels, launch, mean, variance, epsilon);
}

void launch_gradient(const LaunchArguments& launch, float epsilon) {
  constexpr const char* kName = "batch_norm_gradient";
  const Channels channels = Channels::of(launch.inputs[0].type);
  const auto in = [&](std::size_t i) { return launch.inputs[i].as<float>(); };
  const auto out = [&](std::size_t i) { return launch.outputs[i].as<float>(); };
  const Gradient g{in(0),  in(1),  in(2),
                   in(3),  in(4),  out(0),
                   out(1), out(2), static_cast<float*>(launch.workspace),
                   epsilon};
  if (channels.parts == 1) {
    run_channels(kName, channels, gradient_kernel<true>, gradient_kernel<false>, launch.stream, g);
    return;
  }
  run_channels(kName, channels, part_gradient_sums_kernel<true>, part_gradient_sums_kernel<false>,
               launch.stream, g);
  run_add_parts(kName, launch, g.dgamma, g.dbeta, channels.parts, channels.count);
  run_channels(kName, channels, apply_gradient_kernel<true>, apply_gradient_kernel<false>,
               launch.stream, g);
}

void launch_inference(const LaunchArguments& launch, float epsilon) {
  launch_normalize("batch_norm_inference", Channels::of(launch.inputs[0].type), launch,
                   launch.inputs[3].as<float>(), launch.inputs[4].as<float>(), epsilon);
}

void launch_inference_gradient(const LaunchArguments& launch, float epsilon) {
  run_channels("batch_norm_inference_gradient", Channels::of(launch.inputs[0].type),
               scale_kernel<true>, scale_kernel<false>, launch.stream, launch.inputs[0].as<float>(),
               launch.inputs[1].as<float>(), launch.inputs[2].as<float>(),
               launch.outputs[0].as<float>(), epsilon);
}

void add(CandidateRegistry& registry, const char* op,
         void (*launch)(const LaunchArguments&, float epsilon), int partial_rows) {
  registry.add(SimpleCandidate{
      .op = op,
      .backend = "cuda",
      .id = "cuda.simt",
      .prepare =
          [launch](const Problem& problem) {
            const auto epsilon =
                static_cast<float>(NormalizationAttributes::from(problem.attributes).epsilon);
            return
                [launch, epsilon](const LaunchArguments& arguments) { launch(arguments, epsilon); };
          },
      .workspace =
          [partial_rows](const Problem& problem) {
            const Channels channels = Channels::of(problem.inputs.at(0));
            return parts_workspace(channels.parts, partial_rows, channels.count);
          },
      .refuse = refuse_huge_channels});
}

}  // namespace
}  // namespace cuda

void register_batch_norm_cuda(CandidateRegistry& registry) {
  cuda::add(registry, "batch_norm", cuda::launch_forward, 3);
  cuda::add(registry, "batch_norm_gradient", cuda::launch_gradient, 2);
  cuda::add(registry, "batch_norm_inference", cuda::launch_inference, 0);
  cuda::add(registry, "batch_norm_inference_gradient", cuda::launch_inference_gradient, 0);
}

}  // namespace engine
