#include "engine/device/cpu/parallel.h"

#include <omp.h>

#include <algorithm>

#include "engine/device/cpu/held_signals.h"

namespace engine::cpu {
namespace {
int thread_count = 1;
}

void set_threads(int threads) {
  thread_count = std::max(1, threads);
  omp_set_num_threads(thread_count);
}

int threads() {
  return thread_count;
}

void detail::parallel_for(std::int64_t count, std::int64_t grain, void* context, Body body) {
  if (count <= 0) return;
  const std::int64_t blocks = (count + grain - 1) / grain;
  const auto parts = static_cast<int>(std::min<std::int64_t>(blocks, thread_count));
#ifdef __SANITIZE_THREAD__
  const bool serial = true;
#else
  const bool serial = parts == 1;
#endif
  if (serial) return body(context, 0, count);
  const HeldSignals held;  // threads of the pool may start here, and run products later
#pragma omp parallel for num_threads(parts) schedule(static, 1)
  for (int part = 0; part < parts; ++part) {
    const std::int64_t begin = blocks * part / parts * grain;
    const std::int64_t end = std::min(count, blocks * (part + 1) / parts * grain);
    body(context, begin, end);
  }
}

}  // namespace engine::cpu
