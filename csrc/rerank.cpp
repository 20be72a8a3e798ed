// The hot parts of k-reciprocal re-ranking (Zhong et al. 2017). Twin: rerank_reference.py in
// harness/vreid_bench/ranking, which says what each function means; here is only how it is fast. Items are queries, then
// gallery: 0 .. N-1.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace py = pybind11;

// One source, compiled for each instruction set; the loader picks at run time. Elsewhere the plain form serves.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define VREID_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define VREID_DISPATCH 1
#else
#define VREID_CLONES
#define VREID_DISPATCH 0
#endif

namespace {

constexpr int64_t LANES = 16;  // floats looked at together: one AVX-512 register, two of AVX2

using Floats = py::array_t<float, py::array::c_style>;
using Ints = py::array_t<int32_t, py::array::c_style>;
using Longs = py::array_t<int64_t, py::array::c_style>;

void require(bool holds, const char* sentence) {
  if (!holds) throw std::invalid_argument(sentence);
}

// Calls work(begin, end) on pieces of 0 .. size, in any order, on up to `threads` threads.
template <class Work>
void in_parallel(int64_t size, int64_t piece, int threads, Work work) {
  std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr fault;
  auto run = [&] {
    try {
      for (int64_t begin; (begin = next.fetch_add(piece)) < size;) work(begin, std::min(begin + piece, size));
    } catch (...) {
      if (!failed.exchange(true)) fault = std::current_exception();
      next = size;
    }
  };
  std::vector<std::thread> others;
  const int64_t useful = std::min<int64_t>(threads, (size + piece - 1) / piece);
  try {
    for (int64_t t = 1; t < useful; ++t) others.emplace_back(run);
  } catch (const std::system_error&) {
    // the system gives no more threads: those that there are do the work
  }
  run();
  for (auto& other : others) other.join();
  if (fault) std::rethrow_exception(fault);
}

// The K nearest of one item, nearest first; of two at the same distance the lower index first.
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

// Puts the columns of one row into the row's list. Returns the largest number; sets `finite`.
VREID_CLONES float scan_row(const float* x, int64_t columns, int64_t first, List list, bool& finite) {
  constexpr int64_t WIDE = 4 * LANES;
  float top[LANES];
  uint32_t odd[LANES];
  std::fill(top, top + LANES, x[0]);
  std::fill(odd, odd + LANES, 0u);
  int64_t j = 0;
  for (; j + WIDE <= columns; j += WIDE) {
    const float limit = list.value[list.size - 1];
    uint32_t hit[LANES] = {};
    for (int64_t w = 0; w < WIDE; w += LANES)
      for (int u = 0; u < LANES; ++u) {
        const float v = x[j + w + u];
        uint32_t bits;
        std::memcpy(&bits, &v, sizeof bits);
        odd[u] |= static_cast<uint32_t>((bits & 0x7f800000u) == 0x7f800000u);
        top[u] = v > top[u] ? v : top[u];
        hit[u] |= static_cast<uint32_t>(v <= limit);
      }
    uint32_t any = 0;
    for (int u = 0; u < LANES; ++u) any |= hit[u];
    if (!any) continue;
    for (int u = 0; u < LANES; ++u) {
      if (!hit[u]) continue;
      for (int64_t at = j + u; at < j + WIDE; at += LANES)
        if (list.takes(x[at], static_cast<int32_t>(first + at))) list.put(x[at], static_cast<int32_t>(first + at));
    }
  }
  float largest = *std::max_element(top, top + LANES);
  uint32_t strange = 0;
  for (int u = 0; u < LANES; ++u) strange |= odd[u];
  for (; j < columns; ++j) {
    uint32_t bits;
    std::memcpy(&bits, x + j, sizeof bits);
    strange |= static_cast<uint32_t>((bits & 0x7f800000u) == 0x7f800000u);
    largest = std::max(largest, x[j]);
    if (list.takes(x[j], static_cast<int32_t>(first + j))) list.put(x[j], static_cast<int32_t>(first + j));
  }
  finite = finite && !strange;
  return largest;
}

// Puts one row of a tile into the lists of its columns, `limit` being the last value of each list.
VREID_CLONES void scan_across(const float* x, int64_t columns, int32_t row, float* limit, float* largest, List list) {
  int64_t j = 0;
  auto offer = [&](int64_t at) {
    List own{list.value + at * list.size, list.index + at * list.size, list.size};
    if (!own.takes(x[at], row)) return;
    own.put(x[at], row);
    limit[at] = own.value[own.size - 1];
  };
  for (; j + LANES <= columns; j += LANES) {
    uint32_t hit[LANES], any = 0;
    for (int u = 0; u < LANES; ++u) {
      largest[j + u] = x[j + u] > largest[j + u] ? x[j + u] : largest[j + u];
      hit[u] = static_cast<uint32_t>(x[j + u] <= limit[j + u]);
    }
    for (int u = 0; u < LANES; ++u) any |= hit[u];
    if (!any) continue;
    for (int u = 0; u < LANES; ++u)
      if (hit[u]) offer(j + u);
  }
  for (; j < columns; ++j) {
    largest[j] = std::max(largest[j], x[j]);
    offer(j);
  }
}

VREID_CLONES float squared_distance(const float* a, float scale_a, const float* b, float scale_b, int64_t size) {
  float sum[LANES] = {};
  int64_t k = 0;
  for (; k + LANES <= size; k += LANES)
    for (int u = 0; u < LANES; ++u) {
      const float gap = a[k + u] * scale_a - b[k + u] * scale_b;
      sum[u] += gap * gap;
    }
  float total = 0;
  for (; k < size; ++k) {
    const float gap = a[k] * scale_a - b[k] * scale_b;
    total += gap * gap;
  }
  for (int u = 0; u < LANES; ++u) total += sum[u];
  return total;
}

VREID_CLONES void blend_row(const float* shared, const float* key, float* out, int64_t columns, float weight,
                            float scale, bool square) {
  const float rest = 1 - weight;
  for (int64_t g = 0; g < columns; ++g) {
    const float original = (square ? key[g] * key[g] : key[g]) * scale;
    out[g] = (1 - shared[g] / (2 - shared[g])) * rest + weight * original;
  }
}

struct Tile {
  const float* data;
  int64_t rows, columns;
};

Tile tile_of(const Floats& array) {
  require(array.ndim() == 2, "tile: must be [R, C]");
  return {array.data(), array.shape(0), array.shape(1)};
}

List lists_of(Floats& value, Ints& index, Floats& largest) {
  require(value.ndim() == 2 && index.ndim() == 2 && value.shape(0) == index.shape(0) &&
              value.shape(1) == index.shape(1) && value.shape(1) > 0,
          "value and index: must be [N, K], K > 0");
  require(largest.ndim() == 1 && largest.shape(0) == value.shape(0), "largest: must be [N]");
  return {value.mutable_data(), index.mutable_data(), value.shape(1)};
}

bool scan_rows(const Floats& array, int64_t row, int64_t column, Floats value, Ints index, Floats largest, int threads) {
  const Tile tile = tile_of(array);
  const List lists = lists_of(value, index, largest);
  require(row >= 0 && row + tile.rows <= value.shape(0), "tile: its rows are outside 0 .. N-1");
  float* const top = largest.mutable_data();
  if (tile.columns == 0) return true;
  std::atomic<bool> finite{true};
  {
    py::gil_scoped_release release;
    in_parallel(tile.rows, 16, threads, [&](int64_t begin, int64_t end) {
      bool all = true;
      for (int64_t r = begin; r < end; ++r) {
        const int64_t at = (row + r) * lists.size;
        const List own{lists.value + at, lists.index + at, lists.size};
        top[row + r] = std::max(top[row + r], scan_row(tile.data + r * tile.columns, tile.columns, column, own, all));
      }
      if (!all) finite = false;
    });
  }
  return finite;
}

void scan_columns(const Floats& array, int64_t row, int64_t column, Floats value, Ints index, Floats largest,
                  int threads) {
  const Tile tile = tile_of(array);
  const List lists = lists_of(value, index, largest);
  require(column >= 0 && column + tile.columns <= value.shape(0), "tile: its columns are outside 0 .. N-1");
  float* const top = largest.mutable_data() + column;
  py::gil_scoped_release release;
  const int64_t strip = 1024;  // columns whose limits stay in the first-level cache
  in_parallel(tile.columns, strip, threads, [&](int64_t begin, int64_t end) {
    std::vector<float> limit(end - begin);
    const int64_t at = (column + begin) * lists.size;
    const List own{lists.value + at, lists.index + at, lists.size};
    for (int64_t c = 0; c < end - begin; ++c) limit[c] = own.value[(c + 1) * own.size - 1];
    for (int64_t r = 0; r < tile.rows; ++r)
      scan_across(tile.data + r * tile.columns + begin, end - begin, static_cast<int32_t>(row + r), limit.data(),
                  top + begin, own);
  });
}

// Is `item` among `count` items?
VREID_CLONES bool among(const int32_t* items, int64_t count, int32_t item) {
  int32_t found = 0;
  for (int64_t i = 0; i < count; ++i) found |= items[i] == item;
  return found;
}

// For each item, the neighbours among its first `count` that have it among their own first `count`, nearest first.
struct Mutual {
  std::vector<int32_t> item;    // [N, count], of which the first `number` are set
  std::vector<int32_t> number;  // [N]
  int64_t count;

  Mutual(const int32_t* index, int64_t size, int64_t width, int64_t count, int threads)
      : item(size * count), number(size), count(count) {
    in_parallel(size, 256, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t a = 0; a < count; ++a) {
          const int32_t other = index[i * width + a];
          if (among(index + other * width, count, static_cast<int32_t>(i))) item[i * count + number[i]++] = other;
        }
    });
  }

  const int32_t* begin(int64_t i) const { return item.data() + i * count; }
  const int32_t* end(int64_t i) const { return begin(i) + number[i]; }
};

py::tuple reciprocal(const Ints& index, int64_t count, int64_t half, int threads) {
  require(index.ndim() == 2 && count <= index.shape(1) && half <= index.shape(1), "index: must be [N, K]");
  const int64_t size = index.shape(0);
  const int32_t* const near = index.data();
  for (int64_t i = 0; i < index.size(); ++i) require(near[i] >= 0 && near[i] < size, "index: not an item");
  std::vector<std::vector<int32_t>> sets(size);
  Longs start(size + 1);
  int64_t* const from = start.mutable_data();
  {
    py::gil_scoped_release release;
    const Mutual wide(near, size, index.shape(1), count, threads), narrow(near, size, index.shape(1), half, threads);
    in_parallel(size, 64, threads, [&](int64_t begin, int64_t end) {
      std::vector<int32_t> all;
      for (int64_t i = begin; i < end; ++i) {
        all.assign(wide.begin(i), wide.end(i));
        for (const int32_t* candidate = wide.begin(i); candidate < wide.end(i); ++candidate) {
          int32_t shared = 0;
          for (const int32_t* x = narrow.begin(*candidate); x < narrow.end(*candidate); ++x)
            shared += among(wide.begin(i), wide.number[i], *x);
          if (3 * shared > 2 * narrow.number[*candidate])
            all.insert(all.end(), narrow.begin(*candidate), narrow.end(*candidate));
        }
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        sets[i].assign(all.begin(), all.end());
      }
    });
    from[0] = 0;
    for (int64_t item = 0; item < size; ++item) from[item + 1] = from[item] + static_cast<int64_t>(sets[item].size());
  }
  Ints member(from[size]);
  for (int64_t item = 0; item < size; ++item)
    std::copy(sets[item].begin(), sets[item].end(), member.mutable_data() + from[item]);
  return py::make_tuple(start, member);
}

// The row and column pointers of a sparse matrix, checked, since what is behind them is read without a further look.
void check_sparse(const Longs& start, const Ints& member, int64_t rows, int64_t columns) {
  require(start.ndim() == 1 && start.shape(0) == rows + 1 && member.ndim() == 1, "start and member: sizes do not fit");
  require(start.data()[0] == 0 && start.data()[rows] == member.shape(0), "start: must go from 0 to len(member)");
  require(std::is_sorted(start.data(), start.data() + rows + 1), "start: must not fall");
  for (int64_t p = 0; p < member.shape(0); ++p)
    require(member.data()[p] >= 0 && member.data()[p] < columns, "member: outside the matrix");
}

Floats between(const Floats& query, const Floats& gallery, const Floats& scale, const Longs& start, const Ints& member,
               int threads) {
  require(query.ndim() == 2 && gallery.ndim() == 2 && query.shape(1) == gallery.shape(1), "features: must be [., E]");
  const int64_t queries = query.shape(0), size = queries + gallery.shape(0), width = query.shape(1);
  require(scale.ndim() == 1 && scale.shape(0) == size, "scale: must be [N]");
  check_sparse(start, member, size, size);
  Floats result(member.shape(0));
  float* const out = result.mutable_data();
  const float *const q = query.data(), *const g = gallery.data(), *const s = scale.data();
  const int64_t* const from = start.data();
  const int32_t* const of = member.data();
  py::gil_scoped_release release;
  const auto vector = [&](int64_t item) { return item < queries ? q + item * width : g + (item - queries) * width; };
  in_parallel(size, 64, threads, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item)
      for (int64_t p = from[item]; p < from[item + 1]; ++p)
        out[p] = squared_distance(vector(item), s[item], vector(of[p]), s[of[p]], width);
  });
  return result;
}

void blend(const Longs& start, const Ints& member, const Floats& weight, const Longs& column_start,
           const Ints& column_member, const Floats& column_weight, const Floats& key, const Floats& scale, float share,
           bool square, Floats out, int threads) {
  require(key.ndim() == 2 && out.ndim() == 2 && key.shape(0) == out.shape(0) && key.shape(1) == out.shape(1),
          "key and out: must be [Q, G]");
  const int64_t queries = key.shape(0), galleries = key.shape(1), size = column_start.shape(0) - 1;
  require(scale.ndim() == 1 && scale.shape(0) == queries, "scale: must be [Q]");
  check_sparse(start, member, queries, size);
  check_sparse(column_start, column_member, size, galleries);
  require(weight.size() == member.size() && column_weight.size() == column_member.size(), "weights: do not fit");
  const int64_t *const from = start.data(), *const down = column_start.data();
  const int32_t *const of = member.data(), *const item = column_member.data();
  const float *const w = weight.data(), *const cw = column_weight.data(), *const k = key.data();
  const float* const factor = scale.data();
  float* const o = out.mutable_data();
  py::gil_scoped_release release;
  in_parallel(queries, 8, threads, [&](int64_t begin, int64_t end) {
    std::vector<float> shared(galleries);
    for (int64_t q = begin; q < end; ++q) {
      std::fill(shared.begin(), shared.end(), 0.f);
      for (int64_t p = from[q]; p < from[q + 1]; ++p)
        for (int64_t c = down[of[p]]; c < down[of[p] + 1]; ++c) shared[item[c]] += std::min(w[p], cw[c]);
      blend_row(shared.data(), k + q * galleries, o + q * galleries, galleries, share, factor[q], square);
    }
  });
}

std::string path() {
#if VREID_DISPATCH
  if (__builtin_cpu_supports("x86-64-v4")) return "avx512";
  if (__builtin_cpu_supports("x86-64-v3")) return "avx2";
#endif
  return "plain";
}

}  // namespace

PYBIND11_MODULE(_rerank, m) {
  m.doc() = "Native kernels of re-ranking; vreid_bench.scoring.rerank.reference defines each.";
  m.def("scan_rows", &scan_rows, py::arg("tile").noconvert(), py::arg("row"), py::arg("column"),
        py::arg("value").noconvert(), py::arg("index").noconvert(), py::arg("largest").noconvert(), py::arg("threads"));
  m.def("scan_columns", &scan_columns, py::arg("tile").noconvert(), py::arg("row"), py::arg("column"),
        py::arg("value").noconvert(), py::arg("index").noconvert(), py::arg("largest").noconvert(), py::arg("threads"));
  m.def("reciprocal", &reciprocal, py::arg("index").noconvert(), py::arg("count"), py::arg("half"), py::arg("threads"));
  m.def("between", &between, py::arg("query").noconvert(), py::arg("gallery").noconvert(),
        py::arg("scale").noconvert(), py::arg("start").noconvert(), py::arg("member").noconvert(), py::arg("threads"));
  m.def("blend", &blend, py::arg("start").noconvert(), py::arg("member").noconvert(), py::arg("weight").noconvert(),
        py::arg("column_start").noconvert(), py::arg("column_member").noconvert(),
        py::arg("column_weight").noconvert(), py::arg("key").noconvert(), py::arg("scale").noconvert(),
        py::arg("share"), py::arg("square"), py::arg("out").noconvert(), py::arg("threads"));
  m.attr("VERSION") = 2;  // as in native.py
  m.def("path", &path, "The instruction set in use: avx512, avx2 or plain.");
}
