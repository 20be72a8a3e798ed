// Registers the products and functions of portable arithmetic, as the module `vreid_bench._portable`. What they replace
// in torch, and why, is in harness/vreid_bench.system.portable_arithmetic.py.

#include <Python.h>
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>
#include <torch/headeronly/util/Exception.h>

#include <string>

#include "../common/version.h"
#include "functions.h"
#include "products.h"

namespace vreid::portable {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

template <typename T>
void multiply_batch(const Tensor& left, const Tensor& right, Tensor& out) {
  const int64_t rows = left.size(1), depth = left.size(2), columns = right.size(2);
  for (int64_t i = 0; i < left.size(0); ++i) {
    const Matrix<T> a{left.const_data_ptr<T>() + i * left.stride(0), rows, depth, left.stride(1), left.stride(2)};
    const Matrix<T> b{right.const_data_ptr<T>() + i * right.stride(0), depth, columns, right.stride(1), right.stride(2)};
    multiply(a, b, out.mutable_data_ptr<T>() + i * rows * columns);
  }
}

// [B, M, K] and [B, K, N], both float32 or both float64, of any strides -> [B, M, N].
Tensor portable_product(const Tensor& left, const Tensor& right) {
  STD_TORCH_CHECK(left.scalar_type() == right.scalar_type(), "portable_product: expected operands of one type");
  STD_TORCH_CHECK(left.dim() == 3 && right.dim() == 3, "portable_product: expected batches of matrices");
  STD_TORCH_CHECK(left.size(0) == right.size(0) && left.size(2) == right.size(1), "portable_product: sizes do not fit");
  Tensor out = torch::stable::new_empty(left, {left.size(0), left.size(1), right.size(2)});
  if (left.scalar_type() == ScalarType::Float)
    multiply_batch<float>(left, right, out);
  else if (left.scalar_type() == ScalarType::Double)
    multiply_batch<double>(left, right, out);
  else
    STD_TORCH_CHECK(false, "portable_product: expected float32 or float64");
  return out;
}

// A contiguous tensor, float32 or float64 -> the function of that name in <cmath>, element by element.
Tensor portable_function(const Tensor& x, std::string name) {
  STD_TORCH_CHECK(x.is_contiguous(), "portable_function: expected a contiguous tensor");
  Tensor out = torch::stable::empty_like(x);
  bool known = false;
  if (x.scalar_type() == ScalarType::Float)
    known = apply_named(name, x.const_data_ptr<float>(), x.numel(), out.mutable_data_ptr<float>());
  else if (x.scalar_type() == ScalarType::Double)
    known = apply_named(name, x.const_data_ptr<double>(), x.numel(), out.mutable_data_ptr<double>());
  STD_TORCH_CHECK(known, "portable_function: expected float32 or float64 and a known function");
  return out;
}

}  // namespace vreid::portable

STABLE_TORCH_LIBRARY_FRAGMENT(vreid, m) {
  m.def("portable_product(Tensor left, Tensor right) -> Tensor");
  m.def("portable_function(Tensor x, str name) -> Tensor");
}

STABLE_TORCH_LIBRARY_IMPL(vreid, CPU, m) {
  m.impl("portable_product", TORCH_BOX(&vreid::portable::portable_product));
  m.impl("portable_function", TORCH_BOX(&vreid::portable::portable_function));
}

// Importing the module loads the registrations above.
extern "C" __attribute__((visibility("default"))) PyObject* PyInit__portable(void) {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_portable", nullptr, -1, nullptr, nullptr, nullptr, nullptr,
                                   nullptr};
  PyObject* module = PyModule_Create(&definition);
  if (module) PyModule_AddIntConstant(module, "VERSION", vreid::VERSION);
  return module;
}
