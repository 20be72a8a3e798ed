// The gallery in tiles.

#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "match_index.h"

namespace vreid {

constexpr int64_t MARKED = 64;  // places in a word

// Which of MARKED places are marked, and how many before them are.
struct Marks {
  uint64_t bits;
  int64_t earlier;
};

// How many are marked before a place.
inline int64_t marked(const Marks* marks, int64_t place) {
  const Marks& here = marks[place / MARKED];
  return here.earlier + __builtin_popcountll(here.bits & ((uint64_t(1) << place % MARKED) - 1));
}

// Some items of one group, in the order of the gallery; a tile holds all of its group between its first and its last.
struct Tile {
  int64_t first, last;  // places in the gallery
  int64_t earlier;      // items of the group before the first
  int64_t size, group;
  bool counted;  // does it belong to this shard?

  bool adjacent() const { return last - first == size - 1; }  // nothing else between them
};

// The gallery in tiles of at most `width` items. Beyond them it takes no memory that grows with the gallery but the
// marks of every group.
class Tiles {
 public:
  std::vector<Tile> all;
  std::vector<int64_t> split;  // [M, K] items of a group before a match

  Tiles(const MatchIndex& index, int64_t width, std::pair<int64_t, int64_t> shard)
      : index(index), of(index.groups) {
    require(shard.second > 0 && shard.first >= 0 && shard.first < shard.second, "shard: expected (i, n), 0 <= i < n");
    std::vector<int64_t> met(index.groups, 0), open(index.groups, -1);
    std::vector<std::vector<Marks>> marks(index.groups);  // the places of each group
    for (auto& group : marks) group.reserve(index.group.size / MARKED + 1);
    for (int64_t g = 0; g < index.group.size; ++g) {
      if (g % MARKED == 0)
        for (int64_t k = 0; k < index.groups; ++k) marks[k].push_back({0, met[k]});
      const int64_t k = index.group[g];
      if (k < 0) continue;
      if (open[k] < 0 || all[open[k]].size == width) {
        open[k] = int64_t(all.size());
        of[k].push_back(open[k]);
        all.push_back({g, g, met[k], 0, k, open[k] % shard.second == shard.first});
      }
      marks[k].back().bits |= uint64_t(1) << g % MARKED;
      all[open[k]].last = g;
      ++all[open[k]].size;
      ++met[k];
    }
    split.reserve(index.item.size * index.groups);
    for (int64_t m = 0; m < index.item.size; ++m)
      for (const auto& group : marks) split.push_back(marked(group.data(), index.item[m]));
  }

  // The places of a tile's items.
  void places(const Tile& tile, int64_t* place) const {
    for (int64_t g = tile.first; g <= tile.last; ++g)
      if (index.group[g] == tile.group) *place++ = g;
  }

  // How many items the tiles of this shard hold.
  int64_t counted() const {
    int64_t items = 0;
    for (const Tile& tile : all) items += tile.counted ? tile.size : 0;
    return items;
  }

  // Does this item's tile belong to the shard?
  bool counts(int64_t place) const {
    const auto& mine = of[index.group[place]];
    const auto next = std::upper_bound(mine.begin(), mine.end(), place,
                                       [&](int64_t here, int64_t tile) { return here < all[tile].first; });
    return all[*(next - 1)].counted;
  }

 private:
  const MatchIndex& index;
  std::vector<std::vector<int64_t>> of;  // the tiles of each group, rising
};

}  // namespace vreid
