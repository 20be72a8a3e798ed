// Registers the clip ops on the CPU, as the module `vreid_bench._clip_cpu`. The headers beside this file say only how
// they are fast; what they mean is in harness/vreid_bench/ops/clip_reference.py.
//
// Everything is built on LibTorch's stable ABI, so that one binary serves torch 2.11 and newer.

#include <Python.h>
#include <torch/csrc/stable/library.h>

#include "../../common/version.h"
#include "hardest.h"
#include "hardest_backward.h"
#include "mean.h"
#include "similarity.h"

// tf32: may the GPU round float32 operands to 10 bits, as torch's own products may by its setting?
STABLE_TORCH_LIBRARY_FRAGMENT(vreid, m) {
  m.def("clip_mean(Tensor clips, Tensor? valid, Tensor? weight, bool normalize, bool count) -> Tensor");
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
  m.impl("clip_mean", TORCH_BOX(&vreid::clip_mean));
  m.impl("clip_similarity", TORCH_BOX(&vreid::clip_similarity));
  m.impl("clip_hardest", TORCH_BOX(&vreid::clip_hardest));
  m.impl("clip_hardest_backward", TORCH_BOX(&vreid::clip_hardest_backward));
}

// Importing the module loads the registrations above. Its constants say what was chosen.
extern "C" __attribute__((visibility("default"))) PyObject* PyInit__clip_cpu(void) {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_clip_cpu", nullptr, -1, nullptr, nullptr, nullptr, nullptr,
                                   nullptr};
  PyObject* module = PyModule_Create(&definition);
  if (module) {
    PyModule_AddIntConstant(module, "VERSION", vreid::VERSION);
    PyModule_AddStringConstant(module, "INSTRUCTION_SET", vreid::instruction_set().c_str());
    // are bfloat16 operands multiplied as they are?
    PyModule_AddIntConstant(module, "HALVES", vreid::products().halves != nullptr);
  }
  return module;
}
