// Philox across SIMD lanes. A round needs the two halves of 32 x 32 bit products, which the
// compiler's vectorizer computes from full 64-bit ones, at three times the cost; hence the
// intrinsics. Every word of the state occupies a 64-bit lane whose upper half is left dirty: the
// widening multiplication reads lower halves only, so neither masks nor shuffles are needed between
// rounds.
#include "kernels/cpu/philox.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace engine::cpu {
namespace {

constexpr int kCounters = kPhiloxGroup / 4;

void group_plain(std::uint32_t* words, std::uint64_t group, RandomKey key, std::uint64_t step) {
  for (int counter = 0; counter < kCounters; ++counter) {
    const Random4 random = philox(key, group * kCounters + static_cast<unsigned>(counter), step);
    for (int w = 0; w < 4; ++w) words[4 * counter + w] = random.word[w];
  }
}

void columns_plain(std::uint32_t (*words)[kPhiloxColumns], std::uint64_t first,
                   std::uint64_t stride, RandomKey key, std::uint64_t step) {
  for (unsigned c = 0; c < kPhiloxColumns; ++c) {
    const Random4 random = philox(key, first + c * stride, step);
    for (int w = 0; w < 4; ++w) words[w][c] = random.word[w];
  }
}

#if defined(__x86_64__)

constexpr long long kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;

// Of four counters: the random words are the lower halves of the lanes of `c`.
struct Avx2Words {
  __m256i c[4];
};

__attribute__((target("avx2"), always_inline)) inline void draw_avx2(Avx2Words& words,
                                                                     __m256i counters,
                                                                     RandomKey key,
                                                                     std::uint64_t step) {
  const __m256i m0 = _mm256_set1_epi64x(kMultiplier0), m1 = _mm256_set1_epi64x(kMultiplier1);
  __m256i c0 = counters;
  __m256i c1 = _mm256_srli_epi64(c0, 32);
  __m256i c2 = _mm256_set1_epi64x(static_cast<long long>(step));
  __m256i c3 = _mm256_srli_epi64(c2, 32);
  for (std::uint32_t round = 0; round < 10; ++round) {
    const __m256i p0 = _mm256_mul_epu32(c0, m0), p1 = _mm256_mul_epu32(c2, m1);
    const __m256i k0 = _mm256_set1_epi64x(key.low + round * kWeyl0);
    const __m256i k1 = _mm256_set1_epi64x(key.high + round * kWeyl1);
    c0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), c1), k0);
    c2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), c3), k1);
    c1 = p1;
    c3 = p0;
  }
  words = {{c0, c1, c2, c3}};
}

__attribute__((target("avx2"))) void group_avx2(std::uint32_t* words, std::uint64_t group,
                                                RandomKey key, std::uint64_t step) {
  Avx2Words drawn;
  for (int first = 0; first < kCounters; first += 4) {
    const auto block = static_cast<long long>(group * kCounters + static_cast<unsigned>(first));
    draw_avx2(drawn, _mm256_add_epi64(_mm256_set1_epi64x(block), _mm256_set_epi64x(3, 2, 1, 0)),
              key, step);
    const __m256i front = _mm256_blend_epi32(drawn.c[0], _mm256_slli_epi64(drawn.c[1], 32), 0xAA);
    const __m256i back = _mm256_blend_epi32(drawn.c[2], _mm256_slli_epi64(drawn.c[3], 32), 0xAA);
    const __m256i even = _mm256_unpacklo_epi64(front, back);
    const __m256i odd = _mm256_unpackhi_epi64(front, back);
    auto* out = reinterpret_cast<__m256i*>(words + 4 * first);
    _mm256_storeu_si256(out, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(even, odd, 0x31));
  }
}

__attribute__((target("avx2"))) void columns_avx2(std::uint32_t (*words)[kPhiloxColumns],
                                                  std::uint64_t first, std::uint64_t stride,
                                                  RandomKey key, std::uint64_t step) {
  const auto s = static_cast<long long>(stride);
  const __m256i lower_halves = _mm256_set_epi32(6, 4, 2, 0, 6, 4, 2, 0);
  Avx2Words drawn;
  for (unsigned c = 0; c < kPhiloxColumns; c += 4) {
    const auto start = static_cast<long long>(first + c * stride);
    draw_avx2(drawn,
              _mm256_add_epi64(_mm256_set1_epi64x(start), _mm256_set_epi64x(3 * s, 2 * s, s, 0)),
              key, step);
    for (int w = 0; w < 4; ++w)
      _mm_storeu_si128(
          reinterpret_cast<__m128i*>(words[w] + c),
          _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(drawn.c[w], lower_halves)));
  }
}

// Written with vector operators where there are any: the headers of g++ 12 warn about the
// intrinsics.
using Lanes = std::uint64_t __attribute__((vector_size(64)));
using LowerHalves = std::uint32_t __attribute__((vector_size(32)));

struct Avx512Words {
  Lanes c[4];
};

__attribute__((target("avx512f"), always_inline)) inline void draw_avx512(Avx512Words& words,
                                                                          const Lanes& counters,
                                                                          RandomKey key,
                                                                          std::uint64_t step) {
  const __m512i m0 = _mm512_set1_epi64(kMultiplier0), m1 = _mm512_set1_epi64(kMultiplier1);
  Lanes c0 = counters;
  Lanes c1 = c0 >> 32;
  Lanes c2 = step + Lanes{};
  Lanes c3 = c2 >> 32;
  for (std::uint32_t round = 0; round < 10; ++round) {
    const auto p0 = (Lanes)_mm512_maskz_mul_epu32(0xff, (__m512i)c0, m0);
    const auto p1 = (Lanes)_mm512_maskz_mul_epu32(0xff, (__m512i)c2, m1);
    c0 = (p1 >> 32) ^ c1 ^ std::uint64_t{key.low + round * kWeyl0};
    c2 = (p0 >> 32) ^ c3 ^ std::uint64_t{key.high + round * kWeyl1};
    c1 = p1;
    c3 = p0;
  }
  words = {{c0, c1, c2, c3}};
}

__attribute__((target("avx512f"))) void group_avx512(std::uint32_t* words, std::uint64_t group,
                                                     RandomKey key, std::uint64_t step) {
  constexpr std::uint64_t lower_half = 0xffffffffu;
  Avx512Words drawn;
  for (int first = 0; first < kCounters; first += 8) {
    const Lanes counters =
        group * kCounters + static_cast<unsigned>(first) + Lanes{0, 1, 2, 3, 4, 5, 6, 7};
    draw_avx512(drawn, counters, key, step);
    const Lanes front = (drawn.c[0] & lower_half) | drawn.c[1] << 32;
    const Lanes back = (drawn.c[2] & lower_half) | drawn.c[3] << 32;
    const Lanes low = __builtin_shufflevector(front, back, 0, 8, 1, 9, 2, 10, 3, 11);
    const Lanes high = __builtin_shufflevector(front, back, 4, 12, 5, 13, 6, 14, 7, 15);
    std::memcpy(words + 4 * first, &low, sizeof low);
    std::memcpy(words + 4 * first + 16, &high, sizeof high);
  }
}

__attribute__((target("avx512f"))) void columns_avx512(std::uint32_t (*words)[kPhiloxColumns],
                                                       std::uint64_t first, std::uint64_t stride,
                                                       RandomKey key, std::uint64_t step) {
  Avx512Words drawn;
  for (unsigned c = 0; c < kPhiloxColumns; c += 8) {
    draw_avx512(drawn, first + (c + Lanes{0, 1, 2, 3, 4, 5, 6, 7}) * stride, key, step);
    for (int w = 0; w < 4; ++w) {
      const LowerHalves words_of_w = __builtin_convertvector(drawn.c[w], LowerHalves);
      std::memcpy(words[w] + c, &words_of_w, sizeof words_of_w);
    }
  }
}

#endif

// The entry for this machine's instructions.
template <class Function>
Function pick(Function plain, [[maybe_unused]] Function avx2, [[maybe_unused]] Function avx512) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return avx512;
  if (__builtin_cpu_supports("avx2")) return avx2;
#endif
  return plain;
}

}  // namespace

#if !defined(__x86_64__)
#define ENGINE_PHILOX(function) \
  pick<decltype(&function##_plain)>(function##_plain, nullptr, nullptr)
#else
#define ENGINE_PHILOX(function) pick(function##_plain, function##_avx2, function##_avx512)
#endif

PhiloxGroup philox_group() {
  static const PhiloxGroup fastest = ENGINE_PHILOX(group);
  return fastest;
}

PhiloxColumns philox_columns() {
  static const PhiloxColumns fastest = ENGINE_PHILOX(columns);
  return fastest;
}

}  // namespace engine::cpu
