// Ranks by counting, as the module `vreid_bench._ranks`. harness/vreid_bench/scoring/ranks/reference.py has the same
// functions in NumPy and says what each means; the comments here say only how it is fast. R rows of queries, G gallery
// items, M matches, J junk items, K groups.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "../common/version.h"
#include "distances.h"
#include "embeddings.h"
#include "index_matches.h"

namespace py = pybind11;

template <typename T>
void define(py::module_& module) {
  module.def("count_distances", &vreid::count_distances<T>, py::arg("distance").noconvert(), py::arg("index"),
             py::arg("shard"), py::arg("threads"), py::arg("instruction_set") = "");
  module.def("count_embeddings", &vreid::count_embeddings<T>, py::arg("query").noconvert(),
             py::arg("gallery").noconvert(), py::arg("metric"), py::arg("index"), py::arg("shard"),
             py::arg("threads"), py::arg("instruction_set") = "");
}

PYBIND11_MODULE(_ranks, module) {
  module.doc() = "Ranks by counting: the native form of vreid_bench.scoring.ranks.reference.";
  module.attr("VERSION") = vreid::VERSION;
  module.def("instruction_sets", &vreid::instruction_sets,
             "The instruction sets of this processor that are compiled in, best first.");
  module.def("instruction_set", [] { return vreid::choose_instruction_set(""); }, "The instruction set in use.");
  module.def("index_matches", &vreid::index_matches, py::arg("pids"), py::arg("camids"), py::arg("query"),
             py::arg("gallery"), py::arg("own"));
  define<float>(module);
  define<double>(module);
}
