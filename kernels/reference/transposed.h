// A matrix transposed, for the references of gradients.
#pragma once

#include <cstddef>
#include <vector>

namespace engine {

/// [columns, rows] of the row-major a[rows, columns].
inline std::vector<double> transposed(const std::vector<double>& a, std::size_t rows,
                                      std::size_t columns) {
  std::vector<double> result(a.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) result[j * rows + i] = a[i * columns + j];
  return result;
}

}  // namespace engine
