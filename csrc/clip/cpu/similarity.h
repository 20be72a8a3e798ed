// Similarities of tracklets: tiles of the products of their clips, which are reduced where they lie.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "columns.h"

namespace vreid {

constexpr int64_t TILE_ROWS = 2048, TILE_COLUMNS = 512;  // clips of queries and of gallery in a tile of products

// How a tile of products becomes similarities.
struct Rule {
  const float* weight;  // [Q, G, C, K], or null for `top`
  double top;
  bool count;
  int64_t gallery;  // G of the weight
};

// Similarities [rows, columns] of query tracklets from `row` on and gallery tracklets from `column` on, where a step
// begins, out of their products; rows of `out` are `stride` apart.
inline void similarities(const Tracklets& query, const Tracklets& gallery, const Columns& columns, const Rule& rule,
                  const float* tile, int64_t row, int64_t rows, int64_t column, float* out, int64_t stride) {
  const int64_t C = query.C, K = gallery.C, group = columns.group, last = columns.last;
  const int64_t width = columns.stride(column);
  parallel_for(0, rows, 4, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(rule.weight ? 0 : top_scratch(C * K, group) + 16), found(group), kept(group);
    // registers are loaded from aligned addresses
    float* aligned = (float*)(((uintptr_t)scratch.data() + 63) / 64 * 64);
    for (int64_t r = begin; r < end; ++r) {
      const int64_t i = row + r;
      const Clips own = query.clips_of(i);
      const double clips = double(query.count(i));
      for (int64_t j = column; j < last; j += group) {
        const int64_t offset = r * C * width + (j - column) * K;
        float* to = out + r * stride + (j - column);
        if (rule.weight) {
          float divisor;
          *to = kernels().pairwise(tile + offset, width, C, K,
                                   rule.weight + (i * rule.gallery + j) * C * K, own, gallery.clips_of(j), rule.count,
                                   &divisor);
          continue;
        }
        const int64_t place = (j - columns.first) * K;
        for (int64_t l = 0; l < group; ++l)
          kept[l] = float(std::ceil(rule.top * clips * double(columns.count[j - columns.first + l]) - 1e-9));
        kernels().top(tile + offset, width, C, K, own, columns.scale + place, columns.absent + place, kept.data(),
                      aligned, found.data());
        for (int64_t l = 0; l < std::min(group, last - j); ++l)
          to[l] = found[l] + query.fault[i] + gallery.fault[j + l];
      }
    }
  });
}

// Similarities [Q, G].
inline Tensor clip_similarity(Tensor query_clips, Tensor gallery_clips, std::optional<Tensor> query_valid,
                              std::optional<Tensor> gallery_valid, std::optional<Tensor> weight, double top,
                              bool normalize, bool count, bool) {
  const Tracklets query(query_clips, query_valid, normalize), gallery(gallery_clips, gallery_valid, normalize);
  Tensor out = zeros(query_clips, {query.N, gallery.N});
  if (!query.C || !gallery.C) return out;
  float* similarity = out.mutable_data_ptr<float>();
  const Rule rule{weights(weight), top, count, gallery.N};
  const int64_t lanes = rule.weight ? 1 : kernels().lanes;
  const int64_t high = std::min(query.N, std::max<int64_t>(1, TILE_ROWS / query.C));
  const int64_t wide = std::min(gallery.N, std::max<int64_t>(1, TILE_COLUMNS / gallery.C / lanes) * lanes);
  Columns columns(gallery, !rule.weight, wide);
  Tensor tiles = empty(query_clips, {high * query.C, columns.clips(wide)});
  float* tile = tiles.mutable_data_ptr<float>();
  for (int64_t column = 0; column < gallery.N; column += wide) {
    columns.take(column, std::min(column + wide, gallery.N));
    for (int64_t row = 0; row < query.N; row += high) {
      const int64_t rows = std::min(high, query.N - row);
      columns.multiply(query, row * query.C, rows * query.C, column, tile);
      similarities(query, gallery, columns, rule, tile, row, rows, column, similarity + row * gallery.N + column,
                   gallery.N);
    }
  }
  return out;
}

}  // namespace vreid
