// Products of clips where a processor has AVX-512; elsewhere torch multiplies. For float32, what torch calls leaves half
// of each register unused on some processors. For bfloat16, torch rounds the sums to bfloat16, which is too coarse to rank
// by: 0.8 becomes 0.8008.

#pragma once

#include <cstdint>
#include <string>

#include "../../common/instruction_sets.h"

namespace vreid {

// A panel is clips side by side, [depth, clips] words: PANEL clips of the gallery, or SLAB of the queries. A word is a
// float32 or two bfloat16 numbers.
constexpr int64_t PANEL = 32, SLAB = 16;
constexpr int64_t SLAB_ROWS = 14;  // those that are used of a slab: 28 registers of sums

struct Products {
  // `width` rows of `depth` words, null for zeros, to a panel; width is PANEL or SLAB
  void (*pack)(const uint32_t* const* rows, int64_t width, int64_t depth, uint32_t* panel);
  // out[rows, PANEL] = slab^T panel; rows of out are `stride` apart, at most SLAB_ROWS
  void (*floats)(const uint32_t* slab, const uint32_t* panel, int64_t rows, int64_t depth, float* out, int64_t stride);
  // the same for bfloat16; null where the processor has no instruction for it
  void (*halves)(const uint32_t* slab, const uint32_t* panel, int64_t rows, int64_t depth, float* out, int64_t stride);
};

#ifdef VREID_X86
// The compiler emits bfloat16 instructions for their intrinsics alone, so that processors without them run the rest.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")
#endif

namespace products512 {

// 16 x 16 words in registers, turned.
inline __attribute__((always_inline)) void transpose(__m512* a) {
  __m512 b[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4)
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {  // quarter l of a[i + c] gets the words of column 4 l + c and rows i to i + 3
      a[i + 2 * h] = (__m512)_mm512_unpacklo_pd((__m512d)b[i + h], (__m512d)b[i + h + 2]);
      a[i + 2 * h + 1] = (__m512)_mm512_unpackhi_pd((__m512d)b[i + h], (__m512d)b[i + h + 2]);
    }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const __m512 even = _mm512_shuffle_f32x4(a[c], a[4 + c], 0x88), odd = _mm512_shuffle_f32x4(a[c], a[4 + c], 0xdd);
    const __m512 even8 = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0x88);
    const __m512 odd8 = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0xdd);
    b[c] = _mm512_shuffle_f32x4(even, even8, 0x88);
    b[4 + c] = _mm512_shuffle_f32x4(odd, odd8, 0x88);
    b[8 + c] = _mm512_shuffle_f32x4(even, even8, 0xdd);
    b[12 + c] = _mm512_shuffle_f32x4(odd, odd8, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) a[i] = b[i];
}

inline void pack(const uint32_t* const* rows, int64_t width, int64_t depth, uint32_t* panel) {
  for (int64_t first = 0; first < width; first += 16)
    for (int64_t k = 0; k < depth; k += 16) {
      const int64_t n = depth - k < 16 ? depth - k : 16;
      const __mmask16 there = __mmask16((1u << n) - 1);
      __m512 word[16];
#pragma GCC unroll 16
      for (int r = 0; r < 16; ++r)
        word[r] = rows[first + r] ? _mm512_maskz_loadu_ps(there, rows[first + r] + k) : _mm512_setzero_ps();
      transpose(word);
      for (int64_t i = 0; i < n; ++i) _mm512_storeu_ps(panel + (k + i) * width + first, word[i]);
    }
}

struct Floats {
  static __m512 add(__m512 sum, __m512i x, __m512i column) { return _mm512_fmadd_ps((__m512)x, (__m512)column, sum); }
};

struct Halves {
  static __m512 add(__m512 sum, __m512i x, __m512i column) {
    return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)column);
  }
};

template <typename Words, int ROWS>
void multiply_rows(const uint32_t* slab, const uint32_t* panel, int64_t rows, int64_t depth, float* out, int64_t stride) {
  constexpr int64_t DEPTH = 256;  // words of one sum: sums are added up, as one long one would round more
  for (int64_t begin = 0; begin == 0 || begin < depth; begin += DEPTH) {
    const int64_t end = begin + DEPTH < depth ? begin + DEPTH : depth;
    __m512 sum[ROWS][2];
#pragma GCC unroll 14
    for (int r = 0; r < ROWS; ++r) sum[r][0] = sum[r][1] = _mm512_setzero_ps();
    for (int64_t k = begin; k < end; ++k) {
      const __m512i left = _mm512_loadu_si512(panel + k * PANEL), right = _mm512_loadu_si512(panel + k * PANEL + 16);
#pragma GCC unroll 14
      for (int r = 0; r < ROWS; ++r) {
        const __m512i value = _mm512_set1_epi32(int(slab[k * SLAB + r]));
        sum[r][0] = Words::add(sum[r][0], value, left);
        sum[r][1] = Words::add(sum[r][1], value, right);
      }
    }
    for (int64_t r = 0; r < rows; ++r)
      for (int half = 0; half < 2; ++half) {
        float* at = out + r * stride + half * 16;
        _mm512_storeu_ps(at, begin ? _mm512_add_ps(_mm512_loadu_ps(at), sum[r][half]) : sum[r][half]);
      }
  }
}

template <typename Words>
void multiply(const uint32_t* slab, const uint32_t* panel, int64_t rows, int64_t depth, float* out, int64_t stride) {
  (rows > 8 ? multiply_rows<Words, SLAB_ROWS> : multiply_rows<Words, 8>)(slab, panel, rows, depth, out, stride);
}

}  // namespace products512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

// What multiplies on an instruction set; all null where torch does.
inline Products choose_products(const std::string& set) {
#ifdef VREID_X86
  using namespace products512;
  if (set == "avx512")
    return {pack, multiply<Floats>, __builtin_cpu_supports("avx512bf16") ? multiply<Halves> : nullptr};
#endif
  return {};
}

}  // namespace vreid
