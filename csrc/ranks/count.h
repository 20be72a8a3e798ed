// Counting in one tile, for the matches of one query.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels.h"
#include "tiles.h"

namespace vreid {

using Shard = std::pair<int64_t, int64_t>;

// Keeps the smallest number reported by any thread.
inline void report(std::atomic<int64_t>& bad, int64_t found) {
  int64_t known = bad.load();
  while ((known < 0 || found < known) && !bad.compare_exchange_weak(known, found)) {
  }
}

inline Ints zeros(const MatchIndex& index) {
  Ints before({index.item.size, index.groups});
  std::fill_n(before.mutable_data(), before.size(), 0);
  return before;
}

template <typename T>
using Bits = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

// The next number above a finite one: std::nextafter, which is a call.
template <typename T>
T next_above(T value) {
  if (value == 0) return std::numeric_limits<T>::denorm_min();
  Bits<T> bits;
  std::memcpy(&bits, &value, sizeof value);
  bits += bits < 0 ? -1 : 1;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// A key and a place in the gallery in one number, which orders as items do: by key, and of equal keys by place.
template <typename T>
using Standing = std::conditional_t<sizeof(T) == 4, uint64_t, unsigned __int128>;

template <typename T>
Standing<T> stand(T key, int64_t place) {
  constexpr int width = 8 * sizeof(T);
  key += 0;  // of -0 and 0, which are equal, makes 0
  Bits<T> bits;
  std::memcpy(&bits, &key, sizeof key);
  const auto rising = std::make_unsigned_t<Bits<T>>(bits ^ (bits >> (width - 1) | std::numeric_limits<Bits<T>>::min()));
  return Standing<T>(rising) << width | Standing<T>(place);
}

constexpr int64_t BATCH = 8;  // matches that share a pass
constexpr int64_t FEW = 512;  // most matches that are counted in batches, whose passes grow with their number

// The keys of matches and junk: numbers that order as the distances do.
template <typename T>
struct Keys {
  std::vector<T> match, above, junk;  // [M], the next number above it, [J]
  // [M] a query's farthest BATCH of matches, then the next, each batch by place; of many matches, the nearest first, of
  // equal ones the earlier
  std::vector<int64_t> order;
  std::vector<Standing<T>> ranked;  // [M] many matches in this order

  explicit Keys(const MatchIndex& index)
      : match(index.item.size), above(index.item.size), junk(index.junk.size), order(index.item.size),
        ranked(index.item.size) {}

  // To be called once the keys of query q's matches are there.
  void arrange(const MatchIndex& index, int64_t q) {
    const int64_t start = index.start[q], count = index.matches(q);
    const T* const mine = match.data() + start;
    for (int64_t i = 0; i < count; ++i) above[start + i] = next_above(mine[i]);
    if (count > FEW) return sort(index, start, count);
    std::vector<int64_t> filled(count / BATCH + 1, 0);
    for (int64_t i = 0; i < count; ++i) {  // no sort: it would guess wrong at every other branch
      Bits<T> farther = 0;
      for (int64_t j = 0; j < i; ++j) farther += mine[j] >= mine[i];
      for (int64_t j = i + 1; j < count; ++j) farther += mine[j] > mine[i];
      const int64_t batch = farther / BATCH;
      order[start + batch * BATCH + filled[batch]++] = start + i;
    }
  }

 private:
  void sort(const MatchIndex& index, int64_t start, int64_t count) {
    std::vector<std::pair<Standing<T>, int64_t>> all(count);
    for (int64_t m = start; m < start + count; ++m) all[m - start] = {stand(match[m], index.item[m]), m};
    std::sort(all.begin(), all.end());
    for (int64_t i = 0; i < count; ++i) std::tie(ranked[start + i], order[start + i]) = all[i];
  }
};

// How many of the ranked matches an item does not come before; it comes before the others.
template <typename Number>
int64_t find_among(const Number* ranked, int64_t count, Number item) {
  const Number* first = ranked;
  for (int64_t left = count; left > 1;) {  // without a branch on a comparison, as half of them would be guessed wrong
    const int64_t half = left / 2;
    first += half & -int64_t(first[half - 1] <= item);
    left -= half;
  }
  return first - ranked + (*first <= item);
}

// The items of a tile that are no farther than the farthest match still to be counted: of a good ranking, a small part.
template <typename T>
struct Near {
  std::vector<T> item;         // in order, and infinities behind them
  std::vector<Marks> of;       // which they are of those before the last sieve
  std::vector<int64_t> split;  // [matches of a query] how many of them stand before a match

  explicit Near(int64_t width) : item(width + MARKED), of((width + MARKED - 1) / MARKED) {}
};

// Counts, for the many matches of query q, how many items x of one tile stand just before each of them in the ranking;
// false if an x is not finite. One search for an item serves all matches: `add_up` makes the counts of it.
template <typename T>
bool place_tile(const Kernels<T>& kernels, const MatchIndex& index, const Tile& tile, int64_t q, const T* x,
                const int64_t* place, const Keys<T>& key, Near<T>& near, int64_t* before) {
  const int64_t start = index.start[q], count = index.matches(q);
  const T limit = key.above[key.order[start + count - 1]];
  const int64_t kept = kernels.sieve(x, tile.size, limit, near.item.data(), near.of.data());
  if (kept <= 0) return kept == 0;
  for (int64_t first = 0; first < tile.size; first += MARKED)
    for (uint64_t bits = near.of[first / MARKED].bits; bits; bits &= bits - 1) {
      const int64_t i = first + __builtin_ctzll(bits);
      const auto item = stand(x[i], place ? place[i] : tile.first + i);
      const int64_t behind = find_among(key.ranked.data() + start, count, item);
      if (behind < count) ++before[(start + behind) * index.groups + tile.group];
    }
  return true;
}

// The counts of `place_tile` to what they stand for: how many items come before each match.
inline void add_up(const MatchIndex& index, int64_t q, const std::vector<int64_t>& order, int64_t* before) {
  const int64_t start = index.start[q], count = index.matches(q);
  std::vector<int64_t> sum(count);
  for (int64_t group = 0; group < index.groups; ++group) {
    for (int64_t i = 0, total = 0; i < count; ++i)
      sum[order[start + i] - start] = total += before[(start + i) * index.groups + group];
    for (int64_t i = 0; i < count; ++i) before[(start + i) * index.groups + group] = sum[i];
  }
}

// Adds, for the matches of query q, the items x of one tile that come before them; false if an x is not finite.
// A batch of matches shares one pass over what is near enough to count. An item as near as a match comes before it if
// it stands earlier in the gallery, left of `split`. place: of the items in the gallery, null if they are neighbours.
template <typename T>
bool count_tile(const Kernels<T>& kernels, const MatchIndex& index, const Tiles& tiles, const Tile& tile, int64_t q,
                const T* x, const int64_t* place, const Keys<T>& key, Near<T>& near, int64_t* before) {
  const int64_t number = index.matches(q);
  if (number > FEW) return place_tile(kernels, index, tile, q, x, place, key, near, before);
  const int64_t* const order = key.order.data() + index.start[q];
  near.split.resize(number);
  for (int64_t i = 0; i < number; ++i) {
    const int64_t earlier = tiles.split[order[i] * index.groups + tile.group] - tile.earlier;
    near.split[i] = std::clamp<int64_t>(earlier, 0, tile.size);
  }
  int64_t size = tile.size, first = 0;
  do {
    const int matches = int(std::min(BATCH, number - first));
    T match[BATCH], above[BATCH], limit = std::numeric_limits<T>::lowest();
    for (int i = 0; i < matches; ++i) {
      match[i] = key.match[order[first + i]];
      above[i] = key.above[order[first + i]];
      limit = std::max(limit, above[i]);
    }
    const int64_t kept = kernels.sieve(x, size, limit, near.item.data(), near.of.data());
    if (kept <= 0) return kept == 0;  // nothing is nearer than this batch, so nothing than the next ones
    for (int64_t i = first; i < number; ++i)
      near.split[i] = near.split[i] == size ? kept : marked(near.of.data(), near.split[i]);
    x = near.item.data();
    size = kept;
    int64_t sum[BATCH] = {};
    kernels.before(x, size, matches, match, above, near.split.data() + first, sum);
    for (int i = 0; i < matches; ++i) before[order[first + i] * index.groups + tile.group] += sum[i];
    first += BATCH;
  } while (first < number);
  return true;
}

// Takes back what junk contributed, as it takes no rank, and completes the counts of query q.
template <typename T>
void complete(const MatchIndex& index, const Tiles& tiles, bool whole, int64_t q, const Keys<T>& key, int64_t* before) {
  const int64_t start = index.start[q], count = index.matches(q);
  for (int64_t j = index.junk_start[q]; j < index.junk_start[q + 1]; ++j) {
    const int64_t place = index.junk[j], group = index.group[place];
    if (!whole && !tiles.counts(place)) continue;
    if (count > FEW) {
      const int64_t behind = find_among(key.ranked.data() + start, count, stand(key.junk[j], place));
      if (behind < count) --before[(start + behind) * index.groups + group];
    } else {
      for (int64_t m = start; m < start + count; ++m)
        before[m * index.groups + group] -= key.junk[j] < (place < index.item[m] ? key.above[m] : key.match[m]);
    }
  }
  if (count > FEW) add_up(index, q, key.order, before);
}

}  // namespace vreid
