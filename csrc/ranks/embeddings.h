// Counting straight from embeddings: the product of queries and a tile of the gallery is counted in while it is in the
// cache, and never written elsewhere.

#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../common/threads.h"
#include "count.h"

namespace vreid {

constexpr int64_t TILE = 256;    // gallery items that are packed together
constexpr int64_t DEPTH = 4096;  // bytes of a packed item that are multiplied in one go
constexpr int64_t BLOCK = 144;   // most queries whose products with a tile are held at once

// Scale and shift that make a key of a dot product with this item; false if the item cannot be ranked.
template <typename T>
bool rankable(bool cosine, double square, T& scale, T& shift) {
  // a quarter of the range: by Cauchy-Schwarz no dot product, nor the key made of it, can then overflow
  if (!(square < double(std::numeric_limits<T>::max()) / 4)) return false;
  if (cosine) {
    scale = T(-1 / std::sqrt(square));
    shift = 0;
    return square > 0 && std::isfinite(scale);
  }
  scale = -2;
  shift = T(square);  // the query's own square is the same for its whole row, and left out
  return true;
}

// [rows, depth] -> panels of `wide` rows, [panel, depth, wide], zeros behind the last row.
template <typename T, typename Row>
void pack(const Row& row, int64_t rows, int64_t depth, int64_t wide, T* out) {
  for (int64_t panel = 0; panel < rows; panel += wide, out += wide * depth)
    for (int64_t r = 0; r < wide; ++r) {
      const T* const from = panel + r < rows ? row(panel + r) : nullptr;
      for (int64_t k = 0; k < depth; ++k) out[k * wide + r] = from ? from[k] : T(0);
    }
}

// What one thread needs: a packed tile of the gallery with its scales and shifts, and the keys of a block of queries.
template <typename T>
struct Workspace {
  std::vector<T> packed, product, scale, shift;
  std::vector<int64_t> place, before;
  Near<T> near{TILE};

  Workspace(const MatchIndex& index, int64_t depth)
      : packed(TILE * depth), product(BLOCK * TILE), scale(TILE), shift(TILE), place(TILE),
        before(index.item.size * index.groups) {}
};

template <typename T>
struct Products {
  const Kernels<T> kernels;
  const T *const query, *const gallery;
  const int64_t rows, depth;
  const bool cosine;
  const MatchIndex index;
  const Tiles tiles;
  const bool whole;  // is this shard all?
  Keys<T> key;
  std::vector<T> queries;             // packed
  std::atomic<int64_t> bad{-1};       // first query, or number of queries + place, that cannot be ranked
  std::atomic<bool> differs{false};   // between a key and what its tile has in its place

  Products(const Array<T>& query, const Array<T>& gallery, bool cosine, const py::tuple& fields, Shard shard,
           const std::string& instruction_set)
      : kernels(choose_kernels<T>(instruction_set)), query(query.data()), gallery(gallery.data()), rows(query.shape(0)),
        depth(query.shape(1)), cosine(cosine), index(fields, rows, gallery.shape(0)), tiles(index, TILE, shard),
        whole(shard.second == 1), key(index),
        queries((rows + kernels.rows - 1) / kernels.rows * kernels.rows * depth) {
    pack([&](int64_t q) { return this->query + q * depth; }, rows, depth, kernels.rows, queries.data());
  }

  // The keys of a query's matches and junk, bit for bit as in the tiles.
  void single(int64_t q) {
    T scale, shift;
    if (!rankable(cosine, kernels.square(query + q * depth, depth), scale, shift)) return report(bad, q);
    keys_of(q, index.start, index.item, key.match);
    keys_of(q, index.junk_start, index.junk, key.junk);
    key.arrange(index, q);
  }

  // Counts one tile for all queries.
  void count(Workspace<T>& space, const Tile& tile) {
    tiles.places(tile, space.place.data());
    for (int64_t c = 0; c < tile.size; ++c) {
      const double square = kernels.square(gallery + space.place[c] * depth, depth);
      if (!rankable(cosine, square, space.scale[c], space.shift[c])) report(bad, rows + space.place[c]);
    }
    pack([&](int64_t c) { return gallery + space.place[c] * depth; }, tile.size, depth, kernels.wide,
         space.packed.data());
    const int64_t block = BLOCK / kernels.rows * kernels.rows;
    for (int64_t q = 0; q < rows; q += block) {
      const int64_t some = std::min(block, rows - q);
      multiply(space, tile, q, some);
      for (int64_t r = 0; r < some; ++r) {
        T* const x = space.product.data() + r * TILE;
        kernels.finish(x, space.scale.data(), space.shift.data(), tile.size);
        compare(space, tile, q + r, x);
        count_tile(kernels, index, tiles, tile, q + r, x, space.place.data(), key, space.near,
                   space.before.data());
      }
    }
  }

 private:
  void keys_of(int64_t q, const View<int64_t>& start, const View<int64_t>& places, std::vector<T>& out) const {
    constexpr int many = 8;
    for (int64_t m = start[q]; m < start[q + 1]; m += many) {
      const int items = int(std::min<int64_t>(many, start[q + 1] - m));
      const T* item[many];
      T dot[many];
      for (int i = 0; i < items; ++i) item[i] = gallery + places[m + i] * depth;
      kernels.dots(query + q * depth, item, items, depth, dot);
      for (int i = 0; i < items; ++i) {
        T scale = 0, shift = 0;
        rankable(cosine, kernels.square(item[i], depth), scale, shift);
        out[m + i] = kernels.key(dot[i], scale, shift);
      }
    }
  }

  void multiply(Workspace<T>& space, const Tile& tile, int64_t q, int64_t some) const {
    const int64_t step = DEPTH / int64_t(sizeof(T));
    for (int64_t k = 0; k < depth; k += step) {
      const int64_t deep = std::min(step, depth - k);
      for (int64_t c = 0; c < tile.size; c += kernels.wide)
        for (int64_t r = 0; r < some; r += kernels.rows)
          kernels.product(queries.data() + (q + r) * depth + k * kernels.rows,
                          space.packed.data() + c * depth + k * kernels.wide, deep,
                          space.product.data() + r * TILE + c, TILE, k > 0);
    }
  }

  // A match must have in its tile the very key it is counted by, or ties would be decided by rounding.
  void compare(const Workspace<T>& space, const Tile& tile, int64_t q, const T* x) {
    const int64_t *const begin = index.item.data + index.start[q], *const end = index.item.data + index.start[q + 1];
    for (auto m = std::lower_bound(begin, end, tile.first) - index.item.data; m < index.start[q + 1]; ++m) {
      const int64_t place = index.item[m];
      if (place > tile.last) break;
      if (index.group[place] != tile.group) continue;
      const auto* const found = std::lower_bound(space.place.data(), space.place.data() + tile.size, place);
      if (x[found - space.place.data()] != key.match[m]) differs = true;
    }
  }
};

template <typename T>
std::pair<Ints, int64_t> count_embeddings(const Array<T>& query, const Array<T>& gallery, const std::string& metric,
                                            const py::tuple& fields, Shard shard, int threads,
                                            const std::string& instruction_set) {
  require(query.ndim() == 2 && gallery.ndim() == 2 && query.shape(1) == gallery.shape(1),
          "query and gallery: must be [Q, E] and [G, E]");
  require(metric == "cosine" || metric == "sqeuclidean", "metric: must be cosine or sqeuclidean");
  Products<T> products(query, gallery, metric == "cosine", fields, shard, instruction_set);
  const MatchIndex& index = products.index;
  Ints result = zeros(index);
  int64_t* const before = result.mutable_data();
  {
    py::gil_scoped_release released;
    std::vector<const Tile*> mine;
    for (const Tile& tile : products.tiles.all)
      if (tile.counted) mine.push_back(&tile);
    std::vector<Workspace<T>> spaces(std::max(threads, 1), Workspace<T>(index, products.depth));
    parallel(products.rows, 1, threads, [&](int, int64_t begin, int64_t end) {
      for (int64_t q = begin; q < end; ++q) products.single(q);
    });
    parallel(int64_t(mine.size()), 1, threads, [&](int worker, int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) products.count(spaces[worker], *mine[t]);
    });
    for (const auto& space : spaces)
      for (size_t i = 0; i < space.before.size(); ++i) before[i] += space.before[i];
    for (int64_t q = 0; q < products.rows; ++q) complete(index, products.tiles, products.whole, q, products.key, before);
  }
  if (products.differs && products.bad < 0)
    throw std::runtime_error("count_embeddings: a key differs between pair and tile");
  return {result, products.bad.load()};
}

}  // namespace vreid
