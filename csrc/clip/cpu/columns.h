// The gallery side of a tile of products.

#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "tracklets.h"

namespace vreid {

// out[rows, columns] = a[rows, E] b[columns, E]^T in float32, all contiguous.
inline void multiply(const Tensor& like, const void* a, int64_t rows, const void* b, int64_t columns, int64_t E, void* out) {
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
  Tensor same = torch::stable::detail::to<Tensor>(stack[0]);  // mm returns its output once more, which is ours to release
}

// Some gallery tracklets as the right-hand side of tiles. For `top` their clips are ordered [group, K, lane] over groups
// of as many tracklets as a register has lanes, so that a row of products is registers of tracklets; where products.h
// multiplies, they come in panels.
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

  // How far apart the rows of a tile of so many tracklets are.
  int64_t clips(int64_t tracklets) const {
    const int64_t found = whole(tracklets) * gallery.C;
    return panels() ? (found + PANEL - 1) / PANEL * PANEL : found;
  }

  int64_t stride(int64_t column) const { return clips(last - column); }

  // Takes the tracklets [begin, end).
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
        else if (rows[0])  // not memcpy, which needs an address even for no bytes
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

  // The clip of a place, null for none; for `top` it also fills in the numbers of the place.
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

}  // namespace vreid
