// Ranks by counting. Twin: ranks_reference.py in harness/vreid_bench/ranking, which has the same functions and says
// what each means; here is only how it is fast. R rows of queries, G gallery items, M matches, J junk items, K groups.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "score_distances.h"
#include "score_embeddings.h"
#include "score_sought.h"

namespace py = pybind11;

template <typename T>
void define(py::module_& module) {
  module.def("count_distances", &vreid::count_distances<T>, py::arg("distance").noconvert(), py::arg("sought"),
             py::arg("shard"), py::arg("threads"), py::arg("path") = "");
  module.def("count_embeddings", &vreid::count_embeddings<T>, py::arg("query").noconvert(),
             py::arg("gallery").noconvert(), py::arg("metric"), py::arg("sought"), py::arg("shard"),
             py::arg("threads"), py::arg("path") = "");
}

PYBIND11_MODULE(_score, module) {
  module.doc() = "Ranks by counting: the native form of vreid_bench.scoring.ranks.reference.";
  module.attr("VERSION") = 2;  // of these functions' arguments; the loader refuses a file left over from another
  module.def("paths", &vreid::paths, "The instruction sets of this processor that are compiled in, best first.");
  module.def("seek", &vreid::seek, py::arg("pids"), py::arg("camids"), py::arg("query"), py::arg("gallery"),
             py::arg("own"));
  define<float>(module);
  define<double>(module);
}
