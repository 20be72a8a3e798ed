#include "loops.h"

#include <algorithm>
#include <cstring>

// Elsewhere the plain form serves.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define VREID_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define VREID_CLONED 1
#else
#define VREID_CLONES
#define VREID_CLONED 0
#endif

namespace vreid {

constexpr int64_t LANES = 16;  // floats looked at together: one AVX-512 register, two of AVX2

VREID_CLONES float scan_row(const float* x, int64_t columns, int64_t first, List list, bool& finite) {
  constexpr int64_t WIDE = 4 * LANES;
  float top[LANES];
  uint32_t odd[LANES];
  std::fill(top, top + LANES, x[0]);
  std::fill(odd, odd + LANES, 0u);
  int64_t j = 0;
  for (; j + WIDE <= columns; j += WIDE) {
    const float limit = list.value[list.size - 1];
    uint32_t hit[LANES] = {};
    for (int64_t w = 0; w < WIDE; w += LANES)
      for (int u = 0; u < LANES; ++u) {
        const float v = x[j + w + u];
        uint32_t bits;
        std::memcpy(&bits, &v, sizeof bits);
        odd[u] |= static_cast<uint32_t>((bits & 0x7f800000u) == 0x7f800000u);
        top[u] = v > top[u] ? v : top[u];
        hit[u] |= static_cast<uint32_t>(v <= limit);
      }
    uint32_t any = 0;
    for (int u = 0; u < LANES; ++u) any |= hit[u];
    if (!any) continue;
    for (int u = 0; u < LANES; ++u) {
      if (!hit[u]) continue;
      for (int64_t at = j + u; at < j + WIDE; at += LANES)
        if (list.takes(x[at], static_cast<int32_t>(first + at))) list.put(x[at], static_cast<int32_t>(first + at));
    }
  }
  float largest = *std::max_element(top, top + LANES);
  uint32_t strange = 0;
  for (int u = 0; u < LANES; ++u) strange |= odd[u];
  for (; j < columns; ++j) {
    uint32_t bits;
    std::memcpy(&bits, x + j, sizeof bits);
    strange |= static_cast<uint32_t>((bits & 0x7f800000u) == 0x7f800000u);
    largest = std::max(largest, x[j]);
    if (list.takes(x[j], static_cast<int32_t>(first + j))) list.put(x[j], static_cast<int32_t>(first + j));
  }
  finite = finite && !strange;
  return largest;
}

VREID_CLONES void scan_across(const float* x, int64_t columns, int32_t row, float* limit, float* largest, List list) {
  int64_t j = 0;
  auto offer = [&](int64_t at) {
    List own{list.value + at * list.size, list.index + at * list.size, list.size};
    if (!own.takes(x[at], row)) return;
    own.put(x[at], row);
    limit[at] = own.value[own.size - 1];
  };
  for (; j + LANES <= columns; j += LANES) {
    uint32_t hit[LANES], any = 0;
    for (int u = 0; u < LANES; ++u) {
      largest[j + u] = x[j + u] > largest[j + u] ? x[j + u] : largest[j + u];
      hit[u] = static_cast<uint32_t>(x[j + u] <= limit[j + u]);
    }
    for (int u = 0; u < LANES; ++u) any |= hit[u];
    if (!any) continue;
    for (int u = 0; u < LANES; ++u)
      if (hit[u]) offer(j + u);
  }
  for (; j < columns; ++j) {
    largest[j] = std::max(largest[j], x[j]);
    offer(j);
  }
}

VREID_CLONES float squared_distance(const float* a, float scale_a, const float* b, float scale_b, int64_t size) {
  float sum[LANES] = {};
  int64_t k = 0;
  for (; k + LANES <= size; k += LANES)
    for (int u = 0; u < LANES; ++u) {
      const float gap = a[k + u] * scale_a - b[k + u] * scale_b;
      sum[u] += gap * gap;
    }
  float total = 0;
  for (; k < size; ++k) {
    const float gap = a[k] * scale_a - b[k] * scale_b;
    total += gap * gap;
  }
  for (int u = 0; u < LANES; ++u) total += sum[u];
  return total;
}

VREID_CLONES void blend_row(const float* shared, const float* key, float* out, int64_t columns, float weight,
                            float scale, bool square) {
  const float rest = 1 - weight;
  for (int64_t g = 0; g < columns; ++g) {
    const float original = (square ? key[g] * key[g] : key[g]) * scale;
    out[g] = (1 - shared[g] / (2 - shared[g])) * rest + weight * original;
  }
}

VREID_CLONES bool among(const int32_t* items, int64_t count, int32_t item) {
  int32_t found = 0;
  for (int64_t i = 0; i < count; ++i) found |= items[i] == item;
  return found;
}

const char* instruction_set() {
#if VREID_CLONED
  if (__builtin_cpu_supports("x86-64-v4")) return "avx512";
  if (__builtin_cpu_supports("x86-64-v3")) return "avx2";
#endif
  return "plain";
}

}  // namespace vreid
