// The weighted mean of the clips of each tracklet.

#pragma once

#include <cstdint>
#include <optional>

#include "tracklets.h"

namespace vreid {

// The weighted mean of the clips of each tracklet: [N, E].
inline Tensor clip_mean(Tensor clips, std::optional<Tensor> valid, std::optional<Tensor> weight, bool normalize,
                        bool count) {
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

}  // namespace vreid
