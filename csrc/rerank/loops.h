// The inner loops of re-ranking. Each is compiled for several instruction sets, of which the loader picks one.

#pragma once

#include <cstdint>

namespace vreid {

// The K nearest items of one item so far, nearest first; of two at the same distance the lower index first.
struct List {
  float* value;
  int32_t* index;
  int64_t size;

  bool takes(float v, int32_t i) const {
    const float last = value[size - 1];
    return v < last || (v == last && i < index[size - 1]);
  }

  void put(float v, int32_t i) {
    int64_t at = size - 1;
    for (; at > 0 && (value[at - 1] > v || (value[at - 1] == v && index[at - 1] > i)); --at) {
      value[at] = value[at - 1];
      index[at] = index[at - 1];
    }
    value[at] = v;
    index[at] = i;
  }
};

// Puts the columns of one row into the row's list; they are the items from `first` on. Returns the largest number, and
// clears `finite` where a number is not finite.
float scan_row(const float* x, int64_t columns, int64_t first, List list, bool& finite);

// Puts one row of a tile, the item `row`, into the lists of its columns; `limit` holds the last value of each list.
void scan_across(const float* x, int64_t columns, int32_t row, float* limit, float* largest, List list);

// |a scale_a - b scale_b|^2
float squared_distance(const float* a, float scale_a, const float* b, float scale_b, int64_t size);

// One row of distances: the Jaccard distance that `shared` [columns] makes, blended with `key` or its square.
void blend_row(const float* shared, const float* key, float* out, int64_t columns, float weight, float scale,
               bool square);

// Is `item` among `count` items?
bool among(const int32_t* items, int64_t count, int32_t item);

// The instruction set that runs: avx512, avx2 or plain.
const char* instruction_set();

}  // namespace vreid
