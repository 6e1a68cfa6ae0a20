// The one parallel loop of the engine. It runs on the OpenMP pool that oneDNN uses (a second pool
// would fight it for cores), and is serial under ThreadSanitizer, which does not understand
// libgomp.
#pragma once

#include <cstdint>
#include <type_traits>

namespace engine::cpu {

/// Threads of the pool; set once, before a CPU device is made.
void set_threads(int threads);
int threads();

namespace detail {
using Body = void (*)(void* context, std::int64_t begin, std::int64_t end);
void parallel_for(std::int64_t count, std::int64_t grain, void* context, Body body);
}  // namespace detail

/// Calls body(begin, end) over a partition of [0, count): contiguous ranges, at most one a thread,
/// of at least `grain` elements each, whose bounds are multiples of `grain` (but for the end). The
/// partition depends on count, grain and threads() only. Exceptions must not leave the body.
template <class F>
void parallel_for(std::int64_t count, std::int64_t grain, F&& body) {
  detail::parallel_for(count, grain, &body,
                       [](void* context, std::int64_t begin, std::int64_t end) {
                         (*static_cast<std::remove_reference_t<F>*>(context))(begin, end);
                       });
}

}  // namespace engine::cpu
