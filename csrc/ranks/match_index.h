// The match index of a gallery as Python passes it: which gallery items are matches and junk of every query.

#pragma once

#include <cstdint>

#include "../common/arrays.h"

namespace vreid {

using Ints = Array<int64_t>;

template <typename T>
struct View {
  const T* data;
  int64_t size;
  T operator[](int64_t i) const { return data[i]; }
};

template <typename T>
View<T> view(const py::handle& object, const char* sentence) {
  require(py::isinstance<Array<T>>(object), sentence);
  const auto array = py::reinterpret_borrow<Array<T>>(object);
  return {array.data(), array.size()};
}

inline void check_offsets(const View<int64_t>& starts, int64_t rows, int64_t last, const char* sentence) {
  require(starts.size == rows + 1 && starts[0] == 0 && starts[rows] == last, sentence);
  for (int64_t i = 0; i < rows; ++i) require(starts[i] <= starts[i + 1], sentence);
}

// `vreid_bench.scoring.ranks.match_index.MatchIndex`, checked: no index below can leave its array.
struct MatchIndex {
  int64_t groups;
  View<int8_t> group;                           // [G] -1 for what never takes a rank
  View<int64_t> start, item, junk_start, junk;  // [R + 1], [M], [R + 1], [J]

  MatchIndex(const py::tuple& fields, int64_t rows, int64_t gallery) {
    require(fields.size() == 6, "match index: expected the number of groups and 5 arrays");
    groups = fields[0].cast<int64_t>();
    group = view<int8_t>(fields[1], "match_index.group: must be int8 and C-contiguous");
    View<int64_t>* const rest[] = {&start, &item, &junk_start, &junk};
    for (int i = 0; i < 4; ++i) *rest[i] = view<int64_t>(fields[i + 2], "match index: must be int64 and C-contiguous");
    require(groups > 0 && group.size == gallery, "match_index.group: must have a group for each gallery item");
    for (int64_t g = 0; g < gallery; ++g)
      require(group[g] >= -1 && group[g] < groups, "match_index.group: there is no such group");
    for (const auto* places : {&item, &junk})
      for (int64_t i = 0; i < places->size; ++i) {
        const int64_t place = (*places)[i];
        require(place >= 0 && place < gallery && group[place] >= 0, "match index: a place that is in no group");
      }
    check_offsets(start, rows, item.size, "match_index.start: must rise from 0 to the number of matches");
    for (int64_t q = 0; q < rows; ++q)
      for (int64_t m = start[q] + 1; m < start[q + 1]; ++m)
        require(item[m - 1] < item[m], "match_index.item: the places of a query must rise");
    check_offsets(junk_start, rows, junk.size, "match_index.junk_start: must rise from 0 to the number of junk items");
  }

  int64_t matches(int64_t q) const { return start[q + 1] - start[q]; }
};

}  // namespace vreid
