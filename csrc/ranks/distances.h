// Counting in given distances.

#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "../common/threads.h"
#include "count.h"

namespace vreid {

constexpr int64_t CHUNK = 1 << 14;  // items of a row that are counted in at once

template <typename T>
struct Rows {
  const Kernels<T> kernels;
  const MatchIndex index;
  const Tiles tiles;
  const T* const distance;
  const int64_t rows, columns;
  const bool whole;  // is this shard all?
  const bool seen;   // is every distance in a tile that is counted?
  Keys<T> key;
  std::vector<Near<T>> near;                 // one for each thread
  std::vector<T> gathered;                   // a tile for each thread
  std::vector<std::vector<int64_t>> places;  // of the tiles whose items are not neighbours in memory
  std::atomic<int64_t> bad{-1};              // flat index of the first distance that is not finite

  Rows(const Array<T>& matrix, const py::tuple& fields, Shard shard, int threads, const std::string& instruction_set)
      : kernels(choose_kernels<T>(instruction_set)), index(fields, matrix.shape(0), matrix.shape(1)), tiles(index, CHUNK, shard),
        distance(matrix.data()), rows(matrix.shape(0)), columns(matrix.shape(1)), whole(shard.second == 1),
        seen(tiles.counted() == columns), key(index), near(std::max(threads, 1), Near<T>(std::min(columns, CHUNK))),
        gathered(near.size() * CHUNK), places(tiles.all.size()) {
    for (size_t t = 0; t < tiles.all.size(); ++t) {
      if (tiles.all[t].adjacent()) continue;
      places[t].resize(tiles.all[t].size);
      tiles.places(tiles.all[t], places[t].data());
    }
  }

  void count(int worker, int64_t q, int64_t* before) {
    const T* const row = distance + q * columns;
    if (!seen && !kernels.finite(row, columns)) return refuse(q);
    for (int64_t m = index.start[q]; m < index.start[q + 1]; ++m) key.match[m] = row[index.item[m]];
    for (int64_t j = index.junk_start[q]; j < index.junk_start[q + 1]; ++j) key.junk[j] = row[index.junk[j]];
    key.arrange(index, q);
    for (int64_t m = index.start[q + 1]; q + 1 < rows && m < index.start[q + 2]; ++m)
      __builtin_prefetch(row + columns + index.item[m]);  // the next query's matches are looked at before its row
    T* const scratch = gathered.data() + worker * CHUNK;
    for (size_t t = 0; t < tiles.all.size(); ++t) {
      const Tile& tile = tiles.all[t];
      if (!tile.counted) continue;
      for (size_t c = 0; c < places[t].size(); ++c) scratch[c] = row[places[t][c]];
      const T* const x = places[t].empty() ? row + tile.first : scratch;
      const int64_t* const place = places[t].empty() ? nullptr : places[t].data();
      if (!count_tile(kernels, index, tiles, tile, q, x, place, key, near[worker], before)) return refuse(q);
    }
    complete(index, tiles, whole, q, key, before);
  }

  void refuse(int64_t q) {
    const T* const row = distance + q * columns;
    const T* const found = std::find_if(row, row + columns, [](T x) { return !std::isfinite(x); });
    report(bad, q * columns + (found - row));
  }
};

template <typename T>
std::pair<Ints, int64_t> count_distances(const Array<T>& distance, const py::tuple& fields, Shard shard, int threads,
                                           const std::string& instruction_set) {
  require(distance.ndim() == 2, "distance: must be [R, G]");
  Rows<T> rows(distance, fields, shard, threads, instruction_set);
  Ints result = zeros(rows.index);
  int64_t* const before = result.mutable_data();
  {
    py::gil_scoped_release released;
    parallel(rows.rows, 1, threads, [&](int worker, int64_t begin, int64_t end) {
      for (int64_t q = begin; q < end; ++q) rows.count(worker, q, before);
    });
  }
  return {result, rows.bad.load()};
}

}  // namespace vreid
