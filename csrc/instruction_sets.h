// Which instruction sets this processor has, among those that kernels are compiled for.

#pragma once

#include <string>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#define VREID_X86 1
#include <immintrin.h>
#endif

namespace vreid {

// Best first; `plain` is what every processor of this architecture has.
inline std::vector<std::string> paths() {
  std::vector<std::string> found;
#ifdef VREID_X86
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    found.push_back("avx512");
  if (v3) found.push_back("avx2");
#endif
  found.push_back("plain");
  return found;
}

}  // namespace vreid
