// The instruction sets that the kernels are compiled for, and the choice between them at run time.

#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "instruction_sets.h"
#include "score_gallery.h"

namespace vreid {

template <typename T>
struct Kernels {
  int rows;      // queries of a micro-tile
  int64_t wide;  // gallery columns of a micro-tile
  void (*before)(const T* x, int64_t n, int matches, const T* key, const T* above, const int64_t* split, int64_t* sum);
  bool (*finite)(const T* x, int64_t n);
  int64_t (*sieve)(const T* x, int64_t n, T limit, T* out, Marks* kept);
  double (*square)(const T* x, int64_t n);
  void (*product)(const T* a, const T* b, int64_t depth, T* out, int64_t stride, bool add);
  void (*dots)(const T* query, const T* const* item, int items, int64_t depth, T* out);
  T (*key)(T dot, T scale, T shift);
  void (*finish)(T* x, const T* scale, const T* shift, int64_t n);
};

// The plain path: what every processor of this architecture has.
#define VREID_PATH plain
#define VREID_BYTES 16
#define VREID_ROWS 4
#ifdef __FP_FAST_FMAF
#define VREID_FUSED true
#else
#define VREID_FUSED false
#endif
#include "score_kernels.h"
#undef VREID_PATH
#undef VREID_BYTES
#undef VREID_ROWS
#undef VREID_FUSED

#ifdef VREID_X86
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define VREID_PATH avx2
#define VREID_BYTES 32
#define VREID_ROWS 6
#define VREID_FUSED true
#include "score_kernels.h"
#undef VREID_PATH
#undef VREID_BYTES
#undef VREID_ROWS
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
#define VREID_PATH avx512
#define VREID_BYTES 64
#define VREID_ROWS 14
#include "score_kernels.h"
#undef VREID_PATH
#undef VREID_BYTES
#undef VREID_ROWS
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

template <typename T>
Kernels<T> chosen(const std::string& path) {
  const std::vector<std::string> present = paths();
  const std::string name = path.empty() ? present[0] : path;
  if (std::find(present.begin(), present.end(), name) == present.end())
    throw std::invalid_argument("path: this processor has no " + name);
#ifdef VREID_X86
  if (name == "avx512") return avx512::kernels<T>();
  if (name == "avx2") return avx2::kernels<T>();
#endif
  return plain::kernels<T>();
}

}  // namespace vreid
