// The kernels that are compiled for each instruction set, and the choice between them at run time.

#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "../common/instruction_sets.h"
#include "tiles.h"

namespace vreid {

// What each does is said in loops.h.
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

#define VREID_LOOPS "../ranks/loops.h"
#include "../common/for_each_instruction_set.h"

// The kernels for the instruction set of this name, or for the best one where the name is empty.
template <typename T>
Kernels<T> choose_kernels(const std::string& name) {
  const std::string set = choose_instruction_set(name);
  return VREID_FOR_SET(set, kernels<T>());
}

}  // namespace vreid
