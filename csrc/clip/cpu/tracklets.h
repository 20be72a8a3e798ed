// The tracklets of one side.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

#include "tensors.h"

namespace vreid {

// Tracklets of a contiguous tensor [N, C, E], with what their clips are multiplied by.
struct Tracklets {
  const Tensor& clips;
  const int64_t N, C, E;
  const bool half;
  const char* const data;
  Tensor scales, faults, valids;  // [N, C], [N], [N, C]
  float* const scale;
  float* const fault;  // 0, or NaN if a number of a valid clip is not finite
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

}  // namespace vreid
