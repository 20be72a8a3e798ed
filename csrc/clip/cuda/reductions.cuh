// From the products of a tile to one similarity for each pair of tracklets, and to the hardest of an anchor.

#pragma once

#include "products.cuh"

namespace vreid {

// The order of keys is that of the numbers; NaN is `odd`, so that it can be made the first or the last.
__device__ __forceinline__ uint32_t ordered(float value, uint32_t odd) {
  if (value != value) return odd;
  const uint32_t bits = __float_as_uint(value);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float unordered(uint32_t key) {
  return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

__device__ __forceinline__ void order(float& a, float& b) {
  const float low = fminf(a, b);
  a = fmaxf(a, b);
  b = low;
}

// 16 numbers, largest first: Green's network of 60 comparators.
__device__ __forceinline__ void sort16(float (&a)[16]) {
#pragma unroll
  for (int step = 1; step < 16; step *= 2)
#pragma unroll
    for (int i = 0; i < 16; ++i)
      if (!(i & step)) order(a[i], a[i + step]);
  constexpr int rest[28][2] = {{5, 10}, {6, 9},  {3, 12},  {13, 14}, {4, 8},   {7, 11}, {1, 2},
                               {1, 4},  {7, 13}, {2, 8},   {11, 14}, {2, 4},   {5, 6},  {9, 10},
                               {11, 13}, {3, 8}, {7, 12},  {6, 8},   {10, 12}, {3, 5},  {7, 9},
                               {3, 4},  {5, 6},  {7, 8},   {9, 10},  {11, 12}, {6, 7},  {8, 9}};
#pragma unroll
  for (int i = 0; i < 28; ++i) order(a[rest[i][0]], a[rest[i][1]]);
}

// The 16 largest of best and a, both sorted, in best.
__device__ __forceinline__ void merge16(float (&best)[16], const float (&a)[16]) {
  float both[16];
#pragma unroll
  for (int i = 0; i < 16; ++i) both[i] = fmaxf(a[i], best[15 - i]);  // bitonic
#pragma unroll
  for (int step = 8; step; step /= 2)
#pragma unroll
    for (int i = 0; i < 16; ++i)
      if (!(i & step)) order(both[i], both[i + step]);
#pragma unroll
  for (int i = 0; i < 16; ++i) best[i] = both[i];
}

__device__ __forceinline__ int kept_of(double top, int pairs) { return int(ceil(top * pairs - 1e-9)); }

// One thread a pair: the mean of its largest products, where 16 are enough.
__device__ __forceinline__ float top16(const float* product, const Pairs& pairs, const float* own, const float* other) {
  const int size = pairs.C * pairs.K, lane = threadIdx.x % 32;
  float best[16], odd = 0;
#pragma unroll
  for (int i = 0; i < 16; ++i) best[i] = -INFINITY;
  int number = 0, at = lane % size;  // lanes begin at different pairs of clips, to avoid bank conflicts
  int a = at / pairs.K, b = at % pairs.K;
  for (int begin = 0; begin < size; begin += 16) {
    float value[16];
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      value[i] = -INFINITY;
      if (begin + i >= size) continue;
      if (!(own[a] < 0) && !(other[b] < 0)) {
        value[i] = product[a * STRIDE + b] * (own[a] * other[b]);
        odd += value[i] - value[i];
        ++number;
      }
      if (++b == pairs.K) {
        b = 0;
        if (++a == pairs.C) a = 0;
      }
    }
    sort16(value);
    merge16(best, value);
  }
  const int kept = kept_of(pairs.top, number);
  float sum = odd;
#pragma unroll
  for (int i = 0; i < 16; ++i) sum += i < kept ? best[i] : 0;
  return kept ? sum / kept : 0;
}

__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
  for (int step = 16; step; step /= 2) value += __shfl_xor_sync(~0u, value, step);
  return value;
}

// One warp a pair: the mean of any number of largest products. The threshold is found bit by bit.
__device__ __forceinline__ float top_many(const float* product, const Pairs& pairs, const float* own,
                                          const float* other) {
  const int size = pairs.C * pairs.K, lane = threadIdx.x % 32;
  auto key = [&](int p) {  // 0 is below every product, and stands for those that are not there
    const int a = p / pairs.K, b = p % pairs.K;
    if (p >= size || own[a] < 0 || other[b] < 0) return 0u;
    return ordered(product[a * STRIDE + b] * (own[a] * other[b]), 0xffffffffu);
  };
  auto many = [&](uint32_t least) {
    unsigned count = 0;
    for (int p = lane; p < size; p += 32) count += key(p) >= least;
    return int(__reduce_add_sync(~0u, count));
  };
  const int kept = kept_of(pairs.top, many(1));
  if (!kept) return 0;
  uint32_t least = 0;
  for (int bit = 31; bit >= 0; --bit)
    if (many(least | 1u << bit) >= kept) least |= 1u << bit;
  float sum = 0;
  int above = 0;
  for (int p = lane; p < size; p += 32)
    if (key(p) > least) {
      sum += unordered(key(p));
      ++above;
    }
  return (warp_sum(sum) + float(kept - int(__reduce_add_sync(~0u, unsigned(above)))) * unordered(least)) / kept;
}

// One warp a pair: the mean of all products by the weight [C, K] of the pair.
__device__ __forceinline__ float weighted(const float* product, const Pairs& pairs, const float* own,
                                          const float* other, const float* weight) {
  const int size = pairs.C * pairs.K;
  float sum = 0, total = 0;
  for (int p = threadIdx.x % 32; p < size; p += 32) {
    const int a = p / pairs.K, b = p % pairs.K;
    if (own[a] < 0 || other[b] < 0) continue;
    sum += weight[p] * (product[a * STRIDE + b] * (own[a] * other[b]));
    total += pairs.count ? 1 : weight[p];
  }
  sum = warp_sum(sum);
  total = warp_sum(total);
  return total == 0 ? 0 : sum / total;
}

// What a row of the tile offers its anchor: the hardest of each kind, of equals the lowest index.
__device__ __forceinline__ void offer(const float* similarity, const Pairs& pairs, int64_t anchor, int64_t first,
                                      int others) {
  unsigned long long positive = 0, negative = 0;  // not an array: a place chosen at run time would lie in local memory
  for (int j = 0; j < others; ++j) {
    const int64_t other = first + j;
    if (other == anchor) continue;
    const bool same = pairs.pid[anchor] == pairs.pid[other];
    const float distance = 1 - similarity[j * pairs.K];
    const uint32_t key = same ? ordered(distance, 0xffffffffu) : ~ordered(distance, 0);
    const unsigned long long packed = (unsigned long long)key << 32 | (0xffffffffu - uint32_t(other));
    if (same && packed > positive) positive = packed;
    if (!same && packed > negative) negative = packed;
  }
  if (positive) atomicMax(pairs.best + anchor, positive);
  if (negative) atomicMax(pairs.best + pairs.Q + anchor, negative);
}

}  // namespace vreid
