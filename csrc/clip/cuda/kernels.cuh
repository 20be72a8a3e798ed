// The clip ops on the GPU. One block multiplies the clips of some queries with those of some gallery tracklets on the
// tensor cores, keeps the products in shared memory and reduces each pair of tracklets there, so that one number for each
// pair or, in batch-hard, two keys for each tracklet reach memory. What the ops mean is in
// harness/vreid_bench/ops/clip_reference.py.
//
// No torch header: tests/support/cuda_emulation also runs these sources on the CPU.

#pragma once

#include "reductions.cuh"

namespace vreid {

enum class Reduction { top16, top, pairwise };

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
