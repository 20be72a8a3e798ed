// Functions of single numbers, computed in double precision by the C library and then rounded. The C library's errors
// are below one unit in the last place of a double, so those of float results are invisible, but for a value that falls
// on the middle between two floats to 29 further bits.

#pragma once

#include <cmath>
#include <cstdint>

namespace vreid::portable {

template <typename T, typename Function>
void apply(const T* x, int64_t count, T* out, Function function) {
  for (int64_t i = 0; i < count; ++i) out[i] = T(function(double(x[i])));
}

// out[i] = f(x[i]), for the function of that name in <cmath>; false if there is none of that name here.
template <typename T>
bool apply_named(const std::string& name, const T* x, int64_t count, T* out) {
#define VREID_FUNCTION(function) \
  if (name == #function) return apply(x, count, out, [](double value) { return std::function(value); }), true;
  VREID_FUNCTION(exp)
  VREID_FUNCTION(log)
  VREID_FUNCTION(log2)
  VREID_FUNCTION(log10)
  VREID_FUNCTION(tanh)
  VREID_FUNCTION(erf)
  VREID_FUNCTION(erfc)
  VREID_FUNCTION(sin)
  VREID_FUNCTION(cos)
  VREID_FUNCTION(tan)
  VREID_FUNCTION(asin)
  VREID_FUNCTION(acos)
  VREID_FUNCTION(atan)
#undef VREID_FUNCTION
  if (name != "sqrt") return false;
  for (int64_t i = 0; i < count; ++i) out[i] = std::sqrt(x[i]);  // exact, so the same everywhere
  return true;
}

}  // namespace vreid::portable
