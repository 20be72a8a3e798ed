// Functions of single numbers, computed in double precision by the C library and then rounded. The C library's errors
// are below one unit in the last place of a double, so those of float results are invisible, but for a value that falls
// on the middle between two floats to 29 further bits.

#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace vreid::portable {

template <typename T, typename Function>
void apply(const T* x, int64_t count, T* out, Function function) {
  for (int64_t i = 0; i < count; ++i) out[i] = T(function(double(x[i])));
}

// The inverse of erf, by Newton's method from the approximation of Giles ("Approximating the erfinv function", 2010).
inline double erfinv(double y) {
  if (!(std::abs(y) < 1)) return std::abs(y) == 1 ? y * HUGE_VAL : NAN;
  const double w = -std::log1p(-y * y);
  double x = y * (w < 5 ? 1.50140941 + (w - 2.5) * (0.246640727 + (w - 2.5) * -0.00417768164)
                        : 2.83297682 + (std::sqrt(w) - 3) * (1.00167406 + (std::sqrt(w) - 3) * 0.00943887047));
  for (int step = 0; step < 8; ++step) {
    // near 1 the complement keeps the digits that the difference of erf and y would lose
    const double error = x > 0.5 ? (1 - y) - std::erfc(x) : x < -0.5 ? std::erfc(-x) - (1 + y) : std::erf(x) - y;
    x -= error * 0.886226925452758 * std::exp(x * x);
  }
  return x;
}

// out[i] = f(x[i]), for the function of that name; false if there is none of that name here.
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
  if (name == "erfinv") return apply(x, count, out, erfinv), true;
  if (name != "sqrt") return false;
  for (int64_t i = 0; i < count; ++i) out[i] = std::sqrt(x[i]);  // exact, so the same everywhere
  return true;
}

}  // namespace vreid::portable
