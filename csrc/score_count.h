// Counting in one tile, for the matches of one query, and the threads that share the tiles.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include "score_gallery.h"
#include "score_paths.h"

namespace vreid {

template <typename T>
using Matrix = py::array_t<T, py::array::c_style>;
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

// The next number above a finite one: std::nextafter, which is a call.
template <typename T>
T next_above(T value) {
  using Bits = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  if (value == 0) return std::numeric_limits<T>::denorm_min();
  Bits bits;
  std::memcpy(&bits, &value, sizeof value);
  bits += bits < 0 ? -1 : 1;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The keys of matches and junk: numbers that order as the distances do.
template <typename T>
struct Keys {
  std::vector<T> match, above, junk;  // [M], the next number above it, [J]
  std::vector<T> beyond;              // [R] the next number above the farthest match

  explicit Keys(const Sought& sought)
      : match(sought.item.size), above(sought.item.size), junk(sought.junk.size), beyond(sought.start.size - 1) {}

  void raise(const Sought& sought, int64_t q) {
    T most = -std::numeric_limits<T>::infinity();
    for (int64_t m = sought.start[q]; m < sought.start[q + 1]; ++m) {
      above[m] = next_above(match[m]);
      most = std::max(most, above[m]);
    }
    beyond[q] = most;
  }
};

// The items of a tile that are no farther than the farthest match of a query: of a good ranking, a small part.
template <typename T>
struct Near {
  std::vector<T> item;    // in order, and infinities behind them
  std::vector<Marks> of;  // which of the tile they are

  explicit Near(int64_t width) : item(width + MARKED), of((width + MARKED - 1) / MARKED) {}
};

// Adds, for the matches of query q, the items x of one tile that come before them; false if an x is no finite number.
// Up to eight matches share one pass over what is near enough to count. An item as near as a match comes before it if
// it stands earlier in the gallery, left of `split`. `next` is the memory that is read after this tile.
template <typename T>
bool count_tile(const Kernels<T>& kernels, const Sought& sought, const Tiles& tiles, const Tile& tile, int64_t q,
                const T* x, const Keys<T>& key, Near<T>& near, int64_t* before, const T* next) {
  constexpr int most = 8;
  const int64_t size = kernels.sieve(x, tile.size, key.beyond[q], near.item.data(), near.of.data());
  const int64_t last = size > 0 ? sought.start[q + 1] : 0;
  for (int64_t m = sought.start[q]; m < last; m += most) {
    const int matches = int(std::min<int64_t>(most, last - m));
    int64_t split[most], sum[most] = {};
    for (int i = 0; i < matches; ++i) {
      const int64_t earlier = tiles.split[(m + i) * sought.groups + tile.group] - tile.earlier;
      split[i] = earlier <= 0 ? 0 : earlier >= tile.size ? size : marked(near.of.data(), earlier);
    }
    kernels.before(near.item.data(), size, matches, &key.match[m], &key.above[m], split, sum, next);
    for (int i = 0; i < matches; ++i) before[(m + i) * sought.groups + tile.group] += sum[i];
  }
  return size >= 0;
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
