// Winograd's minimal filtering F(m x m, 3 x 3): with a = m + 2 points, a tile of m x m positions is
//
//   y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ x B)] A
//
// so that a² products replace 9 m². Its adjoint gives the gradient of the filter,
// dw = Gᵀ [(Bᵀ x B) ⊙ (A dy Aᵀ)] G. The matrices are those of Lavin and Gray ("Fast Algorithms for
// Convolutional Neural Networks", 2015), for the points 0, 1, -1, infinity and 0, 1, -1, 2, -2,
// infinity. G divides instead of multiplying, so that multiples of 24 stay whole numbers.
#pragma once

#include "engine/core/host_device.h"

namespace engine::cuda {

/// Each function multiplies a vector by one of the matrices.
struct Winograd2 {
  static constexpr int kTile = 2, kPoints = 4;

  static ENGINE_HOST_DEVICE void input(const float (&x)[4], float (&v)[4]) {  // Bᵀ
    v[0] = x[0] - x[2];
    v[1] = x[1] + x[2];
    v[2] = x[2] - x[1];
    v[3] = x[1] - x[3];
  }
  static ENGINE_HOST_DEVICE void filter(const float (&w)[3], float (&u)[4]) {  // G
    const float even = w[0] + w[2];
    u[0] = w[0];
    u[1] = (even + w[1]) / 2;
    u[2] = (even - w[1]) / 2;
    u[3] = w[2];
  }
  static ENGINE_HOST_DEVICE void output(const float (&m)[4], float (&y)[2]) {  // Aᵀ
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
  static ENGINE_HOST_DEVICE void output_gradient(const float (&y)[2], float (&z)[4]) {  // A
    z[0] = y[0];
    z[1] = y[0] + y[1];
    z[2] = y[0] - y[1];
    z[3] = -y[1];
  }
  static ENGINE_HOST_DEVICE void filter_gradient(const float (&u)[4], float (&w)[3]) {  // Gᵀ
    const float even = (u[1] + u[2]) / 2;
    w[0] = u[0] + even;
    w[1] = (u[1] - u[2]) / 2;
    w[2] = even + u[3];
  }
};

struct Winograd4 {
  static constexpr int kTile = 4, kPoints = 6;

  static ENGINE_HOST_DEVICE void input(const float (&x)[6], float (&v)[6]) {  // Bᵀ
    const float even1 = x[4] - 4 * x[2], odd1 = x[3] - 4 * x[1];
    const float even2 = x[4] - x[2], odd2 = 2 * (x[3] - x[1]);
    v[0] = 4 * x[0] - 5 * x[2] + x[4];
    v[1] = even1 + odd1;
    v[2] = even1 - odd1;
    v[3] = even2 + odd2;
    v[4] = even2 - odd2;
    v[5] = 4 * x[1] - 5 * x[3] + x[5];
  }
  static ENGINE_HOST_DEVICE void filter(const float (&w)[3], float (&u)[6]) {  // G
    const float even1 = (w[0] + w[2]) / -6, odd1 = w[1] / -6;
    const float even2 = w[0] / 24 + w[2] / 6, odd2 = w[1] / 12;
    u[0] = w[0] / 4;
    u[1] = even1 + odd1;
    u[2] = even1 - odd1;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = w[2];
  }
  static ENGINE_HOST_DEVICE void output(const float (&m)[6], float (&y)[4]) {  // Aᵀ
    const float sum1 = m[1] + m[2], difference1 = m[1] - m[2];
    const float sum2 = m[3] + m[4], difference2 = m[3] - m[4];
    y[0] = m[0] + sum1 + sum2;
    y[1] = difference1 + 2 * difference2;
    y[2] = sum1 + 4 * sum2;
    y[3] = difference1 + 8 * difference2 + m[5];
  }
  static ENGINE_HOST_DEVICE void output_gradient(const float (&y)[4], float (&z)[6]) {  // A
    const float even1 = y[0] + y[2], odd1 = y[1] + y[3];
    const float even2 = y[0] + 4 * y[2], odd2 = 2 * y[1] + 8 * y[3];
    z[0] = y[0];
    z[1] = even1 + odd1;
    z[2] = even1 - odd1;
    z[3] = even2 + odd2;
    z[4] = even2 - odd2;
    z[5] = y[3];
  }
  static ENGINE_HOST_DEVICE void filter_gradient(const float (&u)[6], float (&w)[3]) {  // Gᵀ
    const float sum1 = u[1] + u[2], sum2 = u[3] + u[4];
    w[0] = u[0] / 4 - sum1 / 6 + sum2 / 24;
    w[1] = (u[2] - u[1]) / 6 + (u[3] - u[4]) / 12;
    w[2] = (sum2 - sum1) / 6 + u[5];
  }
};

/// result = T x Tᵀ for the matrix T that kMultiply stands for.
template <auto kMultiply, int kIn, int kOut>
ENGINE_HOST_DEVICE void transform_tile(const float (&x)[kIn][kIn], float (&result)[kOut][kOut]) {
  float rows[kIn][kOut];  // x Tᵀ
#pragma unroll
  for (int i = 0; i < kIn; ++i) kMultiply(x[i], rows[i]);
#pragma unroll
  for (int j = 0; j < kOut; ++j) {
    float column[kIn], transformed[kOut];
#pragma unroll
    for (int i = 0; i < kIn; ++i) column[i] = rows[i][j];
    kMultiply(column, transformed);
#pragma unroll
    for (int i = 0; i < kOut; ++i) result[i][j] = transformed[i];
  }
}

}  // namespace engine::cuda
