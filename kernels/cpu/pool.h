// What the loops over pooling on the CPU share: where its lanes run, which are neighbouring
// channels of channels-last images, else positions along the last dimension.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/device/cpu/parallel.h"
#include "engine/tune/candidate.h"
#include "kernels/cpu/simd.h"
#include "kernels/pool.h"

namespace engine::cpu {

/// Where lanes run over images of one side, input or output, of a pooling.
struct Side {
  Extents3 extents;
  std::int64_t channels;
  bool last;

  std::int64_t lanes() const { return last ? channels : extents[2]; }
  std::int64_t rows(std::int64_t batch) const {
    return batch * extents[0] * extents[1] * (last ? extents[2] : channels);
  }
  /// Row `row` of lanes: its observation, or channel of one, and coordinates.
  struct Row {
    std::int64_t image;
    Extents3 at;
  };
  Row row(std::int64_t row) const {
    const std::int64_t inner = last ? extents[2] : 1;
    const std::int64_t k = row % inner, j = row / inner % extents[1];
    const std::int64_t plane = row / inner / extents[1];
    return {plane / extents[0], {plane % extents[0], j, k}};
  }
  /// The offset of the element at these coordinates, in the first channel of channels-last images.
  std::int64_t offset(std::int64_t image, std::int64_t i, std::int64_t j, std::int64_t k) const {
    return (((image * extents[0] + i) * extents[1] + j) * extents[2] + k) * (last ? channels : 1);
  }
};

inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

/// A pooling: which elements of x are in a window, and in which windows an element is.
struct Pool {
  PoolGeometry g;
  Side input, output;
  std::array<std::vector<float>, 3> counts;

  explicit Pool(const Problem& problem)
      : g(PoolGeometry::of(problem)),
        input{g.input, g.channels, g.layout == Layout::channels_last},
        output{g.output, g.channels, input.last},
        counts{g.counts(0), g.counts(1), g.counts(2)} {}

  std::int64_t place(const Extents3& r) const {
    return (r[0] * g.extents[1] + r[1]) * g.extents[2] + r[2];
  }
  /// The coordinate in x of element r of window p, along dimension d.
  std::int64_t coordinate(std::size_t d, std::int64_t p, std::int64_t r) const {
    return p * g.window.stride[d] + r * g.window.dilation[d] - g.window.padding_before[d];
  }
  bool meets(std::size_t d, std::int64_t p, std::int64_t r) const {
    const std::int64_t s = coordinate(d, p, r);
    return s >= 0 && s < g.input[d];
  }
  /// The window whose element r is at coordinate s, or -1.
  std::int64_t window_at(std::size_t d, std::int64_t s, std::int64_t r) const {
    const std::int64_t from = s - coordinate(d, 0, r), stride = g.window.stride[d];
    return from < 0 || from % stride != 0 || from / stride >= g.output[d] ? -1 : from / stride;
  }
  /// The windows [begin, end) along the last dimension whose element r is in [first, last) of x.
  std::pair<std::int64_t, std::int64_t> windows(std::int64_t r, std::int64_t first,
                                                std::int64_t last) const {
    const std::int64_t start = coordinate(2, 0, r), stride = g.window.stride[2];
    return {std::max<std::int64_t>(0, floor_divide(first - start + stride - 1, stride)),
            std::min(g.output[2], floor_divide(last - 1 - start, stride) + 1)};
  }

  /// Calls body(offset in x, stride, first lane, lanes, place) for each element of the windows of
  /// `count` lanes from `first` on.
  template <class Body>
  void each_element(const Side::Row& row, std::int64_t first, std::int64_t count,
                    const Body& body) const {
    const auto& p = row.at;
    for (std::int64_t i = 0; i < g.extents[0]; ++i)
      for (std::int64_t j = 0; j < g.extents[1]; ++j) {
        if (!meets(0, p[0], i) || !meets(1, p[1], j)) continue;
        const std::int64_t s0 = coordinate(0, p[0], i), s1 = coordinate(1, p[1], j);
        for (std::int64_t k = 0; k < g.extents[2]; ++k) {
          if (input.last) {
            if (meets(2, p[2], k))
              body(input.offset(row.image, s0, s1, coordinate(2, p[2], k)) + first, 1, 0, count,
                   place({i, j, k}));
            continue;
          }
          const auto [from, to] = windows(k, 0, g.input[2]);
          const std::int64_t begin = std::max(from, first), end = std::min(to, first + count);
          if (begin < end)
            body(input.offset(row.image, s0, s1, coordinate(2, begin, k)), g.window.stride[2],
                 begin - first, end - begin, place({i, j, k}));
        }
      }
  }

  /// Calls body(offset in y, first lane, stride, windows, place, p) for each window that has lanes
  /// of x, `count` of them from `first` on, where p is the first such window.
  template <class Body>
  void each_window(const Side::Row& row, std::int64_t first, std::int64_t count,
                   const Body& body) const {
    const auto& s = row.at;
    for (std::int64_t i = 0; i < g.extents[0]; ++i)
      for (std::int64_t j = 0; j < g.extents[1]; ++j) {
        const std::int64_t p0 = window_at(0, s[0], i), p1 = window_at(1, s[1], j);
        if (p0 < 0 || p1 < 0) continue;
        for (std::int64_t k = 0; k < g.extents[2]; ++k) {
          if (input.last) {
            const std::int64_t p2 = window_at(2, s[2], k);
            if (p2 >= 0)
              body(output.offset(row.image, p0, p1, p2) + first, 0, 1, count, place({i, j, k}),
                   Extents3{p0, p1, p2});
            continue;
          }
          const auto [begin, end] = windows(k, first, first + count);
          if (begin < end)
            body(output.offset(row.image, p0, p1, begin), coordinate(2, begin, k) - first,
                 g.window.stride[2], end - begin, place({i, j, k}), Extents3{p0, p1, begin});
        }
      }
  }
};

/// Lanes that a loop takes at a time.
inline constexpr std::int64_t kPoolLanes = 512;

/// Calls body(row, first lane, lanes, offset) for all lanes of `side` on all threads, at most
/// kPoolLanes at a time.
template <class Body>
void for_each_lanes(const Side& side, std::int64_t batch, const Body& body) {
  const std::int64_t lanes = side.lanes();
  if (lanes == 0) return;
  parallel_for(
      side.rows(batch), kElementGrain / 4 / lanes + 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
          for (std::int64_t first = 0; first < lanes; first += kPoolLanes)
            body(side.row(row), first, std::min(kPoolLanes, lanes - first), row * lanes + first);
      });
}

/// Drop-out of the y and index that a max_pool launch has made without it.
void drop_pooled(const Pool& pool, const DropoutAttributes& dropout,
                 const LaunchArguments& arguments);

/// Whether maxima can be taken window by window: of channels-last images whose channels fill
/// vectors.
bool pools_by_windows(const PoolGeometry& geometry);
SimpleCandidate::Launch prepare_max_windows(const Problem& problem);
/// The same of their gradient, where windows have no pixel in common.
bool pools_by_tiles(const PoolGeometry& geometry);
SimpleCandidate::Launch prepare_tile_gradient(const Problem& problem);

}  // namespace engine::cpu
