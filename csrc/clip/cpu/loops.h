// The loops over tiles of products of clips; common/for_each_instruction_set.h compiles them for each.

namespace VREID_INSTRUCTION_SET {

typedef float Register __attribute__((vector_size(VREID_BYTES)));
typedef float Memory __attribute__((vector_size(VREID_BYTES), aligned(4), may_alias));
typedef uint32_t Bits __attribute__((vector_size(VREID_BYTES)));
typedef uint16_t Halves __attribute__((vector_size(VREID_BYTES / 2), aligned(2), may_alias));
constexpr int64_t LANES = VREID_BYTES / 4;
constexpr float INFINITE = __builtin_inff();

inline Register load(const float* x) { return *(const Memory*)x; }
inline Register load(const uint16_t* x) {
  return (Register)(__builtin_convertvector(*(const Halves*)x, Bits) << 16);  // bfloat16 is the upper half of a float
}
inline float number(const float* x) { return *x; }
inline float number(const uint16_t* x) {
  const uint32_t bits = uint32_t(*x) << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

// The sum of a register's lanes, halved until one is left. It takes a copy: a register whose lanes are addressed would
// live in memory.
inline __attribute__((always_inline)) float total(Register value) {
  typedef float Four __attribute__((vector_size(16)));
  Four part[LANES / 4];
  __builtin_memcpy(part, &value, sizeof value);
#pragma GCC unroll 2
  for (int step = LANES / 8; step; step /= 2)
#pragma GCC unroll 2
    for (int i = 0; i < step; ++i) part[i] += part[i + step];
  return (part[0][0] + part[0][2]) + (part[0][1] + part[0][3]);
}

#if VREID_BYTES == 64
inline Register larger(Register a, Register b) { return (Register)_mm512_max_ps((__m512)a, (__m512)b); }
inline Register smaller(Register a, Register b) { return (Register)_mm512_min_ps((__m512)a, (__m512)b); }
#elif VREID_BYTES == 32
inline Register larger(Register a, Register b) { return (Register)_mm256_max_ps((__m256)a, (__m256)b); }
inline Register smaller(Register a, Register b) { return (Register)_mm256_min_ps((__m256)a, (__m256)b); }
#else
inline Register larger(Register a, Register b) { return a > b ? a : b; }
inline Register smaller(Register a, Register b) { return a < b ? a : b; }
#endif

template <typename T>
float square(const T* x, int64_t n, float* fault) {
  Register sum[4] = {}, odd{};
  int64_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES)
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const Register value = load(x + i + r * LANES);
      sum[r] += value * value;
      odd += value - value;
    }
  float whole = total((sum[0] + sum[1]) + (sum[2] + sum[3])), rest = total(odd);
  for (; i < n; ++i) {
    const float value = number(x + i);
    whole += value * value;
    rest += value - value;
  }
  *fault = rest;
  return whole;
}

template <typename T>
void add(const T* x, float scale, int64_t n, float* out) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) *(Memory*)(out + i) = load(out + i) + scale * load(x + i);
  for (; i < n; ++i) out[i] += scale * number(x + i);
}

#define VREID_ORDER(i, j)                        \
  {                                              \
    const Register low = smaller(a[i], a[j]);    \
    a[i] = larger(a[i], a[j]);                   \
    a[j] = low;                                  \
  }

// 16 registers, largest first in each lane: Green's network of 60 comparators.
inline __attribute__((always_inline)) void sort16(Register* a) {
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) VREID_ORDER(i, i + 1)
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    VREID_ORDER(i, i + 2)
    VREID_ORDER(i + 1, i + 3)
  }
#pragma GCC unroll 2
  for (int i = 0; i < 16; i += 8) {
    VREID_ORDER(i, i + 4)
    VREID_ORDER(i + 1, i + 5)
    VREID_ORDER(i + 2, i + 6)
    VREID_ORDER(i + 3, i + 7)
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) VREID_ORDER(i, i + 8)
  VREID_ORDER(5, 10) VREID_ORDER(6, 9) VREID_ORDER(3, 12) VREID_ORDER(13, 14) VREID_ORDER(4, 8) VREID_ORDER(7, 11)
  VREID_ORDER(1, 2) VREID_ORDER(1, 4) VREID_ORDER(7, 13) VREID_ORDER(2, 8) VREID_ORDER(11, 14) VREID_ORDER(2, 4)
  VREID_ORDER(5, 6) VREID_ORDER(9, 10) VREID_ORDER(11, 13) VREID_ORDER(3, 8) VREID_ORDER(7, 12) VREID_ORDER(6, 8)
  VREID_ORDER(10, 12) VREID_ORDER(3, 5) VREID_ORDER(7, 9) VREID_ORDER(3, 4) VREID_ORDER(5, 6) VREID_ORDER(7, 8)
  VREID_ORDER(9, 10) VREID_ORDER(11, 12) VREID_ORDER(6, 7) VREID_ORDER(8, 9)
}

// The 16 largest of best (sorted) and a, sorted, in best.
inline __attribute__((always_inline)) void merge16(Register* best, Register* a) {
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) a[i] = larger(a[i], best[15 - i]);  // bitonic
#pragma GCC unroll 4
  for (int step = 8; step; step /= 2)
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i)
      if (!(i & step)) VREID_ORDER(i, i + step)
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) best[i] = a[i];
}

// Any number of registers, largest first in each lane: Batcher's odd-even merge sort, n a power of two.
inline void sort_many(Register* a, int64_t n) {
  for (int64_t p = 1; p < n; p *= 2)
    for (int64_t k = p; k; k /= 2)
      for (int64_t j = k % p; j + k < n; j += 2 * k)
        for (int64_t i = 0; i < k && i + j + k < n; ++i)
          if ((i + j) / (2 * p) == (i + j + k) / (2 * p)) VREID_ORDER(i + j, i + j + k)
}

// The products of one query tracklet's valid clips with those of LANES gallery tracklets, scaled: how many registers.
inline int64_t scaled(const float* tile, int64_t stride, int64_t C, int64_t K, Clips query, const float* scale,
                      const float* absent, Register* out) {
  int64_t n = 0;
  for (int64_t a = 0; a < C; ++a) {
    if (!query.valid[a]) continue;
    const Register own = Register{} + query.scale[a];
    for (int64_t b = 0; b < K; ++b)
      out[n++] = load(tile + a * stride + b * LANES) * (own * load(scale + b * LANES)) + load(absent + b * LANES);
  }
  return n;
}

// The mean of the first `kept` of n registers, n a multiple of 16; in sixteen sums, as one long one would round more.
inline Register mean(const Register* sorted, int64_t n, const float* kept) {
  const Register number = load(kept);
  Register sum[16] = {};
  for (int64_t i = 0; i < n; i += 16)
#pragma GCC unroll 16
    for (int r = 0; r < 16; ++r) sum[r] += Register{} + float(i + r) < number ? sorted[i + r] : Register{};
#pragma GCC unroll 4
  for (int step = 8; step; step /= 2)
#pragma GCC unroll 8
    for (int r = 0; r < step; ++r) sum[r] += sum[r + step];
  return sum[0] / (number > 1 ? number : Register{} + 1.0f);
}

inline void top(const float* tile, int64_t stride, int64_t C, int64_t K, Clips query, const float* scale,
                const float* absent, const float* kept, float* scratch, float* out) {
  Register* all = (Register*)scratch;
  int64_t n = scaled(tile, stride, C, K, query, scale, absent, all);
  float most = 0;
  for (int64_t l = 0; l < LANES; ++l) most = kept[l] > most ? kept[l] : most;
  const Register nothing = Register{} - INFINITE;
  int64_t whole = 16;
  if (most <= 16) {  // as of 64 pairs 20 %: what is not among 16 is not looked at again
    while (n % 16 || !n) all[n++] = nothing;
    Register best[16];
    __builtin_memcpy(best, all, sizeof best);
    sort16(best);
    for (int64_t i = 16; i < n; i += 16) {
      Register a[16];
      __builtin_memcpy(a, all + i, sizeof a);
      sort16(a);
      merge16(best, a);
    }
    *(Memory*)out = mean(best, 16, kept);
    return;
  }
  while (whole < n) whole *= 2;
  while (n < whole) all[n++] = nothing;
  sort_many(all, whole);
  *(Memory*)out = mean(all, whole, kept);
}

inline float pairwise(const float* tile, int64_t stride, int64_t C, int64_t K, const float* weight, Clips query,
                      Clips gallery, bool count, float* divisor) {
  typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));
  bool whole = K % 8 == 0;
  int64_t there = 0, pairs = 0;
  for (int64_t b = 0; b < K; ++b) there += gallery.valid[b];
  whole = whole && there == K;
  float sum = 0, weights = 0;
  for (int64_t a = 0; a < C; ++a) {
    if (!query.valid[a]) continue;
    const float *product = tile + a * stride, *w = weight + a * K;
    float row = 0;
    pairs += there;
    if (whole) {
      Eight rows{}, some{};
      for (int64_t b = 0; b < K; b += 8) {
        const Eight each = *(const Eight*)(w + b);
        rows += each * *(const Eight*)(product + b) * *(const Eight*)(gallery.scale + b);
        some += each;
      }
      for (int i = 0; i < 8; ++i) row += rows[i], weights += some[i];
    } else {
      for (int64_t b = 0; b < K; ++b)
        if (gallery.valid[b]) row += w[b] * product[b] * gallery.scale[b], weights += w[b];
    }
    sum += row * query.scale[a];
  }
  *divisor = count ? float(pairs) : weights;
  return *divisor == 0 ? 0 : sum / *divisor;
}

inline void products(const float* x, const float* y, int64_t C, int64_t K, int64_t depth, float* out) {
  constexpr int SIDE = 4;  // rows of x and of y that are multiplied together: 16 sums in registers
  for (int64_t a0 = 0; a0 < C; a0 += SIDE)
    for (int64_t b0 = 0; b0 < K; b0 += SIDE) {
      const float *left[SIDE], *right[SIDE];
      for (int s = 0; s < SIDE; ++s) {
        left[s] = x + (a0 + s < C ? a0 + s : a0) * depth;
        right[s] = y + (b0 + s < K ? b0 + s : b0) * depth;
      }
      Register sum[SIDE][SIDE] = {};
      int64_t d = 0;
      for (; d + LANES <= depth; d += LANES) {
        Register column[SIDE];
#pragma GCC unroll 4
        for (int s = 0; s < SIDE; ++s) column[s] = load(right[s] + d);
#pragma GCC unroll 4
        for (int r = 0; r < SIDE; ++r) {
          const Register value = load(left[r] + d);
#pragma GCC unroll 4
          for (int s = 0; s < SIDE; ++s) sum[r][s] += value * column[s];
        }
      }
      for (int r = 0; r < SIDE && a0 + r < C; ++r)
        for (int s = 0; s < SIDE && b0 + s < K; ++s) {
          float whole = total(sum[r][s]);
          for (int64_t rest = d; rest < depth; ++rest) whole += left[r][rest] * right[s][rest];
          out[(a0 + r) * K + b0 + s] = whole;
        }
    }
}

inline void spread(const float* y, const float* coefficient, int64_t row, int64_t column, int64_t C, int64_t K,
                   int64_t n, int64_t depth, float* out) {
  constexpr int SIDE = 4;  // rows of out that share each load of y
  int64_t d = 0;
  for (; d + LANES <= n; d += LANES)
    for (int64_t a0 = 0; a0 < C; a0 += SIDE) {
      const int rows = C - a0 < SIDE ? int(C - a0) : SIDE;
      Register sum[SIDE] = {};
      for (int64_t b = 0; b < K; ++b) {
        const Register value = load(y + b * depth + d);
#pragma GCC unroll 4
        for (int r = 0; r < SIDE; ++r) sum[r] += coefficient[(r < rows ? a0 + r : a0) * row + b * column] * value;
      }
      for (int r = 0; r < rows; ++r) {
        float* at = out + (a0 + r) * depth + d;
        *(Memory*)at = load(at) + sum[r];
      }
    }
  for (; d < n; ++d)
    for (int64_t a = 0; a < C; ++a)
      for (int64_t b = 0; b < K; ++b) out[a * depth + d] += coefficient[a * row + b * column] * y[b * depth + d];
}

#undef VREID_ORDER

inline ClipKernels clip_kernels() {
  return {LANES,          square<float>, square<uint16_t>, add<float>, add<uint16_t>,
          top,            pairwise,      products,         spread};
}

}  // namespace VREID_INSTRUCTION_SET
