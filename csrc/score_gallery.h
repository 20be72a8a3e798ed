// What is sought in a gallery, and the gallery in tiles.

#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace vreid {

namespace py = pybind11;

using Ints = py::array_t<int64_t, py::array::c_style>;

inline void require(bool holds, const char* sentence) {
  if (!holds) throw std::invalid_argument(sentence);
}

template <typename T>
struct View {
  const T* data;
  int64_t size;
  T operator[](int64_t i) const { return data[i]; }
};

template <typename T>
View<T> view(const py::handle& object, const char* sentence) {
  using Array = py::array_t<T, py::array::c_style>;
  require(py::isinstance<Array>(object), sentence);
  const auto array = py::reinterpret_borrow<Array>(object);
  return {array.data(), array.size()};
}

inline void offsets(const View<int64_t>& starts, int64_t rows, int64_t last, const char* sentence) {
  require(starts.size == rows + 1 && starts[0] == 0 && starts[rows] == last, sentence);
  for (int64_t i = 0; i < rows; ++i) require(starts[i] <= starts[i + 1], sentence);
}

// `vreid_bench.scoring.ranks.match_index.Sought`, checked: no index below can leave its array.
struct Sought {
  int64_t groups;
  View<int8_t> group;                             // [G] -1 for what never takes a rank
  View<int64_t> start, item, junk_start, junk;    // [R + 1], [M], [R + 1], [J]

  Sought(const py::tuple& fields, int64_t rows, int64_t gallery) {
    require(fields.size() == 6, "sought: wanted the number of groups and 5 arrays");
    groups = fields[0].cast<int64_t>();
    group = view<int8_t>(fields[1], "sought.group: must be int8 and C-contiguous");
    View<int64_t>* const rest[] = {&start, &item, &junk_start, &junk};
    for (int i = 0; i < 4; ++i) *rest[i] = view<int64_t>(fields[i + 2], "sought: must be int64 and C-contiguous");
    require(groups > 0 && group.size == gallery, "sought.group: must have a group for each gallery item");
    for (int64_t g = 0; g < gallery; ++g)
      require(group[g] >= -1 && group[g] < groups, "sought.group: there is no such group");
    for (const auto* places : {&item, &junk})
      for (int64_t i = 0; i < places->size; ++i) {
        const int64_t place = (*places)[i];
        require(place >= 0 && place < gallery && group[place] >= 0, "sought: a place that is not in a group");
      }
    offsets(start, rows, item.size, "sought.start: must rise from 0 to the number of matches");
    for (int64_t q = 0; q < rows; ++q)
      for (int64_t m = start[q] + 1; m < start[q + 1]; ++m)
        require(item[m - 1] < item[m], "sought.item: a query's must rise");
    offsets(junk_start, rows, junk.size, "sought.junk_start: must rise from 0 to the number of junk items");
  }
};

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

  Tiles(const Sought& sought, int64_t width, std::pair<int64_t, int64_t> shard) : sought(sought) {
    require(shard.second > 0 && shard.first >= 0 && shard.first < shard.second, "shard: wanted (i, n), 0 <= i < n");
    std::vector<int64_t> met(sought.groups, 0), open(sought.groups, -1);
    std::vector<std::vector<Marks>> marks(sought.groups);  // the places of each group
    for (auto& group : marks) group.reserve(sought.group.size / MARKED + 1);
    for (int64_t g = 0; g < sought.group.size; ++g) {
      if (g % MARKED == 0)
        for (int64_t k = 0; k < sought.groups; ++k) marks[k].push_back({0, met[k]});
      const int64_t k = sought.group[g];
      if (k < 0) continue;
      if (open[k] < 0 || all[open[k]].size == width) {
        open[k] = int64_t(all.size());
        all.push_back({g, g, met[k], 0, k, open[k] % shard.second == shard.first});
      }
      marks[k].back().bits |= uint64_t(1) << g % MARKED;
      all[open[k]].last = g;
      ++all[open[k]].size;
      ++met[k];
    }
    split.reserve(sought.item.size * sought.groups);
    for (int64_t m = 0; m < sought.item.size; ++m)
      for (const auto& group : marks) split.push_back(marked(group.data(), sought.item[m]));
  }

  // The places of a tile's items.
  void places(const Tile& tile, int64_t* place) const {
    for (int64_t g = tile.first; g <= tile.last; ++g)
      if (sought.group[g] == tile.group) *place++ = g;
  }

  // How many items the tiles of this shard hold.
  int64_t counted() const {
    int64_t items = 0;
    for (const Tile& tile : all) items += tile.counted ? tile.size : 0;
    return items;
  }

  // Does this item's tile belong to the shard?
  bool counts(int64_t place) const {
    for (const Tile& tile : all)
      if (tile.group == sought.group[place] && tile.first <= place && place <= tile.last) return tile.counted;
    return false;
  }

 private:
  const Sought& sought;
};

}  // namespace vreid
