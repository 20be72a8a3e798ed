// A block's tile of products of clips, made by the tensor cores in shared memory.

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

// Writes the products of the tile's clips to shared memory.
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
    __syncthreads();  // all have read what is overwritten next
  }
#pragma unroll
  for (int i = 0; i < 2; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        shared.product[top + i * 16 + lane / 4 + e / 2 * 8][left + j * 8 + lane % 4 * 2 + e % 2] = sum[i][j][e];
}

}  // namespace vreid
