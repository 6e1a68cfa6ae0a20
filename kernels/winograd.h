// Winograd's transforms of 3 x 3 convolutions over tiles of M x M outputs, after Lavin and Gray,
// "Fast algorithms for convolutional neural networks", CVPR 2016, at the points 0, 1, -1 (, 2, -2)
// and infinity: y = Aᵀ((G w Gᵀ) ⊙ (Bᵀ x B))A, a² products for a = M + 2 in place of 9 M². The
// gradient of w transposes the outer two: dw = Gᵀ((A dy Aᵀ) ⊙ (Bᵀ x B))G. G is used as whole
// numbers, and what it is divided by comes last: of numbers that are multiples of that, every
// result is exact.
//
// Here the transforms are in one dimension, of a scalar or of a vector type that channels fill;
// transform_square applies one of them to both dimensions of a tile.
#pragma once

#include "engine/core/host_device.h"

namespace engine {

template <int M>
struct Winograd;

template <>
struct Winograd<2> {
  static constexpr int kTile = 2, kPoints = 4;
  static constexpr float kDivisor = 2;                            ///< of FilterGradient
  static ENGINE_HOST_DEVICE constexpr float divisor(int point) {  // of a point of Filter
    return point == 0 || point == 3 ? 1.0f : 2.0f;
  }

  /// Bᵀ
  struct Data {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&d)[4], V (&to)[4]) {
      to[0] = d[0] - d[2];
      to[1] = d[1] + d[2];
      to[2] = d[2] - d[1];
      to[3] = d[3] - d[1];
    }
  };
  /// Aᵀ
  struct Result {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&m)[4], V (&to)[2]) {
      to[0] = m[0] + m[1] + m[2];
      to[1] = m[1] - m[2] + m[3];
    }
  };
  /// A
  struct ResultGradient {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&y)[2], V (&to)[4]) {
      to[0] = y[0];
      to[1] = y[0] + y[1];
      to[2] = y[0] - y[1];
      to[3] = y[1];
    }
  };
  /// kDivisors · G
  struct Filter {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&g)[3], V (&to)[4]) {
      const V even = g[0] + g[2];
      to[0] = g[0];
      to[1] = even + g[1];
      to[2] = even - g[1];
      to[3] = g[2];
    }
  };
  /// kDivisor · Gᵀ
  struct FilterGradient {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&m)[4], V (&to)[3]) {
      const V even = m[1] + m[2];
      to[0] = 2 * m[0] + even;
      to[1] = m[1] - m[2];
      to[2] = even + 2 * m[3];
    }
  };
};

template <>
struct Winograd<4> {
  static constexpr int kTile = 4, kPoints = 6;
  static constexpr float kDivisor = 24;
  static ENGINE_HOST_DEVICE constexpr float divisor(int point) {
    return point == 0 ? 4.0f : point < 3 ? -6.0f : point < 5 ? 24.0f : 1.0f;
  }

  struct Data {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&d)[6], V (&to)[6]) {
      const V a = d[4] - 4 * d[2], b = d[3] - 4 * d[1];
      const V c = d[4] - d[2], e = 2 * (d[3] - d[1]);
      to[0] = 4 * d[0] - 5 * d[2] + d[4];
      to[1] = a + b;
      to[2] = a - b;
      to[3] = c + e;
      to[4] = c - e;
      to[5] = 4 * d[1] - 5 * d[3] + d[5];
    }
  };
  struct Result {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&m)[6], V (&to)[4]) {
      const V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
      to[0] = m[0] + a + c;
      to[1] = b + 2 * d;
      to[2] = a + 4 * c;
      to[3] = b + 8 * d + m[5];
    }
  };
  struct ResultGradient {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&y)[4], V (&to)[6]) {
      const V a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4 * y[2], d = 2 * y[1] + 8 * y[3];
      to[0] = y[0];
      to[1] = a + b;
      to[2] = a - b;
      to[3] = c + d;
      to[4] = c - d;
      to[5] = y[3];
    }
  };
  struct Filter {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&g)[3], V (&to)[6]) {
      const V a = g[0] + g[2], b = g[0] + 4 * g[2], c = 2 * g[1];
      to[0] = g[0];
      to[1] = a + g[1];
      to[2] = a - g[1];
      to[3] = b + c;
      to[4] = b - c;
      to[5] = g[2];
    }
  };
  struct FilterGradient {
    template <class V>
    static ENGINE_HOST_DEVICE void apply(const V (&m)[6], V (&to)[3]) {
      const V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
      to[0] = 6 * m[0] - 4 * a + c;
      to[1] = 2 * d - 4 * b;
      to[2] = 4 * (c - a) + 24 * m[5];
    }
  };
};

/// y = T x Tᵀ for the matrix T of a one-dimensional transform.
template <class Transform, int from, int to, class V>
ENGINE_HOST_DEVICE void transform_square(const V (&x)[from][from], V (&y)[to][to]) {
  V half[to][from];
  ENGINE_UNROLL for (int j = 0; j < from; ++j) {
    V column[from], image[to];
    ENGINE_UNROLL for (int i = 0; i < from; ++i) column[i] = x[i][j];
    Transform::apply(column, image);
    ENGINE_UNROLL for (int i = 0; i < to; ++i) half[i][j] = image[i];
  }
  ENGINE_UNROLL for (int i = 0; i < to; ++i) Transform::apply(half[i], y[i]);
}

/// The filter at all points: G w Gᵀ.
template <class W, class V>
ENGINE_HOST_DEVICE void transform_filter(const V (&w)[3][3], V (&u)[W::kPoints][W::kPoints]) {
  transform_square<typename W::Filter>(w, u);
  ENGINE_UNROLL for (int i = 0; i < W::kPoints; ++i)
      ENGINE_UNROLL for (int j = 0; j < W::kPoints; ++j) {
    const float divisor = W::divisor(i) * W::divisor(j);
    u[i][j] = u[i][j] / divisor;
  }
}

/// The gradient of the filter from products at all points: Gᵀ u G.
template <class W, class V>
ENGINE_HOST_DEVICE void transform_filter_gradient(const V (&u)[W::kPoints][W::kPoints],
                                                  V (&w)[3][3]) {
  constexpr float divisor = W::kDivisor * W::kDivisor;
  transform_square<typename W::FilterGradient>(u, w);
  ENGINE_UNROLL for (int i = 0; i < 3; ++i) ENGINE_UNROLL for (int j = 0; j < 3; ++j) w[i][j] =
      w[i][j] / divisor;
}

}  // namespace engine
