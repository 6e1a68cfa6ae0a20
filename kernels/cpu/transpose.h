// Transposition of a matrix that may change its elements on the way.
#pragma once

#include <algorithm>
#include <cstdint>

namespace engine::cpu {

/// to[j * rows + i] = convert(from[i * columns + j], i), by squares that fit the cache.
template <class From, class To, class Convert>
void transpose(const From* from, To* to, std::int64_t rows, std::int64_t columns,
               const Convert& convert) {
  constexpr std::int64_t kSquare = 32;
  for (std::int64_t i = 0; i < rows; i += kSquare)
    for (std::int64_t j = 0; j < columns; j += kSquare)
      for (std::int64_t c = j; c < std::min(columns, j + kSquare); ++c)
        for (std::int64_t r = i; r < std::min(rows, i + kSquare); ++r)
          to[c * rows + r] = convert(from[r * columns + c], r);
}

}  // namespace engine::cpu
