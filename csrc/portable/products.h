// Products of matrices whose bits depend on nothing but the operands. Each element of the result is a chain of fused
// multiply-adds in the order of the depth, cut into sums of DEPTH terms that are added up in order. No size of a cache,
// number of threads or maker of a processor changes that, and no compiler may: every multiply-add is an intrinsic.
//
// The blocking is the usual one (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008): a
// panel of B stays in the second cache, a panel of A in the first, and a tile of the result in registers.

#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace vreid::portable {

constexpr int64_t DEPTH = 256, ROWS = 6;  // of a panel; ROWS x two registers are a tile of the result
constexpr int64_t BLOCK_ROWS = 96, BLOCK_COLUMNS = 1024;

// A matrix in memory, of any strides.
template <typename T>
struct Matrix {
  const T* data;
  int64_t rows, columns, row_stride, column_stride;

  const T* at(int64_t row, int64_t column) const { return data + row * row_stride + column * column_stride; }
};

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

template <typename T>
struct Register;

template <>
struct Register<float> {
  using type = __m256;
  static constexpr int64_t WIDTH = 8;
  static __m256 zero() { return _mm256_setzero_ps(); }
  static __m256 spread(const float* x) { return _mm256_broadcast_ss(x); }
  static __m256 load(const float* x) { return _mm256_loadu_ps(x); }
  static void store(float* x, __m256 value) { _mm256_storeu_ps(x, value); }
  static __m256 add(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
  static __m256 multiply_add(__m256 a, __m256 b, __m256 sum) { return _mm256_fmadd_ps(a, b, sum); }
};

template <>
struct Register<double> {
  using type = __m256d;
  static constexpr int64_t WIDTH = 4;
  static __m256d zero() { return _mm256_setzero_pd(); }
  static __m256d spread(const double* x) { return _mm256_broadcast_sd(x); }
  static __m256d load(const double* x) { return _mm256_loadu_pd(x); }
  static void store(double* x, __m256d value) { _mm256_storeu_pd(x, value); }
  static __m256d add(__m256d a, __m256d b) { return _mm256_add_pd(a, b); }
  static __m256d multiply_add(__m256d a, __m256d b, __m256d sum) { return _mm256_fmadd_pd(a, b, sum); }
};

// tile[ROWS, 2 WIDTH] = left^T right, or is added to it; rows of the tile are `stride` apart.
template <typename T>
void multiply_tile(const T* left, const T* right, int64_t depth, T* tile, int64_t stride, bool first) {
  using R = Register<T>;
  typename R::type sum[ROWS][2];
#pragma GCC unroll 6
  for (int r = 0; r < ROWS; ++r) sum[r][0] = sum[r][1] = R::zero();
  for (int64_t k = 0; k < depth; ++k) {
    const auto low = R::load(right), high = R::load(right + R::WIDTH);
#pragma GCC unroll 6
    for (int r = 0; r < ROWS; ++r) {
      const auto value = R::spread(left + r);
      sum[r][0] = R::multiply_add(value, low, sum[r][0]);
      sum[r][1] = R::multiply_add(value, high, sum[r][1]);
    }
    left += ROWS;
    right += 2 * R::WIDTH;
  }
#pragma GCC unroll 6
  for (int r = 0; r < ROWS; ++r)
    for (int half = 0; half < 2; ++half) {
      T* at = tile + r * stride + half * R::WIDTH;
      R::store(at, first ? sum[r][half] : R::add(R::load(at), sum[r][half]));
    }
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

// `count` rows and `depth` columns of a matrix as panels of `width` rows, [panels, depth, width], filled up with zeros.
template <typename T>
void pack(const T* rows, int64_t count, int64_t depth, int64_t row_stride, int64_t stride, int64_t width, T* panels) {
  for (int64_t first = 0; first < count; first += width, panels += depth * width) {
    const int64_t there = std::min(width, count - first);
    for (int64_t r = 0; r < width; ++r) {
      const T* row = rows + (first + r) * row_stride;
      for (int64_t k = 0; k < depth; ++k) panels[k * width + r] = r < there ? row[k * stride] : T(0);
    }
  }
}

// out[rows, columns], row by row = left right.
template <typename T>
void multiply(const Matrix<T>& left, const Matrix<T>& right, T* out) {
  const int64_t rows = left.rows, columns = right.columns, depth = left.columns, width = 2 * Register<T>::WIDTH;
  const auto rounded = [](int64_t size, int64_t step) { return (size + step - 1) / step * step; };
  if (depth == 0) return std::fill(out, out + rows * columns, T(0));
  const int64_t most_rows = rounded(std::min(rows, BLOCK_ROWS), ROWS);
  const int64_t most_columns = rounded(std::min(columns, BLOCK_COLUMNS), width), most_depth = std::min(depth, DEPTH);
  std::vector<T> left_panels(most_rows * most_depth), right_panels(most_columns * most_depth), tile(ROWS * width);
  for (int64_t column = 0; column < columns; column += BLOCK_COLUMNS) {
    const int64_t wide = std::min(BLOCK_COLUMNS, columns - column);
    for (int64_t k = 0; k < depth; k += DEPTH) {
      const int64_t deep = std::min(DEPTH, depth - k);
      pack(right.at(k, column), wide, deep, right.column_stride, right.row_stride, width, right_panels.data());
      for (int64_t row = 0; row < rows; row += BLOCK_ROWS) {
        const int64_t high = std::min(BLOCK_ROWS, rows - row);
        pack(left.at(row, k), high, deep, left.row_stride, left.column_stride, ROWS, left_panels.data());
        for (int64_t c = 0; c < wide; c += width)
          for (int64_t r = 0; r < high; r += ROWS) {
            const T *a = left_panels.data() + r * deep, *b = right_panels.data() + c * deep;
            T* at = out + (row + r) * columns + column + c;
            const int64_t tall = std::min(ROWS, high - r), broad = std::min(width, wide - c);
            if (tall == ROWS && broad == width) {
              multiply_tile(a, b, deep, at, columns, k == 0);
              continue;
            }
            multiply_tile(a, b, deep, tile.data(), width, true);
            for (int64_t i = 0; i < tall; ++i)
              for (int64_t j = 0; j < broad; ++j) {
                T& value = at[i * columns + j];
                value = k == 0 ? tile[i * width + j] : value + tile[i * width + j];
              }
          }
      }
    }
  }
}

}  // namespace vreid::portable
