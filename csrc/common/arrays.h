// NumPy arrays as the modules take them.

#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <stdexcept>

namespace vreid {

namespace py = pybind11;

template <typename T>
using Array = py::array_t<T, py::array::c_style>;

// Throws what becomes a ValueError.
inline void require(bool holds, const char* sentence) {
  if (!holds) throw std::invalid_argument(sentence);
}

}  // namespace vreid
