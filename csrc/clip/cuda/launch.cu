// How the clip kernels are launched. Nothing waits for the GPU, so all of it can be captured in a graph.

#include "launch.h"

#include "kernels.cuh"

#include <cmath>

namespace vreid {
namespace {

template <Operand operand>
void reduce(const Pairs& pairs, Reduction reduction, dim3 grid, cudaStream_t stream) {
  switch (reduction) {
    case Reduction::top16: return clip_pairs<operand, Reduction::top16><<<grid, THREADS, 0, stream>>>(pairs);
    case Reduction::top: return clip_pairs<operand, Reduction::top><<<grid, THREADS, 0, stream>>>(pairs);
    case Reduction::pairwise: return clip_pairs<operand, Reduction::pairwise><<<grid, THREADS, 0, stream>>>(pairs);
  }
}

unsigned blocks(int64_t items, int64_t each) { return unsigned((items + each - 1) / each); }

template <typename T>
void scales(const Side& side, int64_t E, bool normalize, cudaStream_t stream) {
  const int64_t rows = side.tracklets * side.clips;
  if (rows)
    clip_scales<T><<<blocks(rows, WARPS), THREADS, 0, stream>>>((const T*)side.data, side.valid, rows, E, normalize,
                                                                side.scale);
}

}  // namespace

cudaError_t launch_scales(Side side, Type type, int64_t E, bool normalize, cudaStream_t stream) {
  if (type == Type::bf16) scales<__nv_bfloat16>(side, E, normalize, stream);
  if (type == Type::fp16) scales<__half>(side, E, normalize, stream);
  if (type == Type::fp32) scales<float>(side, E, normalize, stream);
  return cudaGetLastError();
}

cudaError_t launch_pairs(Side query, Side gallery, Type type, int64_t E, Rule rule, Output output,
                         cudaStream_t stream) {
  if (!query.tracklets || !gallery.tracklets) return cudaSuccess;
  const int64_t C = query.clips, K = gallery.clips;
  const Pairs pairs{query.data,  gallery.data,      query.scale,       gallery.scale,
                    rule.weight, query.tracklets,   gallery.tracklets, int(C),
                    int(K),      E * (type == Type::fp32 ? 4 : 2),     rule.top,
                    rule.count,  output.similarity, output.pid,        output.best};
  const bool few = std::ceil(rule.top * double(C * K) - 1e-9) <= 16;
  const Reduction reduction = rule.weight ? Reduction::pairwise : few ? Reduction::top16 : Reduction::top;
  const dim3 grid(blocks(gallery.tracklets, COLUMNS / K), blocks(query.tracklets, ROWS / C));
  if (type == Type::bf16) reduce<Operand::bf16>(pairs, reduction, grid, stream);
  if (type == Type::fp16) reduce<Operand::fp16>(pairs, reduction, grid, stream);
  if (type == Type::fp32 && rule.tf32) reduce<Operand::tf32>(pairs, reduction, grid, stream);
  if (type == Type::fp32 && !rule.tf32) reduce<Operand::tf32x3>(pairs, reduction, grid, stream);
  return cudaGetLastError();
}

cudaError_t launch_unpack(const unsigned long long* best, int64_t N, float* distance, int64_t* index,
                          cudaStream_t stream) {
  if (N) clip_unpack<<<blocks(2 * N, THREADS), THREADS, 0, stream>>>(best, N, distance, index);
  return cudaGetLastError();
}

}  // namespace vreid
