// The loops of counting that gain from a larger instruction set; common/for_each_instruction_set.h compiles them for each.

namespace VREID_INSTRUCTION_SET {

template <typename T>
struct Simd {
  typedef T Register __attribute__((vector_size(VREID_BYTES)));
  typedef T Memory __attribute__((vector_size(VREID_BYTES), aligned(alignof(T)), may_alias));
  static constexpr int64_t lanes = VREID_BYTES / sizeof(T);
};

template <typename T>
using Count = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;  // what comparing registers of T gives per lane

constexpr int WIDE = 2;  // registers of gallery columns in a micro-tile
constexpr int ROWS = VREID_BYTES == 64 ? 14 : VREID_BYTES == 32 ? 6 : 4;  // queries in a micro-tile: the sums fill the registers

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

#if VREID_BYTES != 64
// Is one of the lanes of a comparison true?
template <typename Mask>
inline bool any(Mask mask) {
#if VREID_BYTES == 32
  return _mm256_movemask_epi8((__m256i)mask) != 0;
#else
  uint64_t half[2];
  __builtin_memcpy(half, &mask, sizeof mask);
  return (half[0] | half[1]) != 0;
#endif
}
#else
// count + (value < limit), lane by lane: two instructions, where GCC makes three of `count -= value < limit`.
inline __m512i tally(__m512i count, __m512 value, __m512 limit) {
  return _mm512_mask_add_epi32(count, _mm512_cmp_ps_mask(value, limit, _CMP_LT_OQ), count, _mm512_set1_epi32(1));
}

inline __m512i tally(__m512i count, __m512d value, __m512d limit) {
  return _mm512_mask_add_epi64(count, _mm512_cmp_pd_mask(value, limit, _CMP_LT_OQ), count, _mm512_set1_epi64(1));
}

inline unsigned less(__m512 value, __m512 limit) { return _mm512_cmp_ps_mask(value, limit, _CMP_LT_OQ); }
inline unsigned less(__m512d value, __m512d limit) { return _mm512_cmp_pd_mask(value, limit, _CMP_LT_OQ); }

// The lanes whose bits are set, side by side.
inline __m512 packed(uint64_t bits, __m512 value) { return _mm512_maskz_compress_ps(bits, value); }
inline __m512d packed(uint64_t bits, __m512d value) { return _mm512_maskz_compress_pd(bits, value); }

template <typename T>
struct Zmm {
  using Type = __m512;
};
template <>
struct Zmm<double> {
  using Type = __m512d;
};
#endif

// sum[b] += number of x[0 .. n) that come before match b: below key[b], or, of the first split[b], below above[b]. The
// splits rise; infinities fill the last register.
template <typename T, int B>
void before_all(const T* x, int64_t n, const T* key, const T* above, const int64_t* split, int64_t* sum) {
  using Register = typename Simd<T>::Register;
  typedef decltype(Register{} < Register{}) Mask;  // integer lanes, -1 where true
  constexpr int64_t lanes = Simd<T>::lanes;
  Register limit[B];
  Mask count[B];  // in registers, if every loop over them is unrolled
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
    limit[b] = Register{} + above[b];
    count[b] = Mask{};
  }
  int64_t i = 0;
#pragma GCC unroll 9
  for (int part = 0; part <= B; ++part) {
    const int64_t end = part < B ? split[part] / lanes * lanes : n;
    for (; i < end; i += lanes) {
      const Register value = *(const typename Simd<T>::Memory*)(x + i);
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b)
#if VREID_BYTES == 64
        count[b] = (Mask)tally((__m512i)count[b], (typename Zmm<T>::Type)value, (typename Zmm<T>::Type)limit[b]);
#else
        count[b] -= value < limit[b];
#endif
    }
    if (part < B) limit[part] = Register{} + key[part];
  }
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) sum[b] += total<Count<T>>(count[b]);
  for (int b = 0; b < B; ++b) {
    const int64_t left = split[b] % lanes;  // of the register with the split, what is as near and earlier is missing
    const T* const mixed = x + (split[b] - left);
    for (int64_t j = 0; j < left; ++j) sum[b] += mixed[j] == key[b];
  }
}

template <typename T>
void before(const T* x, int64_t n, int matches, const T* key, const T* above, const int64_t* split, int64_t* sum) {
  switch (matches) {
    case 1: return before_all<T, 1>(x, n, key, above, split, sum);
    case 2: return before_all<T, 2>(x, n, key, above, split, sum);
    case 3: return before_all<T, 3>(x, n, key, above, split, sum);
    case 4: return before_all<T, 4>(x, n, key, above, split, sum);
    case 5: return before_all<T, 5>(x, n, key, above, split, sum);
    case 6: return before_all<T, 6>(x, n, key, above, split, sum);
    case 7: return before_all<T, 7>(x, n, key, above, split, sum);
    case 8: return before_all<T, 8>(x, n, key, above, split, sum);
  }
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
      sum[p] += value - value;  // 0, or NaN where a value is not finite
    }
  T rest = total<T>((sum[0] + sum[1]) + (sum[2] + sum[3]));
  for (; i < n; ++i) rest += x[i] - x[i];
  return rest == 0;
}

// Bit i says whether x[i] is below the limit, for a block of items; where one of them is not finite, `wrong`
// becomes NaN. Without AVX-512, which alone packs a register, a register with one such item counts as a whole.
template <typename T>
inline uint64_t nearer(const T* x, T limit, typename Simd<T>::Register* wrong) {
  using Register = typename Simd<T>::Register;
  constexpr int lanes = Simd<T>::lanes;
  const Register threshold = Register{} + limit;
  uint64_t bits = 0;
#pragma GCC unroll 32
  for (int p = 0; p < MARKED / lanes; ++p) {
    const Register value = *(const typename Simd<T>::Memory*)(x + p * lanes);
    wrong[p % 4] += value * Register{};  // 0, or NaN
#if VREID_BYTES == 64
    bits |= uint64_t(less((typename Zmm<T>::Type)value, (typename Zmm<T>::Type)threshold)) << (p * lanes);
#else
    bits |= (any(value < threshold) ? (uint64_t(1) << lanes) - 1 : 0) << (p * lanes);
#endif
  }
  return bits;
}

// Copies the items of a block whose bits are set to `out`, which may be x; returns the end of them.
template <typename T>
inline T* copied(const T* x, uint64_t bits, T* out) {
  using Memory = typename Simd<T>::Memory;
  constexpr int lanes = Simd<T>::lanes;
#pragma GCC unroll 32
  for (int p = 0; p < MARKED / lanes; ++p) {
    const uint64_t mine = bits >> (p * lanes) & ((1 << lanes) - 1);
#if VREID_BYTES == 64
    *(Memory*)out = packed(mine, *(const Memory*)(x + p * lanes));
    out += __builtin_popcountll(mine);
#else
    *(Memory*)out = *(const Memory*)(x + p * lanes);
    out += __builtin_ctzll(~mine);  // all of them, or none; of the last register of a tile, as many as there are
#endif
  }
  return out;
}

// Copies what is below the limit of x[0 .. n), if need be with neighbours, to `out`, which may be x, in order, then a
// register of infinities; returns how many, or -1 if an x is not finite. `kept` says which.
template <typename T>
int64_t sieve(const T* x, int64_t n, T limit, T* out, Marks* kept) {
  using Register = typename Simd<T>::Register;
  constexpr int64_t ahead = 8192 / sizeof(T), line = 64 / sizeof(T);
  Register wrong[4] = {};
  T* const begin = out;
  for (; n >= MARKED; n -= MARKED, x += MARKED) {
    for (int64_t i = 0; i < MARKED; i += line) __builtin_prefetch(x + ahead + i);  // memory is the slower half of this
    const uint64_t found = nearer(x, limit, wrong);
    *kept++ = {found, out - begin};
    if (found) out = copied(x, found, out);  // mostly there is none
  }
  if (n > 0) {
    T last[MARKED] = {};
    __builtin_memcpy(last, x, n * sizeof(T));
    const uint64_t found = nearer(last, limit, wrong) & ((uint64_t(1) << n) - 1);
    *kept = {found, out - begin};
    out = copied(last, found, out);
  }
  *(typename Simd<T>::Memory*)out = Register{} + T(__builtin_inf());
  return total<T>((wrong[0] + wrong[1]) + (wrong[2] + wrong[3])) == 0 ? out - begin : -1;
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

// One micro-tile: out[ROWS, WIDE registers] (+)= a[depth, ROWS]^T b[depth, WIDE registers]. Each number is
// one chain of multiply-adds along the depth, wherever it lies in a tile: equal rows give equal bits everywhere.
template <typename T>
void product(const T* a, const T* b, int64_t depth, T* out, int64_t stride, bool add) {
  using Register = typename Simd<T>::Register;
  using Memory = typename Simd<T>::Memory;
  constexpr int64_t lanes = Simd<T>::lanes;
  Register sum[ROWS][WIDE];
#pragma GCC unroll 16
  for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
    for (int w = 0; w < WIDE; ++w) sum[r][w] = add ? Register(*(const Memory*)(out + r * stride + w * lanes)) : Register{};
  for (int64_t k = 0; k < depth; ++k) {
    Register column[WIDE];
#pragma GCC unroll 2
    for (int w = 0; w < WIDE; ++w) column[w] = *(const Memory*)(b + (k * WIDE + w) * lanes);
#pragma GCC unroll 16
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 2
      for (int w = 0; w < WIDE; ++w) sum[r][w] += a[k * ROWS + r] * column[w];
  }
#pragma GCC unroll 16
  for (int r = 0; r < ROWS; ++r)
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
  return {ROWS, WIDE * Simd<T>::lanes, before<T>, finite<T>, sieve<T>,
          square<T>,  product<T>,            dots<T>,  key<T>,   finish<T>};
}

}  // namespace VREID_INSTRUCTION_SET
