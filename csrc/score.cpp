// Ranks by counting. Twin: harness/vreid_bench/ranks_reference.py, which has the same functions and says what each
// means; here is only how it is fast. R rows of queries, C columns of the gallery, M matches, K groups of columns.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#define VREID_X86 1
#include <immintrin.h>
#endif

namespace py = pybind11;

namespace {

template <typename T>
struct Kernels {
  int rows;      // queries of a micro-tile
  int64_t wide;  // gallery columns of a micro-tile
  void (*below)(const T* x, int64_t n, const T* limit, int limits, int64_t* sum, const T* next);
  int64_t (*equal)(const T* x, int64_t n, T value);
  bool (*finite)(const T* x, int64_t n);
  double (*square)(const T* x, int64_t n);
  void (*product)(const T* a, const T* b, int64_t depth, T* out, int64_t stride, bool add);
  void (*dots)(const T* query, const T* const* item, int items, int64_t depth, T* out);
  T (*key)(T dot, T scale, T shift);
  void (*finish)(T* x, const T* scale, const T* shift, int64_t n);
};

// The plain path: what every processor of this architecture has.
#define VREID_PATH plain
#define VREID_BYTES 16
#define VREID_ROWS 4
#ifdef __FP_FAST_FMAF
#define VREID_FUSED true
#else
#define VREID_FUSED false
#endif
#include "score_kernels.h"
#undef VREID_PATH
#undef VREID_BYTES
#undef VREID_ROWS
#undef VREID_FUSED

#ifdef VREID_X86
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define VREID_PATH avx2
#define VREID_BYTES 32
#define VREID_ROWS 6
#define VREID_FUSED true
#include "score_kernels.h"
#undef VREID_PATH
#undef VREID_BYTES
#undef VREID_ROWS
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif
#define VREID_PATH avx512
#define VREID_BYTES 64
#define VREID_ROWS 14
#include "score_kernels.h"
#undef VREID_PATH
#undef VREID_BYTES
#undef VREID_ROWS
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

// The instruction sets that this processor has, best first.
std::vector<std::string> paths() {
  std::vector<std::string> found;
#ifdef VREID_X86
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    found.push_back("avx512");
  if (v3) found.push_back("avx2");
#endif
  found.push_back("plain");
  return found;
}

template <typename T>
Kernels<T> chosen(const std::string& path) {
  const std::vector<std::string> present = paths();
  const std::string name = path.empty() ? present[0] : path;
  if (std::find(present.begin(), present.end(), name) == present.end())
    throw std::invalid_argument("path: this processor has no " + name);
#ifdef VREID_X86
  if (name == "avx512") return avx512::kernels<T>();
  if (name == "avx2") return avx2::kernels<T>();
#endif
  return plain::kernels<T>();
}

void require(bool holds, const char* sentence) {
  if (!holds) throw std::invalid_argument(sentence);
}

using Longs = py::array_t<int64_t, py::array::c_style>;

struct View {
  const int64_t* data;
  int64_t size;
  int64_t operator[](int64_t i) const { return data[i]; }
};

View view(const py::handle& object) {
  require(py::isinstance<Longs>(object), "sought: every array must be int64 and C-contiguous");
  const auto array = py::reinterpret_borrow<Longs>(object);
  return {array.data(), array.size()};
}

void within(const View& indices, int64_t size, const char* sentence) {
  for (int64_t i = 0; i < indices.size; ++i) require(indices[i] >= 0 && indices[i] < size, sentence);
}

void offsets(const View& starts, int64_t last, const char* sentence) {
  require(starts.size > 0 && starts[0] == 0 && starts[starts.size - 1] == last, sentence);
  for (int64_t i = 1; i < starts.size; ++i) require(starts[i - 1] <= starts[i], sentence);
}

// `vreid_bench.ranks.Sought`, checked: no index below can leave its array.
struct Sought {
  View column, bound, start, item, split, junk_start, junk;

  Sought(const py::tuple& fields, int64_t rows, int64_t columns) {
    require(fields.size() == 7, "sought: wanted 7 arrays");
    View* const mine[] = {&column, &bound, &start, &item, &split, &junk_start, &junk};
    for (int i = 0; i < 7; ++i) *mine[i] = view(fields[i]);
    within(column, columns, "sought.column: an index lies outside the gallery");
    within(item, column.size, "sought.item: an index lies outside the columns");
    within(junk, column.size, "sought.junk: an index lies outside the columns");
    offsets(bound, column.size, "sought.bound: must rise from 0 to the number of columns");
    offsets(start, item.size, "sought.start: must rise from 0 to the number of matches");
    offsets(junk_start, junk.size, "sought.junk_start: must rise from 0 to the number of junk items");
    require(start.size == rows + 1 && junk_start.size == rows + 1, "sought: start must have a place for each query");
    require(split.size == item.size * groups(), "sought.split: must be [M, K]");
  }

  int64_t groups() const { return bound.size - 1; }
};

// A run of columns of one group; no tile crosses a group.
struct Tile {
  int64_t begin, size, group;
  bool adjacent;  // the columns are neighbours in memory, too
};

struct Tiles {
  std::vector<Tile> all;
  std::vector<char> counted;          // per tile: does it belong to this shard?
  std::vector<int64_t> first;         // per group: its first tile
  int64_t width;

  Tiles(const Sought& sought, int64_t width, std::pair<int64_t, int64_t> shard) : width(width) {
    require(shard.second > 0 && shard.first >= 0 && shard.first < shard.second, "shard: wanted (i, n), 0 <= i < n");
    for (int64_t k = 0; k < sought.groups(); ++k) {
      first.push_back(int64_t(all.size()));
      for (int64_t c = sought.bound[k]; c < sought.bound[k + 1]; c += width) {
        const int64_t size = std::min(width, sought.bound[k + 1] - c);
        counted.push_back(int64_t(all.size()) % shard.second == shard.first);
        all.push_back({c, size, k, sought.column[c + size - 1] - sought.column[c] == size - 1});
      }
    }
  }

  int64_t group_of(const Sought& sought, int64_t column) const {
    int64_t k = 0;
    while (column >= sought.bound[k + 1]) ++k;
    return k;
  }

  bool counts(const Sought& sought, int64_t column) const {
    const int64_t k = group_of(sought, column);
    return counted[first[k] + (column - sought.bound[k]) / width];
  }
};

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
void report(std::atomic<int64_t>& bad, int64_t index) {
  int64_t known = bad.load();
  while ((known < 0 || index < known) && !bad.compare_exchange_weak(known, index)) {
  }
}

// Adds, for the matches of query q, the items of one tile that come before them. Up to eight matches share one pass
// over the tile. An item as near as a match comes before it if it stands earlier in the gallery, left of `split`:
// there what is below the next number `above` counts, right of it what is below the key. The pass takes one of the two
// for the whole tile, and the items that are exactly as near are put right on the shorter side. `next` is the memory
// that is read after this tile.
template <typename T>
void count_tile(const Kernels<T>& kernels, const Sought& sought, const Tile& tile, int64_t q, const T* x, const T* key,
                const T* above, int64_t* before, const T* next) {
  constexpr int most = 8;
  const int64_t groups = sought.groups(), last = sought.start[q + 1];
  for (int64_t m = sought.start[q]; m < last; m += most) {
    const int limits = int(std::min<int64_t>(most, last - m));
    T limit[most];
    int64_t sum[most] = {};
    for (int i = 0; i < limits; ++i) {
      const int64_t split = sought.split[(m + i) * groups + tile.group] - (tile.begin - sought.bound[tile.group]);
      const int64_t left = std::clamp<int64_t>(split, 0, tile.size), right = tile.size - left;
      limit[i] = left > right ? above[m + i] : key[m + i];
      sum[i] = left > right ? -kernels.equal(x + left, right, key[m + i]) : kernels.equal(x, left, key[m + i]);
    }
    kernels.below(x, tile.size, limit, limits, sum, m == sought.start[q] ? next : x);
    for (int i = 0; i < limits; ++i) before[(m + i) * groups + tile.group] += sum[i];
  }
}

// Takes back what junk contributed: it takes no rank.
template <typename T>
void drop_junk(const Sought& sought, const Tiles& tiles, int64_t q, const T* key, const T* junk_key, int64_t* before) {
  for (int64_t j = sought.junk_start[q]; j < sought.junk_start[q + 1]; ++j) {
    if (!tiles.counts(sought, sought.junk[j])) continue;
    const int64_t place = sought.column[sought.junk[j]], group = tiles.group_of(sought, sought.junk[j]);
    for (int64_t m = sought.start[q]; m < sought.start[q + 1]; ++m) {
      const bool tie = junk_key[j] == key[m] && place < sought.column[sought.item[m]];
      before[m * sought.groups() + group] -= junk_key[j] < key[m] || tie;
    }
  }
}

template <typename T>
T next_above(T key) {
  return std::nextafter(key, std::numeric_limits<T>::infinity());
}

template <typename T>
using Matrix = py::array_t<T, py::array::c_style>;

Longs matches_by_groups(const Sought& sought) {
  Longs before({sought.item.size, sought.groups()});
  std::fill_n(before.mutable_data(), before.size(), 0);
  return before;
}

constexpr int64_t CHUNK = 2048;  // columns of a distance row that are counted in at once

template <typename T>
std::pair<Longs, int64_t> count_distances(const Matrix<T>& distance, const py::tuple& fields,
                                          std::pair<int64_t, int64_t> shard, int threads, const std::string& path) {
  require(distance.ndim() == 2, "distance: must be [R, C]");
  const Kernels<T> kernels = chosen<T>(path);
  const int64_t rows = distance.shape(0), columns = distance.shape(1);
  const Sought sought(fields, rows, columns);
  const Tiles tiles(sought, CHUNK, shard);
  const T* const all = distance.data();
  Longs result = matches_by_groups(sought);
  int64_t* const before = result.mutable_data();
  std::vector<T> key(sought.item.size), above(sought.item.size), junk_key(sought.junk.size);
  std::vector<T> gathered(size_t(std::max(threads, 1)) * CHUNK);
  std::atomic<int64_t> bad{-1};
  const auto one_query = [&](int worker, int64_t q) {
    const T* const row = all + q * columns;
    if (!kernels.finite(row, columns))
      return report(bad, q * columns + (std::find_if(row, row + columns, [](T x) { return !std::isfinite(x); }) - row));
    for (int64_t m = sought.start[q]; m < sought.start[q + 1]; ++m) {
      key[m] = row[sought.column[sought.item[m]]];
      above[m] = next_above(key[m]);
    }
    for (int64_t j = sought.junk_start[q]; j < sought.junk_start[q + 1]; ++j)
      junk_key[j] = row[sought.column[sought.junk[j]]];
    T* const scratch = gathered.data() + worker * CHUNK;
    for (size_t t = 0; t < tiles.all.size(); ++t) {
      if (!tiles.counted[t]) continue;
      const Tile& tile = tiles.all[t];
      const int64_t* const column = sought.column.data + tile.begin;
      const T* x = row + column[0];
      const T* const next = q + 1 < rows ? x + columns : x;
      if (!tile.adjacent) {
        for (int64_t c = 0; c < tile.size; ++c) scratch[c] = row[column[c]];
        x = scratch;
      }
      count_tile(kernels, sought, tile, q, x, key.data(), above.data(), before, next);
    }
    drop_junk(sought, tiles, q, key.data(), junk_key.data(), before);
  };
  {
    py::gil_scoped_release released;
    parallel(rows, threads, one_query);
  }
  return {result, bad.load()};
}

constexpr int64_t TILE = 256;    // gallery columns that are packed together
constexpr int64_t DEPTH = 4096;  // bytes of a packed column that are multiplied in one go
constexpr int64_t BLOCK = 144;   // most queries whose products with a tile are held at once

enum class Metric { cosine, squared };

// Scale and shift that make a key of a dot product with this row; false if the row cannot be ranked.
template <typename T>
bool rankable(Metric metric, double square, T& scale, T& shift) {
  // a quarter of the range: by Cauchy-Schwarz no dot product, nor the key made of it, can then overflow
  if (!(square < double(std::numeric_limits<T>::max()) / 4)) return false;
  if (metric == Metric::cosine) {
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

template <typename T>
struct Embeddings {
  const T *query, *gallery;
  int64_t rows, depth;
  Metric metric;

  const T* item(const Sought& sought, int64_t column) const { return gallery + sought.column[column] * depth; }
};

// The keys of single pairs, bit for bit as in the tiles.
template <typename T>
void pair_keys(const Kernels<T>& kernels, const Embeddings<T>& of, const Sought& sought, int64_t q, const View& start,
               const View& member, std::vector<T>& key) {
  constexpr int many = 8;
  for (int64_t m = start[q]; m < start[q + 1]; m += many) {
    const int items = int(std::min<int64_t>(many, start[q + 1] - m));
    const T* item[many];
    T dot[many];
    for (int i = 0; i < items; ++i) item[i] = of.item(sought, member[m + i]);
    kernels.dots(of.query + q * of.depth, item, items, of.depth, dot);
    for (int i = 0; i < items; ++i) {
      T scale = 0, shift = 0;
      rankable(of.metric, kernels.square(item[i], of.depth), scale, shift);
      key[m + i] = kernels.key(dot[i], scale, shift);
    }
  }
}

// What one thread needs: a packed tile of the gallery, its scales and shifts, and the keys of a block of queries.
template <typename T>
struct Workspace {
  std::vector<T> packed, product, scale, shift;
  std::vector<int64_t> before;

  Workspace(const Sought& sought, int64_t depth)
      : packed(TILE * depth), product(BLOCK * TILE), scale(TILE), shift(TILE),
        before(sought.item.size * sought.groups()) {}
};

template <typename T>
struct Counting {
  const Kernels<T>& kernels;
  const Embeddings<T>& of;
  const Sought& sought;
  const Tiles& tiles;
  const T* queries;  // packed
  std::vector<T> key, above, junk_key;
  std::atomic<int64_t> bad{-1};   // first query, or number of queries + gallery row, that cannot be ranked
  std::atomic<bool> differs{false};

  void tile(Workspace<T>& space, const Tile& tile) {
    for (int64_t c = 0; c < tile.size; ++c) {
      const double square = kernels.square(of.item(sought, tile.begin + c), of.depth);
      if (!rankable(of.metric, square, space.scale[c], space.shift[c]))
        report(bad, of.rows + sought.column[tile.begin + c]);
    }
    pack(
        [&](int64_t c) { return of.item(sought, tile.begin + c); }, tile.size, of.depth, kernels.wide,
        space.packed.data());
    const int64_t block = BLOCK / kernels.rows * kernels.rows;
    for (int64_t q = 0; q < of.rows; q += block) {
      const int64_t rows = std::min(block, of.rows - q);
      multiply(space, tile, q, rows);
      for (int64_t r = 0; r < rows; ++r) {
        T* const x = space.product.data() + r * TILE;
        kernels.finish(x, space.scale.data(), space.shift.data(), tile.size);
        compare(tile, q + r, x);
        count_tile(kernels, sought, tile, q + r, x, key.data(), above.data(), space.before.data(), x + TILE);
      }
    }
  }

  void multiply(Workspace<T>& space, const Tile& tile, int64_t q, int64_t rows) {
    const int64_t step = DEPTH / int64_t(sizeof(T));
    for (int64_t k = 0; k < of.depth; k += step) {
      const int64_t depth = std::min(step, of.depth - k);
      for (int64_t c = 0; c < tile.size; c += kernels.wide)
        for (int64_t r = 0; r < rows; r += kernels.rows)
          kernels.product(queries + (q + r) * of.depth + k * kernels.rows,
                          space.packed.data() + c * of.depth + k * kernels.wide, depth,
                          space.product.data() + r * TILE + c, TILE, k > 0);
    }
  }

  // A match must have in its tile the very key it is counted by, or ties would be decided by rounding.
  void compare(const Tile& tile, int64_t q, const T* x) {
    for (int64_t m = sought.start[q]; m < sought.start[q + 1]; ++m) {
      const int64_t c = sought.item[m] - tile.begin;
      if (c >= 0 && c < tile.size && x[c] != key[m]) differs = true;
    }
  }
};

template <typename T>
std::pair<Longs, int64_t> count_embeddings(const Matrix<T>& query, const Matrix<T>& gallery, const std::string& metric,
                                           const py::tuple& fields, std::pair<int64_t, int64_t> shard, int threads,
                                           const std::string& path) {
  require(query.ndim() == 2 && gallery.ndim() == 2 && query.shape(1) == gallery.shape(1),
          "query and gallery: must be [Q, E] and [G, E]");
  require(metric == "cosine" || metric == "sqeuclidean", "metric: must be cosine or sqeuclidean");
  const Kernels<T> kernels = chosen<T>(path);
  const Embeddings<T> of{query.data(), gallery.data(), query.shape(0), query.shape(1),
                         metric == "cosine" ? Metric::cosine : Metric::squared};
  const Sought sought(fields, of.rows, gallery.shape(0));
  const Tiles tiles(sought, TILE, shard);
  Longs result = matches_by_groups(sought);
  int64_t* const before = result.mutable_data();
  int64_t bad = -1;
  bool differs = false;
  {
    py::gil_scoped_release released;
    const int64_t padded = (of.rows + kernels.rows - 1) / kernels.rows * kernels.rows;
    std::vector<T> packed(padded * of.depth);
    std::vector<Workspace<T>> spaces(std::max(threads, 1), Workspace<T>(sought, of.depth));
    std::vector<int64_t> chosen_tiles;
    for (size_t t = 0; t < tiles.all.size(); ++t)
      if (tiles.counted[t]) chosen_tiles.push_back(int64_t(t));
    Counting<T> counting{kernels, of, sought, tiles, packed.data(), {}, {}, {}};
    counting.key.resize(sought.item.size);
    counting.above.resize(sought.item.size);
    counting.junk_key.resize(sought.junk.size);
    parallel(of.rows, threads, [&](int, int64_t q) {
      T scale, shift;
      if (!rankable(of.metric, kernels.square(of.query + q * of.depth, of.depth), scale, shift))
        return report(counting.bad, q);
      pair_keys(kernels, of, sought, q, sought.start, sought.item, counting.key);
      pair_keys(kernels, of, sought, q, sought.junk_start, sought.junk, counting.junk_key);
    });
    pack([&](int64_t q) { return of.query + q * of.depth; }, of.rows, of.depth, kernels.rows, packed.data());
    std::transform(counting.key.begin(), counting.key.end(), counting.above.begin(), next_above<T>);
    parallel(int64_t(chosen_tiles.size()), threads,
             [&](int worker, int64_t unit) { counting.tile(spaces[worker], tiles.all[chosen_tiles[unit]]); });
    for (const auto& space : spaces)
      for (size_t i = 0; i < space.before.size(); ++i) before[i] += space.before[i];
    for (int64_t q = 0; q < of.rows; ++q)
      drop_junk(sought, tiles, q, counting.key.data(), counting.junk_key.data(), before);
    bad = counting.bad;
    differs = counting.differs;
  }
  if (differs && bad < 0) throw std::runtime_error("count_embeddings: a key differs between pair and tile");
  return {result, bad};
}

template <typename T>
void define(py::module_& module) {
  module.def("count_distances", &count_distances<T>, py::arg("distance").noconvert(), py::arg("sought"),
             py::arg("shard"), py::arg("threads"), py::arg("path") = "");
  module.def("count_embeddings", &count_embeddings<T>, py::arg("query").noconvert(), py::arg("gallery").noconvert(),
             py::arg("metric"), py::arg("sought"), py::arg("shard"), py::arg("threads"), py::arg("path") = "");
}

}  // namespace

PYBIND11_MODULE(_score, module) {
  module.doc() = "Ranks by counting: the native form of vreid_bench.ranks_reference.";
  module.attr("VERSION") = 1;  // of these functions' arguments; the loader refuses a file left over from another
  module.def("paths", &paths, "The instruction sets of this processor that are compiled in, best first.");
  define<float>(module);
  define<double>(module);
}
