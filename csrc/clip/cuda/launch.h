// The launches that the registration of the CUDA ops calls: plain pointers, no torch.

#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace vreid {

constexpr int64_t MOST_QUERY_CLIPS = 128, MOST_GALLERY_CLIPS = 64;  // a tracklet's clips have to fit in a tile

enum class Type { bf16, fp16, fp32 };

struct Side {
  const void* data;  // [tracklets, clips, E], contiguous, rows of whole 16 bytes
  const bool* valid;  // [tracklets, clips], or null
  float* scale;       // [tracklets, clips], written by `launch_scales`
  int64_t tracklets, clips;
};

struct Rule {
  const float* weight;  // [Q, G, C, K], or null for the top
  double top;
  bool count, tf32;
};

struct Output {
  float* similarity;         // [Q, G], or null for
  const int64_t* pid;        // [N] the labels of batch-hard and
  unsigned long long* best;  // [2, N] its keys, zero before
};

cudaError_t launch_scales(Side side, Type type, int64_t E, bool normalize, cudaStream_t stream);
cudaError_t launch_pairs(Side query, Side gallery, Type type, int64_t E, Rule rule, Output output, cudaStream_t stream);
cudaError_t launch_unpack(const unsigned long long* best, int64_t N, float* distance, int64_t* index,
                          cudaStream_t stream);

}  // namespace vreid
