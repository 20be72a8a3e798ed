// The clip ops on the GPU. One block multiplies the clips of some queries with those of some gallery tracklets on the
// tensor cores, keeps the products in shared memory and reduces each pair of tracklets there, so that one number a pair
// or, in batch-hard, two keys a tracklet reach memory. The twin is harness/vreid_bench/ops/clip_reference.py.
//
// No torch header: these sources also run on the CPU, in tests/cuda_emulation.

#pragma once

#ifdef VREID_EMULATED
#include "cuda_emulation.h"
#else
#include "ptx.cuh"
#endif

namespace vreid {

constexpr int ROWS = 128, COLUMNS = 64;         // clips of queries and of gallery in a block's tile
constexpr int WARPS = 8, THREADS = 32 * WARPS;  // 4 warps by 2, each with 32 x 32 products
constexpr int DEPTH = 64, PITCH = DEPTH + 16;   // bytes of a clip in one step; rows in shared memory, free of conflicts
constexpr int STRIDE = COLUMNS + 1;             // of the products in shared memory

enum class Operand { bf16, fp16, tf32x3, tf32 };
enum class Reduction { top16, top, pairwise };

struct Pairs {
  const void *query, *gallery;  // [Q, C, E], [G, K, E], rows of whole 16 bytes
  const float *query_scale, *gallery_scale;  // [Q, C], [G, K]: what products are multiplied by, negative for no clip
  const float* weight;                       // [Q, G, C, K] of `pairwise`
  int64_t Q, G;
  int C, K;
  int64_t bytes;  // of a clip
  double top;
  bool count;
  float* similarity;         // [Q, G], or null in batch-hard
  const int64_t* pid;        // [N] of batch-hard
  unsigned long long* best;  // [2, N] of batch-hard, of positives and of negatives
};

// The order of keys is that of the numbers; NaN is `odd`, so that it can be made the first or the last.
__device__ __forceinline__ uint32_t ordered(float value, uint32_t odd) {
  if (value != value) return odd;
  const uint32_t bits = __float_as_uint(value);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float unordered(uint32_t key) {
  return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

template <Operand operand>
__device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  if constexpr (operand == Operand::bf16) {
    ptx::multiply_bf16(c, a, b0, b1);
  } else if constexpr (operand == Operand::fp16) {
    ptx::multiply_fp16(c, a, b0, b1);
  } else {
    uint32_t high[4], low[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) high[i] = ptx::to_tf32(a[i]);
    const uint32_t high0 = ptx::to_tf32(b0), high1 = ptx::to_tf32(b1);
    if constexpr (operand == Operand::tf32x3) {  // what the rounding took off is multiplied as well: 21 bits in all
      auto rest = [](uint32_t whole, uint32_t part) {
        return ptx::to_tf32(__float_as_uint(__uint_as_float(whole) - __uint_as_float(part)));
      };
#pragma unroll
      for (int i = 0; i < 4; ++i) low[i] = rest(a[i], high[i]);
      ptx::multiply_tf32(c, low, high0, high1);
      ptx::multiply_tf32(c, high, rest(b0, high0), rest(b1, high1));
    }
    ptx::multiply_tf32(c, high, high0, high1);
  }
}

union Shared {
  struct {
    unsigned char query[2][ROWS][PITCH], gallery[2][COLUMNS][PITCH];
  } clips;
  float product[ROWS][STRIDE];
};

// The products of the tile's clips into shared memory.
template <Operand operand>
__device__ __forceinline__ void fill(Shared& shared, const Pairs& pairs, int64_t row, int rows, int64_t column,
                                     int columns) {
  const int thread = threadIdx.x, warp = thread / 32, lane = thread % 32;
  const int top = warp / 2 * 32, left = warp % 2 * 32;
  float sum[2][4][4] = {};
  auto fetch = [&](int buffer, int64_t depth) {
#pragma unroll 1
    for (int part = thread; part < (ROWS + COLUMNS) * (DEPTH / 16); part += THREADS) {
      const int clip = part / (DEPTH / 16), at = part % (DEPTH / 16) * 16;
      const bool query = clip < ROWS, inside = depth + at < pairs.bytes;
      const int own = query ? clip : clip - ROWS;
      const bool there = inside && own < (query ? rows : columns);
      const char* from = (const char*)(query ? pairs.query : pairs.gallery);
      void* to = query ? &shared.clips.query[buffer][own][at] : &shared.clips.gallery[buffer][own][at];
      ptx::copy16(to, there ? from + ((query ? row : column) + own) * pairs.bytes + depth + at : from, there);
    }
    ptx::commit();
  };
  fetch(0, 0);
  int buffer = 0;
  for (int64_t depth = 0; depth < pairs.bytes; depth += DEPTH, buffer ^= 1) {
    if (depth + DEPTH < pairs.bytes) {
      fetch(buffer ^ 1, depth + DEPTH);
      ptx::wait<1>();
    } else {
      ptx::wait<0>();
    }
    __syncthreads();  // what every thread fetched is there
#pragma unroll
    for (int step = 0; step < DEPTH; step += 32) {
      const int line = lane % 16, side = step + lane / 16 * 16;
      uint32_t a[2][4], b[2][4];
#pragma unroll
      for (int i = 0; i < 2; ++i) ptx::load_matrices(a[i], &shared.clips.query[buffer][top + i * 16 + line][side]);
#pragma unroll
      for (int j = 0; j < 2; ++j) ptx::load_matrices(b[j], &shared.clips.gallery[buffer][left + j * 16 + line][side]);
#pragma unroll
      for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) multiply<operand>(sum[i][j], a[i], b[j / 2][j % 2], b[j / 2][2 + j % 2]);
    }
    __syncthreads();  // nobody reads any more what is fetched over next
  }
#pragma unroll
  for (int i = 0; i < 2; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        shared.product[top + i * 16 + lane / 4 + e / 2 * 8][left + j * 8 + lane % 4 * 2 + e % 2] = sum[i][j][e];
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
  int number = 0, at = lane % size;  // lanes begin at different pairs of clips, lest they meet in one bank
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

template <Operand operand, Reduction reduction>
__global__ __launch_bounds__(THREADS, 2) void clip_pairs(Pairs pairs) {
  __shared__ __align__(16) Shared shared;
  const int high = ROWS / pairs.C, wide = COLUMNS / pairs.K;  // tracklets of the tile
  const int64_t query = int64_t(blockIdx.y) * high, gallery = int64_t(blockIdx.x) * wide;
  const int queries = int(min(int64_t(high), pairs.Q - query)), others = int(min(int64_t(wide), pairs.G - gallery));
  fill<operand>(shared, pairs, query * pairs.C, queries * pairs.C, gallery * pairs.K, others * pairs.K);
  __syncthreads();  // all products are there
  constexpr bool single = reduction == Reduction::top16;
  const int first = single ? threadIdx.x : threadIdx.x / 32, step = single ? THREADS : WARPS;
  for (int pair = first; pair < queries * others; pair += step) {
    const int i = pair / others, j = pair % others;
    float* product = &shared.product[i * pairs.C][j * pairs.K];
    const float* own = pairs.query_scale + (query + i) * pairs.C;
    const float* other = pairs.gallery_scale + (gallery + j) * pairs.K;
    float found;
    if constexpr (single)
      found = top16(product, pairs, own, other);
    else if constexpr (reduction == Reduction::top)
      found = top_many(product, pairs, own, other);
    else
      found = weighted(product, pairs, own, other,
                       pairs.weight + ((query + i) * pairs.G + gallery + j) * pairs.C * pairs.K);
    if (single || threadIdx.x % 32 == 0) *product = found;  // in the place of the pair's first product
  }
  __syncthreads();  // all similarities are there
  if (pairs.similarity) {
    for (int pair = threadIdx.x; pair < queries * others; pair += THREADS) {
      const int i = pair / others, j = pair % others;
      pairs.similarity[(query + i) * pairs.G + gallery + j] = shared.product[i * pairs.C][j * pairs.K];
    }
  } else {
    for (int i = threadIdx.x; i < queries; i += THREADS)
      offer(shared.product[i * pairs.C], pairs, query + i, gallery, others);
  }
}

__device__ __forceinline__ float number(float x) { return x; }
__device__ __forceinline__ float number(__half x) { return __half2float(x); }
__device__ __forceinline__ float number(__nv_bfloat16 x) { return __bfloat162float(x); }

// One warp a clip: what its products are multiplied by, 1 / |x| or 1, and -1 where it is not valid.
template <typename T>
__global__ __launch_bounds__(THREADS) void clip_scales(const T* clips, const bool* valid, int64_t rows, int64_t E,
                                                       bool normalize, float* scale) {
  const int64_t row = int64_t(blockIdx.x) * WARPS + threadIdx.x / 32;
  if (row >= rows) return;
  float square = 0;
  for (int64_t d = threadIdx.x % 32; d < E; d += 32) {
    const float value = number(clips[row * E + d]);
    square += value * value;
  }
  square = warp_sum(square);
  // not fmaxf, which would take a NaN for nothing
  const float length = sqrtf(square), divisor = length < 1e-12f ? 1e-12f : length;
  if (threadIdx.x % 32 == 0) scale[row] = valid && !valid[row] ? -1 : normalize ? 1 / divisor : 1;
}

// Keys to distances and indices: [2, N] each.
__global__ __launch_bounds__(THREADS) void clip_unpack(const unsigned long long* best, int64_t N, float* distance,
                                                       int64_t* index) {
  const int64_t at = int64_t(blockIdx.x) * THREADS + threadIdx.x;
  if (at >= 2 * N) return;
  const uint32_t key = uint32_t(best[at] >> 32);
  distance[at] = best[at] ? unordered(at < N ? key : ~key) : 0;
  index[at] = best[at] ? int64_t(0xffffffffu - uint32_t(best[at])) : -1;
}

}  // namespace vreid
