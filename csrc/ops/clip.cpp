// The clip ops on the CPU: products of clips come in tiles, made by torch, and are reduced where they lie. The twin
// that says what each means is harness/vreid_bench/ops/clip_reference.py; only how it is fast is here.
//
// Everything is built on LibTorch's stable ABI, so that one binary serves torch 2.11 and newer.

#include <Python.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "clip_paths.h"
#include "clip_products.h"

namespace vreid {
namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;
using torch::stable::parallel_for;

constexpr int64_t TILE_ROWS = 2048, TILE_COLUMNS = 512;  // clips of queries and of gallery in a tile of products

// The instruction set in use: the best there is, or what VREID_PATH names, so that each can be tested.
const std::string& path() {
  static const std::string chosen = [] {
    const char* wanted = std::getenv("VREID_PATH");
    const std::vector<std::string> present = paths();
    const bool known = wanted && std::find(present.begin(), present.end(), wanted) != present.end();
    return known ? std::string(wanted) : present[0];
  }();
  return chosen;
}

const ClipKernels& kernels() {
  static const ClipKernels chosen = clip_kernels(path());
  return chosen;
}

const Products& products() {
  static const Products chosen = products_of(path());
  return chosen;
}

Tensor empty(const Tensor& like, std::vector<int64_t> shape, ScalarType type = ScalarType::Float) {
  return torch::stable::new_empty(like, shape, type);
}

Tensor zeros(const Tensor& like, std::vector<int64_t> shape) {
  return torch::stable::new_zeros(like, shape, ScalarType::Float);
}

// Tracklets of a contiguous tensor [N, C, E], with what their clips are multiplied by.
struct Tracklets {
  const Tensor& clips;
  const int64_t N, C, E;
  const bool half;
  const char* const data;
  Tensor scales, faults, valids;  // [N, C], [N], [N, C]
  float* const scale;
  float* const fault;  // 0, or NaN if some valid clip holds what is no finite number
  bool* const valid;

  Tracklets(const Tensor& clips, const std::optional<Tensor>& mask, bool normalize)
      : clips(clips),
        N(clips.size(0)),
        C(clips.size(1)),
        E(clips.size(2)),
        half(clips.scalar_type() == ScalarType::BFloat16),
        data((const char*)clips.const_data_ptr()),
        scales(empty(clips, {N, C})),
        faults(empty(clips, {N})),
        valids(empty(clips, {N, C}, ScalarType::Bool)),
        scale(scales.mutable_data_ptr<float>()),
        fault(faults.mutable_data_ptr<float>()),
        valid(valids.mutable_data_ptr<bool>()) {
    const bool* given = mask ? mask->const_data_ptr<bool>() : nullptr;
    parallel_for(0, N, std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, C * E)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        fault[i] = 0;
        for (int64_t row = i * C; row < (i + 1) * C; ++row) {
          valid[row] = given ? given[row] : true;
          float odd = 0, square = 0;
          if (valid[row])
            square = half ? kernels().square_half((const uint16_t*)at(row), E, &odd)
                          : kernels().square((const float*)at(row), E, &odd);
          scale[row] = normalize ? 1 / std::max(std::sqrt(square), 1e-12f) : 1;
          fault[i] += odd;
        }
      }
    });
  }

  const char* at(int64_t row) const { return data + row * E * (half ? 2 : 4); }
  Clips clips_of(int64_t i) const { return {scale + i * C, valid + i * C}; }
  int64_t count(int64_t i) const { return std::count(valid + i * C, valid + (i + 1) * C, true); }
};

// out[rows, columns] = a[rows, E] b[columns, E]^T in float32, all contiguous.
void multiply(const Tensor& like, const void* a, int64_t rows, const void* b, int64_t columns, int64_t E, void* out) {
  auto view = [&](const void* at, std::array<int64_t, 2> shape, std::array<int64_t, 2> stride) {
    return torch::stable::from_blob(const_cast<void*>(at), {shape.data(), 2}, {stride.data(), 2}, like.device(),
                                    ScalarType::Float);
  };
  Tensor product = view(out, {rows, columns}, {columns, 1});
  std::array<StableIValue, 3> stack{torch::stable::detail::from(view(a, {rows, E}, {E, 1})),
                                    torch::stable::detail::from(view(b, {E, columns}, {1, E})),
                                    torch::stable::detail::from(product)};
  STD_TORCH_CHECK(torch_call_dispatcher("aten::mm", "out", stack.data(), TORCH_ABI_VERSION) == AOTI_TORCH_SUCCESS,
                  "clip ops: a product of ", rows, " and ", columns, " clips failed");
  Tensor same = torch::stable::detail::to<Tensor>(stack[0]);  // mm gives its output back, which is ours to release
}

// How a tile of products becomes similarities.
struct Rule {
  const float* weight;  // [Q, G, C, K], or null for `top`
  double top;
  bool count;
  int64_t gallery;  // G of the weight
};

// Some gallery tracklets as the right-hand side of tiles. For `top` their clips are ordered [group, K, lane] over groups
// of as many tracklets as a register has lanes, so that a row of products is registers of tracklets; where the products
// are made here, they come in panels.
class Columns {
 public:
  const int64_t group;  // tracklets that come together
  const int64_t step;   // tracklets after which both a group and a panel begin
  int64_t first = 0, last = 0;
  float *scale = nullptr, *absent = nullptr, *count = nullptr;  // of `top`: [group, K, lane] twice, [tracklet]

  Columns(const Tracklets& gallery, bool top, int64_t width)
      : group(top ? kernels().lanes : 1),
        step(panels() ? std::lcm(group, PANEL / std::gcd(PANEL, gallery.C)) : group),
        gallery(gallery),
        top(top),
        most(clips(width)) {
    if (top) numbers = empty(gallery.clips, {2 * most + whole(width)});
    if (top || panels())
      packed = empty(gallery.clips, {most, gallery.E}, gallery.half ? ScalarType::BFloat16 : ScalarType::Float);
  }

  // How far rows of a tile of so many tracklets are apart.
  int64_t clips(int64_t tracklets) const {
    const int64_t found = whole(tracklets) * gallery.C;
    return panels() ? (found + PANEL - 1) / PANEL * PANEL : found;
  }

  int64_t stride(int64_t column) const { return clips(last - column); }

  // Take the tracklets [begin, end).
  void take(int64_t begin, int64_t end) {
    first = begin;
    last = end;
    if (!packed) return;
    if (top) {
      scale = numbers->mutable_data_ptr<float>();
      absent = scale + most;
      count = absent + most;
    }
    char* out = (char*)packed->mutable_data_ptr();
    const int64_t bytes = gallery.E * (gallery.half ? 2 : 4), together = panels() ? PANEL : 1;
    parallel_for(0, stride(begin) / together, 32 / together, [&](int64_t from, int64_t to) {
      const uint32_t* rows[PANEL];
      for (int64_t at = from; at < to; ++at) {
        for (int64_t place = at * together; place < (at + 1) * together; ++place)
          rows[place % together] = (const uint32_t*)clip(place);
        if (panels())
          products().pack(rows, PANEL, bytes / 4, (uint32_t*)(out + at * PANEL * bytes));
        else if (rows[0])  // not memcpy, which wants an address even of nothing
          std::copy_n((const char*)rows[0], bytes, out + at * bytes);
        else
          std::fill_n(out + at * bytes, bytes, 0);
      }
    });
  }

  // Products of some query clips, from row `row` on, with these clips from tracklet `column` on, where a step begins.
  void multiply(const Tracklets& query, int64_t row, int64_t rows, int64_t column, float* tile) const {
    const int64_t width = stride(column), bytes = gallery.E * (gallery.half ? 2 : 4);
    const char* right = packed ? (const char*)packed->const_data_ptr() + (column - first) * gallery.C * bytes
                               : gallery.at(column * gallery.C);
    if (!panels()) return vreid::multiply(query.clips, query.at(row), rows, right, width, gallery.E, tile);
    const auto product = gallery.half ? products().halves : products().floats;
    const int64_t depth = bytes / 4, across = width / PANEL;
    parallel_for(0, (rows + SLAB_ROWS - 1) / SLAB_ROWS * across, 1, [&](int64_t begin, int64_t end) {
      std::vector<uint32_t> slab(SLAB * depth);
      for (int64_t at = begin; at < end; ++at) {
        const int64_t r = at / across * SLAB_ROWS, c = at % across * PANEL, high = std::min(SLAB_ROWS, rows - r);
        if (at == begin || !c) {
          const uint32_t* clips[SLAB] = {};
          for (int64_t i = 0; i < high; ++i) clips[i] = (const uint32_t*)query.at(row + r + i);
          products().pack(clips, SLAB, depth, slab.data());
        }
        product(slab.data(), (const uint32_t*)(right + c * bytes), high, depth, tile + r * width + c, width);
      }
    });
  }

 private:
  const Tracklets& gallery;
  const bool top;
  const int64_t most;
  std::optional<Tensor> packed, numbers;

  bool panels() const { return products().pack; }

  int64_t whole(int64_t tracklets) const { return (tracklets + group - 1) / group * group; }

  // The clip of a place, null for none; of `top` with what belongs to it.
  const char* clip(int64_t place) {
    const int64_t K = gallery.C, size = group * K;
    const int64_t j = first + place / size * group + place % group, b = place / group % K;
    const bool there = j < last, valid = there && gallery.valid[j * K + b];
    if (top && place < whole(last - first) * K) {
      scale[place] = valid ? gallery.scale[j * K + b] : 1;
      absent[place] = valid ? 0 : -INFINITY;
      if (!b) count[j - first] = there ? float(gallery.count(j)) : 0;
    }
    return valid ? gallery.at(j * K + b) : nullptr;
  }
};

// Similarities [rows, columns] of query tracklets from `row` on and gallery tracklets from `column` on, where a step
// begins, out of their products; rows of `out` are `stride` apart.
void similarities(const Tracklets& query, const Tracklets& gallery, const Columns& columns, const Rule& rule,
                  const float* tile, int64_t row, int64_t rows, int64_t column, float* out, int64_t stride) {
  const int64_t C = query.C, K = gallery.C, group = columns.group, last = columns.last;
  const int64_t width = columns.stride(column);
  parallel_for(0, rows, 4, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(rule.weight ? 0 : top_scratch(C * K, group) + 16), found(group), kept(group);
    // registers want their own alignment
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

const float* weights(const std::optional<Tensor>& weight) { return weight ? weight->const_data_ptr<float>() : nullptr; }

// One mean a tracklet: [N, E].
Tensor clip_fold(Tensor clips, std::optional<Tensor> valid, std::optional<Tensor> weight, bool normalize, bool count) {
  const Tracklets all(clips, valid, normalize);
  Tensor out = zeros(clips, {all.N, all.E});
  float* mean = out.mutable_data_ptr<float>();
  const float* given = weights(weight);
  parallel_for(0, all.N, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float whole = 0;
      for (int64_t row = i * all.C; row < (i + 1) * all.C; ++row)
        if (all.valid[row]) whole += given && !count ? given[row] : 1;
      for (int64_t row = i * all.C; row < (i + 1) * all.C; ++row) {
        if (!all.valid[row]) continue;
        const float share = all.scale[row] * (given ? given[row] : 1) / (whole == 0 ? 1 : whole);
        if (all.half)
          kernels().add_half((const uint16_t*)all.at(row), share, all.E, mean + i * all.E);
        else
          kernels().add((const float*)all.at(row), share, all.E, mean + i * all.E);
      }
    }
  });
  return out;
}

// Similarities [Q, G].
Tensor clip_similarity(Tensor query_clips, Tensor gallery_clips, std::optional<Tensor> query_valid,
                       std::optional<Tensor> gallery_valid, std::optional<Tensor> weight, double top, bool normalize,
                       bool count, bool) {
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

// The hardest so far of each anchor. What is offered may come in any order: of equals the lowest index stays.
struct Hardest {
  float *positive, *negative;
  int64_t *positive_index, *negative_index;

  static bool beats(float value, int64_t index, float best, int64_t best_index) {
    if (best_index < 0) return true;
    const bool odd = value != value, best_odd = best != best;  // a NaN is harder than any number, lest it be lost
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

// Farthest positive and nearest negative of each tracklet: distances and indices, [N] each.
std::tuple<Tensor, Tensor, Tensor, Tensor> clip_hardest(Tensor clips, Tensor pids, std::optional<Tensor> valid,
                                                        std::optional<Tensor> weight, double top, bool normalize,
                                                        bool count, bool) {
  const Tracklets all(clips, valid, normalize);
  const int64_t N = all.N, C = all.C;
  const int64_t* pid = pids.const_data_ptr<int64_t>();
  Tensor positive = zeros(clips, {N}), negative = zeros(clips, {N});
  Tensor positive_index = empty(clips, {N}, ScalarType::Long), negative_index = empty(clips, {N}, ScalarType::Long);
  const Hardest hardest{positive.mutable_data_ptr<float>(), negative.mutable_data_ptr<float>(),
                        positive_index.mutable_data_ptr<int64_t>(), negative_index.mutable_data_ptr<int64_t>()};
  std::fill_n(hardest.positive_index, N, -1);
  std::fill_n(hardest.negative_index, N, -1);
  const Rule rule{weights(weight), top, count, N};
  const int64_t lanes = rule.weight ? 1 : kernels().lanes;
  // low tiles where there are few tracklets: what lies below the diagonal is then skipped
  const int64_t height = std::min<int64_t>(std::max<int64_t>(1, TILE_ROWS / std::max<int64_t>(1, C)),
                                           std::max<int64_t>(lanes, (N / 6 + 7) / 8 * 8));
  const int64_t wide = std::min(N, std::max<int64_t>(1, TILE_COLUMNS / std::max<int64_t>(1, C) / lanes) * lanes);
  Columns columns(all, !rule.weight, wide);
  Tensor tiles = empty(clips, {height * C, columns.clips(wide)});
  Tensor found = empty(clips, {2, height, wide});
  float *tile = tiles.mutable_data_ptr<float>(), *there = found.mutable_data_ptr<float>();
  float* back = there + height * wide;
  for (int64_t begin = 0; begin < N; begin += wide) {
    const int64_t end = std::min(begin + wide, N);
    columns.take(begin, end);
    for (int64_t row = 0; row < end; row += height) {
      const int64_t rows = std::min(height, end - row);
      const int64_t column = begin + std::max<int64_t>(0, row - begin) / columns.step * columns.step;
      const int64_t width = end - column, stride = columns.stride(column);
      std::memset(there, 0, sizeof(float) * rows * width);
      if (C) {
        columns.multiply(all, row * C, rows * C, column, tile);
        similarities(all, all, columns, rule, tile, row, rows, column, there, width);
      }
      const float* mirrored = there;  // similarity is symmetric, unless the weights are not
      if (rule.weight && C) {
        mirrored = back;
        parallel_for(0, rows, 4, [&](int64_t from, int64_t to) {
          std::vector<float> turned(C * C);
          for (int64_t r = from; r < to; ++r)
            for (int64_t j = std::max(column, row + r + 1); j < end; ++j) {
              for (int64_t a = 0; a < C; ++a)
                for (int64_t b = 0; b < C; ++b)
                  turned[b * C + a] = tile[(r * C + a) * stride + (j - column) * C + b];
              float divisor;
              back[r * width + j - column] =
                  kernels().pairwise(turned.data(), C, C, C, rule.weight + (j * N + row + r) * C * C, all.clips_of(j),
                                     all.clips_of(row + r), count, &divisor);
            }
        });
      }
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t j = std::max(column, row + r + 1); j < end; ++j) {
          const int64_t i = row + r, at = r * width + j - column;
          const bool same = pid[i] == pid[j];
          hardest.offer(i, j, same, 1 - there[at]);
          hardest.offer(j, i, same, 1 - mirrored[at]);
        }
    }
  }
  return {positive, negative, positive_index, negative_index};
}

// What one selected pair contributes.
struct Pair {
  int64_t i, j;
  float grad;  // of its similarity
};

// Gradients of the clips [N, C, E] and of the weight [N, N, C, C], which is empty where there is none, through the
// selected pairs.
std::tuple<Tensor, Tensor> clip_hardest_backward(Tensor grad_positive, Tensor grad_negative, Tensor clips,
                                                 std::optional<Tensor> valid, std::optional<Tensor> weight,
                                                 Tensor positive_index, Tensor negative_index, double top,
                                                 bool normalize, bool count) {
  const Tracklets all(clips, valid, normalize);
  const int64_t N = all.N, C = all.C, E = all.E;
  const float* x = (const float*)all.data;
  const float* given = weights(weight);
  Tensor grad_clips = empty(clips, {N, C, E});
  Tensor grad_weight = given ? zeros(clips, {N, N, C, C}) : empty(clips, {0});
  float *gx = grad_clips.mutable_data_ptr<float>(), *gw = given ? grad_weight.mutable_data_ptr<float>() : nullptr;
  std::vector<Pair> pairs;
  for (const auto& [grads, indices] : {std::tie(grad_positive, positive_index), std::tie(grad_negative, negative_index)})
    for (int64_t i = 0; i < N; ++i) {
      const float grad = grads.const_data_ptr<float>()[i];
      const int64_t j = indices.const_data_ptr<int64_t>()[i];
      if (j >= 0 && grad != 0) pairs.push_back({i, j, -grad});
    }
  // With unit clips u = s x and d similarity / d <u_a, u_b> = h_ab, the gradient of x_a is
  // sum_b h_ab s_a s_b x_b - s_a^2 <u_a, sum_b h_ab u_b> x_a. `share` is h_ab s_a s_b, which serves both sides of a
  // pair; `along` [pair, side, C] is <u_a, sum_b h_ab u_b>. No two pairs are the same, nor their weights.
  Tensor shares = empty(clips, {int64_t(pairs.size()), C, C}), alongs = empty(clips, {int64_t(pairs.size()), 2, C});
  float *share = shares.mutable_data_ptr<float>(), *along = alongs.mutable_data_ptr<float>();
  parallel_for(0, pairs.size(), 4, [&](int64_t begin, int64_t end) {
    std::vector<float> product(C * C);
    std::vector<int64_t> order;
    for (int64_t p = begin; p < end; ++p) {
      const auto [i, j, grad] = pairs[p];
      const Clips one = all.clips_of(i), other = all.clips_of(j);
      float *to = share + p * C * C, *left = along + 2 * p * C, *right = left + C;
      std::fill_n(to, C * C, 0);
      std::fill_n(left, 2 * C, 0);
      kernels().products(x + i * C * E, x + j * C * E, C, C, E, product.data());
      if (given) {
        float divisor;
        const float* w = given + (i * N + j) * C * C;
        const float mean = kernels().pairwise(product.data(), C, C, C, w, one, other, count, &divisor);
        const float part = grad / (divisor == 0 ? 1 : divisor);
        for (int64_t a = 0; a < C; ++a)
          for (int64_t b = 0; b < C; ++b)
            if (one.valid[a] && other.valid[b]) {
              to[a * C + b] = part * w[a * C + b];
              gw[(i * N + j) * C * C + a * C + b] =
                  part * (product[a * C + b] * one.scale[a] * other.scale[b] - (count ? 0 : mean));
            }
      } else {
        order.clear();
        for (int64_t a = 0; a < C; ++a)
          for (int64_t b = 0; b < C; ++b)
            if (one.valid[a] && other.valid[b]) order.push_back(a * C + b);
        auto cosine = [&](int64_t at) { return product[at] * one.scale[at / C] * other.scale[at % C]; };
        const int64_t kept = int64_t(std::ceil(top * double(order.size()) - 1e-9));
        std::nth_element(order.begin(), order.begin() + kept, order.end(), [&](int64_t s, int64_t t) {
          return cosine(s) > cosine(t) || (cosine(s) == cosine(t) && s < t);
        });
        for (int64_t k = 0; k < kept; ++k) to[order[k]] = grad / float(kept);
      }
      for (int64_t a = 0; a < C; ++a)
        for (int64_t b = 0; b < C; ++b) {
          float& at = to[a * C + b];
          if (at == 0) continue;
          at *= one.scale[a] * other.scale[b];
          left[a] += at * product[a * C + b];
          right[b] += at * product[a * C + b];
        }
    }
  });
  std::vector<float> back(N * C);  // what a clip's gradient has of the clip itself
  if (normalize) {
    for (size_t p = 0; p < pairs.size(); ++p)
      for (int64_t a = 0; a < C; ++a) {
        back[pairs[p].i * C + a] -= along[2 * p * C + a];
        back[pairs[p].j * C + a] -= along[(2 * p + 1) * C + a];
      }
    // a clip shorter than 1e-12 is divided by that instead, which does not depend on it
    for (int64_t row = 0; row < N * C; ++row)
      back[row] *= all.scale[row] < 1e12f ? all.scale[row] * all.scale[row] : 0;
  }
  // by slices of E, so that no two threads write to one place
  constexpr int64_t SLICE = 64;
  parallel_for(0, (E + SLICE - 1) / SLICE, 1, [&](int64_t begin, int64_t end) {
    const int64_t d = begin * SLICE, width = std::min(end * SLICE, E) - d;
    for (int64_t row = 0; row < N * C; ++row) {
      std::fill_n(gx + row * E + d, width, 0);
      if (back[row] != 0) kernels().add(x + row * E + d, back[row], width, gx + row * E + d);
    }
    for (size_t p = 0; p < pairs.size(); ++p) {
      const auto [i, j, grad] = pairs[p];
      kernels().spread(x + j * C * E + d, share + p * C * C, C, 1, C, C, width, E, gx + i * C * E + d);
      kernels().spread(x + i * C * E + d, share + p * C * C, 1, C, C, C, width, E, gx + j * C * E + d);
    }
  });
  return {grad_clips, grad_weight};
}

}  // namespace
}  // namespace vreid

// tf32: may the GPU round float32 operands to 10 bits, as torch's own products may by its setting?
STABLE_TORCH_LIBRARY_FRAGMENT(vreid, m) {
  m.def("clip_fold(Tensor clips, Tensor? valid, Tensor? weight, bool normalize, bool count) -> Tensor");
  m.def(
      "clip_similarity(Tensor query, Tensor gallery, Tensor? query_valid, Tensor? gallery_valid, Tensor? weight, "
      "float top, bool normalize, bool count, bool tf32) -> Tensor");
  m.def(
      "clip_hardest(Tensor clips, Tensor pids, Tensor? valid, Tensor? weight, float top, bool normalize, bool count, "
      "bool tf32) -> (Tensor, Tensor, Tensor, Tensor)");
  m.def(
      "clip_hardest_backward(Tensor grad_positive, Tensor grad_negative, Tensor clips, Tensor? valid, Tensor? weight, "
      "Tensor positive_index, Tensor negative_index, float top, bool normalize, bool count) -> (Tensor, Tensor)");
}

STABLE_TORCH_LIBRARY_IMPL(vreid, CPU, m) {
  m.impl("clip_fold", TORCH_BOX(&vreid::clip_fold));
  m.impl("clip_similarity", TORCH_BOX(&vreid::clip_similarity));
  m.impl("clip_hardest", TORCH_BOX(&vreid::clip_hardest));
  m.impl("clip_hardest_backward", TORCH_BOX(&vreid::clip_hardest_backward));
}

// An importable module, which loads the registrations above; it tells the instruction set that was chosen.
extern "C" __attribute__((visibility("default"))) PyObject* PyInit__C(void) {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};
  PyObject* module = PyModule_Create(&definition);
  if (module) {
    PyModule_AddIntConstant(module, "VERSION", 2);
    PyModule_AddStringConstant(module, "PATH", vreid::path().c_str());
    PyModule_AddIntConstant(module, "HALVES", vreid::products().halves != nullptr);  // are bfloat16 operands multiplied as such?
  }
  return module;
}
