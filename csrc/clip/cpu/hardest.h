// Batch-hard: the farthest positive and the nearest negative of each tracklet.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <tuple>
#include <vector>

#include "similarity.h"

namespace vreid {

// The hardest so far of each anchor. Candidates may come in any order: of equals the lowest index stays.
struct Hardest {
  Tensor positives, negatives, positive_indices, negative_indices;  // [N] each
  float *const positive, *const negative;
  int64_t *const positive_index, *const negative_index;

  Hardest(const Tensor& like, int64_t N)
      : positives(zeros(like, {N})),
        negatives(zeros(like, {N})),
        positive_indices(empty(like, {N}, ScalarType::Long)),
        negative_indices(empty(like, {N}, ScalarType::Long)),
        positive(positives.mutable_data_ptr<float>()),
        negative(negatives.mutable_data_ptr<float>()),
        positive_index(positive_indices.mutable_data_ptr<int64_t>()),
        negative_index(negative_indices.mutable_data_ptr<int64_t>()) {
    std::fill_n(positive_index, N, -1);
    std::fill_n(negative_index, N, -1);
  }

  static bool beats(float value, int64_t index, float best, int64_t best_index) {
    if (best_index < 0) return true;
    const bool odd = value != value, best_odd = best != best;  // a NaN is harder than any number, so that it shows
    if (odd || best_odd) return odd && (!best_odd || index < best_index);
    return value > best || (value == best && index < best_index);
  }

  void offer(int64_t anchor, int64_t other, bool same, float distance) const {
    float* best = (same ? positive : negative) + anchor;
    int64_t* index = (same ? positive_index : negative_index) + anchor;
    const float sign = same ? 1 : -1;
    if (beats(sign * distance, other, sign * *best, *index)) *best = distance, *index = other;
  }
};

// The pairs of the tracklets [row, row + rows) with the tracklets [column, end), of which those above the diagonal count.
struct Block {
  int64_t row, rows, column, end;

  int64_t width() const { return end - column; }
  int64_t first(int64_t r) const { return std::max(column, row + r + 1); }
};

// The similarities of a block with query and gallery exchanged, out of the same products: weights need not be symmetric.
inline void exchange_sides(const Tracklets& all, const Rule& rule, const Block& block, const float* tile,
                           int64_t stride, float* out) {
  const int64_t C = all.C;
  parallel_for(0, block.rows, 4, [&](int64_t from, int64_t to) {
    std::vector<float> turned(C * C);
    for (int64_t r = from; r < to; ++r)
      for (int64_t i = block.row + r, j = block.first(r); j < block.end; ++j) {
        for (int64_t a = 0; a < C; ++a)
          for (int64_t b = 0; b < C; ++b) turned[b * C + a] = tile[(r * C + a) * stride + (j - block.column) * C + b];
        float divisor;
        out[r * block.width() + j - block.column] =
            kernels().pairwise(turned.data(), C, C, C, rule.weight + (j * rule.gallery + i) * C * C, all.clips_of(j),
                               all.clips_of(i), rule.count, &divisor);
      }
  });
}

// Farthest positive and nearest negative of each tracklet: distances and indices, [N] each.
inline std::tuple<Tensor, Tensor, Tensor, Tensor> clip_hardest(Tensor clips, Tensor pids, std::optional<Tensor> valid,
                                                               std::optional<Tensor> weight, double top,
                                                               bool normalize, bool count, bool) {
  const Tracklets all(clips, valid, normalize);
  const int64_t N = all.N, C = all.C;
  const int64_t* pid = pids.const_data_ptr<int64_t>();
  const Hardest hardest(clips, N);
  const Rule rule{weights(weight), top, count, N};
  const int64_t lanes = rule.weight ? 1 : kernels().lanes;
  // low tiles where there are few tracklets: what lies below the diagonal is then skipped
  const int64_t high = std::min<int64_t>(std::max<int64_t>(1, TILE_ROWS / std::max<int64_t>(1, C)),
                                         std::max<int64_t>(lanes, (N / 6 + 7) / 8 * 8));
  const int64_t wide = std::min(N, std::max<int64_t>(1, TILE_COLUMNS / std::max<int64_t>(1, C) / lanes) * lanes);
  Columns columns(all, !rule.weight, wide);
  Tensor tiles = empty(clips, {high * C, columns.clips(wide)}), found = empty(clips, {2, high, wide});
  float *tile = tiles.mutable_data_ptr<float>(), *there = found.mutable_data_ptr<float>(), *back = there + high * wide;
  for (int64_t begin = 0; begin < N; begin += wide) {
    const int64_t end = std::min(begin + wide, N);
    columns.take(begin, end);
    for (int64_t row = 0; row < end; row += high) {
      const int64_t column = begin + std::max<int64_t>(0, row - begin) / columns.step * columns.step;
      const Block block{row, std::min(high, end - row), column, end};
      std::memset(there, 0, sizeof(float) * block.rows * block.width());
      if (C) {
        columns.multiply(all, row * C, block.rows * C, column, tile);
        similarities(all, all, columns, rule, tile, row, block.rows, column, there, block.width());
      }
      const bool turn = rule.weight && C;  // else similarity is symmetric
      if (turn) exchange_sides(all, rule, block, tile, columns.stride(column), back);
      for (int64_t r = 0; r < block.rows; ++r)
        for (int64_t i = row + r, j = block.first(r); j < end; ++j) {
          const int64_t at = r * block.width() + j - column;
          hardest.offer(i, j, pid[i] == pid[j], 1 - there[at]);
          hardest.offer(j, i, pid[i] == pid[j], 1 - (turn ? back : there)[at]);
        }
    }
  }
  return {hardest.positives, hardest.negatives, hardest.positive_indices, hardest.negative_indices};
}

}  // namespace vreid
