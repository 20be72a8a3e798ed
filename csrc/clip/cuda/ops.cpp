// The clip ops on the GPU, as the module `vreid_bench._clip_cuda`: allocation, stream and launch, on LibTorch's stable
// ABI. csrc/clip/cpu/ops.cpp declares the ops.

#define USE_CUDA  // the headers then declare what a CUDA build of torch has

#include "launch.h"

#include <Python.h>
#include <torch/csrc/stable/accelerator.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <optional>
#include <tuple>
#include <vector>

#include "../../common/version.h"

namespace vreid {
namespace {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

Tensor empty(const Tensor& like, std::vector<int64_t> shape, ScalarType type = ScalarType::Float) {
  return torch::stable::new_empty(like, shape, type);
}

void check(cudaError_t status) {
  STD_TORCH_CHECK(status == cudaSuccess, "clip ops: a kernel was not launched: ", cudaGetErrorString(status));
}

cudaStream_t stream_of(const Tensor& tensor) {
  void* stream = nullptr;
  STD_TORCH_CHECK(aoti_torch_get_current_cuda_stream(tensor.get_device_index(), &stream) == AOTI_TORCH_SUCCESS,
                  "clip ops: torch has no stream for GPU ", tensor.get_device_index());
  return static_cast<cudaStream_t>(stream);
}

Type type_of(const Tensor& clips) {
  const ScalarType type = clips.scalar_type();
  STD_TORCH_CHECK(type == ScalarType::BFloat16 || type == ScalarType::Half || type == ScalarType::Float,
                  "clip ops: clips must be bfloat16, float16 or float32");
  return type == ScalarType::BFloat16 ? Type::bf16 : type == ScalarType::Half ? Type::fp16 : Type::fp32;
}

// Clips with their scales. `held` keeps these alive until the kernels are launched; from then on the stream does.
Side side(const Tensor& clips, const std::optional<Tensor>& valid, bool normalize, cudaStream_t stream, Tensor& held) {
  held = empty(clips, {clips.size(0), clips.size(1)});
  const Side found{clips.const_data_ptr(), valid ? valid->const_data_ptr<bool>() : nullptr,
                   held.mutable_data_ptr<float>(), clips.size(0), clips.size(1)};
  check(launch_scales(found, type_of(clips), clips.size(2), normalize, stream));
  return found;
}

Rule rule_of(const std::optional<Tensor>& weight, double top, bool count, bool tf32) {
  return {weight ? weight->const_data_ptr<float>() : nullptr, top, count, tf32};
}

Tensor clip_similarity(Tensor query, Tensor gallery, std::optional<Tensor> query_valid,
                       std::optional<Tensor> gallery_valid, std::optional<Tensor> weight, double top, bool normalize,
                       bool count, bool tf32) {
  const torch::stable::accelerator::DeviceGuard guard(query.get_device_index());
  const cudaStream_t stream = stream_of(query);
  Tensor out = empty(query, {query.size(0), gallery.size(0)}), own, other;
  const Side left = side(query, query_valid, normalize, stream, own);
  const Side right = side(gallery, gallery_valid, normalize, stream, other);
  check(launch_pairs(left, right, type_of(query), query.size(2), rule_of(weight, top, count, tf32),
                     {out.mutable_data_ptr<float>(), nullptr, nullptr}, stream));
  return out;
}

std::tuple<Tensor, Tensor, Tensor, Tensor> clip_hardest(Tensor clips, Tensor pids, std::optional<Tensor> valid,
                                                        std::optional<Tensor> weight, double top, bool normalize,
                                                        bool count, bool tf32) {
  const torch::stable::accelerator::DeviceGuard guard(clips.get_device_index());
  const cudaStream_t stream = stream_of(clips);
  const int64_t N = clips.size(0);
  Tensor best = torch::stable::new_zeros(clips, {2, N}, ScalarType::Long), scales;
  auto* keys = reinterpret_cast<unsigned long long*>(best.mutable_data_ptr<int64_t>());
  const Side both = side(clips, valid, normalize, stream, scales);
  check(launch_pairs(both, both, type_of(clips), clips.size(2), rule_of(weight, top, count, tf32),
                     {nullptr, pids.const_data_ptr<int64_t>(), keys}, stream));
  Tensor distance = empty(clips, {2, N}), index = empty(clips, {2, N}, ScalarType::Long);
  check(launch_unpack(keys, N, distance.mutable_data_ptr<float>(), index.mutable_data_ptr<int64_t>(), stream));
  auto half = [](const Tensor& whole, int64_t at) { return torch::stable::clone(torch::stable::select(whole, 0, at)); };
  return {half(distance, 0), half(distance, 1), half(index, 0), half(index, 1)};
}

}  // namespace
}  // namespace vreid

STABLE_TORCH_LIBRARY_IMPL(vreid, CUDA, m) {
  m.impl("clip_similarity", TORCH_BOX(&vreid::clip_similarity));
  m.impl("clip_hardest", TORCH_BOX(&vreid::clip_hardest));
}

// Importing the module loads the registrations above.
extern "C" __attribute__((visibility("default"))) PyObject* PyInit__clip_cuda(void) {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_clip_cuda", nullptr, -1, nullptr, nullptr, nullptr,
                                   nullptr, nullptr};
  PyObject* module = PyModule_Create(&definition);
  if (module) PyModule_AddIntConstant(module, "VERSION", vreid::VERSION);
  return module;
}
