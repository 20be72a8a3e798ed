// The backward of batch-hard: gradients through the selected pairs only.
//
// With unit clips u = s x and d similarity / d <u_a, u_b> = h_ab, the gradient of x_a is
// sum_b h_ab s_a s_b x_b - s_a^2 <u_a, sum_b h_ab u_b> x_a.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "tracklets.h"

namespace vreid {

// One selected pair of tracklets.
struct Pair {
  int64_t i, j;
  float grad;  // of its similarity
};

inline std::vector<Pair> selected_pairs(const Tensor& grads, const Tensor& indices, int64_t N) {
  std::vector<Pair> pairs;
  for (int64_t i = 0; i < N; ++i) {
    const float grad = grads.const_data_ptr<float>()[i];
    const int64_t j = indices.const_data_ptr<int64_t>()[i];
    if (j >= 0 && grad != 0) pairs.push_back({i, j, -grad});
  }
  return pairs;
}

// h_ab of a pair where the similarity is a weighted mean, and the gradient of its weight w [C, C].
inline void weighted_shares(const float* product, const float* w, int64_t C, Clips one, Clips other, float grad,
                            bool count, float* share, float* grad_weight) {
  float divisor;
  const float mean = kernels().pairwise(product, C, C, C, w, one, other, count, &divisor);
  const float part = grad / (divisor == 0 ? 1 : divisor);
  for (int64_t a = 0; a < C; ++a)
    for (int64_t b = 0; b < C; ++b)
      if (one.valid[a] && other.valid[b]) {
        share[a * C + b] = part * w[a * C + b];
        grad_weight[a * C + b] = part * (product[a * C + b] * one.scale[a] * other.scale[b] - (count ? 0 : mean));
      }
}

// h_ab of a pair where the similarity is the mean of the largest products.
inline void top_shares(const float* product, int64_t C, Clips one, Clips other, float grad, double top, float* share) {
  std::vector<int64_t> order;
  for (int64_t a = 0; a < C; ++a)
    for (int64_t b = 0; b < C; ++b)
      if (one.valid[a] && other.valid[b]) order.push_back(a * C + b);
  const auto cosine = [&](int64_t at) { return product[at] * one.scale[at / C] * other.scale[at % C]; };
  const int64_t kept = int64_t(std::ceil(top * double(order.size()) - 1e-9));
  std::nth_element(order.begin(), order.begin() + kept, order.end(), [&](int64_t s, int64_t t) {
    return cosine(s) > cosine(t) || (cosine(s) == cosine(t) && s < t);
  });
  for (int64_t k = 0; k < kept; ++k) share[order[k]] = grad / float(kept);
}

// From h_ab to h_ab s_a s_b, in place, and <u_a, sum_b h_ab u_b> of each clip a of one side, b of the other.
inline void scale_shares(const float* product, int64_t C, Clips one, Clips other, float* share, float* along_one,
                         float* along_other) {
  for (int64_t a = 0; a < C; ++a)
    for (int64_t b = 0; b < C; ++b) {
      float& at = share[a * C + b];
      if (at == 0) continue;
      at *= one.scale[a] * other.scale[b];
      along_one[a] += at * product[a * C + b];
      along_other[b] += at * product[a * C + b];
    }
}

// Adds up the gradients of the clips [N, C, E]. share: [pair, C, C], h_ab s_a s_b; back: [N, C], what a clip's gradient
// has of the clip itself.
inline void add_gradients(const Tracklets& all, const std::vector<Pair>& pairs, const float* share, const float* back,
                          float* out) {
  const int64_t C = all.C, E = all.E;
  const float* x = (const float*)all.data;
  constexpr int64_t SLICE = 64;  // by slices of E, so that no two threads write to one place
  parallel_for(0, (E + SLICE - 1) / SLICE, 1, [&](int64_t begin, int64_t end) {
    const int64_t d = begin * SLICE, width = std::min(end * SLICE, E) - d;
    for (int64_t row = 0; row < all.N * C; ++row) {
      std::fill_n(out + row * E + d, width, 0);
      if (back[row] != 0) kernels().add(x + row * E + d, back[row], width, out + row * E + d);
    }
    for (size_t p = 0; p < pairs.size(); ++p) {
      const auto [i, j, grad] = pairs[p];
      kernels().spread(x + j * C * E + d, share + p * C * C, C, 1, C, C, width, E, out + i * C * E + d);
      kernels().spread(x + i * C * E + d, share + p * C * C, 1, C, C, C, width, E, out + j * C * E + d);
    }
  });
}

// Gradients of the clips [N, C, E] and of the weight [N, N, C, C], which is empty where there is none.
inline std::tuple<Tensor, Tensor> clip_hardest_backward(Tensor grad_positive, Tensor grad_negative, Tensor clips,
                                                        std::optional<Tensor> valid, std::optional<Tensor> weight,
                                                        Tensor positive_index, Tensor negative_index, double top,
                                                        bool normalize, bool count) {
  const Tracklets all(clips, valid, normalize);
  const int64_t N = all.N, C = all.C, E = all.E;
  const float *x = (const float*)all.data, *given = weights(weight);
  Tensor grad_clips = empty(clips, {N, C, E});
  Tensor grad_weight = given ? zeros(clips, {N, N, C, C}) : empty(clips, {0});
  float* gw = given ? grad_weight.mutable_data_ptr<float>() : nullptr;
  std::vector<Pair> pairs = selected_pairs(grad_positive, positive_index, N);
  for (const Pair& pair : selected_pairs(grad_negative, negative_index, N)) pairs.push_back(pair);
  // no two pairs are the same, nor their weights, so that threads may take any of them
  Tensor shares = zeros(clips, {int64_t(pairs.size()), C, C}), alongs = zeros(clips, {int64_t(pairs.size()), 2, C});
  float *share = shares.mutable_data_ptr<float>(), *along = alongs.mutable_data_ptr<float>();
  parallel_for(0, pairs.size(), 4, [&](int64_t begin, int64_t end) {
    std::vector<float> product(C * C);
    for (int64_t p = begin; p < end; ++p) {
      const auto [i, j, grad] = pairs[p];
      const Clips one = all.clips_of(i), other = all.clips_of(j);
      float* mine = share + p * C * C;
      kernels().products(x + i * C * E, x + j * C * E, C, C, E, product.data());
      if (given)
        weighted_shares(product.data(), given + (i * N + j) * C * C, C, one, other, grad, count, mine,
                        gw + (i * N + j) * C * C);
      else
        top_shares(product.data(), C, one, other, grad, top, mine);
      scale_shares(product.data(), C, one, other, mine, along + 2 * p * C, along + (2 * p + 1) * C);
    }
  });
  std::vector<float> back(N * C);
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
  add_gradients(all, pairs, share, back.data(), grad_clips.mutable_data_ptr<float>());
  return {grad_clips, grad_weight};
}

}  // namespace vreid
