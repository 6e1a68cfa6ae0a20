// Deferred Adam: a thread takes an element of a row through all the updates that the row has to
// catch up with, in registers. The constants of an update are the same for all threads of a block.
#include "kernels/deferred_adam.h"

#include <algorithm>

#include "engine/tune/registry.h"
#include "kernels/cuda/multi_tensor.cuh"

namespace engine {
namespace cuda {
namespace {

constexpr int kDeferredThreads = 128;
constexpr std::int64_t kMostDeferredBlocks = 4096;

using Constants = Adam::Constants<float>;

/// A parameter with its moments, whole tables or some rows.
template <class T>
struct DeferredTables {
  T* at[kDeferredTables];

  static DeferredTables of(std::span<const TensorView> views, std::size_t first) {
    return {{static_cast<T*>(views[first].data), static_cast<T*>(views[first + 1].data),
             static_cast<T*>(views[first + 2].data)}};
  }
};

template <class T>
__device__ void load_element(const DeferredTables<T>& from, std::int64_t i,
                             float (&state)[kDeferredTables]) {
  for (int j = 0; j < kDeferredTables; ++j) state[j] = from.at[j][i];
}

__device__ inline void store_element(const DeferredTables<float>& to, std::int64_t i,
                                     const float (&state)[kDeferredTables]) {
  for (int j = 0; j < kDeferredTables; ++j) to.at[j][i] = state[j];
}

/// As multi_tensor_kernel does it.
__device__ inline void update_element(const DeferredUpdate::Step<float>& step, float gradient,
                                      float (&state)[kDeferredTables]) {
  step(gradient, state);
  for (float& value : state) value = flush_denormal(value);
}

__device__ inline void catch_up(const DeferredUpdate& update, const Constants* history,
                                std::int64_t begin, std::int64_t end,
                                float (&state)[kDeferredTables]) {
  for (std::int64_t i = begin; i < end; ++i)
    update_element(idle_step(update, history[i]), 0.0f, state);
}

/// What all of these kernels get.
struct Deferred {
  DeferredAdamExtents n;
  DeferredUpdate update;
  const std::int32_t* recorded;
  const Constants* history;
  const std::int32_t* applied;
  const std::int32_t* rows;  ///< "numbers" or "places", where there are any
};

/// A block takes a row.
__global__ void deferred_rows_kernel(Deferred d, DeferredTables<const float> table,
                                     DeferredTables<float> out) {
  const std::int64_t recorded = clamped_count(*d.recorded, d.n.updates), width = d.n.width;
  for (std::int64_t i = blockIdx.x; i < d.n.rows; i += gridDim.x) {
    const std::int64_t row = d.rows[i];
    const bool exists = row >= 0 && row < d.n.vocabulary;
    for (std::int64_t column = threadIdx.x; column < width; column += blockDim.x) {
      float state[kDeferredTables] = {};
      if (exists) {
        load_element(table, row * width + column, state);
        catch_up(d.update, d.history, clamped_count(d.applied[row], recorded), recorded, state);
      }
      store_element(out, i * width + column, state);
    }
  }
}

/// A block takes a row. `applied` is d.applied or a copy.
__global__ void deferred_update_kernel(Deferred d, ScalarOperands scalars, const float* gradient,
                                       DeferredTables<const float> current, std::int32_t* applied,
                                       DeferredTables<float> table) {
  const auto step = d.update.at<float>(scalars);
  if (step.skip) return;
  const std::int64_t before = clamped_count(*d.recorded, d.n.updates - 1), width = d.n.width;
  const bool full = before + 1 == d.n.updates;
  for (std::int64_t row = blockIdx.x; row < d.n.vocabulary; row += gridDim.x) {
    const std::int64_t place = d.rows[row];
    const bool used = place >= 0 && place < d.n.rows;
    if (!used && !full) continue;
    const std::int64_t had = clamped_count(applied[row], before + 1);
    for (std::int64_t column = threadIdx.x; column < width; column += blockDim.x) {
      const std::int64_t i = row * width + column, of_rows = place * width + column;
      float state[kDeferredTables];
      if (used) {
        load_element(current, of_rows, state);
      } else {
        load_element(table, i, state);
        catch_up(d.update, d.history, had, before, state);
      }
      // The history has no record of this update yet.
      if (used || had <= before)
        update_element(used ? step : idle_step(d.update, step.shared),
                       used ? gradient[of_rows] : 0.0f, state);
      store_element(table, i, state);
    }
    __syncthreads();  // all have read `applied`
    if (threadIdx.x == 0) applied[row] = full ? 0 : static_cast<std::int32_t>(before + 1);
  }
}

/// One thread, after the rows: they have read what it changes.
__global__ void deferred_record_kernel(Deferred d, ScalarOperands scalars, std::int32_t* recorded,
                                       Constants* history) {
  const auto step = d.update.at<float>(scalars);
  if (step.skip) return;
  const std::int64_t before = clamped_count(*recorded, d.n.updates - 1);
  history[before] = step.shared;
  *recorded = before + 1 == d.n.updates ? 0 : static_cast<std::int32_t>(before + 1);
}

/// A block takes a row.
__global__ void deferred_settle_kernel(Deferred d, std::int32_t* applied,
                                       DeferredTables<float> table) {
  const std::int64_t recorded = clamped_count(*d.recorded, d.n.updates), width = d.n.width;
  for (std::int64_t row = blockIdx.x; row < d.n.vocabulary; row += gridDim.x) {
    const std::int64_t had = clamped_count(applied[row], recorded);
    for (std::int64_t column = threadIdx.x; column < width; column += blockDim.x) {
      float state[kDeferredTables];
      load_element(table, row * width + column, state);
      catch_up(d.update, d.history, had, recorded, state);
      store_element(table, row * width + column, state);
    }
    __syncthreads();  // all have read `applied`
    if (threadIdx.x == 0) applied[row] = 0;
  }
}

// Copies operands to the results that follow them, where those have storage of their own.
void copy_followed(const LaunchArguments& launch, const DeferredAdamOperands& at) {
  const std::vector<std::size_t> followed = at.followed();
  for (std::size_t i = 0; i < followed.size(); ++i) {
    const TensorView &from = launch.inputs[followed[i]], &to = launch.outputs[i];
    if (from.data != to.data && to.type.bytes() > 0)
      launch.stream.copy_on_device(to.data, from.data, to.type.bytes());
  }
}

Deferred deferred_operands(const LaunchArguments& launch, const DeferredAdamOperands& at,
                           const DeferredAdamExtents& n, const DeferredUpdate& update) {
  const auto integers = [&](std::size_t i) {
    return static_cast<const std::int32_t*>(launch.inputs[i].data);
  };
  return {n,
          update,
          integers(at.recorded),
          static_cast<const Constants*>(launch.inputs[at.history].data),
          integers(at.applied),
          integers(at.rows)};
}

dim3 row_blocks(std::int64_t rows) {
  return dim3(static_cast<unsigned>(std::min(rows, kMostDeferredBlocks)));
}

void launch_rows(const LaunchArguments& launch, const DeferredAdamOperands& at, const Deferred& d) {
  run("deferred_adam_rows", deferred_rows_kernel, row_blocks(d.n.rows), kDeferredThreads,
      native_stream(launch.stream), d, DeferredTables<const float>::of(launch.inputs, at.table),
      DeferredTables<float>::of(launch.outputs, 0));
}

void launch_update(const LaunchArguments& launch, const DeferredAdamOperands& at,
                   const Deferred& d) {
  copy_followed(launch, at);
  const cudaStream_t stream = native_stream(launch.stream);
  ScalarOperands scalars;
  for (std::size_t i = 0; i < DeferredUpdate::kScalars; ++i) scalars.at[i] = launch.inputs[i].data;
  run("deferred_adam", deferred_update_kernel, row_blocks(d.n.vocabulary), kDeferredThreads, stream,
      d, scalars, launch.inputs[at.gradient].as<float>(),
      DeferredTables<const float>::of(launch.inputs, at.current),
      launch.outputs[2].as<std::int32_t>(), DeferredTables<float>::of(launch.outputs, 3));
  run("deferred_adam", deferred_record_kernel, dim3(1), 1, stream, d, scalars,
      launch.outputs[0].as<std::int32_t>(), static_cast<Constants*>(launch.outputs[1].data));
}

void launch_settle(const LaunchArguments& launch, const DeferredAdamOperands& at,
                   const Deferred& d) {
  copy_followed(launch, at);
  run("deferred_adam_settle", deferred_settle_kernel, row_blocks(d.n.vocabulary), kDeferredThreads,
      native_stream(launch.stream), d, launch.outputs[1].as<std::int32_t>(),
      DeferredTables<float>::of(launch.outputs, 2));
  launch.stream.fill(launch.outputs[0].data, 0, sizeof(std::int32_t));
}

using DeferredLaunch = void (*)(const LaunchArguments&, const DeferredAdamOperands&,
                                const Deferred&);

SimpleCandidate deferred_candidate(const char* op, const DeferredAdamOperands& at,
                                   DeferredLaunch start) {
  return {.op = op, .backend = "cuda", .id = "cuda.simt", .prepare = [=](const Problem& problem) {
            return
                [=, n = DeferredAdamExtents::of(problem, at),
                 update = DeferredUpdate::from(problem.attributes)](const LaunchArguments& launch) {
                  start(launch, at, deferred_operands(launch, at, n, update));
                };
          }};
}

}  // namespace
}  // namespace cuda

void register_deferred_adam_cuda(CandidateRegistry& registry) {
  using At = DeferredAdamOperands;
  registry.add(cuda::deferred_candidate("deferred_adam_rows", At::of_rows(), cuda::launch_rows));
  registry.add(cuda::deferred_candidate("deferred_adam", At::of_update(), cuda::launch_update));
  registry.add(
      cuda::deferred_candidate("deferred_adam_settle", At::of_settle(), cuda::launch_settle));
}

}  // namespace engine
