// Tensors as the clip ops make them, and the kernels in use.

#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <optional>
#include <string>
#include <vector>

#include "kernels.h"
#include "products.h"

namespace vreid {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;
using torch::stable::parallel_for;

// The instruction set in use.
inline const std::string& instruction_set() {
  static const std::string chosen = choose_instruction_set("");
  return chosen;
}

inline const ClipKernels& kernels() {
  static const ClipKernels chosen = choose_kernels(instruction_set());
  return chosen;
}

inline const Products& products() {
  static const Products chosen = choose_products(instruction_set());
  return chosen;
}

inline Tensor empty(const Tensor& like, std::vector<int64_t> shape, ScalarType type = ScalarType::Float) {
  return torch::stable::new_empty(like, shape, type);
}

inline Tensor zeros(const Tensor& like, std::vector<int64_t> shape) {
  return torch::stable::new_zeros(like, shape, ScalarType::Float);
}

// The numbers of a weight, null for none.
inline const float* weights(const std::optional<Tensor>& weight) {
  return weight ? weight->const_data_ptr<float>() : nullptr;
}

}  // namespace vreid
