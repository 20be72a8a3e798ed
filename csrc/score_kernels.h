// The loops that deserve an instruction set of their own. Included once per set by score.cpp, inside a target region:
// VREID_PATH names the namespace, VREID_BYTES the width of a register, VREID_ROWS the queries of one micro-tile, and
// VREID_FUSED says whether the set multiplies and adds in one rounding.
// No function of std:: may be used here: an instance of it compiled for AVX-512 could be linked into the plain path.

namespace VREID_PATH {

template <typename T>
struct Simd {
  typedef T Register __attribute__((vector_size(VREID_BYTES)));
  typedef T Memory __attribute__((vector_size(VREID_BYTES), aligned(alignof(T)), may_alias));
  static constexpr int64_t lanes = VREID_BYTES / sizeof(T);
};

template <typename T>
using Count = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;  // what comparing registers of T gives per lane

constexpr int WIDE = 2;  // registers of gallery columns in a micro-tile

// a b + c as `product` computes it on registers. Left to the compiler, a scalar may come out fused here and not there.
inline float chained(float a, float b, float c) { return VREID_FUSED ? __builtin_fmaf(a, b, c) : a * b + c; }
inline double chained(double a, double b, double c) { return VREID_FUSED ? __builtin_fma(a, b, c) : a * b + c; }

// The sum of a register's lanes. It takes a copy: a register whose lanes are addressed would live in memory.
template <typename Lane, typename Register>
Lane total(Register value) {
  constexpr int lanes = sizeof(Register) / sizeof(Lane);
  Lane lane[lanes], sum = 0;
  __builtin_memcpy(lane, &value, sizeof value);
  for (int i = 0; i < lanes; ++i) sum += lane[i];
  return sum;
}

#if VREID_BYTES == 64
// count + (value < limit), lane by lane: two instructions, where GCC makes three of `count -= value < limit`.
inline __m512i tally(__m512i count, __m512 value, __m512 limit) {
  return _mm512_mask_add_epi32(count, _mm512_cmp_ps_mask(value, limit, _CMP_LT_OQ), count, _mm512_set1_epi32(1));
}

inline __m512i tally(__m512i count, __m512d value, __m512d limit) {
  return _mm512_mask_add_epi64(count, _mm512_cmp_pd_mask(value, limit, _CMP_LT_OQ), count, _mm512_set1_epi64(1));
}

template <typename T>
struct Zmm {
  using Type = __m512;
};
template <>
struct Zmm<double> {
  using Type = __m512d;
};
#endif

// sum[b] += number of x[0 .. n) below limit[b]. Meanwhile next[0 .. n) is fetched: memory is the slower half of this.
template <typename T, int B>
void below_all(const T* x, int64_t n, const T* limit, int64_t* sum, const T* next) {
  using Register = typename Simd<T>::Register;
  using Memory = typename Simd<T>::Memory;
  typedef decltype(Register{} < Register{}) Mask;  // integer lanes, -1 where true
  constexpr int64_t lanes = Simd<T>::lanes;
  Register threshold[B];
  Mask count[B];
  for (int b = 0; b < B; ++b) {
    threshold[b] = Register{} + limit[b];
    count[b] = Mask{};
  }
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Register value = *(const Memory*)(x + i);
    __builtin_prefetch(next + i, 0, 1);  // not into the first-level cache, where x is
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b)
#if VREID_BYTES == 64
      count[b] = (Mask)tally((__m512i)count[b], (typename Zmm<T>::Type)value, (typename Zmm<T>::Type)threshold[b]);
#else
      count[b] -= value < threshold[b];
#endif
  }
  for (int b = 0; b < B; ++b) {
    sum[b] += total<Count<T>>(count[b]);
    for (int64_t j = i; j < n; ++j) sum[b] += x[j] < limit[b];
  }
}

template <typename T>
void below(const T* x, int64_t n, const T* limit, int limits, int64_t* sum, const T* next) {
  switch (limits) {
    case 1: return below_all<T, 1>(x, n, limit, sum, next);
    case 2: return below_all<T, 2>(x, n, limit, sum, next);
    case 3: return below_all<T, 3>(x, n, limit, sum, next);
    case 4: return below_all<T, 4>(x, n, limit, sum, next);
    case 5: return below_all<T, 5>(x, n, limit, sum, next);
    case 6: return below_all<T, 6>(x, n, limit, sum, next);
    case 7: return below_all<T, 7>(x, n, limit, sum, next);
    case 8: return below_all<T, 8>(x, n, limit, sum, next);
  }
}

template <typename T>
int64_t equal(const T* x, int64_t n, T value) {
  using Register = typename Simd<T>::Register;
  typedef decltype(Register{} == Register{}) Mask;
  constexpr int64_t lanes = Simd<T>::lanes;
  const Register wanted = Register{} + value;
  Mask count{};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) count -= *(const typename Simd<T>::Memory*)(x + i) == wanted;
  int64_t sum = total<Count<T>>(count);
  for (; i < n; ++i) sum += x[i] == value;
  return sum;
}

template <typename T>
bool finite(const T* x, int64_t n) {
  using Register = typename Simd<T>::Register;
  using Memory = typename Simd<T>::Memory;
  constexpr int64_t lanes = Simd<T>::lanes, many = 4;  // sums side by side, or each would wait for the one before
  Register sum[many] = {};
  int64_t i = 0;
  for (; i + many * lanes <= n; i += many * lanes)
#pragma GCC unroll 4
    for (int p = 0; p < many; ++p) {
      const Register value = *(const Memory*)(x + i + p * lanes);
      sum[p] += value - value;  // 0, or NaN where a value is no finite number
    }
  T rest = total<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
  for (; i < n; ++i) rest += x[i] - x[i];
  return rest == 0;
}

// The squared norm of a row, in double; the order of the sum depends on nothing but the row's length.
template <typename T>
double square(const T* x, int64_t n) {
  constexpr int parts = 16;
  double part[parts] = {};
  int64_t i = 0;
  for (; i + parts <= n; i += parts)
    for (int p = 0; p < parts; ++p) part[p] += double(x[i + p]) * double(x[i + p]);
  for (int p = 0; i < n; ++i, ++p) part[p] += double(x[i]) * double(x[i]);
  double sum = 0;
  for (int p = 0; p < parts; ++p) sum += part[p];
  return sum;
}

// One micro-tile: out[VREID_ROWS, WIDE registers] (+)= a[depth, VREID_ROWS]^T b[depth, WIDE registers]. Each number is
// one chain of multiply-adds along the depth, wherever it lies in a tile: equal rows give equal bits everywhere.
template <typename T>
void product(const T* a, const T* b, int64_t depth, T* out, int64_t stride, bool add) {
  using Register = typename Simd<T>::Register;
  using Memory = typename Simd<T>::Memory;
  constexpr int64_t lanes = Simd<T>::lanes;
  Register sum[VREID_ROWS][WIDE];
#pragma GCC unroll 16
  for (int r = 0; r < VREID_ROWS; ++r)
#pragma GCC unroll 2
    for (int w = 0; w < WIDE; ++w) sum[r][w] = add ? Register(*(const Memory*)(out + r * stride + w * lanes)) : Register{};
  for (int64_t k = 0; k < depth; ++k) {
    Register column[WIDE];
#pragma GCC unroll 2
    for (int w = 0; w < WIDE; ++w) column[w] = *(const Memory*)(b + (k * WIDE + w) * lanes);
#pragma GCC unroll 16
    for (int r = 0; r < VREID_ROWS; ++r)
#pragma GCC unroll 2
      for (int w = 0; w < WIDE; ++w) sum[r][w] += a[k * VREID_ROWS + r] * column[w];
  }
#pragma GCC unroll 16
  for (int r = 0; r < VREID_ROWS; ++r)
#pragma GCC unroll 2
    for (int w = 0; w < WIDE; ++w) *(Memory*)(out + r * stride + w * lanes) = sum[r][w];
}

// The same chains for single pairs: out[i] = query . item[i], eight at a time to hide the latency of one.
template <typename T>
void dots(const T* query, const T* const* item, int items, int64_t depth, T* out) {
  constexpr int many = 8;
  const T* row[many];
  for (int i = 0; i < many; ++i) row[i] = item[i < items ? i : 0];
  T sum[many] = {};
  for (int64_t k = 0; k < depth; ++k) {
    const T value = query[k];
#pragma GCC unroll 8
    for (int i = 0; i < many; ++i) sum[i] = chained(value, row[i][k], sum[i]);
  }
  for (int i = 0; i < items; ++i) out[i] = sum[i];
}

template <typename T>
T key(T dot, T scale, T shift) {
  return chained(scale, dot, shift);
}

// Dot products to keys, numbers that order as the distances do: x = scale x + shift.
template <typename T>
void finish(T* x, const T* scale, const T* shift, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = key(x[i], scale[i], shift[i]);
}

template <typename T>
Kernels<T> kernels() {
  return {VREID_ROWS, WIDE * Simd<T>::lanes, below<T>, equal<T>,  finite<T>, square<T>,
          product<T>, dots<T>,               key<T>,   finish<T>};
}

}  // namespace VREID_PATH
