// The hot parts of k-reciprocal re-ranking (Zhong et al. 2017), as the module `vreid_bench._rerank`.
// harness/vreid_bench/scoring/rerank/reference.py has the same functions in NumPy and says what each means; the comments
// here say only how it is fast. Items are the queries, then the gallery: 0 .. N-1.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

#include "../common/arrays.h"
#include "../common/threads.h"
#include "../common/version.h"
#include "loops.h"

namespace vreid {
namespace {

using Floats = Array<float>;
using Ints = Array<int32_t>;
using Longs = Array<int64_t>;

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
    parallel(tile.rows, 16, threads, [&](int, int64_t begin, int64_t end) {
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
  parallel(tile.columns, strip, threads, [&](int, int64_t begin, int64_t end) {
    std::vector<float> limit(end - begin);
    const int64_t at = (column + begin) * lists.size;
    const List own{lists.value + at, lists.index + at, lists.size};
    for (int64_t c = 0; c < end - begin; ++c) limit[c] = own.value[(c + 1) * own.size - 1];
    for (int64_t r = 0; r < tile.rows; ++r)
      scan_across(tile.data + r * tile.columns + begin, end - begin, static_cast<int32_t>(row + r), limit.data(),
                  top + begin, own);
  });
}

// For each item, those of its first `count` neighbours that have it among their own first `count`, nearest first.
struct Mutual {
  std::vector<int32_t> item;    // [N, count], of which the first `number` are set
  std::vector<int32_t> number;  // [N]
  int64_t count;

  Mutual(const int32_t* index, int64_t size, int64_t width, int64_t count, int threads)
      : item(size * count), number(size), count(count) {
    parallel(size, 256, threads, [&](int, int64_t begin, int64_t end) {
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
    parallel(size, 64, threads, [&](int, int64_t begin, int64_t end) {
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

// Checks the row and column pointers of a sparse matrix: what they point to is read without a further check.
void check_sparse(const Longs& start, const Ints& member, int64_t rows, int64_t columns) {
  require(start.ndim() == 1 && start.shape(0) == rows + 1 && member.ndim() == 1, "start and member: sizes do not fit");
  require(start.data()[0] == 0 && start.data()[rows] == member.shape(0), "start: must go from 0 to len(member)");
  require(std::is_sorted(start.data(), start.data() + rows + 1), "start: must rise");
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
  parallel(size, 64, threads, [&](int, int64_t begin, int64_t end) {
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
  parallel(queries, 8, threads, [&](int, int64_t begin, int64_t end) {
    std::vector<float> shared(galleries);
    for (int64_t q = begin; q < end; ++q) {
      std::fill(shared.begin(), shared.end(), 0.f);
      for (int64_t p = from[q]; p < from[q + 1]; ++p)
        for (int64_t c = down[of[p]]; c < down[of[p] + 1]; ++c) shared[item[c]] += std::min(w[p], cw[c]);
      blend_row(shared.data(), k + q * galleries, o + q * galleries, galleries, share, factor[q], square);
    }
  });
}

}  // namespace
}  // namespace vreid

namespace py = pybind11;

PYBIND11_MODULE(_rerank, m) {
  m.doc() = "Native kernels of re-ranking; vreid_bench.scoring.rerank.reference says what each means.";
  m.def("scan_rows", &vreid::scan_rows, py::arg("tile").noconvert(), py::arg("row"), py::arg("column"),
        py::arg("value").noconvert(), py::arg("index").noconvert(), py::arg("largest").noconvert(), py::arg("threads"));
  m.def("scan_columns", &vreid::scan_columns, py::arg("tile").noconvert(), py::arg("row"), py::arg("column"),
        py::arg("value").noconvert(), py::arg("index").noconvert(), py::arg("largest").noconvert(), py::arg("threads"));
  m.def("reciprocal", &vreid::reciprocal, py::arg("index").noconvert(), py::arg("count"), py::arg("half"),
        py::arg("threads"));
  m.def("between", &vreid::between, py::arg("query").noconvert(), py::arg("gallery").noconvert(),
        py::arg("scale").noconvert(), py::arg("start").noconvert(), py::arg("member").noconvert(), py::arg("threads"));
  m.def("blend", &vreid::blend, py::arg("start").noconvert(), py::arg("member").noconvert(),
        py::arg("weight").noconvert(), py::arg("column_start").noconvert(), py::arg("column_member").noconvert(),
        py::arg("column_weight").noconvert(), py::arg("key").noconvert(), py::arg("scale").noconvert(),
        py::arg("share"), py::arg("square"), py::arg("out").noconvert(), py::arg("threads"));
  m.attr("VERSION") = vreid::VERSION;
  m.def("instruction_set", &vreid::instruction_set, "The instruction set in use: avx512, avx2 or plain.");
}
