// Counting in one tile, for the matches of one query, and the threads that share the tiles.

#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <system_error>
#include <thread>
#include <vector>

#include "score_gallery.h"
#include "score_paths.h"

namespace vreid {

template <typename T>
using Matrix = py::array_t<T, py::array::c_style>;
using Counts = py::array_t<int64_t, py::array::c_style>;
using Shard = std::pair<int64_t, int64_t>;

// Run work(worker, unit) for every unit; `work` must not throw. Fewer threads than asked are as good.
template <typename Work>
void parallel(int64_t units, int threads, const Work& work) {
  std::atomic<int64_t> next{0};
  const auto turn = [&](int worker) {
    for (int64_t unit = next++; unit < units; unit = next++) work(worker, unit);
  };
  std::vector<std::thread> others;
  for (int worker = 1; worker < threads && worker < units; ++worker) {
    try {
      others.emplace_back(turn, worker);
    } catch (const std::system_error&) {
      break;  // the system gives no more threads: those there are do the work
    }
  }
  turn(0);
  for (auto& other : others) other.join();
}

// Keeps the smallest index reported by any thread.
inline void report(std::atomic<int64_t>& bad, int64_t index) {
  int64_t known = bad.load();
  while ((known < 0 || index < known) && !bad.compare_exchange_weak(known, index)) {
  }
}

inline Counts zeros(const Sought& sought) {
  Counts before({sought.item.size, sought.groups});
  std::fill_n(before.mutable_data(), before.size(), 0);
  return before;
}

// The keys of matches and junk: numbers that order as the distances do.
template <typename T>
struct Keys {
  std::vector<T> match, above, junk;  // [M], the next number above it, [J]

  explicit Keys(const Sought& sought) : match(sought.item.size), above(sought.item.size), junk(sought.junk.size) {}

  void raise(const Sought& sought, int64_t q) {
    for (int64_t m = sought.start[q]; m < sought.start[q + 1]; ++m)
      above[m] = std::nextafter(match[m], std::numeric_limits<T>::infinity());
  }
};

// Adds, for the matches of query q, the items x of one tile that come before them. Up to eight matches share one pass
// over the tile. An item as near as a match comes before it if it stands earlier in the gallery, left of `split`:
// there what is below the next number above the key counts, right of it what is below the key. The pass takes one of
// the two for the whole tile, and the items that are exactly as near are put right on the shorter side. `next` is the
// memory that is read after this tile.
template <typename T>
void count_tile(const Kernels<T>& kernels, const Sought& sought, const Tiles& tiles, const Tile& tile, int64_t q,
                const T* x, const Keys<T>& key, int64_t* before, const T* next) {
  constexpr int most = 8;
  const int64_t last = sought.start[q + 1];
  for (int64_t m = sought.start[q]; m < last; m += most) {
    const int limits = int(std::min<int64_t>(most, last - m));
    T limit[most];
    int64_t sum[most] = {};
    for (int i = 0; i < limits; ++i) {
      const int64_t split = tiles.split[(m + i) * sought.groups + tile.group] - tile.earlier;
      const int64_t left = std::clamp<int64_t>(split, 0, tile.size), right = tile.size - left;
      const T mine = key.match[m + i];
      limit[i] = left > right ? key.above[m + i] : mine;
      if (left == 0 || right == 0) continue;  // most tiles lie on one side of the match as a whole
      sum[i] = left > right ? -kernels.equal(x + left, right, mine) : kernels.equal(x, left, mine);
    }
    kernels.below(x, tile.size, limit, limits, sum, m == sought.start[q] ? next : x);
    for (int i = 0; i < limits; ++i) before[(m + i) * sought.groups + tile.group] += sum[i];
  }
}

// Takes back what junk contributed: it takes no rank.
template <typename T>
void drop_junk(const Sought& sought, const Tiles& tiles, bool whole, int64_t q, const Keys<T>& key, int64_t* before) {
  for (int64_t j = sought.junk_start[q]; j < sought.junk_start[q + 1]; ++j) {
    const int64_t place = sought.junk[j], group = sought.group[place];
    if (!whole && !tiles.counts(place)) continue;
    for (int64_t m = sought.start[q]; m < sought.start[q + 1]; ++m) {
      const bool tie = key.junk[j] == key.match[m] && place < sought.item[m];
      before[m * sought.groups + group] -= key.junk[j] < key.match[m] || tie;
    }
  }
}

}  // namespace vreid
