// The kernels over tiles of products of clips that are compiled for each instruction set, and the choice between them at
// run time.

#pragma once

#include <cstdint>
#include <string>

#include "../../common/instruction_sets.h"

namespace vreid {

// The clips of one tracklet as a tile uses them.
struct Clips {
  const float* scale;  // [C] what its products are multiplied by: 1 / |x|, or 1
  const bool* valid;   // [C]
};

struct ClipKernels {
  int64_t lanes;  // gallery tracklets that `top` takes together
  // sum of squares of x[0 .. n), and in `*fault` 0, or NaN if some x is not finite
  float (*square)(const float* x, int64_t n, float* fault);
  float (*square_half)(const uint16_t* x, int64_t n, float* fault);
  // out[0 .. n) += scale * x[0 .. n)
  void (*add)(const float* x, float scale, int64_t n, float* out);
  void (*add_half)(const uint16_t* x, float scale, int64_t n, float* out);
  // Mean of the `kept` [lanes] largest products of one query tracklet's C clips with the K of each of `lanes` gallery
  // tracklets. tile: C rows `stride` apart of [K, lanes]; scale, absent: [K, lanes] of the gallery, what its products
  // are multiplied by, and -infinity where there is no clip, else 0; scratch: `top_scratch` numbers.
  void (*top)(const float* tile, int64_t stride, int64_t C, int64_t K, Clips query, const float* scale,
              const float* absent, const float* kept, float* scratch, float* out);
  // Weighted mean of the products of two tracklets. tile: C rows `stride` apart of K; weight: [C, K]. `*total` is
  // what it was divided by: the sum of the weights or, if `count`, the number of pairs.
  float (*pairwise)(const float* tile, int64_t stride, int64_t C, int64_t K, const float* weight, Clips query,
                    Clips gallery, bool count, float* total);
  // out[C, K] = products of rows of x [C, n] and y [K, n], rows `depth` apart
  void (*products)(const float* x, const float* y, int64_t C, int64_t K, int64_t depth, float* out);
  // out[C, n] += coefficient[a * row + b * column] y[K, n], rows `depth` apart
  void (*spread)(const float* y, const float* coefficient, int64_t row, int64_t column, int64_t C, int64_t K, int64_t n,
                 int64_t depth, float* out);
};

// A power of two of registers, 16 at least.
inline int64_t top_scratch(int64_t pairs, int64_t lanes) {
  int64_t whole = 16;
  while (whole < pairs) whole *= 2;
  return whole * lanes;
}

#define VREID_LOOPS "../clip/cpu/loops.h"
#include "../../common/for_each_instruction_set.h"

// The kernels for an instruction set that this processor has.
inline ClipKernels choose_kernels(const std::string& set) { return VREID_FOR_SET(set, clip_kernels()); }

}  // namespace vreid
